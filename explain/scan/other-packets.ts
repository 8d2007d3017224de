/**
 * Packets that differ from those of clients in more than their ends and that rules tell apart: from another source
 * port, with another source MAC address, TTL, TOS or length. One of each kind is sent, too.
 */
import { type FieldName, fieldRow, formatField, highestValue, type ValueField } from '../../core/fields.js';
import type { Traversal } from '../../core/flow/traversal.js';
import { Verdict } from '../../core/hooks.js';
import { isCondition, lowerRule } from '../../core/rules/lower.js';
import type { Rule, Ruleset, Table } from '../../core/rules/model.js';
import { otherRanges, type ValueRange } from '../../core/rules/ranges.js';

/** What of a packet can be another than clients send. */
export const VARIED_FIELDS = ['sport', 'sourceMac', 'ttl', 'tos', 'length'] as const;
export type VariedField = (typeof VARIED_FIELDS)[number];

/** Each with one value of a field. None: packets as clients send them. */
export type OtherPacket = ReadonlyMap<VariedField, number>;
export const AS_CLIENTS: OtherPacket = new Map();

/** A field, apart from the ends that are scanned, in which other packets may have another fate. */
export interface LookedAt {
  readonly field: FieldName;
  readonly rules: readonly Rule[];
  /** One value of each kind that is kept out; empty: such packets cannot be sent. */
  readonly values: readonly number[];
  /** Packets like this one were stopped, and others may pass: one of the rules may let them. */
  readonly mayOpen: boolean;
}

/** From which lengths on it is a whole packet of TCP; and the longest that is sent. */
const LENGTHS: ValueRange = { min: 40, max: 1500 };
/** Of the values of a field that are kept out, as many kinds are tried. */
const MOST_VALUES = 16;

/** In what packets differ that are not in the class of TRAVERSAL because rules of RULESET look at it. */
export function lookedAtIn(traversal: Traversal, ruleset: Ruleset, interfaceNames: readonly string[]): LookedAt[] {
  const { matched, end } = traversal;
  const isStopped = end.kind === 'dropped' || end.kind === 'rejected';
  const found: LookedAt[] = [];
  const add = (field: FieldName, rules: readonly Rule[], values: readonly number[]): void => {
    const opening = isStopped ? rules.filter((rule) => mayOpen(rule, matched, ruleset)) : rules;
    // Segments with other flags than SYN open no connections, and rules that only stop packets open nothing.
    if (opening.length === 0 || (!isStopped && field === 'tcpFlags')) return;
    found.push({ field, rules: opening, values, mayOpen: isStopped });
  };
  for (const [field, by] of traversal.narrowedBy) {
    if (!isOfPacket(field)) continue;
    const rules = by.filter((one): one is Rule => typeof one === 'object');
    const ranges = traversal.fields.get(field)?.ranges ?? [];
    add(field, rules, isVaried(field) ? valuesOutside(field, ranges) : []);
  }
  for (const condition of traversal.conditions) {
    if (isOfPacket(condition.field)) add(condition.field, rulesAsking(condition.field, ruleset, interfaceNames), []);
  }
  // Routing asks for it before: rules do not narrow it any more.
  if (traversal.narrowedBy.get('packetType')?.includes('route'))
    add('packetType', rulesAsking('packetType', ruleset, interfaceNames), []);
  // Sets and earlier packets are no part of a packet: what of it is looked up there follows from its ends.
  const given = traversal.givenResults.filter(({ native }) => native.check !== undefined);
  for (const { rule, native } of [...traversal.nativeResults, ...given])
    for (const field of native.reads) if (isOfPacket(field)) add(field, [rule], []);
  return found;
}

function isOfPacket(field: FieldName): boolean {
  if (field === 'fragmentOffset') return false;
  return field === 'sport' || fieldRow(field).fixedBy === 'packet';
}

export function isVaried(field: FieldName): field is VariedField {
  return (VARIED_FIELDS as readonly string[]).includes(field);
}

function valuesOutside(field: VariedField, ranges: readonly ValueRange[]): number[] {
  const outside = otherRanges(ranges, highestValue(field)).flatMap(({ min, max }) => {
    if (field !== 'length') return [min === 0 ? max : min];
    const [first, last] = [Math.max(min, LENGTHS.min), Math.min(max, LENGTHS.max)];
    return first <= last ? [first] : [];
  });
  // One more than is tried shows that there are too many.
  return outside.slice(0, MOST_VALUES + 1);
}

/** Whether not all kinds of packets that differ as ONE says can be sent. */
export function isUntried({ values }: LookedAt): boolean {
  return values.length === 0 || values.length > MOST_VALUES;
}

const asking = new WeakMap<Ruleset, Map<ValueField, readonly Rule[]>>();

/** The rules of RULESET that look at FIELD. */
function rulesAsking(field: ValueField, ruleset: Ruleset, interfaceNames: readonly string[]): readonly Rule[] {
  const known = asking.get(ruleset) ?? new Map<ValueField, readonly Rule[]>();
  asking.set(ruleset, known);
  let rules = known.get(field);
  if (rules === undefined) {
    const asks = (rule: Rule): boolean =>
      lowerRule(rule, interfaceNames).some((step) => {
        if (!isCondition(step)) return false;
        return (step.kind === 'any' ? step.anyOf : [step]).some((one) => one.field === field);
      });
    rules = ruleset.tables.flatMap((table) => table.rules.filter(asks));
    known.set(field, rules);
  }
  return rules;
}

/** Whether a packet that was stopped, having MATCHED these rules, might pass if RULE of RULESET decided otherwise. */
function mayOpen(rule: Rule, matched: readonly Rule[], ruleset: Ruleset): boolean {
  const table = ruleset.tables.find(({ rules }) => rules[rule.index] === rule);
  const isNothing = rule.target.kind === 'none' || isLogging(rule);
  return !isNothing && (matched.includes(rule) || letsPass(rule, table, new Set()));
}

function letsPass({ target, ...rule }: Rule, table: Table | undefined, seen: Set<string>): boolean {
  switch (target.kind) {
    case 'none':
      return false;
    case 'verdict':
      return target.verdict !== Verdict.DROP;
    case 'extension':
      return target.extension.name !== 'REJECT' && !isLogging({ target, ...rule });
    default: {
      if (target.kind === 'goto') return true;
      if (seen.has(target.chain)) return false;
      seen.add(target.chain);
      const rules = table?.chains.find(({ name }) => name === target.chain)?.rules;
      // RETURN in a chain that was called leads back to where the packet would have been.
      return rules?.some((one) => !isReturn(one) && letsPass(one, table, seen)) ?? true;
    }
  }
}

function isReturn({ target }: Rule): boolean {
  return target.kind === 'verdict' && target.verdict === Verdict.RETURN;
}

function isLogging({ target }: Rule): boolean {
  return target.kind === 'extension' && ['LOG', 'NFLOG', 'TRACE', 'AUDIT', 'TCPMSS'].includes(target.extension.name);
}

/** `source MAC address 02:00:00:00:00:77 and TTL 129`. */
export function otherText(other: OtherPacket): string {
  return [...other].map(([field, value]) => fieldText(field, formatField(field, value, []))).join(' and ');
}

/** FIELD as people call it. */
export function fieldText(field: FieldName, value = ''): string {
  const label = field === 'sport' ? 'source port' : field === 'content' ? 'bytes' : fieldRow(field).label;
  return value === '' ? label : `${label} ${value}`;
}
