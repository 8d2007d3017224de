/**
 * Counts how often each rule is evaluated. A ruleset's counters only show what matched, so the ruleset runs once more
 * with probe rules added, which match every packet and do nothing: one at the head of each chain, and one after each
 * jump, from which a packet may or may not return. The counts are exact.
 */
import type { Emulator } from '../core/emulator.js';
import { fieldRow, isFixed } from '../core/fields.js';
import type { TableName } from '../core/hooks.js';
import { ANY_PACKET } from '../core/rules/base-match.js';
import { ruleReads } from '../core/rules/lower.js';
import type { Chain, Rule, Ruleset, Table } from '../core/rules/model.js';
import { saveRule } from '../core/rules/save.js';

/** What one rule costs if rules are evaluated one by one. */
export interface RuleCost {
  readonly table: TableName;
  readonly chain: string;
  readonly number: number;
  readonly rule: string;
  /** How many packets reached the rule, and how many of them it matched. */
  readonly asked: number;
  readonly matched: number;
  /** The fields it reads that the connection does not fix: because of these, it is evaluated for every packet. */
  readonly readsOfPacket: readonly string[];
}

export interface ChainCost {
  readonly table: TableName;
  readonly chain: string;
  /** How many packets entered the chain, and how many evaluations its rules took in all. */
  readonly packets: number;
  readonly asked: number;
}

export interface RulesCost {
  readonly rules: readonly RuleCost[];
  readonly chains: readonly ChainCost[];
}

/** A ruleset with probes. It treats every packet as the original does. */
export interface ProbedRuleset {
  readonly ruleset: Ruleset;
  /** The added rules. */
  readonly probes: ReadonlySet<Rule>;
}

export function withProbes(ruleset: Ruleset): ProbedRuleset {
  const probes = new Set<Rule>();
  const tables = ruleset.tables.map((table) => probeTable(table, probes));
  return { ruleset: { ...ruleset, tables }, probes };
}

function probeTable(table: Table, probes: Set<Rule>): Table {
  const rules: Rule[] = [];
  const add = (rule: Rule) => {
    const placed = { ...rule, index: rules.length };
    rules.push(placed);
    return placed;
  };
  const addProbe = (near: Rule) => {
    const placed = add({
      ...near,
      base: ANY_PACKET,
      matches: [],
      target: { kind: 'none' },
      unsupported: undefined,
      verbatim: undefined,
    });
    probes.add(placed);
    return placed;
  };
  const chains = table.chains.map((chain): Chain => {
    const own = chain.rules.flatMap((rule, i) => [
      ...(i === 0 ? [addProbe(rule)] : []),
      add(rule),
      ...(isJump(rule) ? [addProbe(rule)] : []),
    ]);
    return { ...chain, rules: own };
  });
  return { ...table, chains, rules };
}

const isJump = ({ target }: Rule) => target.kind === 'jump';

/** Whether a packet that RULE matched skips the rest of its chain. For a jump only a probe can tell. */
function endsChain({ target }: Rule): boolean {
  switch (target.kind) {
    case 'verdict':
    case 'goto':
      return true;
    case 'extension':
      return target.extension.terminates;
    default:
      return false;
  }
}

/** The costs of a ruleset, from the counters of EMULATOR, which ran it as PROBED. */
export function rulesCost({ ruleset, probes }: ProbedRuleset, { counters }: Emulator): RulesCost {
  const rules: RuleCost[] = [];
  const chains: ChainCost[] = [];
  for (const table of ruleset.tables) {
    const counted = counters.get(table.name)!.rules;
    for (const chain of table.chains) {
      const own = costsOfChain(table.name, chain, probes, counted);
      rules.push(...own);
      const asked = own.reduce((sum, rule) => sum + rule.asked, 0);
      if (asked > 0) chains.push({ table: table.name, chain: chain.name, packets: own[0].asked, asked });
    }
  }
  return { rules, chains };
}

function costsOfChain(table: TableName, chain: Chain, probes: ReadonlySet<Rule>, counted: Float64Array): RuleCost[] {
  const costs: RuleCost[] = [];
  let asked = 0;
  for (const rule of chain.rules) {
    const matched = counted[rule.index * 2];
    if (probes.has(rule)) {
      asked = matched;
      continue;
    }
    const { number } = rule;
    const text = saveRule(rule).trim();
    costs.push({ table, chain: chain.name, number, rule: text, asked, matched, readsOfPacket: readsOfPacket(rule) });
    if (endsChain(rule)) asked -= matched;
  }
  return costs;
}

/** Labels of the fields that RULE reads and that may differ between two packets of one connection. */
function readsOfPacket(rule: Rule): string[] {
  return [...ruleReads(rule)].filter((name) => !isFixed(name)).map((name) => fieldRow(name).label);
}
