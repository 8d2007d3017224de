/** hot: reads the records of a capture, whatever its format, and of others that follow it. */
import { type CaptureReader, type CaptureRecord, Direction } from './capture.js';
import type { CaptureBlocks } from './capture-blocks.js';
import { type CaptureCut, CaptureError, type CaptureStop, captureCut } from './capture-error.js';
import { describeForeignFile } from './foreign-files.js';
import { isSupportedLinktype, linktypeName, SUPPORTED_LINKS } from './linktypes.js';
import { isPcapMagic, PcapReader } from './pcap.js';
import { PcapngReader } from './pcapng.js';
import { SECTION_HEADER_BLOCK } from './pcapng-magic.js';
import { shownPath } from './text.js';

/** Where the link type is in the file header of a pcap. */
const LINKTYPE_AT = 20;

/** A file of a stream that was read. */
export interface ReadFile {
  readonly path: string;
  readonly packets: number;
}

/**
 * The records of one file, or of several in a row. A file may itself consist of several captures: `cat a.pcap b.pcap`
 * puts a header where a record should begin. Each may have another format, byte order, unit of time and link type.
 *
 * A capture that is cut or damaged is read up to there; the stream goes on with the next file.
 */
export class CaptureStream implements CaptureReader {
  bytes: Uint8Array;
  view: DataView;
  at = 0;
  caplen = 0;
  wirelen = 0;
  tsSec = 0;
  tsNsec = 0;
  linktype: number;
  interfaceIndex = 0;
  interfaceName = '';
  direction: Direction = Direction.UNKNOWN;
  readonly cuts: CaptureCut[] = [];
  /** Records read so far. Whoever takes records from `pcap` itself sets it before `prepare`, and the last time. */
  packets = 0;

  readonly #blocks: CaptureBlocks;
  #reader: PcapReader | PcapngReader;
  /** The file that it reads. */
  #readerPath: string;
  readonly #finished: ReadFile[] = [];
  readonly #notes: string[] = [];
  /** `packets` at the beginning of the current file. */
  #packetsBefore = 0;
  #damage: CaptureError | undefined;
  #isOver = false;
  /** The time of the last record before the current file. */
  #lastNs: bigint | undefined;
  /** No record of the current file has been read yet, and it is not the first file. */
  #isNewFile = false;

  /** @throws {CaptureError} if what BLOCKS has is no capture, or not supported */
  constructor(blocks: CaptureBlocks) {
    this.#blocks = blocks;
    this.#reader = openFormat(blocks);
    this.#readerPath = blocks.path;
    this.bytes = blocks.bytes;
    this.view = blocks.view;
    this.linktype = this.#reader.linktype;
  }

  get path(): string {
    return this.#blocks.path;
  }

  get totalBytes(): number {
    return this.#blocks.totalBytes;
  }

  get consumedBytes(): number {
    return this.#blocks.consumedBytes;
  }

  /** What is unexpected: the order of the files, and link types of a pcapng that are not supported. */
  get notes(): readonly string[] {
    return [...this.#notes, ...unsupportedIn(this.#reader, this.#readerPath)];
  }

  /** The files read so far, with their packets, of which there were PACKETS. */
  filesUpTo(packets: number): ReadFile[] {
    return [...this.#finished, { path: this.path, packets: packets - this.#packetsBefore }];
  }

  /** The number in the current file of the record with the given NUMBER in the stream, from 1. */
  numberInFile(number: number): number {
    return number - this.#packetsBefore;
  }

  /** The reader of the current capture, if that is a classic pcap. */
  get pcap(): PcapReader | undefined {
    return this.#reader instanceof PcapReader ? this.#reader : undefined;
  }

  next(): boolean {
    while (!this.#reader.next()) if (!this.#advance()) return false;
    const reader = this.#reader;
    this.bytes = reader.bytes;
    this.view = reader.view;
    this.at = reader.at;
    this.caplen = reader.caplen;
    this.wirelen = reader.wirelen;
    this.tsSec = reader.tsSec;
    this.tsNsec = reader.tsNsec;
    this.linktype = reader.linktype;
    this.interfaceIndex = reader.interfaceIndex;
    this.interfaceName = reader.interfaceName;
    this.direction = reader.direction;
    this.packets++;
    if (this.#isNewFile) this.#checkOrder(reader);
    return true;
  }

  /**
   * Loads the next record of `pcap` into memory, in one piece, without making it the current one. Returns false at the
   * end. Where a capture of another format begins, `pcap` is undefined, and the record is still to be loaded.
   */
  prepare(): boolean {
    while (this.#reader instanceof PcapReader && !this.#reader.prepare()) if (!this.#advance()) return false;
    if (this.#isNewFile && this.#reader instanceof PcapReader) {
      this.#reader.select(this.#blocks.at);
      this.#checkOrder(this.#reader);
    }
    return true;
  }

  onOverwrite(callback: () => void): void {
    this.#blocks.beforeMove = callback;
  }

  close(): void {
    this.#blocks.close();
  }

  /**
   * Goes on where the current reader has ended; returns false if that is the end.
   * @throws {CaptureError} if nothing could be read because of damage
   */
  #advance(): boolean {
    if (this.#isOver) return false;
    const { stop, isAtHeader } = this.#reader;
    if (isAtHeader && this.#open()) return true;
    if (stop !== null) this.#stopAt(stop);
    while (this.#nextFile()) if (this.#open()) return true;
    this.#isOver = true;
    if (this.packets === 0 && this.#damage !== undefined) throw this.#damage;
    return false;
  }

  #nextFile(): boolean {
    const finished = { path: this.path, packets: this.packets - this.#packetsBefore };
    if (!this.#blocks.nextFile()) return false;
    this.#finished.push(finished);
    if (finished.packets > 0) this.#lastNs = timeNs(this);
    this.#packetsBefore = this.packets;
    this.#isNewFile = true;
    return true;
  }

  /** Notes if FIRST, the first record of a file, is earlier than the last one of the file before. */
  #checkOrder(first: CaptureRecord): void {
    this.#isNewFile = false;
    if (this.#lastNs === undefined || timeNs(first) >= this.#lastNs) return;
    const previous = shownPath(this.#finished[this.#finished.length - 1].path);
    this.#notes.push(
      `${shownPath(this.path)} begins before ${previous} ends, but was replayed after it; ` +
        'captures that were taken at the same time must each be given with an option of its own',
    );
  }

  /** Opens what begins at the current position. Returns false if it is damaged, or not supported. */
  #open(): boolean {
    try {
      const next = openFormat(this.#blocks);
      this.#notes.push(...unsupportedIn(this.#reader, this.#readerPath));
      this.#reader = next;
      this.#readerPath = this.path;
      return true;
    } catch (error) {
      if (!(error instanceof CaptureError) || error.byteOffset < 0) throw error;
      this.#stopAt(error);
      return false;
    }
  }

  #stopAt(stop: CaptureStop): void {
    if (stop instanceof CaptureError) this.#damage ??= stop;
    this.cuts.push(captureCut(stop, this.packets - this.#packetsBefore));
  }
}

function timeNs({ tsSec, tsNsec }: CaptureRecord): bigint {
  return BigInt(tsSec) * 1_000_000_000n + BigInt(tsNsec);
}

/** About the packets in READER, of the file PATH, whose link type is not supported. */
function unsupportedIn(reader: PcapReader | PcapngReader, path: string): string[] {
  if (reader instanceof PcapReader) return [];
  return [...reader.unsupported].map(
    ([linktype, packets]) =>
      `${shownPath(path)}: ${packets} packets of link type ${linktypeName(linktype)} were skipped, ` +
      `expected ${SUPPORTED_LINKS}`,
  );
}

/** Opens the capture at the current position of BLOCKS, recognised by its first bytes. */
function openFormat(blocks: CaptureBlocks): PcapReader | PcapngReader {
  if (!blocks.load(4)) throw blocks.error(blocks.problem ?? tooShort(blocks.available));
  const magic = blocks.view.getUint32(blocks.at);
  if (magic === SECTION_HEADER_BLOCK) return new PcapngReader(blocks);
  if (isPcapMagic(magic)) {
    const start = blocks.offset;
    const reader = new PcapReader(blocks);
    if (isSupportedLinktype(reader.linktype)) return reader;
    throw blocks.error(unsupportedLinktype(reader.linktype), start + LINKTYPE_AT - blocks.offset);
  }
  // More than the magic number helps to identify the file. A shorter file will do too.
  blocks.load(64);
  const start = blocks.bytes.subarray(blocks.at, Math.min(blocks.end, blocks.at + 4096));
  throw blocks.error(describeForeignFile(start, blocks.path, 'capture'));
}

function tooShort(bytes: number): string {
  return bytes === 0
    ? 'the file is empty; expected a pcap or pcapng capture (one without packets still has a header)'
    : `the file ends after ${bytes} bytes; expected a pcap or pcapng capture`;
}

function unsupportedLinktype(linktype: number): string {
  return (
    `unsupported link type ${linktypeName(linktype)}, expected ${SUPPORTED_LINKS}; ` +
    'capture on another interface, or convert the file'
  );
}
