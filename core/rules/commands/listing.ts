/** Lists the rules of a table as `iptables -S` does. */
import { VERDICT_NAMES } from '../../hooks.js';
import { saveBase } from '../base-match.js';
import type { RuleDraft } from '../parse/command.js';
import { saveMatches, saveTarget } from '../save.js';
import type { EditedTable } from './edited-table.js';

export interface ListOptions {
  /** Undefined: all chains. */
  readonly chain: string | undefined;
  /** The number of the only rule that is listed, from 1. The names of chains are then left out. */
  readonly position: number | undefined;
  /** Whether counters are listed. */
  readonly counters: boolean;
}

export function listRules(table: EditedTable, { chain, position, counters }: ListOptions): string {
  const chains = table.sortedChains.filter(({ name }) => chain === undefined || name === chain);
  const counted = (packets: number, bytes: number): string => (counters ? ` -c ${packets} ${bytes}` : '');
  let text = '';
  for (const { name, hook, policy, packets, bytes } of position === undefined ? chains : []) {
    if (hook === undefined) text += `-N ${name}\n`;
    else text += `-P ${name} ${VERDICT_NAMES[policy]}${counted(packets, bytes)}\n`;
  }
  for (const { name, rules } of chains) {
    for (const [i, { draft, packets, bytes }] of rules.entries()) {
      if (position !== undefined && i + 1 !== position) continue;
      text += `-A ${name}${saveDraft(draft, counted(packets, bytes))}\n`;
    }
  }
  return text;
}

/** COUNTERS stand before the target. */
function saveDraft({ base, matches, target, verbatim }: RuleDraft, counters: string): string {
  if (verbatim !== undefined) return verbatim === '' ? counters : ` ${verbatim}${counters}`;
  return saveBase(base) + saveMatches(matches) + counters + saveTarget(target);
}
