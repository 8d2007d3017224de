/** Fields as variables of decision diagrams: conditions become sets of packets, packets of sets become field values. */
import { ABSENT, type FieldName, fieldRow, type ValueField } from '../../fields.js';
import type { FieldCondition } from '../condition.js';
import type { ValueRange } from '../ranges.js';
import { ALL_PACKETS, type Diagrams, NO_PACKETS, type PacketSet } from './diagrams.js';

/** How many bytes of the layer-4 header are there, up to the highest value, which means that or more. */
export const HEADER_BYTES = 'headerBytes';
export const MOST_HEADER_BYTES = 31;

/** What packets of a set are told apart by. */
export type Dimension = ValueField | typeof HEADER_BYTES;

/**
 * The fields that are asked first. Those with few values come first, so that the many addresses of long lists are
 * shared by all that differs in the others.
 */
const FIRST: readonly Dimension[] = [
  ...(['protocol', 'ctinfo', 'inDev', 'outDev', HEADER_BYTES, 'fragmentOffset', 'ctdirection', 'ctstate'] as const),
  ...(['icmpType', 'tcpFlags', 'packetType', 'ctprotocol', 'dport', 'sport'] as const),
];
const LAST: readonly Dimension[] = ['destination', 'source'];

/** Every packet has these fields. All others may be absent. */
const ALWAYS: ReadonlySet<Dimension> = new Set([
  ...(['source', 'destination', 'protocol', 'inDev', 'outDev', HEADER_BYTES, 'fragmentOffset', 'tos'] as const),
  ...(['length', 'ttl', 'tcpFlags', 'icmpType', 'packetType', 'mark', 'ctinfo', 'ctstate'] as const),
  ...(['sourceType', 'destinationType'] as const),
]);

interface Place {
  /** The variable of its highest bit. Bits follow in descending order. */
  readonly first: number;
  readonly bits: number;
  /** The variable that says whether a packet has the field; undefined if all do. */
  readonly presence: number | undefined;
}

/** The value of each field of a packet, or ABSENT. Fields with any value are left out. */
export type PacketValues = ReadonlyMap<Dimension, number>;

export class Encoding {
  readonly diagrams: Diagrams;
  readonly #places = new Map<Dimension, Place>();
  /** The first variable that belongs to no field. */
  readonly #firstFree: number;
  #free: number;

  /** USED: the fields that conditions may test. DEVICES: how many interfaces there are. */
  constructor(diagrams: Diagrams, used: Iterable<Dimension>, devices: number) {
    this.diagrams = diagrams;
    const rest = new Set(used);
    for (const name of [...FIRST, ...LAST]) rest.delete(name);
    let next = 0;
    for (const name of [...FIRST, ...[...rest].sort(), ...LAST]) {
      const bits = bitsOf(name, devices);
      const presence = ALWAYS.has(name) ? undefined : next++;
      this.#places.set(name, { first: next, bits, presence });
      next += bits;
    }
    this.#firstFree = next;
    this.#free = next;
  }

  /** What packets are told apart by. */
  get dimensions(): Iterable<Dimension> {
    return this.#places.keys();
  }

  has(name: FieldName): boolean {
    return this.#places.has(name as Dimension);
  }

  /** Packets for which a test holds of which nothing else is known: a new variable. */
  freshTest(): PacketSet {
    return this.diagrams.node(this.#free++, NO_PACKETS, ALL_PACKETS);
  }

  /** SET, whatever the tests of which nothing is known say. */
  withoutTests(set: PacketSet): PacketSet {
    return this.#free === this.#firstFree ? set : this.diagrams.upTo(set, this.#firstFree - 1);
  }

  /** SET, whatever the value of NAME, and whether or not it is there. */
  withAny(name: Dimension, set: PacketSet): PacketSet {
    const { first, bits, presence } = this.#placeOf(name);
    return this.diagrams.forAny(set, presence ?? first, first + bits - 1);
  }

  /** The packets that have field NAME. */
  present(name: Dimension): PacketSet {
    const { presence } = this.#placeOf(name);
    return presence === undefined ? ALL_PACKETS : this.diagrams.node(presence, NO_PACKETS, ALL_PACKETS);
  }

  /** The packets whose field NAME is there and has a value in RANGES under MASK. */
  within(name: Dimension, ranges: readonly ValueRange[], mask?: number): PacketSet {
    const place = this.#placeOf(name);
    let values = NO_PACKETS;
    for (const range of ranges) values = this.diagrams.or(values, this.#range(place, range, mask));
    return this.diagrams.and(values, this.present(name));
  }

  /** The packets that meet CONDITION. */
  meeting({ field, mask, ranges, negated, orAbsent }: FieldCondition): PacketSet {
    const { diagrams } = this;
    const inside = this.within(field, ranges, mask);
    const present = this.present(field);
    const holding = negated ? diagrams.minus(present, inside) : inside;
    return orAbsent ? diagrams.or(holding, diagrams.not(present)) : holding;
  }

  /** The packets for which fields A and B, of the same width, are equal, if both are there. */
  equal(a: Dimension, b: Dimension): PacketSet {
    const [one, other] = [this.#placeOf(a), this.#placeOf(b)];
    const { diagrams } = this;
    let same = ALL_PACKETS;
    for (let bit = 0; bit < one.bits; bit++) {
      const [first, second] = [one, other].map(({ first }) => diagrams.node(first + bit, NO_PACKETS, ALL_PACKETS));
      const isBoth = diagrams.and(first, second);
      same = diagrams.and(same, diagrams.or(isBoth, diagrams.not(diagrams.or(first, second))));
    }
    return same;
  }

  /** One packet of SET, which must not be empty. */
  example(set: PacketSet): PacketValues {
    const bits = this.diagrams.pick(set);
    const values = new Map<Dimension, number>();
    for (const [name, { first, bits: width, presence }] of this.#places) {
      if (presence !== undefined && bits.get(presence) === false) values.set(name, ABSENT);
      else if (Array.from({ length: width }, (_, bit) => bits.has(first + bit)).includes(true)) {
        let value = 0;
        for (let bit = 0; bit < width; bit++) value = value * 2 + (bits.get(first + bit) === true ? 1 : 0);
        values.set(name, value);
      }
    }
    return values;
  }

  #placeOf(name: Dimension): Place {
    const place = this.#places.get(name);
    if (place === undefined) throw new RangeError(`no place for the field ${name}`);
    return place;
  }

  /** The packets whose value at PLACE, of which only the bits in MASK count, is from MIN to MAX. */
  #range({ first, bits }: Place, { min, max }: ValueRange, mask: number | undefined): PacketSet {
    const { diagrams } = this;
    const bitAt = (value: number, bit: number): number => Math.floor(value / 2 ** (bits - 1 - bit)) % 2;
    if (max >= 2 ** bits)
      return min >= 2 ** bits
        ? NO_PACKETS
        : this.#range({ first, bits, presence: 0 }, { min, max: 2 ** bits - 1 }, mask);
    /** The bits from BIT on: anything, at least those of min, at most those of max, or both. */
    const visit = (bit: number, isAboveMin: boolean, isBelowMax: boolean): PacketSet => {
      if (isAboveMin && isBelowMax) return ALL_PACKETS;
      if (bit === bits) return ALL_PACKETS;
      const least = isAboveMin ? 0 : bitAt(min, bit);
      const most = isBelowMax ? 1 : bitAt(max, bit);
      const next = (value: number): PacketSet => {
        if (value < least || value > most) return NO_PACKETS;
        return visit(bit + 1, isAboveMin || value > least, isBelowMax || value < most);
      };
      const low = next(0);
      const isTested = mask === undefined || bitAt(mask, bit) === 1;
      return isTested ? diagrams.node(first + bit, low, next(1)) : low;
    };
    return visit(0, false, false);
  }
}

function bitsOf(name: Dimension, devices: number): number {
  if (name === HEADER_BYTES) return 5;
  // Interfaces are numbered from 1; 0 is none.
  if (name === 'inDev' || name === 'outDev' || name === 'bridgePort') return Math.max(1, 32 - Math.clz32(devices));
  return fieldRow(name).bits;
}
