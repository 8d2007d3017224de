/** The counters that a ruleset's text states: iptables-save -c, as iptables-restore -c loads it, or iptables -L -v. */
import { type ListedCounters, ListingFault, listedCounters } from '../../codecs/iptables-listing.js';
import { splitWords, type Word } from '../../codecs/iptables-save.js';
import { HOOK_NAMES, type TableName } from '../hooks.js';
import type { RulesSource } from './forms/read-rules.js';
import type { Ruleset, SavedCounters, Table } from './model.js';
import { RuleFault, RulesetError } from './parse/error.js';

type Counts = readonly [packets: number, bytes: number];

/**
 * The counters of the rules and policies of RULESET, which was read from SOURCES.
 * @throws {RulesetError} if a number is too large to be counted on exactly
 */
export function loadedCounters(
  ruleset: Ruleset,
  sources: readonly RulesSource[],
): ReadonlyMap<TableName, SavedCounters> {
  const texts = new Map(sources.map(({ file, text }): [string, StatedCounters] => [file, statedIn(text, file)]));
  return new Map(ruleset.tables.map((table) => [table.name, countersOf(table, texts)]));
}

/** The sums of two sets of counters of the same ruleset. */
export function addCounters(
  a: ReadonlyMap<TableName, SavedCounters>,
  b: ReadonlyMap<TableName, SavedCounters>,
): ReadonlyMap<TableName, SavedCounters> {
  return new Map(
    [...a].map(([name, { rules, policies }]) => {
      const other = b.get(name);
      const sum = (count: number, i: number, more: Float64Array | undefined): number => count + (more?.[i] ?? 0);
      return [
        name,
        {
          rules: rules.map((count, i) => sum(count, i, other?.rules)),
          policies: policies.map((count, i) => sum(count, i, other?.policies)),
        },
      ];
    }),
  );
}

/** The lines of a text, and the counters of those that belong to listings. */
interface StatedCounters {
  readonly lines: readonly string[];
  readonly listed: ReadonlyMap<number, ListedCounters | undefined>;
}

const LISTING = /^\s*Chain /m;

function statedIn(text: string, file: string): StatedCounters {
  try {
    return { lines: text.split('\n'), listed: LISTING.test(text) ? listedCounters(text) : new Map() };
  } catch (error) {
    if (!(error instanceof ListingFault)) throw error;
    throw new RulesetError(file, new RuleFault(error.word, error.message, error.expected));
  }
}

function countersOf(table: Table, texts: ReadonlyMap<string, StatedCounters>): SavedCounters {
  const countsAt = (file: string, line: number): Counts => {
    const stated = texts.get(file);
    const text = stated?.lines[line - 1];
    try {
      if (stated?.listed.has(line)) return listedCounts(stated.listed.get(line), { text: text!, line, column: 1 });
      return text === undefined ? NONE : countsIn(text, line);
    } catch (error) {
      throw error instanceof RuleFault ? new RulesetError(file, error) : error;
    }
  };
  const rules = new Float64Array(table.rules.length * 2);
  for (const { index, file, line } of table.rules) rules.set(countsAt(file, line), index * 2);
  const policies = new Float64Array(HOOK_NAMES.length * 2);
  for (const { hook, file, line } of table.chains) {
    // Line 0: no line sets the policy.
    if (hook !== undefined && line > 0) policies.set(countsAt(file, line), hook * 2);
  }
  return { rules, policies };
}

/** COUNTERS in a listing, in the line WHOLE. */
function listedCounts(counters: ListedCounters | undefined, whole: Word): Counts {
  const expected = 'a listing with -v -x';
  if (counters === undefined) throw new RuleFault(whole, 'the listing has no counters', expected, 'unsupported');
  for (const word of [counters.packets, counters.bytes]) {
    const isShort = /[KMGT]$/.test(word.text);
    if (isShort) throw new RuleFault(word, `the counter ${word.text} is not exact`, expected, 'unsupported');
  }
  return exact([counters.packets.text, counters.bytes.text], counters.packets);
}

const NONE: Counts = [0, 0];
const POLICY = /^:[ \t]*[^ \t]+[ \t]+[^ \t]+[ \t]+\[?(\d+):(\d+)/;
const RULE = /^\[ *(\d+): *(\d+)/;
const OPTION = /^(?:-c|--set-c[a-z]*)=?(.*)$/;

/** The counters that LINE states, which is line NUMBER of a ruleset. */
function countsIn(line: string, number: number): Counts {
  const start: Word = { text: line.split(/[ \t]/, 1)[0], line: number, column: 1 };
  if (line.startsWith(':')) return exact(POLICY.exec(line)?.slice(1) ?? ['0', '0'], start);
  if (!line.startsWith('[')) return /-c/.test(line) ? optionCounts(line, number) : NONE;
  const found = RULE.exec(line);
  if (found === null) throw new RuleFault(start, 'unusual counters are not kept', '[packets:bytes]', 'unsupported');
  return exact(found.slice(1), start);
}

/** The values of `-c packets bytes` in LINE, which is a valid rule. */
function optionCounts(line: string, number: number): Counts {
  const words = splitWords(line, number, 0);
  for (const [i, word] of words.entries()) {
    const attached = OPTION.exec(word.text)?.[1];
    if (attached === undefined) continue;
    const following = words.slice(i + 1, i + 3).map(({ text }) => text);
    const values = (attached === '' ? following : [attached, ...following]).flatMap((value) => value.split(','));
    // The value of another option may look like this option, but numbers do not follow it.
    if (values.length > 1 && values.slice(0, 2).every((value) => /^\d+$/.test(value))) return exact(values, word);
  }
  return NONE;
}

function exact([packets, bytes]: readonly string[], word: Word): Counts {
  const counts = [Number(packets), Number(bytes)] as const;
  if (!counts.every(Number.isSafeInteger)) {
    throw new RuleFault(word, 'counters this large are not kept', 'less than 2^53', 'unsupported');
  }
  return counts;
}
