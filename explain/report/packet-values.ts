/** The words that are said of packets, with the values of the packet taken out, so that many packets share them. */
import { flagNames } from '../../codecs/sentence/tcp-flags.js';
import type { FailedTest, Miss, PacketEnd, PacketFields } from '../../core/events.js';
import { fieldRow } from '../../core/fields.js';
import { TRAVERSAL_VALUES, type Words } from './format/model.js';

type ValueName = (typeof TRAVERSAL_VALUES)[number];

const POSITIONS = Object.fromEntries(TRAVERSAL_VALUES.map((name, i) => [name, i])) as Record<ValueName, number>;

/** The values that words of one packet can have from its row. */
export class PacketValues {
  /** Words that are not in the row. */
  readonly details: string[] = [];
  readonly #texts: (string | undefined)[];

  /** PACKET as it arrived, and AFTER: as it left. Undefined: not known. */
  constructor(packet: PacketFields | undefined, after: PacketFields | undefined) {
    this.#texts = [...endTexts(packet), ...endTexts(after), ...lengthAndFlags(packet)];
  }

  /** TEXT, or the position of the value of the packet that it is; of FIRST and then OTHERS. */
  of(text: string, ...names: readonly ValueName[]): string | number {
    for (const name of names) {
      const position = POSITIONS[name];
      if (this.#texts[position] === text) return position;
    }
    return text;
  }

  /** TEXT is said of this packet only. */
  detail(text: string): number {
    this.details.push(text);
    return TRAVERSAL_VALUES.length + this.details.length - 1;
  }

  /** The address and port of END, which is a source or destination. */
  end({ address, port }: PacketEnd): (string | number)[] {
    const words = [this.of(address, 'source', 'destination', 'newSource', 'newDestination')];
    if (port === undefined) return words;
    return [...words, ':', this.of(String(port), 'sport', 'dport', 'newSport', 'newDport')];
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
    const names = OF_FIELD[field];
    const shown = names === undefined ? value : this.of(value, ...names);
    return [`${label} `, shown, ` is ${isNegated ? '' : 'not '}${expected}`];
  }
}

/** Where the value of a field is in the row, perhaps. */
const OF_FIELD: Partial<Record<Miss['field'], readonly ValueName[]>> = {
  source: ['source', 'newSource'],
  destination: ['destination', 'newDestination'],
  sport: ['sport', 'newSport'],
  dport: ['dport', 'newDport'],
  length: ['length'],
  tcpFlags: ['flags'],
};

function endTexts(packet: PacketFields | undefined): (string | undefined)[] {
  if (packet === undefined) return [undefined, undefined, undefined, undefined];
  const { source, destination, sport, dport } = packet;
  return [source, destination, sport?.toString(), dport?.toString()];
}

function lengthAndFlags(packet: PacketFields | undefined): (string | undefined)[] {
  const flags = packet?.tcp?.flags;
  return [packet?.lengthBytes.toString(), flags === undefined ? undefined : flagNames(flags)];
}

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
