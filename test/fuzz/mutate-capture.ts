/**
 * Damages captures, and puts them into other forms: single packets in a way that still gets past the first checks,
 * records, or any bytes.
 */
import { gzipSync } from 'node:zlib';
import { internetChecksum } from '../../codecs/checksum.js';
import type { Prng } from '../kernel/prng.js';

const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const ETHERNET_BYTES = 14;
const NUMBERS = [0, 1, 2, 7, 8, 19, 20, 21, 63, 64, 127, 128, 255];

/** A record of a pcap file, its header included. */
type PcapRecord = Buffer;

/** BYTES with a few changes; OTHERS lend records. */
export function mutateCapture(prng: Prng, bytes: Uint8Array, others: readonly Uint8Array[]): Uint8Array {
  const isPcap = bytes.length >= FILE_HEADER_BYTES && Buffer.from(bytes).readUInt32LE(0) === 0xa1b2c3d4;
  if (!isPcap || prng.chance(0.15)) return mutateBytes(prng, bytes);
  const records = recordsOf(bytes);
  for (let i = prng.between(1, 6); i > 0 && records.length > 0; i--) mutateRecords(prng, records, others);
  const mutated = Buffer.concat([bytes.subarray(0, FILE_HEADER_BYTES), ...records]);
  return prng.chance(0.1) ? mutateBytes(prng, mutated) : mutated;
}

/** Link types of the same packets, which then have other headers than they should. */
const LINKTYPES = [0, 9, 50, 51, 101, 108, 113, 228, 239, 276];

/** BYTES compressed, followed by another capture, or with another link type; mostly damaged after that, if at all. */
export function reformCapture(prng: Prng, bytes: Uint8Array, others: readonly Uint8Array[]): Uint8Array {
  const damage = (made: Uint8Array): Uint8Array => (prng.chance(0.3) ? mutateBytes(prng, made) : made);
  switch (prng.below(4)) {
    case 0:
      return damage(gzipSync(bytes));
    case 1:
      return Buffer.concat([gzipSync(bytes), gzipSync(prng.pick(others))]);
    case 2:
      return damage(Buffer.concat([bytes, prng.pick(others)]));
    default: {
      const made = Buffer.from(bytes);
      if (made.length >= FILE_HEADER_BYTES) made.writeUInt32LE(prng.pick(LINKTYPES), FILE_HEADER_BYTES - 4);
      return made;
    }
  }
}

/** BYTES with flipped bits, or cut, or with a part repeated or taken out. */
export function mutateBytes(prng: Prng, bytes: Uint8Array): Uint8Array {
  const made = Buffer.from(bytes);
  if (made.length === 0) return made;
  const at = prng.chance(0.5) ? prng.below(Math.min(made.length, 100)) : prng.below(made.length);
  const end = Math.min(made.length, at + prng.between(1, 64));
  switch (prng.below(5)) {
    case 0:
      return made.subarray(0, at);
    case 1:
      return Buffer.concat([made.subarray(0, end), made.subarray(at)]);
    case 2:
      return Buffer.concat([made.subarray(0, at), made.subarray(end)]);
    case 3:
      made.fill(prng.pick([0, 0xff, 0x7f, 0x80]), at, Math.min(made.length, at + 4));
      return made;
    default:
      for (let i = prng.between(1, 8); i > 0; i--) made[prng.below(made.length)] ^= 1 << prng.below(8);
      return made;
  }
}

function recordsOf(bytes: Uint8Array): PcapRecord[] {
  const all = Buffer.from(bytes);
  const records: PcapRecord[] = [];
  for (let at = FILE_HEADER_BYTES; at + RECORD_HEADER_BYTES <= all.length; ) {
    const end = at + RECORD_HEADER_BYTES + all.readUInt32LE(at + 8);
    records.push(all.subarray(at, end));
    at = end;
  }
  return records;
}

function mutateRecords(prng: Prng, records: PcapRecord[], others: readonly Uint8Array[]): void {
  const at = prng.below(records.length);
  const record = Buffer.from(records[at]);
  switch (prng.below(8)) {
    case 0:
      records.splice(at, prng.between(1, 3));
      return;
    case 1:
      records.splice(prng.below(records.length), 0, record);
      return;
    case 2:
      records.splice(at, 0, ...prng.some(recordsOf(prng.pick(others)), prng.between(1, 5)));
      return;
    case 3:
      // The clock goes back, stands still or leaps.
      record.writeUInt32LE((record.readUInt32LE(0) + prng.pick([-1, 1, -1000, 30, 400, 500_000])) >>> 0, 0);
      records[at] = record;
      return;
    case 4:
      records[at] = cutRecord(record, prng.below(record.length - RECORD_HEADER_BYTES + 1));
      return;
    default:
      mutateIp(prng, record.subarray(RECORD_HEADER_BYTES));
      records[at] = record;
  }
}

/** The same record with only the first BYTES of its packet. */
function cutRecord(record: PcapRecord, bytes: number): PcapRecord {
  const cut = record.subarray(0, RECORD_HEADER_BYTES + bytes);
  cut.writeUInt32LE(bytes, 8);
  return cut;
}

/** Changes bytes of the IPv4 packet in FRAME, mostly headers, and mostly with a checksum that is right again. */
function mutateIp(prng: Prng, frame: Buffer): void {
  const ip = frame.subarray(ETHERNET_BYTES);
  if (ip.length < 20) return;
  for (let i = prng.between(1, 4); i > 0; i--) {
    const at = prng.weighted([
      [4, prng.below(20)],
      [6, prng.below(Math.min(60, ip.length))],
      [1, prng.below(ip.length)],
    ]);
    ip[at] = prng.chance(0.5) ? ip[at] ^ (1 << prng.below(8)) : prng.pick(NUMBERS);
  }
  const headerBytes = (ip[0] & 15) * 4;
  if (prng.chance(0.1) || headerBytes < 20 || headerBytes > ip.length) return;
  ip.writeUInt16BE(0, 10);
  ip.writeUInt16BE(internetChecksum(new DataView(ip.buffer, ip.byteOffset), 0, headerBytes), 10);
}
