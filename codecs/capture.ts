/** Captures of any supported format. */
import type { ByteSource } from './byte-stream.js';
import { type Allocate, CaptureBlocks } from './capture-blocks.js';
import type { CaptureCut } from './capture-error.js';
import { CaptureStream } from './capture-stream.js';

/**
 * How many bytes before the packet of a record may be overwritten: those of the record's header, which has already been
 * read.
 */
export const CAPTURE_HEADROOM_BYTES = 16;

/**
 * The current record of a reader. Nothing is allocated per record: the next one overwrites these fields.
 *
 * The packet is `bytes[at … at + caplen)`. Until the next `next()` of the same reader it may be modified in place, and
 * so may the CAPTURE_HEADROOM_BYTES before it, so that an Ethernet header can be added in front of an IP packet.
 */
export interface CaptureRecord {
  /** The block that contains the packet; `next()` may replace it. `view` covers the same bytes. */
  bytes: Uint8Array;
  view: DataView;
  at: number;
  /** How many bytes of the packet were captured (incl_len). */
  caplen: number;
  /**
   * The length of the packet on the wire (orig_len). If the file says less than `caplen`, it is `caplen`.
   */
  wirelen: number;
  /** Seconds since 1970, and nanoseconds (below 1,000,000,000). */
  tsSec: number;
  tsNsec: number;
  /** The LINKTYPE_ value of the record's interface (https://www.tcpdump.org/linktypes.html). */
  linktype: number;
  /** pcapng: the index of the interface within its section, in the order of the descriptions; else 0. */
  interfaceIndex: number;
  /** pcapng: the name of the interface (if_name), such as `eth0`; '' if the file does not say. */
  interfaceName: string;
  /** pcapng: whether the packet arrived on that interface or left by it (epb_flags). */
  direction: Direction;
}

/** The direction of a packet (pcapng, section 4.3.1: bits 0 and 1 of epb_flags). */
export const Direction = { UNKNOWN: 0, INBOUND: 1, OUTBOUND: 2 } as const;
export type Direction = (typeof Direction)[keyof typeof Direction];

/** Reads a capture record by record, in the order of the file. */
export interface CaptureReader extends CaptureRecord {
  /** The file being read. */
  readonly path: string;
  /** What is missing: the capture, or one of its files, ends in the middle of a record or is damaged there. */
  readonly cuts: readonly CaptureCut[];
  /** How much of the files has been consumed, and their size, in bytes (-1: unknown, a pipe). */
  readonly consumedBytes: number;
  readonly totalBytes: number;
  /** Calls CALLBACK before the packets of earlier records are overwritten by what is read next. */
  onOverwrite(callback: () => void): void;
  /**
   * Advances to the next record; returns false at the end, or where the capture is damaged.
   * @throws {CaptureError} if it cannot be read, or is damaged before its first packet
   */
  next(): boolean;
  /** Closes the file. */
  close(): void;
}

export interface CaptureOptions {
  /** How much to read at once, in bytes. */
  blockBytes?: number;
  /** Where the buffers come from; default: the heap. */
  allocate?: Allocate;
}

/**
 * Opens SOURCE, a classic pcap (either byte order, microseconds or nanoseconds) or pcapng file, or several of them in a
 * row. The reader closes it.
 * @throws {CaptureError} if it is neither, cannot be read, or is a pcap with an unsupported link type
 */
export function openCapture(source: ByteSource, options: CaptureOptions = {}): CaptureStream {
  const blocks = new CaptureBlocks(source, options.blockBytes, options.allocate);
  try {
    return new CaptureStream(blocks);
  } catch (error) {
    blocks.close();
    throw error;
  }
}
