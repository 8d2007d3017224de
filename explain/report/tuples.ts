/** The ends of packets, each told once. */
import type { PacketFields } from '../../core/events.js';
import { TUPLE_COLUMNS } from './format/model.js';
import { RowChunks } from './sections.js';

/** Rows of a chunk of tuples. */
const TUPLE_ROWS = 1 << 16;

export class Tuples {
  readonly rows = new RowChunks(TUPLE_COLUMNS, TUPLE_ROWS);
  readonly #numbers = new Map<string, number>();

  /** The number of the ends of PACKET. */
  numberOf({ protocol, source, destination, sport, dport, icmp }: PacketFields): number {
    const [from, to] = icmp === undefined ? [sport ?? -1, dport ?? -1] : [icmp.type, icmp.code];
    return this.numberOfRow([protocol, addressNumber(source), addressNumber(destination), from, to, -1]);
  }

  /** The number of ROW, of TUPLE_COLUMNS. */
  numberOfRow(row: readonly number[]): number {
    const key = row.join(' ');
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.rows.rows;
    this.#numbers.set(key, number);
    this.rows.add(row);
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
