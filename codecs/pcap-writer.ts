/** hot: writes classic pcaps, little-endian with nanoseconds. */
import type { ByteSink } from './byte-stream.js';
import { MAX_CAPLEN_BYTES } from './capture-blocks.js';
import { CaptureError } from './capture-error.js';
import { copyWords } from './copy.js';
import { PCAP_FILE_HEADER_BYTES, PCAP_MAGIC_NANOSECONDS } from './pcap.js';
import { PCAP_RECORD, PCAP_RECORD_HEADER_BYTES } from './pcap-record.js';
import { opener } from './record-layout.js';
import { DIRECT_BYTES, WRITER_STATE } from './writer-state.js';

const openState = opener(WRITER_STATE);

/** How many bytes to collect before writing them. */
export const CHUNK_BYTES = 1 << 19;

/** How many source buffers to cache with a view of each; each capture that is read has one. */
const MAX_CACHED_SOURCES = 8;

/** The size of the largest record, header included. */
export const LARGEST_RECORD_BYTES = PCAP_RECORD_HEADER_BYTES + MAX_CAPLEN_BYTES;

/** Where a writer keeps its state and collects its output. */
export interface WriterPlace {
  /** The buffer that contains the chunk and the runs. */
  readonly buffer: ArrayBufferLike;
  /** A part of the buffer, of at least `LARGEST_RECORD_BYTES`. */
  readonly chunk: Uint8Array;
  /** The offset of the WRITER_STATE in the buffer: a multiple of 8. */
  readonly stateAt: number;
}

/**
 * Writes a pcap: little-endian, nanoseconds, snaplen 262144. Allocates nothing for a packet of up to 192 bytes.
 */
export class PcapWriter {
  readonly path: string;
  readonly linktype: number;

  readonly #sink: ByteSink;
  #isOpen = true;
  #bytes: Uint8Array;
  #view: DataView;
  #chunkAt: number;
  #state: ReturnType<typeof openState>;
  /** The source of the last packet, a view of it, and the sources before it. */
  #source: Uint8Array = new Uint8Array(0);
  #sourceView: DataView = new DataView(this.#source.buffer);
  #sources: { bytes: Uint8Array; view: DataView }[] = [];

  /** Writes to SINK, and closes it at the end. PLACE: default a buffer that is allocated for the first packet. */
  constructor(sink: ByteSink, linktype: number, place: WriterPlace = ownPlace(PCAP_FILE_HEADER_BYTES)) {
    this.path = sink.path;
    this.#sink = sink;
    this.linktype = linktype;
    const { buffer, chunk, stateAt } = place;
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
    this.#chunkAt = chunk.byteOffset;
    this.#state = openState(buffer, stateAt);
    this.#state.chunkEnd = this.#chunkAt + chunk.length;
    const view = this.#view;
    view.setUint32(this.#chunkAt, PCAP_MAGIC_NANOSECONDS, true);
    view.setUint16(this.#chunkAt + 4, 2, true);
    view.setUint16(this.#chunkAt + 6, 4, true);
    view.setUint32(this.#chunkAt + 16, MAX_CAPLEN_BYTES, true);
    view.setUint32(this.#chunkAt + 20, linktype, true);
    this.#state.filled = this.#chunkAt + PCAP_FILE_HEADER_BYTES;
  }

  /** How many packets have been written. */
  get packets(): number {
    return this.#state.packets;
  }

  /**
   * Appends a packet: LENGTH bytes of BYTES from AT on.
   *
   * @param tsSec  seconds since 1970; the file holds them modulo 2^32
   * @param tsNsec  nanoseconds, below 1,000,000,000
   * @param originalLength  length of the packet on the wire in bytes; more than LENGTH if it was truncated
   * @throws {CaptureError} if the sink cannot be written, or the packet is longer than 262144 bytes
   */
  write(tsSec: number, tsNsec: number, bytes: Uint8Array, at: number, length: number, originalLength: number): void {
    const recordBytes = PCAP_RECORD_HEADER_BYTES + length;
    if (length > MAX_CAPLEN_BYTES) throw this.#tooLong(length);
    this.settle();
    if (this.#state.chunkEnd - this.#state.filled < recordBytes) this.#makeRoom();
    const state = this.#state;
    const start = state.filled;
    this.#writeHeader(start, tsSec, tsNsec, length, originalLength);
    if (bytes !== this.#source) this.#useSource(bytes);
    copyWords(this.#view, start + PCAP_RECORD_HEADER_BYTES, this.#sourceView, at, length);
    state.filled = start + recordBytes;
    state.packets += 1;
  }

  /** Whether `writeInPlace` can be used for packets in BYTES. */
  holds(bytes: Uint8Array): boolean {
    return bytes.buffer === this.#bytes.buffer;
  }

  /**
   * The same for a packet in the writer's own buffer: the record is made around it, with its header in the 16 bytes
   * before AT. Adjacent records are written together without being copied. `settle` must be called before anybody moves
   * or changes them.
   */
  writeInPlace(
    tsSec: number,
    tsNsec: number,
    bytes: Uint8Array,
    at: number,
    length: number,
    originalLength: number,
  ): void {
    const state = this.#state;
    const start = bytes.byteOffset + at - PCAP_RECORD_HEADER_BYTES;
    if (state.runEnd !== start) {
      this.settle();
      state.runStart = start;
    }
    this.#writeHeader(start, tsSec, tsNsec, length, originalLength);
    state.runEnd = start + PCAP_RECORD_HEADER_BYTES + length;
    state.packets += 1;
  }

  /** Writes or copies the records that `writeInPlace` has collected; with WITHIN, only if they are in these bytes. */
  settle(within?: Uint8Array): void {
    const state = this.#state;
    const start = state.runStart;
    const length = state.runEnd - start;
    if (length === 0 || (within !== undefined && !contains(within, this.#bytes, start))) return;
    const isLong = length >= DIRECT_BYTES;
    if (isLong || state.chunkEnd - state.filled < length) this.#flushChunk();
    if (isLong) {
      this.#sink.write(this.#bytes, start, length);
    } else {
      copyWords(this.#view, state.filled, this.#view, start, length);
      state.filled += length;
    }
    state.runStart = 0;
    state.runEnd = 0;
  }

  /** Writes what is left and closes the sink. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    try {
      this.flush();
    } finally {
      this.#sink.close();
    }
  }

  /** Writes what has been collected. */
  flush(): void {
    this.settle();
    this.#flushChunk();
  }

  /** Makes room in the chunk for any packet. */
  #makeRoom(): void {
    const { chunkEnd, filled, packets } = this.#state;
    if (chunkEnd - this.#chunkAt >= LARGEST_RECORD_BYTES) {
      this.flush();
      return;
    }
    const collected = this.#bytes.subarray(this.#chunkAt, filled);
    const { buffer, chunk, stateAt } = ownPlace(CHUNK_BYTES);
    chunk.set(collected);
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
    this.#chunkAt = chunk.byteOffset;
    this.#state = openState(buffer, stateAt);
    this.#state.filled = this.#chunkAt + collected.length;
    this.#state.chunkEnd = this.#chunkAt + chunk.length;
    this.#state.packets = packets;
  }

  #flushChunk(): void {
    const state = this.#state;
    const length = state.filled - this.#chunkAt;
    if (length === 0) return;
    // A failed write is not retried on close.
    state.filled = this.#chunkAt;
    this.#sink.write(this.#bytes, this.#chunkAt, length);
  }

  #writeHeader(at: number, tsSec: number, tsNsec: number, length: number, originalLength: number): void {
    const view = this.#view;
    view.setUint32(at + PCAP_RECORD.at.sec, tsSec, true);
    view.setUint32(at + PCAP_RECORD.at.fraction, tsNsec, true);
    view.setUint32(at + PCAP_RECORD.at.capturedBytes, length, true);
    view.setUint32(at + PCAP_RECORD.at.wireBytes, originalLength, true);
  }

  #tooLong(caplen: number): CaptureError {
    const problem = `cannot write a packet of ${caplen} bytes; the maximum is ${MAX_CAPLEN_BYTES}`;
    return new CaptureError(this.path, -1, problem);
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
    this.#sources = [{ bytes, view: this.#sourceView }, ...this.#sources.slice(0, MAX_CACHED_SOURCES - 1)];
  }
}

/** Whether the byte at AT of WHOLE is in BYTES. */
function contains(bytes: Uint8Array, whole: Uint8Array, at: number): boolean {
  return bytes.buffer === whole.buffer && at >= bytes.byteOffset && at < bytes.byteOffset + bytes.length;
}

/** A place in a new buffer. */
export function ownPlace(chunkBytes: number): WriterPlace {
  const buffer = new ArrayBuffer(WRITER_STATE.bytes + chunkBytes);
  return { buffer, chunk: new Uint8Array(buffer, WRITER_STATE.bytes), stateAt: 0 };
}
