/**
 * What rules say about source and destination, as conditions on the 32-bit words of an address: one for IPv4, four for
 * IPv6. All of the conditions must hold.
 */
import type { Address, Family } from '../../codecs/address.js';
import type { ValueField } from '../fields.js';
import { anyOf, type Condition, equals, type FieldCondition, within } from './condition.js';

export type AddressEnd = 'source' | 'destination';

/** The first word first. The last one of an IPv6 address is where IPv4 has its only one. */
const WORDS: Readonly<Record<Family, Readonly<Record<AddressEnd, readonly ValueField[]>>>> = {
  ipv4: { source: ['source'], destination: ['destination'] },
  ipv6: {
    source: ['sourceWord0', 'sourceWord1', 'sourceWord2', 'source'],
    destination: ['destinationWord0', 'destinationWord1', 'destinationWord2', 'destination'],
  },
};
const MAX_WORD = 0xffffffff;

/** The address at END is ADDRESS in all bits of MASK or, if NEGATED, differs in one. */
export function lowerAddress(end: AddressEnd, address: Address, mask: Address, negated: boolean): Condition[] {
  const fields = WORDS[address.family][end];
  const [values, masks] = [address.words, mask.words];
  const conditions = fields.map((field, i) => equals(field, values[i] >>> 0, negated, masks[i] >>> 0));
  // Words without a bit in the mask say nothing; of an empty mask, one is left, which always or never holds.
  const tested = conditions.filter((_, i) => masks[i] !== 0);
  const kept = tested.length > 0 ? tested : [conditions[conditions.length - 1]];
  return negated && kept.length > 1 ? [anyOf(...kept)] : kept;
}

/** The address at END is between MIN and MAX, both inclusive, or, if NEGATED, is not. */
export function lowerAddressRange(end: AddressEnd, min: Address, max: Address, negated: boolean): Condition[] {
  const fields = WORDS[min.family][end];
  if (fields.length === 1) return [within(fields[0], [{ min: min.hostOrder, max: max.hostOrder }], negated)];
  if (!negated) return [...atLeast(fields, min), ...atMost(fields, max)].map(joined);
  const before = min.plus(-1);
  const behind = max.plus(1);
  const below = before === undefined ? [NEVER] : atMost(fields, before);
  const above = behind === undefined ? [NEVER] : atLeast(fields, behind);
  return below.flatMap((one) => above.map((other) => joined([...one, ...other])));
}

/** Conditions of which one must hold. */
type Clause = readonly FieldCondition[];

const NEVER: Clause = [];

/** The word I of an address is large enough, or one before it is larger: for every I if the address is at LEAST. */
function atLeast(fields: readonly ValueField[], least: Address): Clause[] {
  const words = least.words.map((word) => word >>> 0);
  const above = fields.map((field, i) => within(field, [{ min: words[i] + 1, max: MAX_WORD }], false));
  return fields.map((field, i) => [...above.slice(0, i), within(field, [{ min: words[i], max: MAX_WORD }], false)]);
}

/** The same for an address of at MOST. */
function atMost(fields: readonly ValueField[], most: Address): Clause[] {
  const words = most.words.map((word) => word >>> 0);
  const below = fields.map((field, i) => within(field, [{ min: 0, max: words[i] - 1 }], false));
  return fields.map((field, i) => [...below.slice(0, i), within(field, [{ min: 0, max: words[i] }], false)]);
}

function joined(clause: Clause): Condition {
  return clause.length === 1 ? clause[0] : anyOf(...clause);
}
