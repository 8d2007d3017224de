/** Conditions: matches lower themselves to them, and everything else about matches is derived from them. */
import { toLoaded } from '../../codecs/byte-order.js';
import type { Miss } from '../events.js';
import {
  ABSENT,
  type FieldName,
  fieldRow,
  formatField,
  type ReadableField,
  readField,
  type ValueField,
} from '../fields.js';
import type { Packet } from '../packet.js';
import type { RuleContext } from './context.js';
import { normalRanges, otherRanges, type ValueRange } from './ranges.js';
import { anyOf as anyOfCode, type Code, code, FALSE, type Generator, TRUE, unless } from './run/codegen.js';

/** The value of a field is in one of the ranges or, if negated, in none of them. */
export interface FieldCondition {
  readonly kind: 'field';
  readonly field: ValueField;
  /** The field's row, so that it is not looked up for each packet and each rule. */
  readonly row: ReadableField;
  /** The bits of the value to compare; undefined for all bits. */
  readonly mask: number | undefined;
  /** Ascending and not adjacent. */
  readonly ranges: readonly ValueRange[];
  readonly negated: boolean;
  /** Whether it holds for a packet that lacks the field. Otherwise such a packet never meets it, negated or not. */
  readonly orAbsent: boolean;
}

/** At least one of several conditions must hold. */
export interface AnyCondition {
  readonly kind: 'any';
  readonly anyOf: readonly FieldCondition[];
}

export type Condition = FieldCondition | AnyCondition;

/** Creates all conditions, so that they have the same shape. */
function fieldCondition(
  field: ValueField,
  row: ReadableField,
  mask: number | undefined,
  ranges: readonly ValueRange[],
  negated: boolean,
): FieldCondition {
  return { kind: 'field', field, row, mask, ranges, negated, orAbsent: false };
}

const isFilled = ({ min, max }: ValueRange): boolean => min <= max;

/**
 * The value of FIELD is in one of RANGES or, if NEGATED, in none. A range whose minimum exceeds its maximum is empty.
 */
export function within(field: ValueField, ranges: readonly ValueRange[], negated: boolean): FieldCondition {
  const isOne = ranges.length === 1 && isFilled(ranges[0]);
  return fieldCondition(
    field,
    fieldRow(field),
    undefined,
    isOne ? ranges : normalRanges(ranges.filter(isFilled)),
    negated,
  );
}

/** The value of FIELD equals VALUE in all bits of MASK. Never holds if VALUE has other bits. */
export function equals(field: ValueField, value: number, negated: boolean, mask?: number): FieldCondition {
  const row = fieldRow(field);
  const { highest } = row;
  // Fields wider than 32 bits have no masks.
  if (highest > 0xffffffff) return fieldCondition(field, row, undefined, [{ min: value, max: value }], negated);
  const expected = value >>> 0;
  const tested = (mask ?? highest) >>> 0;
  const ranges = (expected & ~tested) === 0 ? [{ min: expected, max: expected }] : [];
  return fieldCondition(field, row, tested === highest ? undefined : tested, ranges, negated);
}

/** At least one of CONDITIONS must hold. */
export function anyOf(...conditions: readonly FieldCondition[]): AnyCondition {
  return { kind: 'any', anyOf: conditions };
}

/** Returns CONDITION, extended to packets that lack the field. */
export function orAbsent(condition: FieldCondition): FieldCondition {
  return { ...condition, orAbsent: true };
}

/** The value of FIELD, which has at most 32 bits, has at least one of BITS or, if NEGATED, none. */
export function hasAnyBit(field: ValueField, bits: number, negated: boolean): FieldCondition {
  return fieldCondition(field, fieldRow(field), bits >>> 0, bits === 0 ? [] : [{ min: 1, max: bits >>> 0 }], negated);
}

/** The value of FIELD is one of those whose bit (1 << value) is in BITS or, if NEGATED, none of them. */
export function isOneOf(field: ValueField, bits: number, negated: boolean): FieldCondition {
  const values = Array.from({ length: 32 }, (_, value) => value).filter((value) => ((bits >>> value) & 1) !== 0);
  return within(
    field,
    values.map((value) => ({ min: value, max: value })),
    negated,
  );
}

/** The fields that CONDITION reads. */
export function conditionFields(condition: Condition): readonly FieldName[] {
  return condition.kind === 'any' ? condition.anyOf.map(({ field }) => field) : [condition.field];
}

/** Whether PACKET meets CONDITION. This is the definition of a condition's meaning. */
export function checkCondition(condition: Condition, packet: Packet, context: RuleContext): boolean {
  if (condition.kind === 'any') return condition.anyOf.some((one) => checkCondition(one, packet, context));
  const value = condition.row.read(packet, context);
  return value === ABSENT ? condition.orAbsent : holdsFor(condition, value);
}

/** Whether CONDITION holds for VALUE. */
export function holdsFor({ mask, ranges, negated }: FieldCondition, value: number): boolean {
  const masked = mask === undefined ? value : (value & mask) >>> 0;
  for (const { min, max } of ranges) if (masked >= min && masked <= max) return !negated;
  return negated;
}

/** Masks of fields up to this width may have holes and still be converted to ranges. */
const MAX_LISTED_BITS = 8;

/**
 * All values of the field for which CONDITION holds, ascending and not adjacent; undefined if the mask yields too many
 * ranges.
 */
export function valuesOf(condition: FieldCondition): readonly ValueRange[] | undefined {
  const { row, mask, ranges, negated } = condition;
  const { highest } = row;
  if (mask === undefined) return negated ? otherRanges(ranges, highest) : ranges;
  const free = (highest & ~mask) >>> 0;
  if ((free & (free + 1)) === 0) {
    const whole: ValueRange[] = [];
    for (const range of ranges) {
      const min = ((range.min + free) & mask) >>> 0;
      const max = ((range.max & mask) | free) >>> 0;
      if (min <= max) whole.push({ min, max });
    }
    return negated ? otherRanges(whole, highest) : whole;
  }
  if (row.bits > MAX_LISTED_BITS) return undefined;
  const values = Array.from({ length: highest + 1 }, (_, value) => value).filter((value) => holdsFor(condition, value));
  return normalRanges(values.map((value) => ({ min: value, max: value })));
}

/**
 * The result of CONDITION if it is the same for all packets; undefined if it depends on the packet. WHOLE: consider
 * only packets with complete headers.
 */
export function constantAnswer(condition: Condition, whole: boolean): boolean | undefined {
  if (condition.kind === 'any') {
    const answers = condition.anyOf.map((one) => constantAnswer(one, whole));
    if (answers.includes(true)) return true;
    return answers.every((answer) => answer === false) ? false : undefined;
  }
  const { row, mask, ranges, negated, orAbsent: holdsAbsent } = condition;
  const { ofWhole } = row;
  if (whole && ofWhole !== undefined) return holdsFor(condition, ofWhole);
  if (ranges.length === 0 && !negated && !holdsAbsent) return false;
  // A packet that lacks the field meets no condition on it.
  if (row.code === undefined) return undefined;
  if (ranges.length === 0) return negated;
  if (mask === 0) return holdsFor(condition, 0);
  const isAll = mask === undefined && ranges[0].min === 0 && ranges[0].max === row.highest;
  return isAll ? !negated : undefined;
}

/** Generates code for CONDITION, for packets with complete headers. */
export function compileCondition(condition: Condition, context: RuleContext, gen: Generator): Code {
  const constant = constantAnswer(condition, true);
  if (constant !== undefined) return constant ? TRUE : FALSE;
  if (condition.kind === 'any') return anyOfCode(condition.anyOf.map((one) => compileCondition(one, context, gen)));
  const { row } = condition;
  if (row.code === undefined || row.bits > 32) return gen.call((packet) => checkCondition(condition, packet, context));
  if (row.code.isLoaded !== true) return compileRanges(condition, gen.field(condition.field), row.bits);
  const block = asMasked(condition);
  if (block === undefined) return gen.call((packet) => checkCondition(condition, packet, context));
  return compileEqual(gen.field(condition.field), toLoaded(block.mask), toLoaded(block.value), condition.negated);
}

function compileRanges({ mask, ranges, negated }: FieldCondition, value: Code, bits: number): Code {
  const width = ranges.reduce((sum, { min, max }) => sum + max - min + 1, 0);
  if (width === 1) return compileEqual(value, mask === undefined ? -1 : mask | 0, ranges[0].min | 0, negated);
  if (mask === undefined && bits <= 5) {
    let set = 0;
    for (const { min, max } of ranges) for (let one = min; one <= max; one++) set |= 1 << one;
    return unless(negated, code`(${set} >> ${value} & 1) !== 0`);
  }
  const masked = mask === undefined ? value : code`(${value} & ${mask | 0})`;
  const unsigned = bits === 32 ? code`(${masked} >>> 0)` : masked;
  return unless(
    negated,
    anyOfCode(
      ranges.map(({ min, max }) =>
        min === max ? code`${unsigned} === ${min}` : code`(${unsigned} >= ${min} && ${unsigned} <= ${max})`,
      ),
    ),
  );
}

function compileEqual(value: Code, mask: number, expected: number, negated: boolean): Code {
  const masked = mask === -1 ? value : code`(${value} & ${mask})`;
  return negated ? code`${masked} !== ${expected}` : code`${masked} === ${expected}`;
}

/** CONDITION, ignoring negation, as a single value under a 32-bit mask; undefined if that is not possible. */
function asMasked({ mask, ranges }: FieldCondition): { value: number; mask: number } | undefined {
  if (ranges.length !== 1) return undefined;
  const [{ min, max }] = ranges;
  if (mask !== undefined) return min === max ? { value: min, mask } : undefined;
  const free = (min ^ max) >>> 0;
  const isBlock = (free & (free + 1)) === 0 && (min & free) === 0;
  return isBlock ? { value: min, mask: ~free } : undefined;
}

/** Explains why PACKET does not meet CONDITION, with the packet's value: `dport 80 is not 443`. */
export function explainCondition(condition: Condition, packet: Packet, context: RuleContext): string {
  return explainMisses(conditionMisses(condition, packet, context));
}

/** MISSES in words: `dport 80 is not 443`. */
export function explainMisses(misses: readonly Miss[]): string {
  return misses.length === 1 ? explainMiss(misses[0]) : misses.map(explainMiss).join(', ');
}

function explainMiss({ field, value, expected, isNegated }: Miss): string {
  const { label } = fieldRow(field);
  if (value === undefined) return `the packet has no ${label}`;
  if (expected === undefined) return `no ${label} matches`;
  return `${label} ${value} is ${isNegated ? '' : 'not '}${expected}`;
}

/** What conditions want, in words, as long as interfaces have the same names. */
export type ExpectedTexts = Map<Condition, string>;

/**
 * Why PACKET does not meet CONDITION: for each of the fields, any of which would do. TEXTS: those that are known, to
 * which others are added.
 */
export function conditionMisses(
  condition: Condition,
  packet: Packet,
  context: RuleContext,
  texts?: ExpectedTexts,
): readonly Miss[] {
  if (condition.kind === 'any') return condition.anyOf.flatMap((one) => conditionMisses(one, packet, context, texts));
  const { field, ranges, negated } = condition;
  const value = readField(field, packet, context);
  const shown = value === ABSENT ? undefined : formatField(field, value, context.interfaceNames);
  const expected = ranges.length === 0 ? undefined : expectedText(condition, context.interfaceNames, texts);
  if (shown !== undefined && expected !== undefined) return [{ field, value: shown, expected, isNegated: negated }];
  return [
    {
      field,
      ...(shown === undefined ? {} : { value: shown }),
      ...(expected === undefined ? {} : { expected }),
      isNegated: negated,
    },
  ];
}

function expectedText(condition: FieldCondition, names: readonly string[], texts: ExpectedTexts | undefined): string {
  const known = texts?.get(condition);
  if (known !== undefined) return known;
  const { field, mask, ranges } = condition;
  const text = ranges.map((range) => formatRange(field, range, mask, names)).join(',');
  texts?.set(condition, text);
  return text;
}

function formatRange(
  field: FieldName,
  { min, max }: ValueRange,
  mask: number | undefined,
  names: readonly string[],
): string {
  const format = (value: number): string => formatField(field, value, names);
  if (mask === undefined) return min === max ? format(min) : `${format(min)}:${format(max)}`;
  if (min === 1 && max === mask) return `any of ${format(mask)}`;
  const isAddress = fieldRow(field).code?.isLoaded === true || fieldRow(field).label.endsWith('source');
  const free = ~mask;
  const bits = (free & (free + 1)) === 0 && isAddress ? String(Math.clz32(free)) : format(mask);
  return `${format(min)}/${bits}`;
}
