/** Prints a ruleset like iptables-save (legacy, 1.8.9). */
import { HOOK_NAMES, type TableName, VERDICT_NAMES } from '../hooks.js';
import { saveBase } from './base-match.js';
import type { Chain, Match, Rule, Ruleset, SavedCounters, Table, Target } from './model.js';

/**
 * The canonical text of RULESET, like `iptables-save`, or `iptables-save -c` with COUNTERS. Tables are in the kernel's
 * order: the last one first.
 */
export function saveRuleset(ruleset: Ruleset, counters?: ReadonlyMap<TableName, SavedCounters>): string {
  const tables = [...ruleset.tables].reverse();
  return tables.map((table) => saveTable(table, counters?.get(table.name))).join('');
}

function saveTable(table: Table, counters: SavedCounters | undefined): string {
  const lines = [`*${table.name}`];
  for (const chain of table.chains) lines.push(saveChain(chain, counters));
  for (const rule of table.rules) {
    const counts = counters === undefined ? '' : `${formatCounts(counters.rules, rule.index)} `;
    lines.push(counts + saveAppended(rule));
  }
  lines.push('COMMIT', '');
  return lines.join('\n');
}

function saveChain({ name, hook, policy }: Chain, counters: SavedCounters | undefined): string {
  if (hook === undefined) return `:${name} - [0:0]`;
  const counts = counters === undefined ? '[0:0]' : formatCounts(counters.policies, hook);
  return `:${HOOK_NAMES[hook]} ${VERDICT_NAMES[policy]} ${counts}`;
}

/** `-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT` */
export function saveAppended(rule: Rule): string {
  return `-A ${rule.chain}${saveRule(rule)}`;
}

/** The text after `-A chain`, with a leading space. */
export function saveRule(rule: Rule): string {
  if (rule.verbatim !== undefined) return rule.verbatim === '' ? '' : ` ${rule.verbatim}`;
  return saveBase(rule.base) + saveMatches(rule.matches) + saveTarget(rule.target);
}

export function saveMatches(matches: readonly Match[]): string {
  let text = '';
  for (const { extension, params } of matches) text += ` -m ${extension.name}${extension.save(params)}`;
  return text;
}

export function saveTarget(target: Target): string {
  switch (target.kind) {
    case 'none':
      return '';
    case 'verdict':
      return ` -j ${VERDICT_NAMES[target.verdict]}`;
    case 'jump':
      return ` -j ${target.chain}`;
    case 'goto':
      return ` -g ${target.chain}`;
    case 'extension':
      return ` -j ${target.extension.name}${target.extension.save(target.params)}`;
  }
}

function formatCounts(counts: Float64Array, index: number): string {
  return `[${counts[index * 2]}:${counts[index * 2 + 1]}]`;
}
