/** Random rulesets over all five tables, as text for iptables-restore. */
import { type ExtensionChoice, randomExtension } from './extensions/random-extension.js';
import type { Prng } from './prng.js';
import { baseMatch, randomFlow, randomMatches } from './random-matches.js';
import { randomTarget } from './random-targets.js';
import type { World } from './world.js';

export interface RuleTraits {
  /** Probability that a table has rules. */
  tables: Partial<Record<TableName, number>>;
  /** Maximum number of rules in a base chain. */
  rules: number;
  extensions: ExtensionChoice;
}

export const TABLE_NAMES = ['raw', 'mangle', 'nat', 'filter', 'security'] as const;
export type TableName = (typeof TABLE_NAMES)[number];

/** The base chains of each table. */
export const BASE_CHAINS: Record<TableName, readonly string[]> = {
  raw: ['PREROUTING', 'OUTPUT'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  security: ['INPUT', 'FORWARD', 'OUTPUT'],
};

export interface Chain {
  name: string;
  isBase: boolean;
  /** The hooks from which the chain can be reached. */
  hooks: ReadonlySet<string>;
  policy: string;
  /** Lines from `-A` on. */
  rules: string[];
}

export type Ruleset = Map<TableName, Chain[]>;

export function emptyRuleset(): Ruleset {
  return new Map();
}

/** The chains of TABLE in RULESET; creates missing ones with their policies. */
export function tableOf(ruleset: Ruleset, table: TableName): Chain[] {
  const chains =
    ruleset.get(table) ??
    BASE_CHAINS[table].map((name) => ({ name, isBase: true, hooks: new Set([name]), policy: 'ACCEPT', rules: [] }));
  ruleset.set(table, chains);
  return chains;
}

/** Adds random rules to RULESET according to TRAITS. */
export function addRandomRules(prng: Prng, world: World, ruleset: Ruleset, traits: RuleTraits): void {
  for (const table of TABLE_NAMES)
    if (prng.chance(traits.tables[table] ?? 0)) addToTable(prng, world, tableOf(ruleset, table), table, traits);
}

function addToTable(prng: Prng, world: World, chains: Chain[], table: TableName, traits: RuleTraits): void {
  const base = chains.filter((chain) => chain.isBase);
  const own: Chain[] = Array.from({ length: prng.below(4) }, (_, i) => ({
    name: `${table.toUpperCase()}-${i}${prng.chance(0.2) ? '_x.y' : ''}`,
    isBase: false,
    hooks: new Set(
      prng.chance(0.4)
        ? base.map((chain) => chain.name)
        : prng.some(base, prng.between(1, base.length)).map((chain) => chain.name),
    ),
    policy: '-',
    rules: [],
  }));
  chains.push(...own);
  for (const chain of base) {
    if (table === 'filter' && prng.chance(0.12)) chain.policy = 'DROP';
    else if (table !== 'nat' && prng.chance(0.02)) chain.policy = 'DROP';
  }
  // Rules may only jump to later chains, so that there are no loops.
  const order = [...base, ...own];
  for (const chain of [...base, ...own]) {
    const later = own.filter(
      (other) => order.indexOf(other) > order.indexOf(chain) && isWithin(chain.hooks, other.hooks),
    );
    const count = prng.below(chain.isBase ? traits.rules + 1 : 4);
    for (let i = 0; i < count; i++)
      chain.rules.push(randomRule(prng, world, { table, chain, later, extensions: traits.extensions }));
  }
}

const isWithin = (inner: ReadonlySet<string>, outer: ReadonlySet<string>): boolean =>
  [...inner].every((hook) => outer.has(hook));

/** Where a random rule goes, and what it may jump to. */
interface RulePlace {
  table: TableName;
  chain: Chain;
  later: readonly Chain[];
  extensions: ExtensionChoice;
}

function randomRule(prng: Prng, world: World, place: RulePlace): string {
  const { table, chain, later, extensions } = place;
  if (extensions.share > 0 && prng.chance(extensions.share)) {
    const words = extensionRule(prng, world, place);
    if (words !== undefined) return ['-A', chain.name, ...words].join(' ');
  }
  const matches = randomMatches(prng, world, chain.hooks, chain.isBase);
  const target =
    later.length > 0 && prng.chance(0.3)
      ? `-${prng.chance(0.25) ? 'g' : 'j'} ${prng.pick(later).name}`
      : randomTarget(prng, world, table, chain.hooks, matches.protocol);
  return ['-A', chain.name, ...matches.words, target].join(' ');
}

/** A rule with a match or a target of the families, or both; undefined if none may stand in its chain. */
function extensionRule(prng: Prng, world: World, place: RulePlace): string[] | undefined {
  const { table, chain, later, extensions } = place;
  const at = { prng, world, flow: randomFlow(prng, world), table, hooks: chain.hooks };
  const [hasMatch, hasTarget] = prng.weighted([
    [4, [true, false]],
    [3, [false, true]],
    [2, [true, true]],
  ] as const);
  const match = hasMatch ? randomExtension(extensions, 'matches', at) : undefined;
  const target = hasTarget ? randomExtension(extensions, 'targets', at) : undefined;
  if (match === undefined && target === undefined) return undefined;
  const needed = match?.protocol ?? target?.protocol;
  if (match?.protocol !== undefined && target?.protocol !== undefined && match.protocol !== target.protocol) {
    return undefined;
  }
  const base = needed !== undefined ? [`-p ${needed}`] : prng.chance(0.5) ? [] : baseMatch(prng, world, at.flow);
  const jumps = later.length > 0 && prng.chance(0.3);
  const end =
    target?.text ??
    (jumps ? `-j ${prng.pick(later).name}` : randomTarget(prng, world, table, chain.hooks, needed ?? ''));
  return [...base, ...(match === undefined ? [] : [match.text]), end];
}

/** RULESET as iptables-restore reads it. */
export function formatRuleset(ruleset: Ruleset): string {
  const lines: string[] = [];
  for (const [table, chains] of ruleset) {
    lines.push(`*${table}`);
    for (const chain of chains) lines.push(`:${chain.name} ${chain.policy} [0:0]`);
    for (const chain of chains) lines.push(...chain.rules);
    lines.push('COMMIT');
  }
  return `${lines.join('\n')}\n`;
}
