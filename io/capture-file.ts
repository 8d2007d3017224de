/** Captures in files and pipes: `-` is standard input or output. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { type ByteSink, type ByteSource, MemorySink } from '../codecs/byte-stream.js';
import { type CaptureOptions, openCapture } from '../codecs/capture.js';
import type { CaptureStream } from '../codecs/capture-stream.js';
import { Linktype } from '../codecs/linktypes.js';
import { PcapWriter, type WriterPlace } from '../codecs/pcap-writer.js';
import { DecompressedSource } from './decompress.js';
import { errorCode, fileSystemError } from './file-error.js';
import { FileSequence } from './file-sequence.js';
import { nativePath } from './path.js';
import { Patience, writeFully } from './patience.js';

const STANDARD_INPUT = 0;
const STANDARD_OUTPUT = 1;

/** After a request to end, how long a live input may go on, so that what its writer still has to say is not lost. */
const GRACE_MS = 300;

export interface CaptureFileOptions extends CaptureOptions, LiveOptions {}

export interface LiveOptions {
  /**
   * Whether inputs that may go on forever, such as pipes, shall end; asked again and again while there is nothing to
   * read. With this function, they are read without blocking the thread in the kernel, so that it can be ended.
   */
  hasEnded?: (() => boolean) | undefined;
  /** Called when there is nothing to read from a live input for now, or there may be nothing. */
  beforeWait?: (() => void) | undefined;
  /** The content of a live input that was ended before it began. Default: none. */
  unbegun?: () => Uint8Array;
}

/** The path of a capture, or those of several that are read one after another. */
export type CapturePaths = string | readonly string[];

/** PATHS as a list. */
export function listPaths(paths: CapturePaths): readonly string[] {
  return typeof paths === 'string' ? [paths] : paths;
}

/**
 * Opens the capture files PATHS, which may be compressed with gzip or zstd. A live input that is ended before it began
 * is a capture without packets.
 * @throws {CaptureError} if the first cannot be read or is not a supported capture
 */
export function openCaptureFile(paths: CapturePaths, options: CaptureFileOptions = {}): CaptureStream {
  const open = (path: string): ByteSource =>
    new DecompressedSource(new FileSource(path, { ...options, unbegun: emptyCapture }));
  const list = listPaths(paths);
  return openCapture(list.length === 1 ? open(list[0]) : new FileSequence(list, open), options);
}

function emptyCapture(): Uint8Array {
  const sink = new MemorySink();
  new PcapWriter(sink, Linktype.ETHERNET).close();
  return sink.bytes();
}

/**
 * Creates or overwrites the pcap file PATH.
 * @throws {CaptureError} if the file cannot be created
 */
export function createPcapFile(path: string, linktype: number, place?: WriterPlace): PcapWriter {
  return new PcapWriter(new FileSink(path), linktype, place);
}

/** A file read from front to back. */
export class FileSource implements ByteSource {
  readonly path: string;
  readonly totalBytes: number;
  readonly #fd: number;
  readonly #patience = new Patience();
  /** Undefined for a file of known size. */
  readonly #hasEnded: (() => boolean) | undefined;
  readonly #beforeWait: (() => void) | undefined;
  readonly #unbegun: (() => Uint8Array) | undefined;
  #hasBegun = false;
  /** When to stop, by `performance.now()`. */
  #deadlineMs = Number.POSITIVE_INFINITY;
  #isOpen = true;

  /** @throws {CaptureError} if the file cannot be opened */
  constructor(path: string, { hasEnded, beforeWait, unbegun }: LiveOptions = {}) {
    this.path = path;
    this.#unbegun = unbegun;
    try {
      const flags = hasEnded === undefined ? constants.O_RDONLY : constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
      this.#fd = path === '-' ? STANDARD_INPUT : openSync(nativePath(path), flags);
      const stat = fstatSync(this.#fd);
      this.totalBytes = stat.isFile() ? stat.size : -1;
      if (stat.isFile()) return;
      this.#hasEnded = hasEnded;
      this.#beforeWait = beforeWait;
    } catch (error) {
      throw fileSystemError(error, path, 'open');
    }
  }

  /** @throws {CaptureError} if the file cannot be read */
  read(bytes: Uint8Array, at: number, length: number): number {
    for (;;) {
      if (this.#isOver()) return this.#end(bytes, at);
      // Without `hasEnded`, reading waits.
      if (this.#hasEnded === undefined) this.#beforeWait?.();
      try {
        const count = readSync(this.#fd, bytes, at, length, null);
        if (count === 0) return this.#end(bytes, at);
        this.#patience.reset();
        this.#hasBegun = true;
        return count;
      } catch (error) {
        const code = errorCode(error);
        // Windows reports this if standard input is a closed pipe.
        if (code === 'EOF') return 0;
        if (code !== 'EAGAIN') throw fileSystemError(error, this.path, 'read');
        this.#beforeWait?.();
        this.#patience.wait();
      }
    }
  }

  /** What to read at the end. */
  #end(bytes: Uint8Array, at: number): number {
    if (this.#hasBegun || this.#unbegun === undefined || this.#hasEnded?.() !== true) return 0;
    this.#hasBegun = true;
    const content = this.#unbegun();
    bytes.set(content, at);
    return content.length;
  }

  #isOver(): boolean {
    if (this.#hasEnded?.() !== true) return false;
    const nowMs = performance.now();
    this.#deadlineMs = Math.min(this.#deadlineMs, nowMs + GRACE_MS);
    return nowMs >= this.#deadlineMs;
  }

  close(): void {
    if (this.#isOpen && this.#fd !== STANDARD_INPUT) closeSync(this.#fd);
    this.#isOpen = false;
  }
}

/** A file written from front to back. */
export class FileSink implements ByteSink {
  readonly path: string;
  readonly #fd: number;
  #isOpen = true;

  /** @throws {CaptureError} if the file cannot be created */
  constructor(path: string) {
    this.path = path === '-' ? 'standard output' : path;
    try {
      this.#fd = path === '-' ? STANDARD_OUTPUT : openSync(nativePath(path), 'w');
    } catch (error) {
      throw fileSystemError(error, path, 'write');
    }
  }

  /** @throws {CaptureError} if the file cannot be written */
  write(bytes: Uint8Array, at: number, length: number): void {
    try {
      writeFully(this.#fd, bytes, at, length);
    } catch (error) {
      throw fileSystemError(error, this.path, 'write');
    }
  }

  /** @throws {CaptureError} if an earlier write has failed */
  close(): void {
    if (this.#fd === STANDARD_OUTPUT || !this.#isOpen) return;
    this.#isOpen = false;
    try {
      closeSync(this.#fd);
    } catch (error) {
      // Some file systems (quota, NFS) report a failed write only now.
      throw fileSystemError(error, this.path, 'write');
    }
  }
}
