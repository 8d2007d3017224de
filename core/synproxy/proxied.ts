/**
 * The connections that SYNPROXY has opened, and what their packets need: the client knows other sequence numbers and
 * timestamps than the server (nf_conn_synproxy, nf_conn_seqadj).
 */
import { updateChecksum } from '../../codecs/checksum.js';
import {
  TCP_ACK,
  TCP_ACKNOWLEDGMENT_AT,
  TCP_CHECKSUM_AT,
  TCP_FLAGS_AT,
  TCP_LENGTH,
  TCP_SEQUENCE_AT,
} from '../../codecs/layouts.js';
import { RECORD_WORDS, STATUS, Status } from '../conntrack/record.js';
import { type Direction, ORIGINAL, type Packet, REPLY, tcpHeaderLength } from '../packet.js';
import { forEachOption } from './tcp-options.js';

const [END, NO_OPERATION, SACK, TIMESTAMP] = [0, 1, 5, 8];
const SACK_BLOCK_BYTES = 8;
const TIMESTAMP_BYTES = 10;

/** A connection that SYNPROXY has opened. Numbers of 32 bits, modulo 2^32. */
export interface ProxiedConnection {
  /** The server's first sequence number and the time as the client knows them: those of the SYN/ACK that it got. */
  sequence: number;
  timestamp: number;
  /** What is added to the server's sequence numbers, and subtracted from its timestamps. */
  sequenceOffset: number;
  timestampOffset: number;
}

export class ProxiedConnections {
  readonly #words: Int32Array;
  /** By entry. One whose entry was used again is out of date: its status says so. */
  readonly #byEntry = new Map<number, ProxiedConnection>();

  /** WORDS: those of the connection table. */
  constructor(words: Int32Array) {
    this.#words = words;
  }

  of(entry: number): ProxiedConnection | undefined {
    const isProxied = entry >= 0 && (this.#words[entry * RECORD_WORDS + STATUS] & Status.PROXIED) !== 0;
    return isProxied ? this.#byEntry.get(entry) : undefined;
  }

  add(entry: number): ProxiedConnection {
    const connection = { sequence: 0, timestamp: 0, sequenceOffset: 0, timestampOffset: 0 };
    this.#words[entry * RECORD_WORDS + STATUS] |= Status.PROXIED;
    this.#byEntry.set(entry, connection);
    return connection;
  }

  /**
   * The TCP header of PACKET, which goes in DIRECTION of ENTRY, as the server would see it; undefined if that is no
   * other one. The tracker compares it with what the server has sent (nf_ct_seq_offset).
   */
  trackedHeader(packet: Packet, entry: number, direction: Direction): Uint8Array | undefined {
    const offset = this.of(entry)?.sequenceOffset ?? 0;
    if (offset === 0 || direction !== ORIGINAL || packet.l4Available < TCP_LENGTH) return undefined;
    const length = Math.min(tcpHeaderLength(packet), packet.l4Available);
    const header = packet.bytes.slice(packet.l4, packet.l4 + Math.max(length, TCP_LENGTH));
    const view = new DataView(header.buffer);
    const lower = (at: number): void => view.setUint32(at, view.getUint32(at) - offset);
    lower(TCP_ACKNOWLEDGMENT_AT);
    forEachSackEnd(packet, (at) => lower(at - packet.l4));
    return header;
  }
}

/** Calls EACH with the offset of each end of a SACK block in PACKET's bytes. */
function forEachSackEnd(packet: Packet, each: (at: number) => void): void {
  forEachOption(packet, (kind, at, size) => {
    if (kind === SACK) for (let end = at + 2; end + 4 <= at + size; end += 4) each(end);
  });
}

/** Changes the timestamp of PACKET, whose TCP header is there, to what its receiver knows (synproxy_tstamp_adjust). */
export function adjustTimestamp(packet: Packet, { timestampOffset }: ProxiedConnection): void {
  if (timestampOffset === 0) return;
  forEachOption(packet, (kind, at, size) => {
    if (kind !== TIMESTAMP || size !== TIMESTAMP_BYTES) return;
    if (packet.direction === REPLY) addTo(packet, at + 2, -timestampOffset);
    else addTo(packet, at + 6, timestampOffset);
  });
}

/**
 * Changes the sequence numbers of PACKET to those that its receiver knows (nf_ct_seq_adjust). Returns false if it has
 * to be dropped, because its header is cut short or an option does not fit. An ICMP error of the client is treated as
 * if it were a segment, as the kernel does.
 */
export function adjustSequence(packet: Packet, { sequenceOffset }: ProxiedConnection): boolean {
  if (sequenceOffset === 0) return true;
  if (packet.l4Available < TCP_LENGTH) return packet.isCut;
  const isReply = packet.direction === REPLY;
  if (isReply) addTo(packet, packet.l4 + TCP_SEQUENCE_AT, sequenceOffset);
  if ((packet.bytes[packet.l4 + TCP_FLAGS_AT] & TCP_ACK) === 0) return true;
  if (!isReply) addTo(packet, packet.l4 + TCP_ACKNOWLEDGMENT_AT, -sequenceOffset);
  return adjustSack(packet, isReply ? 0 : -sequenceOffset);
}

/** Adds CHANGE to the ends of PACKET's SACK blocks (nf_ct_sack_adjust). Returns whether all of its options fit. */
function adjustSack(packet: Packet, change: number): boolean {
  const { bytes, l4 } = packet;
  const end = tcpHeaderLength(packet);
  if (packet.l4Available < end) return packet.isCut;
  for (let at = TCP_LENGTH; at < end; ) {
    const kind = bytes[l4 + at];
    if (kind === END) return true;
    if (kind === NO_OPERATION) {
      at++;
      continue;
    }
    const size = bytes[l4 + at + 1];
    if (at + 1 === end || at + size > end || size < 2) return false;
    const isSack = kind === SACK && size > 2 && (size - 2) % SACK_BLOCK_BYTES === 0;
    if (isSack) for (let word = at + 2; word < at + size; word += 4) addTo(packet, l4 + word, change);
    at += size;
  }
  return true;
}

/** Adds CHANGE to the word AT in PACKET's bytes, and keeps the TCP checksum right (inet_proto_csum_replace4). */
function addTo({ view, l4 }: Packet, at: number, change: number): void {
  const before = view.getUint32(at);
  const after = (before + change) >>> 0;
  view.setUint32(at, after);
  const sum = l4 + TCP_CHECKSUM_AT;
  view.setUint16(sum, updateChecksum(view.getUint16(sum), sumOf(before), sumOf(after)));
}

function sumOf(word: number): number {
  return (word >>> 16) + (word & 0xffff);
}
