/** Builds SCTP packets (RFC 9260). The checksum is computed bit by bit here, independently of the code under test. */
import { SCTP_CHECKSUM_AT, SCTP_LENGTH, sctp, sctpChunk, sctpInit } from '../../codecs/layouts.js';

/** Chunk types (section 3.2). */
export const ChunkType = {
  DATA: 0,
  INIT: 1,
  INIT_ACK: 2,
  SACK: 3,
  HEARTBEAT: 4,
  HEARTBEAT_ACK: 5,
  ABORT: 6,
  SHUTDOWN: 7,
  SHUTDOWN_ACK: 8,
  ERROR: 9,
  COOKIE_ECHO: 10,
  COOKIE_ACK: 11,
  SHUTDOWN_COMPLETE: 14,
} as const;

/** A chunk of TYPE. LENGTH: what its header claims. */
export function buildChunk(type: number, flags = 0, data: Uint8Array = new Uint8Array(4), length?: number): Buffer {
  const chunk = Buffer.alloc(sctpChunk.span + ((data.length + 3) & ~3));
  sctpChunk.encode({ type, flags, length: length ?? sctpChunk.span + data.length }, chunk);
  chunk.set(data, sctpChunk.span);
  return chunk;
}

/** INIT or INIT ACK, which ask the other side to send TAG. */
export function buildInit(type: number, tag: number): Buffer {
  const chunk = Buffer.alloc(sctpInit.span);
  sctpInit.encode(
    {
      type,
      flags: 0,
      length: chunk.length,
      initiateTag: tag >>> 0,
      window: 65_536,
      outboundStreams: 1,
      inboundStreams: 1,
      sequence: 1,
    },
    chunk,
  );
  return chunk;
}

/** A packet with its checksum; CHECKSUM_ERROR is added to it. */
export function buildSctp(
  sport: number,
  dport: number,
  tag: number,
  chunks: readonly Uint8Array[],
  checksumError = 0,
): Buffer {
  const header = Buffer.alloc(SCTP_LENGTH);
  sctp.encode({ sourcePort: sport, destinationPort: dport, tag: tag >>> 0, checksum: 0 }, header);
  const packet = Buffer.concat([header, ...chunks]);
  packet.writeUInt32LE((crc32c(packet) + checksumError) >>> 0, SCTP_CHECKSUM_AT);
  return packet;
}

/** CRC-32C (appendix A) of BYTES. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}
