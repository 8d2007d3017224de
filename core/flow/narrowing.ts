/** A set of packets, given by what their fields may be, while it is narrowed; and who narrowed it. */
import { ABSENT, highestValue, readField, type ValueField } from '../fields.js';
import type { Packet } from '../packet.js';
import type { FieldCondition } from '../rules/condition.js';
import { valuesOf } from '../rules/condition.js';
import type { RuleContext } from '../rules/context.js';
import { commonRanges, otherRanges, type ValueRange } from '../rules/ranges.js';

/** What a field of a packet may be. */
export interface FieldValues {
  /** Ascending and apart. */
  readonly ranges: readonly ValueRange[];
  /** Packets that do not have the field are among them. */
  readonly orAbsent: boolean;
}

/** BY is who narrows: a rule, or whatever else decides about a packet. */
export class Narrowing<By> {
  /** A field that is not here may be anything. */
  readonly fields = new Map<ValueField, FieldValues>();
  /** Who left out packets for their value of the field, in order. */
  readonly narrowedBy = new Map<ValueField, By[]>();

  valuesOf(name: ValueField): FieldValues {
    return this.fields.get(name) ?? { ranges: [{ min: 0, max: highestValue(name) }], orAbsent: true };
  }

  /** Only packets whose value of the field NAME is one of these are left. */
  narrow(name: ValueField, { ranges, orAbsent }: FieldValues, by: readonly By[]): void {
    const now = this.valuesOf(name);
    const left = { ranges: commonRanges(now.ranges, ranges), orAbsent: now.orAbsent && orAbsent };
    this.fields.set(name, left);
    if (countValues(left) === countValues(now)) return;
    this.narrowedBy.set(name, [...new Set([...(this.narrowedBy.get(name) ?? []), ...by])]);
  }

  /** The share of the packets that are left of which the field NAME has one of VALUES. */
  share(name: ValueField, values: FieldValues): number {
    const now = this.valuesOf(name);
    return countRanges(commonRanges(now.ranges, values.ranges)) / countRanges(now.ranges);
  }
}

/** VALUE, or ABSENT, alone. */
export function onlyValue(value: number): FieldValues {
  const isAbsent = value === ABSENT;
  return { ranges: isAbsent ? [] : [{ min: value, max: value }], orAbsent: isAbsent };
}

/** From MIN to MAX; packets that do not have the field are left out. */
export function fromTo(min: number, max: number): FieldValues {
  return { ranges: [{ min, max }], orAbsent: false };
}

/** All values of the field NAME but VALUE. */
export function allBut(name: ValueField, value: number): FieldValues {
  return { ranges: otherRanges([{ min: value, max: value }], highestValue(name)), orAbsent: true };
}

/** The values for which CONDITION has ANSWER; undefined: its mask makes too many ranges. */
export function valuesWith(condition: FieldCondition, answer: boolean): FieldValues | undefined {
  const ranges = valuesOf(condition);
  if (ranges === undefined) return undefined;
  const { orAbsent, field } = condition;
  return answer ? { ranges, orAbsent } : { ranges: otherRanges(ranges, highestValue(field)), orAbsent: !orAbsent };
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

function countRanges(ranges: readonly ValueRange[]): number {
  return ranges.reduce((sum, { min, max }) => sum + max - min + 1, 0);
}

function countValues({ ranges, orAbsent }: FieldValues): number {
  return countRanges(ranges) + (orAbsent ? 1 : 0);
}
