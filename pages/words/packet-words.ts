/** Words of a traversal, with the values of one of its packets in them. */
import { flagNames } from '../../codecs/sentence/tcp-flags.js';
import { TRAVERSAL_VALUES, type Words } from '../../explain/report/format/model.js';
import type { PacketColumns, TupleColumns } from '../data/result.js';
import { address } from './ends.js';

/** What words need to know of packets. */
export interface PacketFacts {
  readonly packets: PacketColumns;
  readonly tuples: TupleColumns;
  readonly details: readonly (readonly string[])[];
}

/** What WORDS say of the packet in ROW. */
export function packetWords(words: Words, facts: PacketFacts, row: number): string {
  if (typeof words === 'string') return words;
  return words.map((part) => (typeof part === 'string' ? part : packetValue(part, facts, row))).join('');
}

function packetValue(position: number, { packets, tuples, details }: PacketFacts, row: number): string {
  const name = TRAVERSAL_VALUES[position];
  if (name === undefined) return details[packets.details[row]]?.[position - TRAVERSAL_VALUES.length] ?? '';
  if (name === 'length') return `${packets.length[row]}`;
  if (name === 'flags') return flagNames(packets.flags[row]);
  const tuple = name.startsWith('new') ? packets.after[row] : packets.tuple[row];
  switch (name) {
    case 'source':
    case 'newSource':
      return address(tuples.source[tuple]);
    case 'destination':
    case 'newDestination':
      return address(tuples.destination[tuple]);
    case 'sport':
    case 'newSport':
      return `${tuples.sport[tuple]}`;
    default:
      return `${tuples.dport[tuple]}`;
  }
}
