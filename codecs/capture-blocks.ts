/** hot: the window through which a capture file is read, in blocks, from front to back. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { BackgroundIo, ReadResult } from './background-io.js';
import { CaptureError, errorCode, fileSystemError } from './capture-error.js';

/** What is read at once, in bytes. Larger blocks were measured to be slower: they fall out of the cache. */
export const BLOCK_BYTES = 1 << 18;

/**
 * The largest packet that is believed, in bytes captured (libpcap's MAXIMUM_SNAPLEN): where more are announced, the file
 * is damaged.
 */
export const MAX_CAPLEN_BYTES = 262_144;

/** Gives so many bytes, all zeros, for a buffer; undefined where it has none left. */
export type Allocate = (length: number) => Uint8Array | undefined;

/** Spare bytes in front of the first byte read, so that there is room for a link header before any packet. */
const HEADROOM_BYTES = 64;

/** In a buffer of a ring: room in front of the block for what the block before it has left of a record. */
const TAIL_BYTES = HEADROOM_BYTES + MAX_CAPLEN_BYTES + 64;
export const RING_BUFFERS = 3;
/** What is read at once into a buffer of a ring: each block costs a call of another thread. */
const RING_BLOCK_BYTES = 1 << 21;
export const RING_BUFFER_BYTES = TAIL_BYTES + RING_BLOCK_BYTES;

const STANDARD_INPUT = 0;

/** How long to wait before asking a non-blocking standard input again. */
const RETRY_MS = 5;

/**
 * A file, read in blocks into one buffer. What a record still lacks at the end of a block is read behind its beginning,
 * which is first moved to the front of the buffer; so a record always lies in one piece. The buffer grows only where
 * one record is larger.
 *
 * `at` is the next byte that is not yet consumed; it is moved on by the reader of the format. Everything before it may be
 * overwritten by whoever consumes the records.
 */
export class CaptureBlocks {
  readonly path: string;
  /** Size of the file in bytes; -1 where it has none (a pipe, a device). */
  readonly totalBytes: number;
  bytes: Uint8Array;
  view: DataView;
  at = HEADROOM_BYTES;
  /** Behind the last byte that was read. */
  end = HEADROOM_BYTES;

  /** Called before bytes that were given out are moved or overwritten. */
  beforeMove: () => void = () => {};

  readonly #fd: number;
  /** The buffers that blocks are read to in turn, where there is more than one, and what writes from them meanwhile. */
  #ring: BlockRing | null = null;
  #isWaiting = false;
  readonly #allocate: Allocate;
  #isOpen = true;
  #readBytes = 0;
  #isAtEnd = false;

  /**
   * @param path  the file; '-' is standard input
   * @param blockBytes  how much to read at once
   * @param allocate  where the buffer is to lie, if not anywhere
   * @throws {CaptureError} where the file cannot be opened
   */
  constructor(path: string, blockBytes: number = BLOCK_BYTES, allocate?: Allocate) {
    this.path = path;
    this.#allocate = allocate ?? (() => undefined);
    try {
      this.#fd = path === '-' ? STANDARD_INPUT : openSync(path, 'r');
      const stat = fstatSync(this.#fd);
      this.totalBytes = stat.isFile() ? stat.size : -1;
    } catch (error) {
      throw fileSystemError(error, path, 'open');
    }
    this.bytes = this.#newBuffer(HEADROOM_BYTES + Math.max(blockBytes, 1));
    this.view = viewOf(this.bytes);
  }

  /** Where `at` is in the file, in bytes from its start. */
  get offset(): number {
    return this.#readBytes - (this.end - this.at);
  }

  /** How many bytes there are from `at` on, without reading more. */
  get available(): number {
    return this.end - this.at;
  }

  /**
   * Read until LENGTH bytes are there from `at` on, which may move; false where the file ends before, or where the next block
   * is still being read: then `isWaiting`.
   */
  load(length: number): boolean {
    if (this.end - this.at >= length) return true;
    if (this.#ring !== null) return this.#loadFrom(this.#ring, length);
    this.#makeRoom(length);
    while (!this.#isAtEnd && this.end - this.at < length) this.#read();
    return this.end - this.at >= length;
  }

  /** Whether `load` has to be called again, once IO has done something more. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /**
   * Read blocks to BUFFERS in turn from here on, RING_BUFFERS of RING_BUFFER_BYTES, as IO may still be writing from the last ones; of
   * a file, IO reads the next ones meanwhile. Records are then at most MAX_CAPLEN_BYTES long.
   */
  useRing(io: BackgroundIo, buffers: readonly Uint8Array[]): void {
    // What comes through a pipe may be waited for until another pipe is read: nothing else must wait with it.
    this.#ring = new BlockRing(io, this.totalBytes >= 0 ? this.#fd : -1, buffers);
  }

  /** The next block goes to the next buffer, behind what is left of the one before. */
  #loadFrom(ring: BlockRing, length: number): boolean {
    this.#isWaiting = false;
    while (!this.#isAtEnd && this.end - this.at < length) {
      const block = ring.next();
      if (block === null) {
        this.#isWaiting = true;
        return false;
      }
      this.beforeMove();
      const { bytes: old, at, end } = this;
      const { buffer, read } = block;
      this.bytes = buffer;
      this.view = viewOf(buffer);
      this.at = TAIL_BYTES - (end - at);
      this.end = TAIL_BYTES;
      if (read === undefined) this.#read();
      else this.#take(read);
      buffer.set(old.subarray(at, end), this.at);
      if (!this.#isAtEnd) ring.giveBack(old);
    }
    return this.end - this.at >= length;
  }

  /** Move `at` on by LENGTH bytes, of which only what is there already is kept in memory; false where the file ends before. */
  skip(length: number): boolean {
    let left = length;
    while (left > this.end - this.at) {
      left -= this.end - this.at;
      this.at = this.end;
      if (!this.load(1)) return false;
    }
    this.at += left;
    return true;
  }

  /** Close the file. What was read stays readable. */
  close(): void {
    if (this.#isOpen && this.#fd !== STANDARD_INPUT) closeSync(this.#fd);
    this.#isOpen = false;
    this.#isAtEnd = true;
  }

  #makeRoom(length: number): void {
    this.beforeMove();
    const capacity = this.bytes.length - HEADROOM_BYTES;
    const old = this.bytes;
    if (length > capacity) {
      this.bytes = this.#newBuffer(HEADROOM_BYTES + Math.max(length, 2 * capacity));
      this.view = viewOf(this.bytes);
    }
    this.bytes.set(old.subarray(this.at, this.end), HEADROOM_BYTES);
    this.end = HEADROOM_BYTES + (this.end - this.at);
    this.at = HEADROOM_BYTES;
  }

  #newBuffer(length: number): Uint8Array {
    return this.#allocate(length) ?? new Uint8Array(length);
  }

  /** So much was read behind `end`, or that is why nothing was. */
  #take(read: ReadResult): void {
    if (typeof read !== 'number') throw fileSystemError(read, this.path, 'read');
    if (read === 0) this.#isAtEnd = true;
    this.end += read;
    this.#readBytes += read;
  }

  #read(): void {
    for (;;) {
      try {
        this.#take(readSync(this.#fd, this.bytes, this.end, this.bytes.length - this.end, null));
        return;
      } catch (error) {
        const code = errorCode(error);
        if (code === 'EOF') {
          // Windows says so where standard input is a closed pipe.
          this.#isAtEnd = true;
          return;
        }
        if (code !== 'EAGAIN') throw fileSystemError(error, this.path, 'read');
        sleep(RETRY_MS);
      }
    }
  }

  /** An error about the byte at `at` + RELATIVE. */
  error(problem: string, relative = 0): CaptureError {
    return new CaptureError(this.path, this.offset + relative, problem);
  }
}

/** A buffer, the last job that was given when it was given back, and what came of reading to it, once that is known. */
interface Block {
  readonly buffer: Uint8Array;
  readonly job: number;
  read?: ReadResult;
}

/** Buffers that are used in turn: what is in one may be written in the background for a while after it was given back. */
class BlockRing {
  readonly #io: BackgroundIo;
  readonly #fd: number;
  /** In the order of the file. */
  readonly #blocks: Block[] = [];

  /** FD is what IO is to read ahead; -1: nothing. */
  constructor(io: BackgroundIo, fd: number, buffers: readonly Uint8Array[]) {
    this.#io = io;
    this.#fd = fd;
    for (const buffer of buffers) this.giveBack(buffer);
  }

  /**
   * The next buffer, and how much of the file was READ behind its first TAIL_BYTES, or why it was not; undefined: it is still to be
   * read. Null: the buffer has to be waited for.
   */
  next(): { buffer: Uint8Array; read: ReadResult | undefined } | null {
    this.#io.poll();
    const [{ buffer, job, read }] = this.#blocks;
    if (this.#fd < 0 ? !this.#io.isDone(job) : read === undefined) return null;
    this.#blocks.shift();
    return { buffer, read };
  }

  /** BUFFER may be read to again, once all is written that was to be written by now. */
  giveBack(buffer: Uint8Array): void {
    // What was read to before there was a ring is too small for it.
    if (buffer.length !== RING_BUFFER_BYTES) return;
    const block: Block = { buffer, job: this.#io.lastJob };
    this.#blocks.push(block);
    if (this.#fd < 0) return;
    this.#io.read(this.#fd, buffer.byteOffset + TAIL_BYTES, RING_BLOCK_BYTES, (read) => {
      block.read = read;
    });
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** Wait, as there is nothing else to do: the reading side is synchronous. */
export function sleep(durationMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
}
