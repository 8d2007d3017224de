/** A set of packets, described by the possible values of their fields, that is being narrowed, with the causes. */
import { ABSENT, highestValue, readField, type ValueField } from '../fields.js';
import type { Packet } from '../packet.js';
import type { FieldCondition } from '../rules/condition.js';
import { valuesOf } from '../rules/condition.js';
import type { RuleContext } from '../rules/context.js';
import { commonRanges, otherRanges, type ValueRange } from '../rules/ranges.js';

/** The possible values of a field. */
export interface FieldValues {
  /** Ascending and disjoint. */
  readonly ranges: readonly ValueRange[];
  /** Includes packets that lack the field. */
  readonly orAbsent: boolean;
}

/** BY is the cause of a narrowing: a rule, or anything else that decides about a packet. */
export class Narrowing<By> {
  /** A field that is not listed may have any value. */
  readonly fields = new Map<ValueField, FieldValues>();
  /** What excluded packets by their value of the field, in order. */
  readonly narrowedBy = new Map<ValueField, By[]>();

  valuesOf(name: ValueField): FieldValues {
    return this.fields.get(name) ?? { ranges: [{ min: 0, max: highestValue(name) }], orAbsent: true };
  }

  /** Keeps only packets with one of these values of field NAME. */
  narrow(name: ValueField, values: FieldValues, by: readonly By[]): void {
    const now = this.valuesOf(name);
    const left = commonValues(now, values);
    this.fields.set(name, left);
    if (countValues(left) === countValues(now)) return;
    const causes = this.narrowedBy.get(name);
    if (causes === undefined) this.narrowedBy.set(name, [...new Set(by)]);
    else for (const one of by) if (!causes.includes(one)) causes.push(one);
  }

  /** The share of the remaining values of field NAME, its absence among them, that is in VALUES. */
  share(name: ValueField, values: FieldValues): number {
    const now = this.valuesOf(name);
    return countValues(commonValues(now, values)) / countValues(now);
  }
}

/** Only VALUE, or ABSENT. */
export function onlyValue(value: number): FieldValues {
  const isAbsent = value === ABSENT;
  return { ranges: isAbsent ? [] : [{ min: value, max: value }], orAbsent: isAbsent };
}

/** From MIN to MAX, excluding packets that lack the field. */
export function fromTo(min: number, max: number): FieldValues {
  return { ranges: [{ min, max }], orAbsent: false };
}

/** All values of field NAME except VALUE. */
export function allBut(name: ValueField, value: number): FieldValues {
  return { ranges: otherRanges([{ min: value, max: value }], highestValue(name)), orAbsent: true };
}

/** The values for which CONDITION has RESULT; undefined if its mask yields too many ranges. */
export function valuesWith(condition: FieldCondition, result: boolean): FieldValues | undefined {
  const ranges = valuesOf(condition);
  if (ranges === undefined) return undefined;
  const { orAbsent, field } = condition;
  return result ? { ranges, orAbsent } : { ranges: otherRanges(ranges, highestValue(field)), orAbsent: !orAbsent };
}

/** Whether PACKET has one of these values in each of FIELDS. */
export function fitsFields(
  fields: ReadonlyMap<ValueField, FieldValues>,
  packet: Packet,
  context: RuleContext,
): boolean {
  for (const [name, { ranges, orAbsent }] of fields) {
    const value = readField(name, packet, context);
    if (value === ABSENT ? !orAbsent : !ranges.some(({ min, max }) => value >= min && value <= max)) return false;
  }
  return true;
}

function commonValues(a: FieldValues, b: FieldValues): FieldValues {
  return { ranges: commonRanges(a.ranges, b.ranges), orAbsent: a.orAbsent && b.orAbsent };
}

function countValues({ ranges, orAbsent }: FieldValues): number {
  return ranges.reduce((sum, { min, max }) => sum + max - min + 1, orAbsent ? 1 : 0);
}
