/** The ends of packets, each told once. */
import type { PacketFields } from '../../core/events.js';
import { TupleIndex } from './connections/tuple-index.js';
import { TUPLE_COLUMNS } from './format/model.js';
import { NumbersMet } from './number-names.js';
import { RowChunks } from './sections.js';

/** Rows of a chunk of tuples. */
const TUPLE_ROWS = 1 << 16;

export class Tuples {
  readonly rows = new RowChunks(TUPLE_COLUMNS, TUPLE_ROWS);
  readonly met = new NumbersMet();
  readonly #numbers = new TupleIndex();

  /** The number of the ends of PACKET. ICMP_ID: of an ICMP query; -1: it is none. */
  numberOf({ protocol, source, destination, sport, dport, icmp }: PacketFields, icmpId: number): number {
    const from = addressNumber(source);
    const to = addressNumber(destination);
    return icmp === undefined
      ? this.#numberOf(protocol, from, to, sport ?? -1, dport ?? -1, -1)
      : this.#numberOf(protocol, from, to, icmp.type, icmp.code, icmpId);
  }

  /** The number of the ends in a row of TUPLE_COLUMNS. */
  numberOfRow(row: readonly number[]): number {
    return this.#numberOf(row[0], row[1], row[2], row[3], row[4], row[5]);
  }

  #numberOf(protocol: number, source: number, destination: number, sport: number, dport: number, id: number): number {
    // What has no ports may have an ID of 32 bits, all else one of 16.
    const isId = sport < 0 && id >= 0;
    const ports = isId ? id | 0 : (sport & 0xffff) | (dport << 16);
    const more = protocol | (sport < 0 ? 0 : 1 << 8) | (isId ? 1 << 9 : (id + 1) << 10);
    const known = this.#numbers.get(source | 0, destination | 0, ports, more);
    if (known >= 0) return known;
    const number = this.rows.rows;
    this.#numbers.set(source | 0, destination | 0, ports, more, number);
    this.rows.add([protocol, source, destination, sport, dport, id]);
    this.met.add(protocol, sport, dport);
    return number;
  }
}

/** ADDRESS, with dots, as a number: its first byte in the highest bits. */
function addressNumber(address: string): number {
  let [number, byte] = [0, 0];
  for (let i = 0; i < address.length; i++) {
    const code = address.charCodeAt(i);
    if (code === DOT) {
      number = number * 256 + byte;
      byte = 0;
    } else byte = byte * 10 + code - ZERO;
  }
  return number * 256 + byte;
}

const DOT = '.'.charCodeAt(0);
const ZERO = '0'.charCodeAt(0);
