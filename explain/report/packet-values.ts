/** hot: the values of a packet that are taken out of what is said of it, so that many packets share the words. */
import { flagNames } from '../../codecs/sentence/tcp-flags.js';
import type { FailedTest, Miss, PacketEnd, PacketFields } from '../../core/events.js';
import { fieldRow } from '../../core/fields.js';
import { TRAVERSAL_VALUES, type Words } from './format/model.js';

type ValueName = (typeof TRAVERSAL_VALUES)[number];

const positions = (...names: readonly ValueName[]): readonly number[] =>
  names.map((name) => TRAVERSAL_VALUES.indexOf(name));

/** Where a value of a packet may be in its row, the likely place first. */
export const IN_ROW = {
  address: positions('source', 'destination', 'newSource', 'newDestination'),
  port: positions('sport', 'dport', 'newSport', 'newDport'),
} as const;

/** The same of fields. Those of packets that the host sends because of it may have the values of the other end. */
const FIELDS_IN_ROW: Partial<Record<Miss['field'], readonly number[]>> = {
  source: positions('source', 'newSource', 'destination', 'newDestination'),
  destination: positions('destination', 'newDestination', 'source', 'newSource'),
  sport: positions('sport', 'newSport', 'dport', 'newDport'),
  dport: positions('dport', 'newDport', 'sport', 'newSport'),
  length: positions('length'),
  tcpFlags: positions('flags'),
};

const NOWHERE: readonly number[] = [];
/** So many values are told by words that packets share; more belong to single packets. */
const MOST_SHARED = 64;

/** Which values that are not in rows are told by words that packets share. */
export class SharedValues {
  readonly #seen = new Map<string, Set<string>>();

  /** Whether TEXT, said of WHAT, is one of the first of a few. */
  has(what: string, text: string): boolean {
    let seen = this.#seen.get(what);
    if (seen === undefined) {
      seen = new Set();
      this.#seen.set(what, seen);
    }
    if (seen.has(text)) return true;
    if (seen.size >= MOST_SHARED) return false;
    seen.add(text);
    return true;
  }
}

/** The values that words of one packet can have from its row. */
export class PacketValues {
  /** Words that are not in the row. */
  readonly details: string[] = [];
  readonly #shared: SharedValues;
  readonly #texts: (string | undefined)[] = TRAVERSAL_VALUES.map(() => undefined);

  constructor(shared: SharedValues) {
    this.#shared = shared;
  }

  /** From now on, PACKET as it arrived, and AFTER: as it left. Undefined: not known. */
  use(packet: PacketFields | undefined, after: PacketFields | undefined): void {
    const texts = this.#texts;
    this.details.length = 0;
    const flags = packet?.tcp?.flags;
    texts[0] = packet?.source;
    texts[1] = packet?.destination;
    texts[2] = packet?.sport?.toString();
    texts[3] = packet?.dport?.toString();
    texts[4] = after?.source;
    texts[5] = after?.destination;
    texts[6] = after?.sport?.toString();
    texts[7] = after?.dport?.toString();
    texts[8] = packet?.lengthBytes.toString();
    texts[9] = flags === undefined ? undefined : flagNames(flags);
  }

  /** Which of POSITIONS in the row has TEXT; -1: none. */
  positionOf(text: string, positions: readonly number[]): number {
    const texts = this.#texts;
    for (let i = 0; i < positions.length; i++) if (texts[positions[i]] === text) return positions[i];
    return -1;
  }

  /** Which position in the row has the VALUE of FIELD; -1: none. */
  positionOfField(field: Miss['field'], value: string): number {
    const names = FIELDS_IN_ROW[field];
    if (names === undefined) return -1;
    // Rules print flags in another way.
    if (field === 'tcpFlags') return this.#texts[FLAGS] === undefined ? -1 : FLAGS;
    return this.positionOf(value, names);
  }

  /** Whether TEXT, said of WHAT, is not in words that packets share, but in the packet's details. */
  isDetail(what: string, text: string): boolean {
    return !this.#shared.has(what, text);
  }

  /** TEXT is said of this packet only. */
  detail(text: string): number {
    this.details.push(text);
    return TRAVERSAL_VALUES.length + this.details.length - 1;
  }

  /** TEXT, said of WHAT. */
  word(what: string, text: string, positions = NOWHERE): string | number {
    const position = this.positionOf(text, positions);
    if (position >= 0) return position;
    return this.isDetail(what, text) ? this.detail(text) : text;
  }

  /** The address and port of END, which is a source or destination. */
  end({ address, port }: PacketEnd): (string | number)[] {
    const host = this.word('address', address, IN_ROW.address);
    return port === undefined ? [host] : [host, ':', this.word('port', String(port), IN_ROW.port)];
  }

  /** Why a test FAILED. */
  failure({ text, misses }: FailedTest): Words {
    if (misses === undefined) return text;
    return compact(misses.flatMap((miss, i) => [i === 0 ? '' : ', ', ...this.#miss(miss)]));
  }

  #miss({ field, value, expected, isNegated }: Miss): (string | number)[] {
    const { label } = fieldRow(field);
    if (value === undefined) return [`the packet has no ${label}`];
    if (expected === undefined) return [`no ${label} matches`];
    const position = this.positionOfField(field, value);
    const shown = position >= 0 ? position : this.word(field, value);
    return [`${label} `, shown, ` is ${isNegated ? '' : 'not '}${expected}`];
  }
}

const FLAGS = TRAVERSAL_VALUES.indexOf('flags');

/** PARTS with strings that follow each other put together. */
export function compact(parts: readonly (string | number)[]): Words {
  const words: (string | number)[] = [];
  for (const part of parts) {
    const last = words.length - 1;
    if (typeof part === 'string' && typeof words[last] === 'string') words[last] += part;
    else if (part !== '') words.push(part);
  }
  return words.length === 1 && typeof words[0] === 'string' ? words[0] : words.length === 0 ? '' : words;
}
