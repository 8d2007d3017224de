/** The packets of a report, as long as they have room: all of them, and those that have to do if there is none. */
import { deflated } from '../../io/deflate.js';
import { PACKET_COLUMNS, PACKET_ROWS } from './format/model.js';
import { BYTES_ROWS, type PacketBytes, PacketBytesWriter } from './format/packet-bytes.js';
import { type Chunks, jsonSection, RowChunks } from './sections.js';

/** How much of the bytes of packets there is: all, headers only, or those of the first of each connection and verdict. */
export type BytesKept = 'whole' | 'headers' | 'first';

/** Details of a chunk. */
const DETAIL_ROWS = 1 << 10;

/** Bytes of all packets of a list. */
export class BytesChunks implements Chunks {
  readonly kept: BytesKept;
  readonly rowsPerChunk = BYTES_ROWS;
  /** What the full chunks take, compressed. */
  size = 0;
  readonly #full: Uint8Array[] = [];
  /** How many packets of all chunks up to each of them have bytes. */
  readonly #packets: number[] = [];
  #open = new PacketBytesWriter();
  #rows = 0;

  constructor(kept: BytesKept) {
    this.kept = kept;
  }

  get chunks(): number {
    return this.#full.length + (this.#rows > 0 ? 1 : 0);
  }

  add(packet: PacketBytes | undefined): void {
    this.#open.add(packet);
    const chunk = this.#full.length;
    this.#packets[chunk] ??= this.#packets[chunk - 1] ?? 0;
    if (packet !== undefined) this.#packets[chunk]++;
    if (++this.#rows < BYTES_ROWS) return;
    const section = deflated(this.#open.bytes());
    this.#full.push(section);
    this.size += section.length;
    this.#open = new PacketBytesWriter();
    this.#rows = 0;
  }

  /** How many packets of the first CHUNKS have bytes. */
  packetsIn(chunks: number): number {
    return this.#packets[chunks - 1] ?? 0;
  }

  section(number: number): Uint8Array {
    return this.#full[number] ?? deflated(this.#open.bytes());
  }
}

/** What is said of single packets. */
class DetailChunks implements Chunks {
  readonly rowsPerChunk = DETAIL_ROWS;
  size = 0;
  readonly #full: Uint8Array[] = [];
  #open: (readonly string[])[] = [];
  /** Those of the open chunk. */
  #numbers = new Map<string, number>();

  get chunks(): number {
    return this.#full.length + (this.#open.length > 0 ? 1 : 0);
  }

  /** The number of DETAILS; -1: there are none. */
  numberOf(details: readonly string[]): number {
    if (details.length === 0) return -1;
    const key = details.length === 1 ? details[0] : JSON.stringify(details);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#full.length * DETAIL_ROWS + this.#open.length;
    // The list is that of the next packet soon.
    this.#open.push([...details]);
    this.#numbers.set(key, number);
    if (this.#open.length === DETAIL_ROWS) this.#close();
    return number;
  }

  #close(): void {
    const section = jsonSection(this.#open);
    this.#full.push(section);
    this.size += section.length;
    this.#open = [];
    this.#numbers = new Map();
  }

  section(number: number): Uint8Array {
    return this.#full[number] ?? jsonSection(this.#open);
  }
}

/** A packet that may be listed. */
export interface ListedPacket {
  /** In the order of PACKET_COLUMNS; the last one is set here. */
  readonly row: number[];
  readonly details: readonly string[];
  /** Undefined: nobody has them. */
  readonly whole: PacketBytes | undefined;
  readonly headers: PacketBytes | undefined;
  /** The first one of its connection and verdict. */
  readonly isFirst: boolean;
}

const OF_DIRECTION = ['connection', 'direction'] as const;
/** Packets of a connection have much in common. */
const EXPECTED = {
  frame: ['input'],
  connection: [],
  inDev: OF_DIRECTION,
  outDev: OF_DIRECTION,
  tuple: OF_DIRECTION,
  after: OF_DIRECTION,
  traversal: OF_DIRECTION,
} as const;

const DETAILS = PACKET_COLUMNS.indexOf('details');

/** Rows with what belongs to them, until they would take more than `room` bytes. */
export class PacketList {
  readonly rows = new RowChunks(PACKET_COLUMNS, PACKET_ROWS, EXPECTED);
  readonly details = new DetailChunks();
  /** The fullest first. */
  bytes: readonly BytesChunks[];
  readonly #room: number;

  constructor(kept: readonly BytesKept[], room: number) {
    this.bytes = kept.map((one) => new BytesChunks(one));
    this.#room = room;
  }

  /** What rows and details take, as far as they are compressed. */
  get size(): number {
    return this.rows.size + this.details.size;
  }

  add({ row, details, whole, headers, isFirst }: ListedPacket): void {
    row[DETAILS] = this.details.numberOf(details);
    this.rows.add(row);
    for (const one of this.bytes) {
      const hasRoom = one.size + this.size <= this.#room;
      const wanted = one.kept === 'whole' ? whole : one.kept === 'headers' ? headers : isFirst ? whole : undefined;
      one.add(hasRoom ? wanted : undefined);
    }
    if (this.rows.rows % BYTES_ROWS !== 0) return;
    const hasRoom = (one: BytesChunks, i: number): boolean =>
      i === this.bytes.length - 1 || one.size + this.size <= this.#room;
    this.bytes = this.bytes.filter(hasRoom);
  }
}
