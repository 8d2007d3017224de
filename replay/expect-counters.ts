/** Compares the counters of a replay with those that a host saved (`iptables-save -c`). */
import type { TableName } from '../core/hooks.js';
import { readRules } from '../core/rules/forms/read-rules.js';
import { loadedCounters } from '../core/rules/loaded-counters.js';
import type { Chain, Rule, Ruleset, SavedCounters } from '../core/rules/model.js';
import { saveRule } from '../core/rules/save.js';
import type { LiveOptions } from '../io/capture-file.js';
import { readText } from '../io/text-file.js';
import { ReplayOptionsError } from './errors.js';

export interface PacketsAndBytes {
  packets: number;
  bytes: number;
}

/** A rule or policy whose counters differ, or which only one of the two rulesets has. */
export interface CounterDifference {
  table: TableName;
  chain: string;
  /** A rule's number in its chain, from 1, and its text as iptables-save writes it, without `-A CHAIN`. */
  number?: number;
  rule?: string;
  /** Where the replayed ruleset has it, and what the replay counted. Absent: it has no such rule. */
  file?: string;
  line?: number;
  found?: PacketsAndBytes;
  /** Where the expected counters are. Absent: there are none for this rule. */
  expectedFile?: string;
  expectedLine?: number;
  expected?: PacketsAndBytes;
}

export interface CountersSummary {
  /** The files with the expected counters; of two, the first is subtracted from the second. */
  files: string[];
  /** Rules and policies that count the same. */
  same: number;
  different: number;
  /** Policies that were not compared: iptables-nft of some versions saves none but zeros. */
  policiesLeftOut?: number;
  /** The first of those that differ, in the order in which packets meet the tables. */
  listed: CounterDifference[];
}

/** The order in which packets meet the tables. */
const TABLE_ORDER: readonly TableName[] = ['raw', 'mangle', 'nat', 'filter', 'security'];
const MAX_LISTED = 100;

interface Counted {
  readonly table: TableName;
  readonly chain: string;
  readonly number?: number;
  readonly rule?: string;
  readonly file: string;
  readonly line: number;
  readonly packets: number;
  readonly bytes: number;
}

/** The expected counters in PATHS: one file, or two of which the first is subtracted. */
export class ExpectedCounters {
  readonly #paths: readonly string[];
  readonly #expected: ReadonlyMap<string, Counted>;

  /**
   * @throws {ReplayOptionsError} if there are more than two, or the two have different rules
   * @throws {RulesetError} if one is no ruleset, or without counters
   * @throws {FileError} if one cannot be read
   */
  constructor(paths: readonly string[], live: LiveOptions = {}) {
    if (paths.length > 2) throw new ReplayOptionsError('--expect-counters takes one file, or two: before and after');
    this.#paths = paths;
    const [first, second] = paths.map((path) => {
      const text = readText(path, live);
      const source = { text, file: path };
      const ruleset = readRules(source, { lax: true, family: 'ipv4' });
      return keyed(countedIn(ruleset, loadedCounters(ruleset, [source])));
    });
    this.#expected = second === undefined ? first : subtracted(second, first, paths);
  }

  /** Compares with COUNTERS of RULESET. */
  compare(ruleset: Ruleset, counters: ReadonlyMap<TableName, SavedCounters>): CountersSummary {
    const expected = new Map(this.#expected);
    const hasPolicies = hasPolicyCounters(expected);
    const differences: CounterDifference[] = [];
    let [same, left] = [0, 0];
    for (const [key, found] of keyed(countedIn(ruleset, counters))) {
      const wanted = expected.get(key);
      expected.delete(key);
      if (found.number === undefined && (wanted === undefined || !hasPolicies)) left++;
      else if (wanted?.packets === found.packets && wanted.bytes === found.bytes) same++;
      else differences.push(differenceOf(found, wanted));
    }
    for (const wanted of expected.values()) {
      // A built-in chain that a ruleset does not declare counts as well.
      if (wanted.number !== undefined) differences.push(differenceOf(undefined, wanted));
    }
    differences.sort((a, b) => TABLE_ORDER.indexOf(a.table) - TABLE_ORDER.indexOf(b.table));
    return {
      files: [...this.#paths],
      same,
      different: differences.length,
      ...(hasPolicies || left === 0 ? {} : { policiesLeftOut: left }),
      listed: differences.slice(0, MAX_LISTED),
    };
  }
}

function countedIn(ruleset: Ruleset, counters: ReadonlyMap<TableName, SavedCounters>): Counted[] {
  return ruleset.tables.flatMap(({ name: table, chains, rules }) => {
    const saved = counters.get(table);
    const at = (counts: Float64Array | undefined, i: number): PacketsAndBytes => ({
      packets: counts?.[i * 2] ?? 0,
      bytes: counts?.[i * 2 + 1] ?? 0,
    });
    const policyOf = ({ hook, name, file, line }: Chain): Counted[] =>
      hook === undefined ? [] : [{ table, chain: name, file, line, ...at(saved?.policies, hook) }];
    const countedRule = (rule: Rule): Counted => ({
      ...{
        table,
        chain: rule.chain,
        number: rule.number,
        rule: saveRule(rule).trim(),
        file: rule.file,
        line: rule.line,
      },
      ...at(saved?.rules, rule.index),
    });
    return [...chains.flatMap(policyOf), ...rules.map(countedRule)];
  });
}

/** LIST by what identifies a rule in both rulesets: its chain, its text, and which with this text it is. */
function keyed(list: readonly Counted[]): Map<string, Counted> {
  const result = new Map<string, Counted>();
  const seen = new Map<string, number>();
  for (const counted of list) {
    const { table, chain, rule } = counted;
    const text = rule === undefined ? `${table} policy ${chain}` : `${table} -A ${chain} ${rule}`;
    const nth = (seen.get(text) ?? 0) + 1;
    seen.set(text, nth);
    result.set(`${nth} ${text}`, counted);
  }
  return result;
}

function subtracted(
  after: ReadonlyMap<string, Counted>,
  before: ReadonlyMap<string, Counted>,
  [beforePath, afterPath]: readonly string[],
): Map<string, Counted> {
  const isReset = [...after].some(([key, { packets }]) => packets < (before.get(key)?.packets ?? 0));
  if (isReset) {
    throw new ReplayOptionsError(
      `${afterPath}: some of its counters are lower than in ${beforePath}: the rules were loaded again in between, ` +
        'or the files are in the wrong order (before, after)',
    );
  }
  return new Map(
    [...after].map(([key, { packets, bytes, ...rest }]) => {
      const earlier = before.get(key);
      return [key, { ...rest, packets: packets - (earlier?.packets ?? 0), bytes: bytes - (earlier?.bytes ?? 0) }];
    }),
  );
}

/** Whether EXPECTED has counters of policies, if packets may have met any. */
function hasPolicyCounters(expected: ReadonlyMap<string, Counted>): boolean {
  const counted = [...expected.values()].filter(({ packets }) => packets > 0);
  return counted.length === 0 || counted.some(({ number }) => number === undefined);
}

function differenceOf(found: Counted | undefined, wanted: Counted | undefined): CounterDifference {
  const { table, chain, number, rule } = (found ?? wanted) as Counted;
  return {
    ...{ table, chain },
    ...(number === undefined || rule === undefined ? {} : { number, rule }),
    ...(found === undefined ? {} : { ...placeOf(found), found: { packets: found.packets, bytes: found.bytes } }),
    ...(wanted === undefined
      ? {}
      : {
          expectedFile: wanted.file,
          expectedLine: wanted.line,
          expected: { packets: wanted.packets, bytes: wanted.bytes },
        }),
  };
}

function placeOf({ file, line }: Counted): { file?: string; line?: number } {
  return line === 0 ? {} : { file, line };
}
