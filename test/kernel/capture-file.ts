/** Classic pcap files for the tests: read and written as a whole, with Ethernet or bare IP. */
import { readFileSync, writeFileSync } from 'node:fs';

export interface CapturedFrame {
  /** Nanoseconds since 1970. */
  tsNs: bigint;
  /** An Ethernet frame, or an IP packet if `isBare`. */
  frame: Uint8Array;
  isBare: boolean;
}

const LINKTYPE_ETHERNET = 1;
const LINKTYPE_RAW = 101;

const FILE_HEADER_LENGTH = 24;
const RECORD_HEADER_LENGTH = 16;
const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const MAGIC_NANOSECONDS = 0xa1b23c4d;

/** The offsets of the IP header and of the EtherType, for link types without Ethernet addresses. */
const BARE: Record<number, { at: number; typeAt?: number }> = {
  0: { at: 4 },
  108: { at: 4 },
  12: { at: 0 },
  14: { at: 0 },
  101: { at: 0 },
  228: { at: 0 },
  113: { at: 16, typeAt: 14 },
  276: { at: 20, typeAt: 0 },
};

/** The complete frames of a classic pcap. All link types but Ethernet are returned as bare IP. */
export function readCapture(path: string): CapturedFrame[] {
  const data = readFileSync(path);
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const little = data.length >= FILE_HEADER_LENGTH && isMagic(view.getUint32(0, true));
  if (!little && !(data.length >= FILE_HEADER_LENGTH && isMagic(view.getUint32(0))))
    throw new Error(`${path}: not a classic pcap`);
  const unit = view.getUint32(0, little) === MAGIC_NANOSECONDS ? 1n : 1000n;
  const bare = BARE[view.getUint32(20, little) & 0xffff];
  const frames: CapturedFrame[] = [];
  for (let at = FILE_HEADER_LENGTH; at + RECORD_HEADER_LENGTH <= data.length; ) {
    const tsNs = BigInt(view.getUint32(at, little)) * 1_000_000_000n + BigInt(view.getUint32(at + 4, little)) * unit;
    const length = view.getUint32(at + 8, little);
    at += RECORD_HEADER_LENGTH;
    if (at + length > data.length) break;
    const frame = data.subarray(at, at + length);
    at += length;
    if (bare === undefined) frames.push({ tsNs, frame, isBare: false });
    else if (frame.length > bare.at && (bare.typeAt === undefined || isIpType(frame.readUInt16BE(bare.typeAt))))
      frames.push({ tsNs, frame: frame.subarray(bare.at), isBare: true });
  }
  return frames;
}

const isMagic = (word: number): boolean => word === MAGIC_MICROSECONDS || word === MAGIC_NANOSECONDS;
const isIpType = (etherType: number): boolean => etherType === 0x0800 || etherType === 0x86dd;

/** Writes a little-endian nanosecond pcap, Ethernet or RAW. */
export function writeCapture(
  path: string,
  isBare: boolean,
  frames: readonly { tsNs: bigint; frame: Uint8Array }[],
): void {
  writeRecords(path, isBare ? LINKTYPE_RAW : LINKTYPE_ETHERNET, frames);
}

/** The same with any LINKTYPE. */
export function writeRecords(
  path: string,
  linktype: number,
  frames: readonly { tsNs: bigint; frame: Uint8Array }[],
): void {
  const header = Buffer.alloc(FILE_HEADER_LENGTH);
  header.writeUInt32LE(MAGIC_NANOSECONDS, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(262_144, 16);
  header.writeUInt32LE(linktype, 20);
  const chunks: Uint8Array[] = [header];
  for (const { tsNs, frame } of frames) {
    const record = Buffer.alloc(RECORD_HEADER_LENGTH);
    record.writeUInt32LE(Number(tsNs / 1_000_000_000n), 0);
    record.writeUInt32LE(Number(tsNs % 1_000_000_000n), 4);
    record.writeUInt32LE(frame.length, 8);
    record.writeUInt32LE(frame.length, 12);
    chunks.push(record, frame);
  }
  writeFileSync(path, Buffer.concat(chunks));
}
