/**
 * hot: reads classic pcap files (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html).
 *
 * A file header of 24 bytes, then records: a header of 16 bytes (seconds, fraction, incl_len, orig_len) and incl_len
 * bytes of packet. All are in the byte order of the machine that wrote the file, which the magic number shows.
 */
import { type CaptureRecord, Direction } from './capture.js';
import { type CaptureBlocks, MAX_CAPLEN_BYTES } from './capture-blocks.js';
import type { CaptureError, CaptureStop } from './capture-error.js';
import { PCAP_RECORD, PCAP_RECORD_HEADER_BYTES } from './pcap-record.js';
import { isByteOrderMagic, SECTION_HEADER_BLOCK } from './pcapng-magic.js';

const PCAP_MAGIC_MICROSECONDS = 0xa1b2c3d4;
export const PCAP_MAGIC_NANOSECONDS = 0xa1b23c4d;
const SWAPPED_MAGIC_MICROSECONDS = 0xd4c3b2a1;
const SWAPPED_MAGIC_NANOSECONDS = 0x4d3cb2a1;

export const PCAP_FILE_HEADER_BYTES = 24;

const NANOSECONDS_PER_SECOND = 1_000_000_000;

/** Whether MAGIC (the first four bytes, big-endian) is that of a classic pcap. */
export function isPcapMagic(magic: number): boolean {
  return (
    magic === PCAP_MAGIC_MICROSECONDS ||
    magic === PCAP_MAGIC_NANOSECONDS ||
    magic === SWAPPED_MAGIC_MICROSECONDS ||
    magic === SWAPPED_MAGIC_NANOSECONDS
  );
}

/** Whether the 12 bytes at AT are the first of a file header of a pcap or of a section header of a pcapng. */
function startsCapture(view: DataView, at: number): boolean {
  const magic = view.getUint32(at);
  return isPcapMagic(magic) || (magic === SECTION_HEADER_BLOCK && isByteOrderMagic(view.getUint32(at + 8)));
}

/**
 * Reads the records of a classic pcap. The snaplen in the file header is ignored: in some files it is 0, or less than
 * the length of their records. The upper half of the link type (length of the frame check sequence, reserved bits) is
 * ignored: a check sequence is padding after the IP packet.
 */
export class PcapReader implements CaptureRecord {
  bytes: Uint8Array;
  view: DataView;
  at = 0;
  caplen = 0;
  wirelen = 0;
  tsSec = 0;
  tsNsec = 0;
  linktype: number;
  readonly interfaceIndex = 0;
  readonly interfaceName = '';
  readonly direction = Direction.UNKNOWN;
  /** Why `next` has returned false, unless it is the end of the file or `isAtHeader`. A CaptureError is damage. */
  stop: CaptureStop | null = null;
  /** `next` has returned false because another file header is where a record should be: files were concatenated. */
  isAtHeader = false;

  /** The window from which records are read. */
  readonly blocks: CaptureBlocks;
  readonly #isLittleEndian: boolean;
  /** Nanoseconds per unit of the timestamp's fraction. */
  readonly fractionNs: number;
  /** The offsets of the two lengths in a record header. Versions before 2.3 had them the other way round. */
  readonly #caplenAt: number;
  readonly #wirelenAt: number;

  /**
   * @param blocks  positioned at the magic number of a pcap
   * @throws {CaptureError} if the file header is truncated or of an unsupported version
   */
  constructor(blocks: CaptureBlocks) {
    if (!blocks.load(PCAP_FILE_HEADER_BYTES)) {
      throw blocks.error(
        `the file header is truncated: only ${blocks.available} of ${PCAP_FILE_HEADER_BYTES} bytes are present; ` +
          'copy or capture the file again',
      );
    }
    const { view, at } = blocks;
    const magic = view.getUint32(at);
    this.#isLittleEndian = magic === SWAPPED_MAGIC_MICROSECONDS || magic === SWAPPED_MAGIC_NANOSECONDS;
    this.fractionNs = magic === PCAP_MAGIC_NANOSECONDS || magic === SWAPPED_MAGIC_NANOSECONDS ? 1 : 1000;
    const major = view.getUint16(at + 4, this.#isLittleEndian);
    const minor = view.getUint16(at + 6, this.#isLittleEndian);
    if (major !== 2) {
      const writer = major === 543 ? " (AIX's tcpdump)" : '';
      throw blocks.error(
        `unsupported pcap version ${major}.${minor}${writer}, expected 2.4; convert it first: editcap -F nsecpcap`,
        4,
      );
    }
    this.#caplenAt = minor < 3 ? 12 : 8;
    this.#wirelenAt = minor < 3 ? 8 : 12;
    this.linktype = view.getUint32(at + 20, this.#isLittleEndian) & 0xffff;

    blocks.at += PCAP_FILE_HEADER_BYTES;
    this.blocks = blocks;
    this.bytes = blocks.bytes;
    this.view = blocks.view;
  }

  /** Whether records have the format that PcapWriter writes, apart from the unit of their timestamps. */
  get isPlain(): boolean {
    return this.#isLittleEndian && this.#caplenAt === 8;
  }

  next(): boolean {
    const { blocks } = this;
    if (!this.prepare()) return false;
    this.select(blocks.at);
    blocks.at += PCAP_RECORD_HEADER_BYTES + this.caplen;
    return true;
  }

  /** Loads the next record into memory, in one piece; returns false at the end of the file, or where it is damaged. */
  prepare(): boolean {
    const { blocks } = this;
    if (this.stop !== null) return false;
    if (blocks.end - blocks.at < PCAP_RECORD_HEADER_BYTES && !this.#load(PCAP_RECORD_HEADER_BYTES)) return false;
    const caplen = this.view.getUint32(blocks.at + this.#caplenAt, this.#isLittleEndian);
    if ((caplen === 0 || caplen > MAX_CAPLEN_BYTES) && !this.#isRecord(caplen)) return false;
    const recordBytes = PCAP_RECORD_HEADER_BYTES + caplen;
    return blocks.end - blocks.at >= recordBytes || this.#load(recordBytes);
  }

  /** Makes the record whose header is at HEAD of `bytes` the current one. The caller advances `blocks`. */
  select(head: number): void {
    const { view } = this;
    const isLittleEndian = this.#isLittleEndian;
    const wirelen = view.getUint32(head + this.#wirelenAt, isLittleEndian);
    let seconds = view.getUint32(head + PCAP_RECORD.at.sec, isLittleEndian);
    let nanoseconds = view.getUint32(head + PCAP_RECORD.at.fraction, isLittleEndian) * this.fractionNs;
    if (nanoseconds >= NANOSECONDS_PER_SECOND) {
      // Some writers let the fraction overflow instead of carrying it.
      seconds += Math.floor(nanoseconds / NANOSECONDS_PER_SECOND);
      nanoseconds %= NANOSECONDS_PER_SECOND;
    }
    this.tsSec = seconds;
    this.tsNsec = nanoseconds;
    this.caplen = view.getUint32(head + this.#caplenAt, isLittleEndian);
    this.wirelen = Math.max(wirelen, this.caplen);
    this.at = head + PCAP_RECORD_HEADER_BYTES;
  }

  /**
   * Whether a record of this length, which is unusual, is one. In its place, a file header of a pcap has its time zone,
   * which is always 0, and a section header of a pcapng its magic number.
   */
  #isRecord(caplen: number): boolean {
    const { view, at } = this.blocks;
    this.isAtHeader = startsCapture(view, at);
    if (this.isAtHeader) return false;
    if (caplen === 0) return true;
    this.stop = this.#badCaplen(caplen);
    return false;
  }

  #load(length: number): boolean {
    const { blocks } = this;
    const isThere = blocks.load(length);
    this.bytes = blocks.bytes;
    this.view = blocks.view;
    if (!isThere) this.stop ??= blocks.stop(length, 'a record');
    return isThere;
  }

  #badCaplen(caplen: number): CaptureError {
    return this.blocks.error(
      `invalid captured length: ${caplen} bytes, the maximum is ${MAX_CAPLEN_BYTES}; ` +
        'the file is damaged at or before this position: repair it (pcapfix) or keep the packets before (editcap -r)',
      this.#caplenAt,
    );
  }
}
