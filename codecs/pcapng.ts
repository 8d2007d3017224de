/**
 * hot: reads pcapng files (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html).
 *
 * A file is a sequence of blocks: type, total length, body, total length again. A section header sets the byte order of
 * what follows; an interface description has the link type and the unit of time for the packets that refer to it.
 */
import { type CaptureRecord, Direction } from './capture.js';
import { type CaptureBlocks, MAX_CAPLEN_BYTES } from './capture-blocks.js';
import { CaptureError, type CaptureStop } from './capture-error.js';
import { isSupportedLinktype } from './linktypes.js';
import { isPcapMagic } from './pcap.js';
import { PcapngClock } from './pcapng-clock.js';
import { BYTE_ORDER_MAGIC, isByteOrderMagic, SECTION_HEADER_BLOCK } from './pcapng-magic.js';
import { decodeText } from './text.js';

const INTERFACE_DESCRIPTION_BLOCK = 1;
const OBSOLETE_PACKET_BLOCK = 2;
const SIMPLE_PACKET_BLOCK = 3;
const ENHANCED_PACKET_BLOCK = 6;

/** Type and total length before the body, total length after it. */
const SMALLEST_BLOCK_BYTES = 12;
/** No packet or description can be larger. A larger block is taken as damage, as in libpcap. */
const LARGEST_BLOCK_BYTES = 16 << 20;
/** The minimum size of a block of each kind, without options and packet. */
const SECTION_HEADER_BYTES = 28;
const INTERFACE_DESCRIPTION_BYTES = 20;
const SIMPLE_PACKET_BYTES = 16;
const PACKET_BYTES = 32;

const OPTION_END = 0;
const OPTION_IF_NAME = 2;
/** epb_flags, and pack_flags of the obsolete block. */
const OPTION_FLAGS = 2;
const DIRECTION_MASK = 3;
const OPTION_IF_TSRESOL = 9;
const OPTION_IF_TSOFFSET = 14;

/** The relevant parts of an interface description. */
class PcapngInterface {
  readonly linktype: number;
  /** The maximum captured length of a packet, in bytes; 0: no limit. */
  readonly snaplen: number;
  readonly clock: PcapngClock;
  /** '' if unknown. */
  readonly name: string;
  readonly isSupported: boolean;

  constructor(linktype: number, snaplen: number, clock: PcapngClock, name: string) {
    this.linktype = linktype;
    this.snaplen = snaplen;
    this.clock = clock;
    this.name = name;
    this.isSupported = isSupportedLinktype(linktype);
  }
}

/**
 * Reads the packets of a pcapng file: enhanced, simple and (obsolete) packet blocks. All other blocks are skipped. A
 * simple packet block has no timestamp: it gets that of the packet before it.
 */
export class PcapngReader implements CaptureRecord {
  bytes: Uint8Array;
  view: DataView;
  at = 0;
  caplen = 0;
  wirelen = 0;
  tsSec = 0;
  tsNsec = 0;
  linktype = 0;
  interfaceIndex = 0;
  interfaceName = '';
  direction: Direction = Direction.UNKNOWN;
  /** Why `next` has returned false, unless it is the end of the file or `isAtHeader`. A CaptureError is damage. */
  stop: CaptureStop | null = null;
  /** `next` has returned false because the file header of a pcap is where a block should be. */
  isAtHeader = false;

  /** Packets of interfaces whose link type is not supported, by link type. */
  readonly unsupported = new Map<number, number>();

  readonly #blocks: CaptureBlocks;
  #isLittleEndian = true;
  #interfaces: PcapngInterface[] = [];

  /**
   * @param blocks  positioned at the first section header
   * @throws {CaptureError} if the section header is damaged
   */
  constructor(blocks: CaptureBlocks) {
    this.#blocks = blocks;
    const isThere = blocks.load(SECTION_HEADER_BYTES);
    this.bytes = blocks.bytes;
    this.view = blocks.view;
    if (!isThere) {
      throw blocks.error(
        `the section header is truncated: only ${blocks.available} of ${SECTION_HEADER_BYTES} bytes are present; ` +
          'copy or capture the file again',
      );
    }
    this.#takeByteOrder();
  }

  /** Advances to the next packet; returns false at the end of the file, or where it is damaged. */
  next(): boolean {
    if (this.stop !== null) return false;
    try {
      return this.#nextPacket();
    } catch (error) {
      if (!(error instanceof CaptureError) || error.byteOffset < 0) throw error;
      this.stop = error;
      return false;
    }
  }

  #nextPacket(): boolean {
    const blocks = this.#blocks;
    for (;;) {
      if (blocks.end - blocks.at < SMALLEST_BLOCK_BYTES && !this.#load(SMALLEST_BLOCK_BYTES)) return false;
      const type = this.view.getUint32(blocks.at, this.#isLittleEndian);
      if (type === SECTION_HEADER_BLOCK) this.#takeByteOrder();
      const total = this.view.getUint32(blocks.at + 4, this.#isLittleEndian);
      if (total < SMALLEST_BLOCK_BYTES || total > LARGEST_BLOCK_BYTES || (total & 3) !== 0) {
        this.isAtHeader = isPcapMagic(this.view.getUint32(blocks.at));
        if (this.isAtHeader) return false;
        throw this.#badTotal(total);
      }
      switch (type) {
        case ENHANCED_PACKET_BLOCK:
        case OBSOLETE_PACKET_BLOCK:
          if (blocks.end - blocks.at < total && !this.#load(total)) return false;
          this.#takePacket(total, type);
          return true;
        case SIMPLE_PACKET_BLOCK:
          if (!this.#load(total)) return false;
          this.#takeSimplePacket(total);
          return true;
        case SECTION_HEADER_BLOCK:
          if (!this.#load(total)) return false;
          this.#takeSection(total);
          break;
        case INTERFACE_DESCRIPTION_BLOCK:
          if (!this.#load(total)) return false;
          this.#takeInterface(total);
          break;
        default:
          this.isAtHeader = isPcapMagic(this.view.getUint32(blocks.at));
          if (this.isAtHeader || !this.#skip(total)) return false;
      }
    }
  }

  /**
   * Reads an enhanced packet block, or its obsolete predecessor, whose interface field is only 16 bits, followed by a
   * count of drops.
   */
  #takePacket(total: number, type: number): void {
    const blocks = this.#blocks;
    const { view } = this;
    const block = blocks.at;
    const isLittleEndian = this.#isLittleEndian;
    this.#checkEnd(total, PACKET_BYTES);
    const index =
      type === ENHANCED_PACKET_BLOCK
        ? view.getUint32(block + 8, isLittleEndian)
        : view.getUint16(block + 8, isLittleEndian);
    const caplen = view.getUint32(block + 20, isLittleEndian);
    const wirelen = view.getUint32(block + 24, isLittleEndian);
    if (caplen > total - PACKET_BYTES || caplen > MAX_CAPLEN_BYTES) throw this.#badCaplen(caplen, total);

    const { clock, linktype, name, isSupported } = this.#interfaceOf(index);
    if (!isSupported) this.unsupported.set(linktype, (this.unsupported.get(linktype) ?? 0) + 1);
    clock.set(view.getUint32(block + 12, isLittleEndian), view.getUint32(block + 16, isLittleEndian));
    this.tsSec = clock.seconds;
    this.tsNsec = clock.nanoseconds;
    this.interfaceIndex = index;
    this.interfaceName = name;
    this.linktype = linktype;
    this.caplen = caplen;
    this.wirelen = Math.max(wirelen, caplen);
    this.at = block + 28;
    blocks.at = block + total;
    const options = this.at + ((caplen + 3) & ~3);
    this.direction = options + 12 <= blocks.at ? this.#directionIn(options, blocks.at - 4) : Direction.UNKNOWN;
  }

  /** The direction according to the options of a packet from AT to END. */
  #directionIn(at: number, end: number): Direction {
    const { view } = this;
    const isLittleEndian = this.#isLittleEndian;
    for (let option = at; option + 8 <= end; ) {
      const code = view.getUint16(option, isLittleEndian);
      const length = view.getUint16(option + 2, isLittleEndian);
      if (code === OPTION_END) break;
      if (code === OPTION_FLAGS && length === 4) {
        const bits = view.getUint32(option + 4, isLittleEndian) & DIRECTION_MASK;
        return bits === Direction.INBOUND || bits === Direction.OUTBOUND ? bits : Direction.UNKNOWN;
      }
      option += 4 + ((length + 3) & ~3);
    }
    return Direction.UNKNOWN;
  }

  /** Reads a simple packet block, which belongs to the first interface and is truncated to its snaplen. */
  #takeSimplePacket(total: number): void {
    const blocks = this.#blocks;
    const block = blocks.at;
    this.#checkEnd(total, SIMPLE_PACKET_BYTES);
    const { linktype, snaplen, name } = this.#interfaceOf(0);
    const wirelen = this.view.getUint32(block + 8, this.#isLittleEndian);
    // Some writers truncate packets without a matching snaplen: what does not fit into the block was not captured.
    const caplen = Math.min(wirelen, snaplen === 0 ? wirelen : snaplen, total - SIMPLE_PACKET_BYTES);
    if (caplen > MAX_CAPLEN_BYTES) throw this.#badCaplen(caplen, total);
    this.interfaceIndex = 0;
    this.interfaceName = name;
    this.direction = Direction.UNKNOWN;
    this.linktype = linktype;
    this.caplen = caplen;
    this.wirelen = wirelen;
    this.at = block + 12;
    blocks.at = block + total;
  }

  /** Reads the byte order of the section whose header is at the current position. */
  #takeByteOrder(): void {
    const magic = this.view.getUint32(this.#blocks.at + 8, true);
    if (!isByteOrderMagic(magic)) {
      throw this.#blocks.error(
        `invalid byte-order magic 0x${magic.toString(16).padStart(8, '0')} in a section header, ` +
          `expected 0x${BYTE_ORDER_MAGIC.toString(16)} in either byte order; the file is damaged at this position`,
        8,
      );
    }
    this.#isLittleEndian = magic === BYTE_ORDER_MAGIC;
  }

  #takeSection(total: number): void {
    const blocks = this.#blocks;
    this.#checkEnd(total, SECTION_HEADER_BYTES);
    const major = this.view.getUint16(blocks.at + 12, this.#isLittleEndian);
    if (major !== 1) {
      const minor = this.view.getUint16(blocks.at + 14, this.#isLittleEndian);
      throw blocks.error(`unsupported pcapng version ${major}.${minor}, expected 1.0; convert the file first`, 12);
    }
    this.#interfaces = [];
    blocks.at += total;
  }

  #takeInterface(total: number): void {
    const blocks = this.#blocks;
    const { view } = this;
    const isLittleEndian = this.#isLittleEndian;
    this.#checkEnd(total, INTERFACE_DESCRIPTION_BYTES);
    let resolution = 6;
    let offsetSeconds = 0;
    let name = '';
    const optionsEnd = blocks.at + total - 4;
    let option = blocks.at + 16;
    while (option + 4 <= optionsEnd) {
      const code = view.getUint16(option, isLittleEndian);
      const length = view.getUint16(option + 2, isLittleEndian);
      if (code === OPTION_END) break;
      if (option + 4 + length > optionsEnd) {
        throw blocks.error(
          `option ${code} of an interface description has ${length} bytes, but its block has only ` +
            `${optionsEnd - option - 4} left; the file is damaged at this position`,
          option - blocks.at,
        );
      }
      if (code === OPTION_IF_NAME) name = this.#text(option + 4, length);
      if (code === OPTION_IF_TSRESOL && length === 1) resolution = view.getUint8(option + 4);
      if (code === OPTION_IF_TSOFFSET && length === 8) offsetSeconds = this.#signed64(option + 4);
      option += 4 + ((length + 3) & ~3);
    }
    const linktype = view.getUint16(blocks.at + 8, isLittleEndian);
    const snaplen = view.getUint32(blocks.at + 12, isLittleEndian);
    this.#interfaces.push(new PcapngInterface(linktype, snaplen, new PcapngClock(resolution, offsetSeconds), name));
    blocks.at += total;
  }

  /** The text of an option. Some writers end it with a zero. */
  #text(at: number, length: number): string {
    return decodeText(this.bytes.subarray(at, at + length)).replace(/\0.*$/s, '');
  }

  #signed64(at: number): number {
    return Number(this.view.getBigInt64(at, this.#isLittleEndian));
  }

  #interfaceOf(index: number): PcapngInterface {
    if (index >= this.#interfaces.length) {
      throw this.#blocks.error(
        `unknown interface ${index}: the section has described ${this.#interfaces.length} so far; ` +
          'the file is damaged at or before this position',
      );
    }
    return this.#interfaces[index];
  }

  /** Throws unless the current block, which is loaded, has the minimum size of its kind and ends in its own length. */
  #checkEnd(total: number, leastBytes: number): void {
    const blocks = this.#blocks;
    if (total < leastBytes) throw this.#badTotal(total, leastBytes);
    const again = this.view.getUint32(blocks.at + total - 4, this.#isLittleEndian);
    if (again !== total) throw this.#badTrailer(again, total, total - 4);
  }

  /** Skips a block of TOTAL bytes without keeping it in memory. */
  #skip(total: number): boolean {
    const blocks = this.#blocks;
    const start = blocks.offset;
    const isThere = blocks.skip(total - 4) && blocks.load(4);
    this.bytes = blocks.bytes;
    this.view = blocks.view;
    if (!isThere) {
      this.stop ??= blocks.stop(total, 'a block', blocks.offset - start);
      blocks.at = blocks.end;
      return false;
    }
    const again = this.view.getUint32(blocks.at, this.#isLittleEndian);
    if (again !== total) throw this.#badTrailer(again, total, 0);
    blocks.at += 4;
    return true;
  }

  #load(length: number): boolean {
    const blocks = this.#blocks;
    const isThere = blocks.load(length);
    this.bytes = blocks.bytes;
    this.view = blocks.view;
    if (!isThere) this.stop ??= blocks.stop(length, 'a block');
    return isThere;
  }

  #badTotal(total: number, leastBytes = SMALLEST_BLOCK_BYTES): CaptureError {
    return this.#blocks.error(
      `invalid block length ${total}, expected a multiple of 4 from ${leastBytes} to ${LARGEST_BLOCK_BYTES}; ` +
        'the file is damaged at or before this position',
      4,
    );
  }

  #badTrailer(again: number, total: number, relative: number): CaptureError {
    return this.#blocks.error(
      `a block of ${total} bytes ends with a different length, ${again}; the file is damaged at this position`,
      relative,
    );
  }

  #badCaplen(caplen: number, total: number): CaptureError {
    return this.#blocks.error(
      `invalid captured length: ${caplen} bytes in a block of ${total}, the maximum is ${MAX_CAPLEN_BYTES}; ` +
        'the file is damaged at or before this position',
    );
  }
}
