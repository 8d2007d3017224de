/** Captures in files and pipes: `-` is standard input or output. */
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import type { ByteSink, ByteSource } from '../codecs/byte-stream.js';
import { type CaptureOptions, type CaptureReader, openCapture } from '../codecs/capture.js';
import { PcapWriter, type WriterPlace } from '../codecs/pcap-writer.js';
import { errorCode, fileSystemError } from './file-error.js';
import { nativePath } from './path.js';

const STANDARD_INPUT = 0;
const STANDARD_OUTPUT = 1;

/** How long to wait for a non-blocking pipe that is empty or full. */
const RETRY_MS = 5;

/**
 * Opens the capture file PATH.
 * @throws {CaptureError} if it cannot be read or is not a supported capture
 */
export function openCaptureFile(path: string, options: CaptureOptions = {}): CaptureReader {
  return openCapture(new FileSource(path), options);
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
  #isOpen = true;

  /** @throws {CaptureError} if the file cannot be opened */
  constructor(path: string) {
    this.path = path;
    try {
      this.#fd = path === '-' ? STANDARD_INPUT : openSync(nativePath(path), 'r');
      const stat = fstatSync(this.#fd);
      this.totalBytes = stat.isFile() ? stat.size : -1;
    } catch (error) {
      throw fileSystemError(error, path, 'open');
    }
  }

  /** @throws {CaptureError} if the file cannot be read */
  read(bytes: Uint8Array, at: number, length: number): number {
    for (;;) {
      try {
        return readSync(this.#fd, bytes, at, length, null);
      } catch (error) {
        const code = errorCode(error);
        // Windows reports this if standard input is a closed pipe.
        if (code === 'EOF') return 0;
        if (code !== 'EAGAIN') throw fileSystemError(error, this.path, 'read');
        sleep(RETRY_MS);
      }
    }
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
    let done = 0;
    while (done < length) {
      try {
        done += writeSync(this.#fd, bytes, at + done, length - done, null);
      } catch (error) {
        if (errorCode(error) !== 'EAGAIN') throw fileSystemError(error, this.path, 'write');
        sleep(RETRY_MS);
      }
    }
  }

  /** @throws {CaptureError} if an earlier write has failed */
  close(): void {
    if (this.#fd === STANDARD_OUTPUT) return;
    try {
      closeSync(this.#fd);
    } catch (error) {
      // Some file systems (quota, NFS) report a failed write only now.
      throw fileSystemError(error, this.path, 'write');
    }
  }
}

/** Blocks the thread, as reading and writing are synchronous. */
export function sleep(durationMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
}
