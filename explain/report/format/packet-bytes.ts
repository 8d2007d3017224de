/**
 * The bytes of packets. A section of kind `bytes` has those of as many rows as the index says. It is read from
 * its start, so it should not hold many.
 */
import { VarintBuffer, VarintReader } from './varint.js';

/** The bytes of one packet, as they came in and as they left. */
export interface PacketBytes {
  readonly arrived: CapturedBytes;
  /** What left or reached the host, in order: fragments are several. */
  readonly left: readonly CapturedBytes[];
  /** What the host sent because of it, in the order of `related` of its traversal. */
  readonly related: readonly (readonly CapturedBytes[])[];
}

export interface CapturedBytes {
  /** As in capture files (LINKTYPE_ETHERNET is 1). */
  readonly linktype: number;
  /** Interface; -1: the host's own, -2: it reached the host. */
  readonly dev: number;
  readonly bytes: Uint8Array;
  /** How long it was, with what is left out or was not captured. */
  readonly length: number;
}

/** How many rows a section has: a packet is read in no time, and deflate finds what neighbours have in common. */
export const BYTES_ROWS = 1 << 9;

/** Gathers the bytes of packets that follow each other. */
export class PacketBytesWriter {
  readonly #buffer = new VarintBuffer();

  /** How much there is, before it is compressed. */
  get length(): number {
    return this.#buffer.length;
  }

  /** PACKET: of the next row; undefined: its bytes are left out. */
  add(packet: PacketBytes | undefined): void {
    this.#buffer.add(packet === undefined ? 0 : 1);
    if (packet === undefined) return;
    this.#addFrames([packet.arrived]);
    this.#addFrames(packet.left);
    this.#buffer.add(packet.related.length);
    for (const frames of packet.related) this.#addFrames(frames);
  }

  /** What `readPacketBytes` reads. */
  bytes(): Uint8Array {
    return this.#buffer.bytes();
  }

  #addFrames(frames: readonly CapturedBytes[]): void {
    this.#buffer.add(frames.length);
    for (const { linktype, dev, bytes, length } of frames) {
      for (const value of [linktype, dev, length, bytes.length]) this.#buffer.add(value);
      this.#buffer.addBytes(bytes);
    }
  }
}

/** The packet in ROW, from 0, of a section that a PacketBytesWriter made; undefined: its bytes were left out. */
export function readPacketBytes(section: Uint8Array, row: number): PacketBytes | undefined {
  const reader = new VarintReader(section);
  for (let i = 0; i < row; i++) readPacket(reader);
  return readPacket(reader);
}

function readPacket(reader: VarintReader): PacketBytes | undefined {
  if (reader.next() === 0) return undefined;
  const [arrived] = readFrames(reader);
  const left = readFrames(reader);
  const related = Array.from({ length: reader.next() }, () => readFrames(reader));
  return { arrived, left, related };
}

function readFrames(reader: VarintReader): CapturedBytes[] {
  return Array.from({ length: reader.next() }, () => {
    const [linktype, dev, length, captured] = [reader.next(), reader.next(), reader.next(), reader.next()];
    return { linktype, dev, length, bytes: reader.take(captured) };
  });
}
