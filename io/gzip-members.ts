/**
 * What is around the deflate data in gzip data (RFC 1952). It is read here, not by zlib, which drops what it has
 * decompressed if what is behind it is wrong.
 */
import * as zlib from 'node:zlib';
import { crcTable } from '../codecs/crc32c.js';

/** What comes next: the first byte of a member, if there is another one; another byte; deflate data. */
type Wish = 'member' | 'byte' | 'data';
type Bytes<T> = Generator<Wish, T, number>;

const HEADER_CRC = 2;
const EXTRA = 4;
const NAME = 8;
const COMMENT = 16;
const RESERVED = 0xe0;

/** Of Node 20.15 on. */
const { crc32 = crc32InSteps } = zlib as { crc32?: (bytes: Uint8Array, crc: number) => number };
let table: Int32Array | undefined;

function crc32InSteps(bytes: Uint8Array, before: number): number {
  table ??= crcTable(0xedb88320);
  let crc = ~before;
  for (const byte of bytes) crc = (crc >>> 8) ^ table[(crc ^ byte) & 0xff];
  return ~crc >>> 0;
}

/** Follows the members of gzip data, byte by byte but for their deflate data. */
export class GzipMembers {
  /** What is wrong with the data, as in "the gzip data is damaged". */
  problem: string | undefined;
  wish: Wish = 'member';
  readonly #steps = this.#follow();
  #crc = 0;
  #size = 0;

  constructor() {
    this.#steps.next();
  }

  /** Takes the bytes from AT to END that are not deflate data; returns where that begins, or END. */
  take(bytes: Uint8Array, at: number, end: number): number {
    let position = at;
    while (position < end && this.wish !== 'data' && this.problem === undefined) this.#next(bytes[position++]);
    return position;
  }

  /** BYTES were decompressed. */
  add(bytes: Uint8Array): void {
    this.#crc = crc32(bytes, this.#crc);
    this.#size = (this.#size + bytes.length) >>> 0;
  }

  /** The deflate data is over. */
  endData(): void {
    this.#next(0);
  }

  #next(byte: number): void {
    const { done, value } = this.#steps.next(byte);
    if (done) this.problem = value;
    else this.wish = value;
  }

  *#follow(): Bytes<string> {
    for (let first = yield 'member'; first !== 0; first = yield 'member') {
      if (first !== 0x1f || (yield 'byte') !== 0x8b || (yield 'byte') !== 8) return OTHER_DATA;
      const flags = yield 'byte';
      if ((flags & RESERVED) !== 0) return damaged('unknown header flags set');
      yield* skipHeader(flags);
      this.#crc = 0;
      this.#size = 0;
      yield 'data';
      if ((yield* number32()) !== this.#crc) return damaged('incorrect data check');
      if ((yield* number32()) !== this.#size) return damaged('incorrect length check');
    }
    // Padding, as on tapes.
    while ((yield 'member') === 0);
    return OTHER_DATA;
  }
}

const OTHER_DATA = 'other data follows the gzip data';
const damaged = (why: string): string => `the gzip data is damaged (${why})`;

/** What is behind FLAGS in a header. */
function* skipHeader(flags: number): Bytes<void> {
  yield* skip(6);
  if ((flags & EXTRA) !== 0) yield* skip((yield 'byte') | ((yield 'byte') << 8));
  if ((flags & NAME) !== 0) while ((yield 'byte') !== 0);
  if ((flags & COMMENT) !== 0) while ((yield 'byte') !== 0);
  if ((flags & HEADER_CRC) !== 0) yield* skip(2);
}

function* skip(count: number): Bytes<void> {
  for (let i = 0; i < count; i++) yield 'byte';
}

function* number32(): Bytes<number> {
  let value = 0;
  for (let shift = 0; shift < 32; shift += 8) value |= (yield 'byte') << shift;
  return value >>> 0;
}
