/** Compressed input, recognised by its first bytes and decompressed as it is read, with bounded memory. */
import { createRequire } from 'node:module';
import type { ByteSource } from '../codecs/byte-stream.js';
import { GzipMembers } from './gzip-members.js';

const require = createRequire(import.meta.url);

const MAGIC_BYTES = 4;
/** How much is read to find it. A pipe that was ended before it began has a whole file header (`emptyCapture`). */
const HEAD_BYTES = 64;
const INPUT_BYTES = 1 << 16;
/** How much compressed data is passed on at once. If zlib finds damage, what it begins with is lost as well. */
const STEP_BYTES = 1 << 10;

type Format = 'gzip' | 'zstd';

/** RFC 1952, section 2.3.1, with the only method there is; RFC 8878, section 3.1.1. */
function formatOf(bytes: Uint8Array): Format | undefined {
  const [first, second, third, fourth] = bytes;
  if (first === 0x1f && second === 0x8b && third === 8) return 'gzip';
  return first === 0x28 && second === 0xb5 && third === 0x2f && fourth === 0xfd ? 'zstd' : undefined;
}

/** The bytes of a source, decompressed if they are compressed. */
export class DecompressedSource implements ByteSource {
  readonly #source: ByteSource;
  #decoder: Decoder | undefined;
  /** The first bytes of the source, and how many of them have been passed on. Undefined until the first read. */
  #head: Uint8Array | undefined;
  #headRead = 0;
  #consumed = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  get path(): string {
    return this.#source.path;
  }

  get totalBytes(): number {
    return this.#source.totalBytes;
  }

  get consumedBytes(): number | undefined {
    return this.isDecompressed ? this.#consumed : undefined;
  }

  get isDecompressed(): boolean {
    return this.#decoder?.isSupported === true;
  }

  get problem(): string | undefined {
    return this.#decoder?.problem;
  }

  /** @throws {CaptureError} if the source cannot be read */
  read(bytes: Uint8Array, at: number, length: number): number {
    const head = this.#head ?? this.#readHead();
    if (this.#decoder !== undefined) return this.#decoder.read(bytes, at, length);
    if (this.#headRead === head.length) return this.#readSource(bytes, at, length);
    const count = Math.min(length, head.length - this.#headRead);
    bytes.set(head.subarray(this.#headRead, this.#headRead + count), at);
    this.#headRead += count;
    return count;
  }

  close(): void {
    this.#decoder?.close();
    this.#source.close();
  }

  #readHead(): Uint8Array {
    const bytes = new Uint8Array(HEAD_BYTES);
    let length = 0;
    for (let count = -1; length < MAGIC_BYTES && count !== 0; length += count) {
      count = this.#readSource(bytes, length, HEAD_BYTES - length);
    }
    const head = bytes.subarray(0, length);
    const format = formatOf(head);
    if (format !== undefined) {
      this.#decoder = new Decoder(format, head, (target, at, room) => this.#readSource(target, at, room));
    }
    this.#head = head;
    return head;
  }

  #readSource(bytes: Uint8Array, at: number, length: number): number {
    const count = this.#source.read(bytes, at, length);
    this.#consumed += count;
    return count;
  }
}

/**
 * What a decompressing stream of node:zlib does its work with. Its public interface is asynchronous, and captures are
 * read synchronously. npm relies on these members as well.
 */
interface ZlibStream {
  readonly _handle: {
    writeSync(
      flush: number,
      input: Uint8Array,
      inputAt: number,
      inputLength: number,
      output: Uint8Array,
      outputAt: number,
      outputLength: number,
    ): void;
  };
  /** After a write: how much room is left in the output, and how much of the input is not consumed. */
  readonly _writeState: Uint32Array;
  readonly errored: Error | null;
  on(event: 'error', listener: () => void): void;
  reset(): void;
  close(): void;
}

/** The stream for FORMAT (of gzip, its deflate data), and the flush values for "go on" and "this was the end". */
function createStream(format: Format): { stream: ZlibStream; flush: number; finish: number } | undefined {
  // Loaded here because most captures are not compressed.
  const zlib: typeof import('node:zlib') & { createZstdDecompress?: () => unknown } = require('node:zlib');
  const { Z_SYNC_FLUSH, Z_FINISH } = zlib.constants;
  const { ZSTD_e_flush = 1, ZSTD_e_end = 2 } = zlib.constants as { ZSTD_e_flush?: number; ZSTD_e_end?: number };
  const created = format === 'gzip' ? zlib.createInflateRaw() : zlib.createZstdDecompress?.();
  const stream = created as unknown as ZlibStream | undefined;
  if (typeof stream?._handle?.writeSync !== 'function' || stream._writeState?.length !== 2) return undefined;
  return format === 'gzip'
    ? { stream, flush: Z_SYNC_FLUSH, finish: Z_FINISH }
    : { stream, flush: ZSTD_e_flush, finish: ZSTD_e_end };
}

/** Decompresses a stream of bytes, which may consist of several compressed ones in a row. */
class Decoder {
  /** Why there is no more, if that is not the regular end. */
  problem: string | undefined;
  readonly #stream: ZlibStream | undefined;
  readonly #flush: number = 0;
  readonly #finish: number = 0;
  readonly #format: Format;
  readonly #members: GzipMembers | undefined;
  readonly #readMore: (bytes: Uint8Array, at: number, length: number) => number;
  readonly #input = new Uint8Array(INPUT_BYTES);
  #inputAt = 0;
  #inputEnd: number;
  #isInputOver = false;
  /** There may be more output without more input. */
  #isOutputFull = false;
  #isOver = false;

  constructor(format: Format, head: Uint8Array, readMore: (bytes: Uint8Array, at: number, length: number) => number) {
    this.#format = format;
    this.#members = format === 'gzip' ? new GzipMembers() : undefined;
    this.#readMore = readMore;
    this.#input.set(head);
    this.#inputEnd = head.length;
    const created = createStream(format);
    if (created === undefined) {
      const tool = format === 'gzip' ? 'zcat' : 'zstdcat';
      this.problem =
        `the file is compressed with ${format}, which this version of Node (${process.version}) cannot read; ` +
        `pipe it through ${tool}: ${tool} FILE | nfreplay …, with - in place of the file`;
      this.#isOver = true;
      return;
    }
    this.#stream = created.stream;
    this.#flush = created.flush;
    this.#finish = created.finish;
    // Without a listener, the process would end. The error is in `errored` too.
    created.stream.on('error', () => {});
  }

  /** Whether Node can decompress this format. */
  get isSupported(): boolean {
    return this.#stream !== undefined;
  }

  /** Decompresses up to LENGTH bytes into BYTES at AT. Waits for input only if it has nothing yet. */
  read(bytes: Uint8Array, at: number, length: number): number {
    let done = 0;
    while (!this.#isOver && done < length) {
      if (this.#inputAt === this.#inputEnd && !this.#isInputOver && !this.#isOutputFull) {
        if (done > 0) return done;
        this.#inputAt = 0;
        this.#inputEnd = this.#readMore(this.#input, 0, INPUT_BYTES);
        this.#isInputOver = this.#inputEnd === 0;
      }
      if (this.#members === undefined || this.#members.wish === 'data')
        done += this.#step(bytes, at + done, length - done);
      else this.#takeFrame(this.#members);
    }
    return done;
  }

  close(): void {
    this.#stream?.close();
  }

  #step(bytes: Uint8Array, at: number, length: number): number {
    const stream = this.#stream;
    if (stream === undefined) return 0;
    const available = Math.min(this.#inputEnd - this.#inputAt, STEP_BYTES);
    const flush = this.#isInputOver ? this.#finish : this.#flush;
    stream._handle.writeSync(flush, this.#input, this.#inputAt, available, bytes, at, length);
    if (stream.errored !== null) {
      const isCut = this.#isInputOver && available === 0;
      this.#fail(isCut ? this.#cut() : `the ${this.#format} data is damaged (${stream.errored.message})`);
      return 0;
    }
    const [room, left] = stream._writeState;
    const done = length - room;
    this.#inputAt += available - left;
    this.#isOutputFull = room === 0;
    const isIdle = done === 0 && left === available;
    if (this.#members !== undefined) {
      this.#members.add(bytes.subarray(at, at + done));
      if (left > 0 && room > 0) this.#members.endData();
      else if (isIdle && this.#isInputOver) this.#fail(this.#cut());
    } else if (isIdle && left > 0) this.#fail(`other data follows the ${this.#format} data`);
    else this.#isOver = isIdle && this.#isInputOver;
    return done;
  }

  /** Goes on to the deflate data of MEMBERS. */
  #takeFrame(members: GzipMembers): void {
    this.#inputAt = members.take(this.#input, this.#inputAt, this.#inputEnd);
    if (members.problem !== undefined) this.#fail(members.problem);
    else if (members.wish === 'data') this.#stream?.reset();
    else if (this.#isInputOver && members.wish === 'byte') this.#fail(this.#cut());
    else this.#isOver = this.#isInputOver;
  }

  #cut(): string {
    return `the ${this.#format} data ends in the middle`;
  }

  #fail(problem: string): void {
    this.problem = problem;
    this.#isOver = true;
  }
}
