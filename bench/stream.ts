// Writes a capture of any length: `stream.js BYTES` writes a pcap of BYTES to standard output, with 1514-byte frames
// from 10,000 clients to 198.51.100.7. They are built once and repeated with later timestamps.
import { writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PCAP_FILE_HEADER_BYTES, PCAP_MAGIC_NANOSECONDS } from '../codecs/pcap.js';
import { PCAP_RECORD_HEADER_BYTES } from '../codecs/pcap-record.js';
import { Patience } from '../io/patience.js';
import { CONTAINER_TO_HOST, FrameBuilder, LONGEST_FRAME_BYTES, STEP_NS } from './frame-builder.js';

const CLIENTS = 10_000;
const PAYLOAD_BYTES = LONGEST_FRAME_BYTES - 42;
const RECORD_BYTES = PCAP_RECORD_HEADER_BYTES + LONGEST_FRAME_BYTES;
/**
 * Clients have addresses from 172.17.1.0 on, reached through docker0; the server 198.51.100.7, reached through eth0.
 */
const FIRST_CLIENT = 0xac110100;
const SERVER = 0xc6336407;

/** How many complete packets a stream of BYTES has. */
export function packetsOf(bytes: number): number {
  return Math.floor((bytes - PCAP_FILE_HEADER_BYTES) / RECORD_BYTES);
}

function fileHeader(): Uint8Array {
  const view = new DataView(new ArrayBuffer(PCAP_FILE_HEADER_BYTES));
  view.setUint32(0, PCAP_MAGIC_NANOSECONDS, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, 262_144, true);
  view.setUint32(20, 1, true);
  return new Uint8Array(view.buffer);
}

/** One packet from each client. */
function records(): Uint8Array {
  const bytes = new Uint8Array(CLIENTS * RECORD_BYTES);
  const view = new DataView(bytes.buffer);
  const frame = new FrameBuilder();
  for (let client = 0; client < CLIENTS; client++) {
    const at = client * RECORD_BYTES;
    const source = FIRST_CLIENT + client;
    const ends = { macs: CONTAINER_TO_HOST, source, destination: SERVER, sport: 5000 + (client % 50_000), dport: 4000 };
    frame.udp(ends, client & 0xffff, PAYLOAD_BYTES);
    view.setUint32(at + 8, LONGEST_FRAME_BYTES, true);
    view.setUint32(at + 12, LONGEST_FRAME_BYTES, true);
    bytes.set(frame.bytes, at + PCAP_RECORD_HEADER_BYTES);
  }
  return bytes;
}

/** Writes a stream of BYTES by calling WRITE, which must write all of each piece. */
export function writeStream(bytes: number, write: (piece: Uint8Array) => void): void {
  const packets = packetsOf(bytes);
  const piece = records();
  const view = new DataView(piece.buffer);
  write(fileHeader());
  for (let done = 0; done < packets; done += CLIENTS) {
    const count = Math.min(CLIENTS, packets - done);
    for (let n = 0; n < count; n++) {
      const ns = (done + n) * STEP_NS;
      view.setUint32(n * RECORD_BYTES, 1_700_000_000 + Math.floor(ns / 1e9), true);
      view.setUint32(n * RECORD_BYTES + 4, ns % 1e9, true);
    }
    write(piece.subarray(0, count * RECORD_BYTES));
  }
}

function writeAll(piece: Uint8Array): void {
  const patience = new Patience();
  for (let done = 0; done < piece.length; ) {
    try {
      done += writeSync(1, piece, done);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      patience.wait();
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeStream(Number(process.argv[2]), writeAll);
