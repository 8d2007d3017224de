/**
 * Captures for tests, built byte by byte from the specifications of the formats; the sample captures; and results of
 * readers.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CaptureReader } from '../../codecs/capture.js';
import { openCaptureFile } from '../../io/capture-file.js';

/** The folder of the sample captures, wherever this was compiled to. */
export const SAMPLES = fileURLToPath(
  new URL(import.meta.url.includes('/dist/test/') ? '../../../test/captures/' : '../captures/', import.meta.url),
);

/** A copy of a record, and its position. */
export interface ReadRecord {
  tsSec: number;
  tsNsec: number;
  wirelen: number;
  linktype: number;
  interfaceIndex: number;
  packet: Buffer;
}

export interface ReadCapture {
  records: ReadRecord[];
  cutAt: number | null;
}

/** All records of READER, and the cut. Checks that every record is within the reader's buffer. */
function drain(reader: CaptureReader): ReadCapture {
  const records: ReadRecord[] = [];
  while (reader.next()) {
    const { at, bytes, caplen, view, tsSec, tsNsec, wirelen, linktype, interfaceIndex } = reader;
    if (at < 16 || at + caplen > bytes.length || caplen > wirelen) throw new Error(`record out of bounds at ${at}`);
    if (view.buffer !== bytes.buffer || view.byteLength !== bytes.length) throw new Error('view and bytes differ');
    if (!(tsNsec >= 0 && tsNsec < 1e9 && Number.isInteger(tsNsec))) throw new Error(`nanoseconds: ${tsNsec}`);
    const packet = Buffer.from(bytes.subarray(at, at + caplen));
    records.push({ tsSec, tsNsec, wirelen, linktype, interfaceIndex, packet });
    // A consumer may overwrite the packet and the 16 bytes before it.
    bytes.fill(0xee, at - 16, at + caplen);
  }
  if (reader.next()) throw new Error('a record behind the end');
  return { records, cutAt: reader.cuts[0]?.byteOffset ?? null };
}

export function readFile(path: string, blockBytes?: number): ReadCapture {
  const reader = openCaptureFile(path, blockBytes === undefined ? {} : { blockBytes });
  try {
    return drain(reader);
  } finally {
    reader.close();
  }
}

/** A folder for the files of one test. Call `remove` at the end. */
export class Scratch {
  readonly folder = mkdtempSync(join(tmpdir(), 'nfreplay-captures-'));

  /** Writes BYTES to a file; returns its path. */
  file(bytes: Uint8Array, name = 'test.pcap'): string {
    const path = join(this.folder, name);
    writeFileSync(path, bytes);
    return path;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Reads BYTES as a capture. */
  read(bytes: Uint8Array, blockBytes?: number): ReadCapture {
    return readFile(this.file(bytes), blockBytes);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** Integers in sequence, in either byte order. */
export class Bytes {
  readonly #parts: Buffer[] = [];
  readonly #isLittleEndian: boolean;

  constructor(isLittleEndian: boolean) {
    this.#isLittleEndian = isLittleEndian;
  }

  u16(...values: number[]): this {
    return this.#integers(2, values.map(BigInt));
  }

  u32(...values: number[]): this {
    return this.#integers(4, values.map(BigInt));
  }

  u64(...values: bigint[]): this {
    return this.#integers(8, values);
  }

  raw(bytes: Uint8Array | number[]): this {
    this.#parts.push(Buffer.from(bytes));
    return this;
  }

  get buffer(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #integers(size: number, values: bigint[]): this {
    for (const value of values) {
      const bigEndian = Buffer.alloc(8);
      bigEndian.writeBigUInt64BE(BigInt.asUintN(64, value));
      const part = bigEndian.subarray(8 - size);
      this.#parts.push(this.#isLittleEndian ? Buffer.from(part).reverse() : part);
    }
    return this;
  }
}

export interface PcapParts {
  isLittleEndian?: boolean;
  magic?: number;
  version?: [number, number];
  snaplen?: number;
  linktype?: number;
  /** [seconds, fraction, packet, orig_len?] */
  records?: [number, number, Uint8Array, number?][];
}

/** A classic pcap, by default little-endian, microseconds, version 2.4, Ethernet. */
export function pcap(parts: PcapParts = {}): Buffer {
  const file = new Bytes(parts.isLittleEndian ?? true)
    .u32(parts.magic ?? 0xa1b2c3d4)
    .u16(...(parts.version ?? [2, 4]))
    .u32(0, 0, parts.snaplen ?? 65535, parts.linktype ?? 1);
  for (const [seconds, fraction, packet, wirelen] of parts.records ?? []) {
    file.u32(seconds, fraction, packet.length, wirelen ?? packet.length).raw(packet);
  }
  return file.buffer;
}

/** Blocks of pcapng in one byte order. */
export class PcapngBlocks {
  readonly #isLittleEndian: boolean;

  constructor(isLittleEndian = true) {
    this.#isLittleEndian = isLittleEndian;
  }

  block(type: number, body: Uint8Array): Buffer {
    const padded = Buffer.concat([body, Buffer.alloc(-body.length & 3)]);
    const total = padded.length + 12;
    return this.#bytes().u32(type, total).raw(padded).u32(total).buffer;
  }

  section(): Buffer {
    return this.block(0x0a0d0d0a, this.#bytes().u32(0x1a2b3c4d).u16(1, 0).u64(-1n).buffer);
  }

  interface(
    linktype: number,
    options: { snaplen?: number; resolution?: number; offset?: bigint; name?: string } = {},
  ): Buffer {
    const body = this.#bytes()
      .u16(linktype, 0)
      .u32(options.snaplen ?? 0);
    const name = Buffer.from(options.name ?? 'lo0');
    body
      .u16(2, name.length)
      .raw(name)
      .raw(Buffer.alloc(-name.length & 3));
    if (options.resolution !== undefined) body.u16(9, 1).raw([options.resolution, 0, 0, 0]);
    if (options.offset !== undefined) body.u16(14, 8).u64(options.offset);
    return this.block(1, body.u16(0, 0).buffer);
  }

  /** An enhanced packet block, with a comment after the packet. */
  packet(
    index: number,
    time: bigint,
    packet: Uint8Array,
    { wirelen = packet.length, flags }: { wirelen?: number; flags?: number } = {},
  ): Buffer {
    const body = this.#bytes()
      .u32(index, Number(time >> 32n), Number(time & 0xffffffffn), packet.length, wirelen)
      .raw(packet)
      .raw(Buffer.alloc(-packet.length & 3))
      .u16(1, 5)
      .raw(Buffer.from('hello\0\0\0'));
    if (flags !== undefined) body.u16(2, 4).u32(flags);
    return this.block(6, body.u16(0, 0).buffer);
  }

  /** An obsolete packet block (type 2). */
  obsoletePacket(index: number, time: bigint, packet: Uint8Array, wirelen = packet.length): Buffer {
    const body = this.#bytes()
      .u16(index, 7)
      .u32(Number(time >> 32n), Number(time & 0xffffffffn), packet.length, wirelen)
      .raw(packet);
    return this.block(2, body.buffer);
  }

  simplePacket(packet: Uint8Array, wirelen = packet.length): Buffer {
    return this.block(3, this.#bytes().u32(wirelen).raw(packet).buffer);
  }

  #bytes(): Bytes {
    return new Bytes(this.#isLittleEndian);
  }
}

/** LENGTH bytes that depend on SALT and differ from byte to byte. */
export function pattern(length: number, salt = 0): Buffer {
  return Buffer.from(Array.from({ length }, (_, index) => (index * 31 + salt * 7 + (index >> 8)) & 0xff));
}

export function isInstalled(tool: string): boolean {
  return spawnSync(tool, ['--version']).error === undefined;
}

/** The output of TOOL, without warnings. */
export function output(tool: string, ...args: string[]): string {
  const { stdout, status, stderr } = spawnSync(tool, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`${tool} ${args.join(' ')}: ${stderr}`);
  return stdout;
}
