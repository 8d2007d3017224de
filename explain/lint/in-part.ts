/** Rules that match only a part of what they name. */
import { formatField, type ValueField } from '../../core/fields.js';
import { valuesOf } from '../../core/rules/condition.js';
import { isCondition } from '../../core/rules/lower.js';
import type { Rule } from '../../core/rules/model.js';
import { normalRanges, type ValueRange } from '../../core/rules/ranges.js';
import { saveAppended } from '../../core/rules/save.js';
import type { PacketSet } from '../../core/rules/space/diagrams.js';
import { stepsOfRule } from '../../core/rules/space/rule-sets.js';
import type { TableReach } from '../../core/rules/space/table-reach.js';
import { type Finding, placeOf } from '../findings.js';
import { exampleFor } from './example.js';
import { describe, takersOf } from './never.js';

/** The fields of which a rule names values. */
const NAMED: readonly ValueField[] = ['dport', 'sport', 'source', 'destination', 'icmpType', 'protocol', 'ctinfo'];
/** More ranges than these are not listed. */
const MAX_RANGES = 6;
/** How many values that other rules name are looked at for each condition. */
const MAX_CANDIDATES = 50;

/** A field and its values that a rule names. */
interface NamedValues {
  readonly field: ValueField;
  readonly ranges: readonly ValueRange[];
}

/** Finds rules of a table of which earlier rules take a part. */
export class PartFinder {
  readonly #reach: TableReach;
  readonly #named: readonly (readonly NamedValues[])[];
  /** The ranges that rules name, by field, each once: in the order of their first values, and of their last. */
  readonly #byFirst = new Map<ValueField, readonly ValueRange[]>();
  readonly #byLast = new Map<ValueField, readonly ValueRange[]>();
  readonly #sets = new Map<string, PacketSet>();

  constructor(reach: TableReach) {
    this.#reach = reach;
    this.#named = reach.table.rules.map((rule) => namedBy(reach, rule));
    const named = this.#named.flat();
    for (const name of NAMED) {
      const ranges = new Map<string, ValueRange>();
      for (const { field, ranges: ofRule } of named)
        if (field === name) for (const range of ofRule) ranges.set(`${range.min}-${range.max}`, range);
      this.#byFirst.set(
        name,
        [...ranges.values()].sort((a, b) => a.min - b.min),
      );
      this.#byLast.set(
        name,
        [...ranges.values()].sort((a, b) => a.max - b.max),
      );
    }
  }

  /** The finding about RULE if earlier rules take all packets with some of the values that it names. */
  find(rule: Rule): Finding | undefined {
    const named = this.#named[rule.index].filter(
      ({ ranges }) => ranges.length > 1 || ranges[0]?.min !== ranges[0]?.max,
    );
    if (named.length === 0) return undefined;
    for (const values of named) {
      const dead = this.#deadValues(rule, values);
      const found = dead.length === 0 ? undefined : this.#describe(rule, values.field, dead);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The values that RULE names but never matches, as far as other rules name them, too. */
  #deadValues(rule: Rule, { field, ranges }: NamedValues): readonly ValueRange[] {
    const { sets, valid } = this.#reach.space;
    const { matching } = this.#reach.packets[rule.index];
    const dead: ValueRange[] = [];
    for (const part of this.#partsOf(field, ranges)) {
      const having = this.#having(field, part);
      if (!this.#reach.matches(rule, having) && sets.meet(matching, valid, having)) dead.push(part);
    }
    return normalRanges(dead);
  }

  /** What other rules name of the values in RANGES, but not all of them: a few of these parts. */
  #partsOf(field: ValueField, ranges: readonly ValueRange[]): readonly ValueRange[] {
    const parts: ValueRange[] = [];
    for (const range of ranges) {
      if (ranges.length > 1) parts.push(range);
      const [byFirst, byLast] = [this.#byFirst.get(field)!, this.#byLast.get(field)!];
      // A range that is cut or contained has its first or its last value in this one.
      const first = lowerBound(byFirst, ({ min }) => min >= range.min);
      for (let i = first; i < byFirst.length && byFirst[i].min <= range.max; i++) {
        if (parts.length > MAX_CANDIDATES) break;
        const max = Math.min(byFirst[i].max, range.max);
        if (byFirst[i].min > range.min || max < range.max) parts.push({ min: byFirst[i].min, max });
      }
      const last = lowerBound(byLast, ({ max }) => max >= range.min);
      for (let i = last; i < byLast.length && byLast[i].max < range.max; i++) {
        if (parts.length > MAX_CANDIDATES) break;
        if (byLast[i].min < range.min) parts.push({ min: range.min, max: byLast[i].max });
      }
    }
    return parts;
  }

  /** The packets with a value of FIELD in RANGE. */
  #having(field: ValueField, range: ValueRange): PacketSet {
    const key = `${field} ${range.min}-${range.max}`;
    const known = this.#sets.get(key) ?? this.#reach.space.encoding.within(field, [range]);
    this.#sets.set(key, known);
    return known;
  }

  #describe(rule: Rule, field: ValueField, dead: readonly ValueRange[]): Finding | undefined {
    const { sets, encoding, valid } = this.#reach.space;
    const { matching } = this.#reach.packets[rule.index];
    const named = dead.slice(0, MAX_RANGES);
    const lost = sets.and(sets.and(matching, encoding.within(field, named)), valid);
    const { takers } = takersOf(this.#reach, rule, lost);
    if (takers.rules.length === 0) return undefined;
    const shown = named.map((range) => rangeText(field, range));
    const left = exampleFor(this.#reach, rule);
    const what = `${shown.join(', ')}${dead.length > MAX_RANGES ? ' …' : ''}`;
    return {
      code: 'shadowed-in-part',
      message: `in part: ${saveAppended(rule)}: ${what} ${isPlural(dead) ? 'are' : 'is'} ${describe(takers)}; left is e.g. ${left}`,
      rules: [rule, ...takers.rules.map((taker) => taker.rule)].map(placeOf),
      packets: [{ packet: left }],
      change: null,
    };
  }
}

/** The values that RULE names. */
function namedBy({ space }: TableReach, rule: Rule): NamedValues[] {
  return [...stepsOfRule(rule, space.devices)].flatMap(([step]) => {
    if (!isCondition(step) || step.kind !== 'field' || step.negated || !NAMED.includes(step.field)) return [];
    const ranges = valuesOf(step);
    return ranges === undefined || ranges.length === 0 ? [] : [{ field: step.field, ranges }];
  });
}

/** The first index of SORTED for which IS_BEHIND, which holds for all later ones. */
function lowerBound(sorted: readonly ValueRange[], isBehind: (range: ValueRange) => boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBehind(sorted[middle])) high = middle;
    else low = middle + 1;
  }
  return low;
}

const isPlural = (ranges: readonly ValueRange[]): boolean => ranges.length > 1 || ranges[0].min !== ranges[0].max;

function rangeText(field: ValueField, { min, max }: ValueRange): string {
  if (field === 'source' || field === 'destination') {
    const size = max - min + 1;
    const bits = Math.log2(size);
    if (size > 1 && Number.isInteger(bits) && min % size === 0) return `${formatField(field, min, [])}/${32 - bits}`;
  }
  const [first, last] = [formatField(field, min, []), formatField(field, max, [])];
  return min === max ? first : `${first}-${last}`;
}
