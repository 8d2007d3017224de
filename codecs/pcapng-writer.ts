/** Writes pcapng files (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html) with comments on packets. */
import type { ByteSink } from './byte-stream.js';
import type { Direction } from './capture.js';
import { BYTE_ORDER_MAGIC, SECTION_HEADER_BLOCK } from './pcapng-magic.js';

const INTERFACE_DESCRIPTION_BLOCK = 1;
const ENHANCED_PACKET_BLOCK = 6;

const OPTION_END = 0;
const OPTION_COMMENT = 1;
const OPTION_IF_NAME = 2;
const OPTION_EPB_FLAGS = 2;
const OPTION_SHB_USERAPPL = 4;
const OPTION_IF_TSRESOL = 9;
/** Time stamps in nanoseconds. */
const NANOSECONDS = 9;

/** The value of an option has 16 bits for its length. */
const MAX_OPTION_BYTES = 65_535;
const CHUNK_BYTES = 1 << 16;
const CUT = '\n…';

export interface WrittenInterface {
  readonly name: string;
  readonly linktype: number;
}

export interface WrittenPacket {
  /** The index of its interface. */
  readonly interface: number;
  readonly tsSec: number;
  readonly tsNsec: number;
  readonly bytes: Uint8Array;
  /** Its length on the wire. */
  readonly wirelen: number;
  /** Shown by Wireshark; cut if it is longer than a comment can be. '': none. */
  readonly comment: string;
  /** Left out: unknown. */
  readonly direction?: Direction;
}

/** Writes packets of INTERFACES, and of those that come later, in one section, to a sink. */
export class PcapngWriter {
  readonly #sink: ByteSink;
  readonly #encoder = new TextEncoder();
  #chunk = new Uint8Array(CHUNK_BYTES);
  #filled = 0;
  #interfaces = 0;

  /** @param application the program that writes the file */
  constructor(sink: ByteSink, interfaces: readonly WrittenInterface[], application: string) {
    this.#sink = sink;
    const section = new Uint8Array(16);
    const view = new DataView(section.buffer);
    view.setUint32(0, BYTE_ORDER_MAGIC, true);
    view.setUint16(4, 1, true);
    // The length of the section is not known.
    view.setBigInt64(8, -1n, true);
    this.#block(SECTION_HEADER_BLOCK, [section, ...this.#options([[OPTION_SHB_USERAPPL, this.#text(application)]])]);
    for (const one of interfaces) this.describe(one);
  }

  /** From now on, packets may be of one more interface. Returns its index. */
  describe({ name, linktype }: WrittenInterface): number {
    const description = new Uint8Array(8);
    new DataView(description.buffer).setUint16(0, linktype, true);
    const options = this.#options([
      ...(name === '' ? [] : [[OPTION_IF_NAME, this.#text(name)] as const]),
      [OPTION_IF_TSRESOL, Uint8Array.of(NANOSECONDS)],
    ]);
    this.#block(INTERFACE_DESCRIPTION_BLOCK, [description, ...options]);
    return this.#interfaces++;
  }

  write({ interface: index, tsSec, tsNsec, bytes, wirelen, comment, direction }: WrittenPacket): void {
    const head = new Uint8Array(20);
    const view = new DataView(head.buffer);
    const time = BigInt(tsSec) * 1_000_000_000n + BigInt(tsNsec);
    view.setUint32(0, index, true);
    view.setUint32(4, Number(BigInt.asUintN(32, time >> 32n)), true);
    view.setUint32(8, Number(BigInt.asUintN(32, time)), true);
    view.setUint32(12, bytes.length, true);
    view.setUint32(16, wirelen, true);
    const options: (readonly [number, Uint8Array])[] = [];
    if (comment !== '') options.push([OPTION_COMMENT, this.#text(comment)]);
    if (direction) options.push([OPTION_EPB_FLAGS, Uint8Array.of(direction, 0, 0, 0)]);
    this.#block(ENHANCED_PACKET_BLOCK, [
      head,
      ...padded(bytes),
      ...(options.length === 0 ? [] : this.#options(options)),
    ]);
  }

  /** Writes what has been gathered. */
  flush(): void {
    if (this.#filled > 0) this.#sink.write(this.#chunk, 0, this.#filled);
    this.#filled = 0;
  }

  /** TEXT in UTF-8, as much of it as an option takes. */
  #text(text: string): Uint8Array {
    const bytes = this.#encoder.encode(text);
    if (bytes.length <= MAX_OPTION_BYTES) return bytes;
    const cut = this.#encoder.encode(CUT);
    let end = MAX_OPTION_BYTES - cut.length;
    // Not within a character.
    while ((bytes[end] & 0xc0) === 0x80) end--;
    return Uint8Array.from([...bytes.subarray(0, end), ...cut]);
  }

  #options(values: readonly (readonly [code: number, value: Uint8Array])[]): Uint8Array[] {
    const parts = values.flatMap(([code, value]) => [optionHead(code, value.length), ...padded(value)]);
    return [...parts, optionHead(OPTION_END, 0)];
  }

  #block(type: number, body: readonly Uint8Array[]): void {
    const length = 12 + body.reduce((sum, part) => sum + part.length, 0);
    const ends = new Uint8Array(12);
    const view = new DataView(ends.buffer);
    view.setUint32(0, type, true);
    view.setUint32(4, length, true);
    view.setUint32(8, length, true);
    for (const part of [ends.subarray(0, 8), ...body, ends.subarray(8)]) this.#put(part);
  }

  #put(bytes: Uint8Array): void {
    if (this.#filled + bytes.length > this.#chunk.length) this.flush();
    if (bytes.length > this.#chunk.length) this.#chunk = new Uint8Array(bytes.length);
    this.#chunk.set(bytes, this.#filled);
    this.#filled += bytes.length;
  }
}

function optionHead(code: number, length: number): Uint8Array {
  const head = new Uint8Array(4);
  const view = new DataView(head.buffer);
  view.setUint16(0, code, true);
  view.setUint16(2, length, true);
  return head;
}

/** BYTES, and zeros up to the next multiple of four. */
function padded(bytes: Uint8Array): Uint8Array[] {
  return [bytes, new Uint8Array(-bytes.length & 3)];
}
