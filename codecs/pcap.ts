/**
 * hot: classic pcap files (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html).
 *
 * A file header of 24 bytes, then records: a header of 16 bytes (seconds, fraction, incl_len, orig_len) and incl_len
 * bytes of packet. All in the byte order of the machine that wrote it, which its magic shows.
 */
import type { CaptureReader } from './capture.js';
import { type CaptureBlocks, MAX_CAPLEN_BYTES } from './capture-blocks.js';
import { type CaptureCut, type CaptureError, captureCut } from './capture-error.js';
import { PCAP_RECORD, PCAP_RECORD_HEADER_BYTES } from './pcap-record.js';

const PCAP_MAGIC_MICROSECONDS = 0xa1b2c3d4;
export const PCAP_MAGIC_NANOSECONDS = 0xa1b23c4d;
const SWAPPED_MAGIC_MICROSECONDS = 0xd4c3b2a1;
const SWAPPED_MAGIC_NANOSECONDS = 0x4d3cb2a1;

export const PCAP_FILE_HEADER_BYTES = 24;

const NANOSECONDS_A_SECOND = 1_000_000_000;

/** Whether a classic pcap starts with MAGIC (the first four bytes, big-endian). */
export function isPcapMagic(magic: number): boolean {
  return (
    magic === PCAP_MAGIC_MICROSECONDS ||
    magic === PCAP_MAGIC_NANOSECONDS ||
    magic === SWAPPED_MAGIC_MICROSECONDS ||
    magic === SWAPPED_MAGIC_NANOSECONDS
  );
}

/**
 * Reads the records of a classic pcap. The snaplen in the file header is ignored: some files have 0 there, or less than
 * their records hold. The upper half of the link type (length of the frame check
 * sequence, reserved bits) is ignored: a check sequence is padding after the IP packet.
 */
export class PcapReader implements CaptureReader {
  readonly path: string;
  readonly totalBytes: number;
  bytes: Uint8Array;
  view: DataView;
  at = 0;
  caplen = 0;
  wirelen = 0;
  tsSec = 0;
  tsNsec = 0;
  linktype: number;
  readonly interfaceIndex = 0;
  cut: CaptureCut | null = null;

  /** Where records are taken from. */
  readonly blocks: CaptureBlocks;
  readonly #isLittleEndian: boolean;
  /** Nanoseconds in a unit of the time stamp's fraction. */
  readonly fractionNs: number;
  /** Where the two lengths are in a record's header: the versions before 2.3 had them the other way round. */
  readonly #caplenAt: number;
  readonly #wirelenAt: number;

  /**
   * @param blocks  is at the magic number, which is that of a pcap
   * @throws {CaptureError} if the file header is cut or of an unsupported version
   */
  constructor(blocks: CaptureBlocks) {
    if (!blocks.load(PCAP_FILE_HEADER_BYTES)) {
      throw blocks.error(
        `the file ends in its header, ${blocks.available} of ${PCAP_FILE_HEADER_BYTES} bytes are there; ` +
          'it holds no packets: copy or capture it again',
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
        `pcap version ${major}.${minor}${writer}, version 2.4 is wanted; convert it first: editcap -F nsecpcap`,
        4,
      );
    }
    this.#caplenAt = minor < 3 ? 12 : 8;
    this.#wirelenAt = minor < 3 ? 8 : 12;
    this.linktype = view.getUint32(at + 20, this.#isLittleEndian) & 0xffff;

    blocks.at += PCAP_FILE_HEADER_BYTES;
    this.blocks = blocks;
    this.path = blocks.path;
    this.totalBytes = blocks.totalBytes;
    this.bytes = blocks.bytes;
    this.view = blocks.view;
  }

  /** Whether records have the format that PcapWriter writes, apart from the unit of their time stamps. */
  get isUsual(): boolean {
    return this.#isLittleEndian && this.#caplenAt === 8;
  }

  get consumedBytes(): number {
    return this.blocks.offset;
  }

  next(): boolean {
    const { blocks } = this;
    if (!this.prepare()) return false;
    this.standOn(blocks.at);
    blocks.at += PCAP_RECORD_HEADER_BYTES + this.caplen;
    return true;
  }

  /**
   * Loads the next record into memory, in one piece; returns false at the end of the file.
   * @throws {CaptureError} if the file is damaged
   */
  prepare(): boolean {
    const { blocks } = this;
    if (blocks.end - blocks.at < PCAP_RECORD_HEADER_BYTES && !this.#load(PCAP_RECORD_HEADER_BYTES)) return false;
    const caplen = this.view.getUint32(blocks.at + this.#caplenAt, this.#isLittleEndian);
    if (caplen > MAX_CAPLEN_BYTES) throw this.#badCaplen(caplen);
    const recordBytes = PCAP_RECORD_HEADER_BYTES + caplen;
    return blocks.end - blocks.at >= recordBytes || this.#load(recordBytes);
  }

  /** Makes the record with its header at HEAD of `bytes` the current one; the caller advances `blocks`. */
  standOn(head: number): void {
    const { view } = this;
    const isLittleEndian = this.#isLittleEndian;
    const wirelen = view.getUint32(head + this.#wirelenAt, isLittleEndian);
    let seconds = view.getUint32(head + PCAP_RECORD.at.sec, isLittleEndian);
    let nanoseconds = view.getUint32(head + PCAP_RECORD.at.fraction, isLittleEndian) * this.fractionNs;
    if (nanoseconds >= NANOSECONDS_A_SECOND) {
      // Some writers let the fraction overflow instead of carrying it.
      seconds += Math.floor(nanoseconds / NANOSECONDS_A_SECOND);
      nanoseconds %= NANOSECONDS_A_SECOND;
    }
    this.tsSec = seconds;
    this.tsNsec = nanoseconds;
    this.caplen = view.getUint32(head + this.#caplenAt, isLittleEndian);
    this.wirelen = Math.max(wirelen, this.caplen);
    this.at = head + PCAP_RECORD_HEADER_BYTES;
  }

  onOverwrite(callback: () => void): void {
    this.blocks.beforeMove = callback;
  }

  close(): void {
    this.blocks.close();
  }

  #load(length: number): boolean {
    const { blocks } = this;
    const isThere = blocks.load(length);
    this.bytes = blocks.bytes;
    this.view = blocks.view;
    if (!isThere && blocks.available > 0 && this.cut === null) {
      this.cut = captureCut(this.path, blocks.offset, blocks.available, length, 'a record');
    }
    return isThere;
  }

  #badCaplen(caplen: number): CaptureError {
    return this.blocks.error(
      `absurd caplen: a packet of ${caplen} bytes is announced, at most ${MAX_CAPLEN_BYTES} are captured of one; ` +
        'the file is damaged here or before: repair it (pcapfix) or keep the packets before (editcap -r)',
      this.#caplenAt,
    );
  }
}
