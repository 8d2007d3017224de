/** A rule blocks packets that a later rule of the same chain would let pass, which no packet can ever reach. */

import { lowerRule } from '../../../core/rules/lower.js';
import type { Rule } from '../../../core/rules/model.js';
import { commandHead, commandText } from '../../command.js';
import { ruleText } from '../../story/rule-words.js';
import { type Check, type Examined, type Failure, NOT_TRIED, type Steps } from '../check.js';
import { coversSteps } from '../covers.js';
import { Evidence, type Shown } from '../evidence.js';
import { isAccepted, type MatchedRule, type PacketRecord } from '../packet-record.js';
import { chainOf } from '../rule-lookup.js';
import { insertCommand, packetText, untried } from '../words.js';

const CODE = 'accept-after-reject';
/** Each of them is tried by replaying the captures again. */
const MAX_TRIED = 12;

export const ACCEPT_AFTER_REJECT: Check = {
  code: CODE,
  needs: ['captures'],
  begin(examined) {
    const evidence = new Evidence<Rule>();
    return {
      follow(record) {
        const { table, rule } = record.dropped?.cause ?? {};
        // In a chain of a user the rule is meant for what jumps there.
        if (
          table !== 'filter' ||
          rule === undefined ||
          chainOf(examined.current(), 'filter', rule.chain)?.hook === undefined
        )
          return;
        if (rule.matches.length === 0 || rule.matches.every(({ extension }) => extension.name === 'comment'))
          evidence.note(rule, record, rule);
      },
      *findings() {
        const failures: Failure[] = [];
        for (const [i, shown] of evidence.all.entries()) {
          const found = i < MAX_TRIED ? yield* findingOf(shown, examined) : NOT_TRIED;
          if (found === NOT_TRIED) examined.leaveOut(leftOut(shown.detail));
          else if (found !== undefined) failures.push(found);
        }
        return failures;
      },
    };
  },
};

function leftOut({ chain, number }: Rule): string {
  return `${CODE}: not tried whether a rule after ${chain} ${number} would let its packets pass: there is too much to replay`;
}

function* findingOf(shown: Shown<Rule>, examined: Examined): Steps<Failure | undefined | typeof NOT_TRIED> {
  const { detail: blocking, first, packets } = shown;
  const without = yield* examined.tries(
    [commandText(commandHead('filter', '-D', blocking.chain, blocking.number))],
    first,
  );
  if (without === NOT_TRIED) return NOT_TRIED;
  if (without === undefined || !isAccepted(without)) return undefined;
  const way = wayToAccept(without, blocking.chain);
  const later = way[0];
  if (later === undefined || later.number < blocking.number) return undefined;
  const names = examined.host.interfaceNames;
  const steps = way.flatMap((rule) => lowerRule(rule, names));
  if (!coversSteps(blocking, steps, names)) return undefined;
  const moved = chainOf(examined.ruleset, 'filter', blocking.chain)?.rules.find(
    (rule) => rule.file === later.file && rule.line === later.line,
  );
  if (moved === undefined) return undefined;
  const command = insertCommand('filter', moved, blocking.number);
  const after = yield* examined.tries([command], first);
  if (after !== NOT_TRIED && (after === undefined || !isAccepted(after))) return undefined;
  return {
    message:
      `${packetText(first)} meets ${blocking.chain} ${blocking.number}, ${ruleText(blocking)}, before ` +
      `${blocking.chain} ${moved.number}, which would let it pass and which such packets never reach`,
    rules: [blocking, ...way],
    packets,
    change: after === NOT_TRIED ? untried(command) : command,
  };
}

/** The rules by which RECORD's packet came from the base chain CHAIN to where it was accepted. */
function wayToAccept(record: PacketRecord, chain: string): Rule[] {
  const atHook = record.matched.filter(({ table, hook }) => table === 'filter' && hook === chain);
  const way: MatchedRule[] = [];
  for (let i = atHook.length - 1; i >= 0; i--) {
    const { rule } = atHook[i];
    const { target } = rule;
    const wanted = way[0]?.rule.chain;
    const isEnd = wanted === undefined && target.kind === 'verdict';
    const leads = (target.kind === 'jump' || target.kind === 'goto') && target.chain === wanted;
    if (isEnd || leads) way.unshift(atHook[i]);
    if (way[0]?.rule.chain === chain) return way.map(({ rule: one }) => one);
  }
  return [];
}
