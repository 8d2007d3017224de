/** Captures of any supported format, recognised by their first bytes. */
import type { ByteSource } from './byte-stream.js';
import { type Allocate, CaptureBlocks } from './capture-blocks.js';
import { type CaptureCut, CaptureError } from './capture-error.js';
import { describeForeignFile } from './foreign-files.js';
import { isSupportedLinktype, linktypeName } from './linktypes.js';
import { isPcapMagic, PcapReader } from './pcap.js';
import { PcapngReader, SECTION_HEADER_BLOCK } from './pcapng.js';

/**
 * How many bytes before the packet of a record may be overwritten: those of the record's header, which has been read by
 * then.
 */
export const CAPTURE_HEADROOM_BYTES = 16;

/**
 * The current record of a reader. Nothing is allocated per record: the next one overwrites these fields.
 *
 * The packet is `bytes[at … at + caplen)`. Until the next `next()` of the same reader it may be modified in place, and
 * so may the CAPTURE_HEADROOM_BYTES before it: an Ethernet header can be put before an IP packet where it is.
 */
export interface CaptureRecord {
  /** The block that the packet lies in; another one after some `next()`. `view` is over the same bytes. */
  bytes: Uint8Array;
  view: DataView;
  at: number;
  /** How many bytes of the packet were captured (incl_len). */
  caplen: number;
  /**
   * How many it had on the wire (orig_len); never less than `caplen`: a file that says so is taken to mean `caplen`.
   */
  wirelen: number;
  /** Seconds since 1970, and nanoseconds below 1,000,000,000. */
  tsSec: number;
  tsNsec: number;
  /** The LINKTYPE_ value of the record's interface (https://www.tcpdump.org/linktypes.html). */
  linktype: number;
  /** pcapng: the interface within its section; else 0. */
  interfaceIndex: number;
}

/** A capture, read record by record, in the order of the file. */
export interface CaptureReader extends CaptureRecord {
  readonly path: string;
  /** Set once `next()` has returned false at a record that is not whole. */
  readonly cut: CaptureCut | null;
  /** How much of the file has been consumed, and its size (-1: a pipe), in bytes. */
  readonly consumedBytes: number;
  readonly totalBytes: number;
  /** Calls CALLBACK before the packets of earlier records are overwritten by what is read next. */
  onOverwrite(callback: () => void): void;
  /**
   * Advances to the next record; returns false at the end.
   * @throws {CaptureError} if the file is damaged
   */
  next(): boolean;
  /** Close the file. */
  close(): void;
}

export interface CaptureOptions {
  /** How much to read at once, in bytes. */
  blockBytes?: number;
  /** Where the buffers come from; default: the heap. */
  allocate?: Allocate;
}

/**
 * Opens SOURCE, a classic pcap (either byte order, microseconds or nanoseconds) or a pcapng. The reader closes it.
 * @throws {CaptureError} if it is neither, cannot be read, or is a pcap of an unsupported link type
 */
export function openCapture(source: ByteSource, options: CaptureOptions = {}): CaptureReader {
  const blocks = new CaptureBlocks(source, options.blockBytes, options.allocate);
  try {
    return openBlocks(blocks);
  } catch (error) {
    blocks.close();
    throw error;
  }
}

function openBlocks(blocks: CaptureBlocks): CaptureReader {
  if (!blocks.load(4)) {
    throw new CaptureError(
      blocks.path,
      0,
      blocks.available === 0
        ? 'the file is empty; a pcap or pcapng capture is wanted, and even one without packets has a header'
        : `the file ends after ${blocks.available} bytes; a pcap or pcapng capture is wanted`,
    );
  }
  const magic = blocks.view.getUint32(blocks.at);
  if (magic === SECTION_HEADER_BLOCK) return new PcapngReader(blocks);
  if (isPcapMagic(magic)) {
    const reader = new PcapReader(blocks);
    if (!isSupportedLinktype(reader.linktype)) {
      throw new CaptureError(
        blocks.path,
        20,
        `the packets have link type ${linktypeName(reader.linktype)}, in which no IP is looked for; ` +
          'capture on an Ethernet, cooked (any) or raw IP interface, or convert the file',
      );
    }
    return reader;
  }
  // More than the magic number helps to guess what the file is; a short file is fine too.
  blocks.load(64);
  const start = blocks.bytes.subarray(blocks.at, Math.min(blocks.end, blocks.at + 512));
  throw new CaptureError(blocks.path, 0, describeForeignFile(start, blocks.path));
}
