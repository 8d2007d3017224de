/** Replaces what packets of SCTP carry. Chunks keep their kinds, lengths and tags, which conntrack reads. */
import { crc32cStep } from '../../codecs/crc32c.js';
import { SCTP_CHECKSUM_AT, SCTP_CHUNK_LENGTH, SCTP_CHUNK_LENGTH_AT } from '../../codecs/layouts.js';
import { fill, type Piece } from './packet-piece.js';

const WHOLE = { is: 'whole' } as const;
const [DATA, INIT, INIT_ACK, SACK, SHUTDOWN] = [0, 1, 2, 3, 7];
const DATA_HEADER_BYTES = 16;
const INIT_HEADER_BYTES = 20;
const PARAMETER_HEADER_BYTES = 4;
const [IPV4_PARAMETER, IPV6_PARAMETER] = [5, 6];

/** Replaces the chunks from CHUNKS on of the packet at L4, which ends at END. A fragmented one stays. */
export function replaceSctp(piece: Piece, l4: number, end: number, chunks: number): void {
  if (piece.fragment !== undefined || end < chunks) return;
  const { view } = piece;
  const old = view.getUint32(l4 + SCTP_CHECKSUM_AT, true);
  const error = old ^ checksumOf(view, l4, end);
  for (let at = chunks; at + SCTP_CHUNK_LENGTH <= end; ) {
    const length = Math.max(view.getUint16(at + SCTP_CHUNK_LENGTH_AT), SCTP_CHUNK_LENGTH);
    replaceChunk(piece, at, Math.min(at + length, end));
    at += (length + 3) & ~3;
  }
  view.setUint32(l4 + SCTP_CHECKSUM_AT, checksumOf(view, l4, end) ^ error, true);
}

function replaceChunk(piece: Piece, at: number, end: number): void {
  const type = piece.view.getUint8(at);
  if (type === INIT || type === INIT_ACK) replaceParameters(piece, at + INIT_HEADER_BYTES, end);
  else if (type === DATA) fill(piece, at + DATA_HEADER_BYTES, end, WHOLE);
  else if (type !== SACK && type !== SHUTDOWN) fill(piece, at + SCTP_CHUNK_LENGTH, end, WHOLE);
}

function replaceParameters(piece: Piece, from: number, end: number): void {
  const { bytes, view, parts } = piece;
  for (let at = from; at + PARAMETER_HEADER_BYTES <= end; ) {
    const type = view.getUint16(at);
    const length = Math.max(view.getUint16(at + 2), PARAMETER_HEADER_BYTES);
    const value = at + PARAMETER_HEADER_BYTES;
    const stop = Math.min(at + length, end);
    if (type === IPV4_PARAMETER && stop - value >= 4) view.setUint32(value, parts.address(view.getUint32(value)));
    else if (type === IPV6_PARAMETER && stop - value >= 16) parts.address6(bytes.subarray(value, value + 16));
    else fill(piece, value, stop, WHOLE);
    at += (length + 3) & ~3;
  }
}

/** The CRC of the packet, with zeros in place of its checksum. */
function checksumOf(view: DataView, l4: number, end: number): number {
  view.setUint32(l4 + SCTP_CHECKSUM_AT, 0);
  return ~crc32cStep(view, l4, end - l4, -1);
}
