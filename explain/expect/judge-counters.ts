/** Claims about counters of rules and policies, after all captures. */
import type {
  CountedDecider,
  CounterBound,
  CountersClaim,
  ExpectedCounter,
} from '../../codecs/expectation/expectation.js';
import { counted } from '../../codecs/text.js';
import type { TableName } from '../../core/hooks.js';
import type { Chain, Rule, Ruleset, SavedCounters } from '../../core/rules/model.js';
import { absence } from './decider-fits.js';
import { hasWords } from './rule-words.js';
import type { Tally } from './tally.js';

type Counters = ReadonlyMap<TableName, SavedCounters>;

/** What the rules, or the policy, that a claim names have counted. */
interface Count {
  readonly packets: number;
  readonly bytes: number;
  /** Undefined: the policy. */
  readonly rules: readonly Rule[] | undefined;
}

/**
 * Adds to TALLY what of CLAIM is not so, by the COUNTERS of RULESET. DOUBT: why they are uncertain; undefined: they are
 * not.
 */
export function judgeCounters(
  claim: CountersClaim,
  tally: Tally,
  ruleset: Ruleset,
  counters: Counters,
  doubt: string | undefined,
): void {
  if (doubt !== undefined)
    tally.fail({ member: 'uncertain', expected: 'to be certain what packets met the rules', found: doubt });
  for (const expected of claim.counters) {
    const { of, bounds } = expected;
    const why = absence(of.value, ruleset);
    if (why !== undefined) {
      tally.fail({ member: 'counters', expected: textOf(expected), found: why });
      continue;
    }
    const count = countOf(of.value, ruleset, counters);
    const { rules } = count;
    if (!bounds.value.every((bound) => isWithin(bound, count)))
      tally.fail({ member: 'counters', expected: textOf(expected), found: countWords(count, bounds.value) });
    else if (rules !== undefined && rules.length > 1) tally.notes.push(`${of.text}: ${sumWords(rules)}`);
  }
}

const textOf = ({ of, bounds }: ExpectedCounter): string => `${of.text}: ${bounds.text}`;

/** That the counters of RULES were added up. */
function sumWords(rules: readonly Rule[]): string {
  return `the sum of rules ${rules.map(({ number }) => number).join(', ')}`;
}

function countOf(of: CountedDecider, { tables }: Ruleset, counters: Counters): Count {
  const table = tables.find(({ name }) => name === of.table)!;
  const chain = table.chains.find(({ name }) => name === of.chain)!;
  const saved = counters.get(table.name);
  if (of.kind === 'policy') return { ...countAt(saved?.policies, chain.hook ?? 0), rules: undefined };
  const rules = rulesOf(of, chain);
  const counts = rules.map(({ index }) => countAt(saved?.rules, index));
  return {
    packets: counts.reduce((sum, { packets }) => sum + packets, 0),
    bytes: counts.reduce((sum, { bytes }) => sum + bytes, 0),
    rules,
  };
}

function rulesOf(of: Exclude<CountedDecider, { kind: 'policy' }>, { rules }: Chain): Rule[] {
  return rules.filter((rule) => (of.kind === 'number' ? rule.number === of.number : hasWords(rule, of.words)));
}

function countAt(counts: Float64Array | undefined, index: number): { packets: number; bytes: number } {
  return { packets: counts?.[index * 2] ?? 0, bytes: counts?.[index * 2 + 1] ?? 0 };
}

function isWithin({ unit, comparison, value }: CounterBound, count: Count): boolean {
  const found = count[unit];
  switch (comparison) {
    case '=':
      return found === value;
    case '<':
      return found < value;
    case '<=':
      return found <= value;
    case '>':
      return found > value;
    case '>=':
      return found >= value;
  }
}

/** What was counted, in the units that BOUNDS are about. */
function countWords({ packets, bytes, rules }: Count, bounds: readonly CounterBound[]): string {
  const units = new Set(bounds.map(({ unit }) => unit));
  const parts = [
    ...(units.has('packets') ? [counted(packets, 'packet')] : []),
    ...(units.has('bytes') ? [counted(bytes, 'byte')] : []),
  ];
  return parts.join(', ') + (rules !== undefined && rules.length > 1 ? ` (${sumWords(rules)})` : '');
}
