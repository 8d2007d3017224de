/** hot: classic pcap files, little-endian with nanoseconds, are written here. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { MAX_CAPLEN_BYTES, sleep } from './capture-blocks.js';
import { CaptureError, errorCode, fileSystemError } from './capture-error.js';
import { PCAP_FILE_HEADER_BYTES, PCAP_MAGIC_NANOSECONDS, PCAP_RECORD_HEADER_BYTES } from './pcap.js';

/** How much is gathered before it is written, in bytes. */
export const CHUNK_BYTES = 1 << 20;

/** How long to wait before writing again to a pipe that is full and does not block. */
const RETRY_MS = 5;

const LARGEST_RECORD_BYTES = PCAP_RECORD_HEADER_BYTES + MAX_CAPLEN_BYTES;

/**
 * Up to this length the copy is a loop over words, above it `set`: `set` costs 46 ns whatever the length (and a view of the
 * source, which dies young), the loop 18 ns for 64 bytes, 65 for 256, 307 for 1,500.
 */
const LOOP_COPY_BYTES = 192;

/** From this length on, records that lie together are written from where they lie; shorter runs are gathered. */
const DIRECT_BYTES = 1 << 16;

/** How many source buffers are remembered with a view over them; there is one a capture that is read. */
const REMEMBERED_SOURCES = 8;

export interface PcapWriterOptions {
  /** How much to gather before it is written, in bytes; at least what one record of 262144 bytes takes. */
  chunkBytes?: number;
}

/**
 * A pcap in the making: little-endian, nanoseconds, snaplen 262144. Nothing is allocated for a packet of up to 192 bytes.
 */
export class PcapWriter {
  readonly path: string;
  readonly linktype: number;
  /** How many packets have been written. */
  packets = 0;

  readonly #fd: number;
  #isOpen = true;
  readonly #chunk: Uint8Array;
  readonly #view: DataView;
  /** How much of the chunk is filled, in bytes. */
  #filled = 0;
  /** The source of the last packet, a view over it, and the sources before it. */
  #source: Uint8Array = new Uint8Array(0);
  #sourceView: DataView = new DataView(this.#source.buffer);
  #sources: { bytes: Uint8Array; view: DataView }[] = [];
  /** Whole records that lie one behind the other in the buffer of a reader, not written yet: [start, end). */
  #run: Uint8Array | null = null;
  #runStart = 0;
  #runEnd = 0;

  /**
   * Create or overwrite PATH.
   * @throws {CaptureError} where that is not possible
   */
  constructor(path: string, linktype: number, options: PcapWriterOptions = {}) {
    this.path = path;
    this.linktype = linktype;
    try {
      this.#fd = openSync(path, 'w');
    } catch (error) {
      throw fileSystemError(error, path, 'write');
    }
    this.#chunk = new Uint8Array(Math.max(options.chunkBytes ?? CHUNK_BYTES, LARGEST_RECORD_BYTES));
    this.#view = new DataView(this.#chunk.buffer);
    this.#view.setUint32(0, PCAP_MAGIC_NANOSECONDS, true);
    this.#view.setUint16(4, 2, true);
    this.#view.setUint16(6, 4, true);
    this.#view.setUint32(16, MAX_CAPLEN_BYTES, true);
    this.#view.setUint32(20, linktype, true);
    this.#filled = PCAP_FILE_HEADER_BYTES;
  }

  /**
   * Append a packet: LENGTH bytes of BYTES from AT on.
   *
   * @param tsSec  seconds since 1970; the file holds them modulo 2^32
   * @param tsNsec  nanoseconds, below 1,000,000,000
   * @param originalLength  length of the packet on the wire in bytes; more than LENGTH where it was cut
   * @throws {CaptureError} where the file cannot be written, or the packet is longer than 262144 bytes
   */
  write(tsSec: number, tsNsec: number, bytes: Uint8Array, at: number, length: number, originalLength: number): void {
    const recordBytes = PCAP_RECORD_HEADER_BYTES + length;
    if (length > MAX_CAPLEN_BYTES) throw this.#tooLong(length);
    if (this.#run !== null) this.settle();
    if (this.#chunk.length - this.#filled < recordBytes) this.flush();

    const view = this.#view;
    const start = this.#filled;
    view.setUint32(start, tsSec, true);
    view.setUint32(start + 4, tsNsec, true);
    view.setUint32(start + 8, length, true);
    view.setUint32(start + 12, originalLength, true);
    const to = start + PCAP_RECORD_HEADER_BYTES;
    if (length <= LOOP_COPY_BYTES) {
      if (bytes !== this.#source) this.#useSource(bytes);
      copyWords(view, to, this.#sourceView, at, length);
    } else {
      this.#chunk.set(bytes.subarray(at, at + length), to);
    }
    this.#filled = to + length;
    this.packets++;
  }

  /**
   * The same, but the record is made where the packet lies: its header is put into the 16 bytes before AT (VIEW is over BYTES).
   * Records that come to lie one behind the other so are not copied. They are read when `settle` is called, at the latest:
   * before anybody moves or changes them.
   */
  writeInPlace(
    tsSec: number,
    tsNsec: number,
    bytes: Uint8Array,
    view: DataView,
    at: number,
    length: number,
    originalLength: number,
  ): void {
    const start = at - PCAP_RECORD_HEADER_BYTES;
    if (this.#run !== bytes || this.#runEnd !== start) {
      if (this.#run !== null) this.settle();
      this.#run = bytes;
      this.#runStart = start;
    }
    view.setUint32(start, tsSec, true);
    view.setUint32(start + 4, tsNsec, true);
    view.setUint32(start + 8, length, true);
    view.setUint32(start + 12, originalLength, true);
    this.#runEnd = at + length;
    this.packets++;
  }

  /** Be done with the buffer that `writeInPlace` was given last. */
  settle(): void {
    const run = this.#run;
    if (run === null) return;
    this.#run = null;
    const length = this.#runEnd - this.#runStart;
    if (length >= DIRECT_BYTES) {
      this.flush();
      this.#writeOut(run, this.#runStart, length);
      return;
    }
    if (this.#chunk.length - this.#filled < length) this.flush();
    if (length <= LOOP_COPY_BYTES) {
      if (run !== this.#source) this.#useSource(run);
      copyWords(this.#view, this.#filled, this.#sourceView, this.#runStart, length);
    } else {
      this.#chunk.set(run.subarray(this.#runStart, this.#runEnd), this.#filled);
    }
    this.#filled += length;
  }

  /** Write what is left and close the file. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    try {
      this.flush();
    } finally {
      this.#closeFile();
    }
  }

  /** Write what has been gathered. */
  flush(): void {
    if (this.#run !== null) this.settle();
    const length = this.#filled;
    // What could not be written once is not tried again when the file is closed.
    this.#filled = 0;
    this.#writeOut(this.#chunk, 0, length);
  }

  #writeOut(bytes: Uint8Array, from: number, length: number): void {
    let done = 0;
    while (done < length) {
      try {
        done += writeSync(this.#fd, bytes, from + done, length - done);
      } catch (error) {
        if (errorCode(error) !== 'EAGAIN') throw fileSystemError(error, this.path, 'write');
        sleep(RETRY_MS);
      }
    }
  }

  #closeFile(): void {
    try {
      closeSync(this.#fd);
    } catch (error) {
      // Some file systems (quota, NFS) speak up only now.
      throw fileSystemError(error, this.path, 'write');
    }
  }

  #tooLong(caplen: number): CaptureError {
    return new CaptureError(this.path, -1, `a packet of ${caplen} bytes; a capture holds at most ${MAX_CAPLEN_BYTES}`);
  }

  #useSource(bytes: Uint8Array): void {
    this.#source = bytes;
    for (let index = 0; index < this.#sources.length; index++) {
      if (this.#sources[index].bytes === bytes) {
        this.#sourceView = this.#sources[index].view;
        return;
      }
    }
    this.#sourceView = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#sources = [{ bytes, view: this.#sourceView }, ...this.#sources.slice(0, REMEMBERED_SOURCES - 1)];
  }
}

/** Copy LENGTH bytes, four words at a time. */
function copyWords(target: DataView, to: number, source: DataView, from: number, length: number): void {
  let done = 0;
  for (; done + 16 <= length; done += 16) {
    target.setInt32(to + done, source.getInt32(from + done, true), true);
    target.setInt32(to + done + 4, source.getInt32(from + done + 4, true), true);
    target.setInt32(to + done + 8, source.getInt32(from + done + 8, true), true);
    target.setInt32(to + done + 12, source.getInt32(from + done + 12, true), true);
  }
  for (; done + 4 <= length; done += 4) target.setInt32(to + done, source.getInt32(from + done, true), true);
  for (; done < length; done++) target.setUint8(to + done, source.getUint8(from + done));
}
