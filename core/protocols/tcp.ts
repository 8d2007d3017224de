/** hot: TCP (RFC 9293; kernel: nf_conntrack_proto_tcp). Segments are tracked in wasm/conntrack/tcp.ts. */
import { applyDelta, checksumDelta } from '../../codecs/checksum.js';
import {
  IPPROTO_TCP,
  TCP_ACK,
  TCP_CHECKSUM_AT,
  TCP_FIN,
  TCP_FLAGS_AT,
  TCP_LENGTH,
  TCP_RST,
  TCP_SEQUENCE_AT,
  TCP_SYN,
} from '../../codecs/layouts.js';
import { RECORD_WORDS } from '../conntrack/record.js';
import type { ConntrackTable } from '../conntrack/table.js';
import { SideFlag, sideEndAt, sideOptionsAt, TCP_CONNECTION, TCP_STATE } from '../conntrack/tcp-record.js';
import type { Memory } from '../memory.js';
import { REGIONS } from '../memory-map.js';
import { type Direction, ORIGINAL, type Packet, REPLY, tcpHeaderLength } from '../packet.js';
import { isChecksumBad, pseudoHeaderOffload } from './checksums.js';
import { portAt, WITH_PORTS } from './ports.js';
import { defineProtocol, Invalid, type L4Tracker, TrackResult } from './protocol.js';
import { forgetSegment, largestSent } from './segment-size.js';
import { tcpRemarkOf } from './tcp-remark.js';
import { SegmentKind, STATE_NAMES, TcpState, TRANSITIONS, VALID_FLAGS_TABLE } from './tcp-states.js';
import { RETRANSMITTED, tcpTimeoutOf, UNACKNOWLEDGED } from './tcp-timeout.js';

const LAST_KIND = TCP_CONNECTION.word.lastKind;
const LAST_DIRECTION = TCP_CONNECTION.word.lastDirection;
/** The maximum header length including options, in bytes. */
const MAX_HEADER_BYTES = 60;
/** The minimum header length for rewriting: the part that an ICMP error quotes, which includes the ports. */
const QUOTED_LENGTH = 8;

export const tcp = defineProtocol({
  ...WITH_PORTS,
  number: IPPROTO_TCP,
  name: 'tcp',
  stateNames: STATE_NAMES,
  stateWord: TCP_STATE,
  timeouts: [
    [TcpState.SYN_SENT, 'tcp_timeout_syn_sent', 120],
    [TcpState.SYN_RECV, 'tcp_timeout_syn_recv', 60],
    [TcpState.ESTABLISHED, 'tcp_timeout_established', 432_000],
    [TcpState.FIN_WAIT, 'tcp_timeout_fin_wait', 120],
    [TcpState.CLOSE_WAIT, 'tcp_timeout_close_wait', 60],
    [TcpState.LAST_ACK, 'tcp_timeout_last_ack', 30],
    [TcpState.TIME_WAIT, 'tcp_timeout_time_wait', 120],
    [TcpState.CLOSE, 'tcp_timeout_close', 10],
    [TcpState.SYN_SENT2, null, 120],
    [RETRANSMITTED, 'tcp_timeout_max_retrans', 300],
    [UNACKNOWLEDGED, 'tcp_timeout_unacknowledged', 300],
  ],
  settings: [
    // Only out-of-window RSTs are INVALID.
    ['tcp_be_liberal', 0, 0, 1],
    // A RST below what its receiver has acknowledged is not INVALID because of that.
    ['tcp_ignore_invalid_rst', 0, 0, 1],
    // Pick up connections whose handshake was not seen.
    ['tcp_loose', 1, 0, 1],
    // The number of retransmissions after which the connection may be dead.
    ['tcp_max_retrans', 3, 0, 255],
  ],
  setUp({ table, timeoutsMs }, setting) {
    const { buffer, settings } = table.memory;
    REGIONS.transitions.bytesOf(buffer).set(TRANSITIONS);
    REGIONS.validFlags.bytesOf(buffer).set(VALID_FLAGS_TABLE);
    settings.tcpMs.set(timeoutsMs.subarray(0, STATE_NAMES.length));
    settings.tcpRetransmittedMs = timeoutsMs[RETRANSMITTED];
    settings.tcpUnacknowledgedMs = timeoutsMs[UNACKNOWLEDGED];
    settings.maxRetrans = setting('tcp_max_retrans');
    settings.loose = setting('tcp_loose');
    settings.beLiberal = setting('tcp_be_liberal');
    settings.ignoreInvalidRst = setting('tcp_ignore_invalid_rst');
  },

  reachesChecksum,
  offload: pseudoHeaderOffload(IPPROTO_TCP, TCP_CHECKSUM_AT, 0),
  validate({ table, verifiesChecksums }, packet) {
    const { memory } = table;
    if (memory.wasm.tcpIsValid(segmentAt(memory, packet), packet.l4Length, packet.l4Available) === 0) {
      return reachesChecksum(packet) ? Invalid.FLAGS : Invalid.HEADER;
    }
    return verifiesChecksums && isChecksumBad(packet, IPPROTO_TCP) ? Invalid.CHECKSUM : Invalid.NONE;
  },
  open({ table }, entry, packet) {
    const { memory } = table;
    const isOpen = memory.wasm.tcpOpen(entry, segmentAt(memory, packet), packet.l4Length, packet.l4Available) !== 0;
    return isOpen ? Invalid.NONE : Invalid.NOT_OPENING;
  },
  update({ table }, entry, direction, packet) {
    const { memory } = table;
    memory.clock.nowMs = packet.nowMs;
    const { l4Length, l4Available, length } = packet;
    if (table.proxied !== undefined && isProxiedKeepAlive(table, entry, direction, packet)) return TrackResult.ACCEPT;
    const header = table.proxied?.trackedHeader(packet, entry, direction);
    const at = header === undefined ? segmentAt(memory, packet) : headerAt(memory, header);
    const known = packet.isCoalesced ? largestSent(table, entry, direction, IPPROTO_TCP) : 0;
    const followed = memory.wasm.tcpUpdate(entry, direction, at, l4Length, l4Available, length);
    // A coalesced packet is no segment.
    if (packet.isCoalesced) forgetSegment(table, entry, direction, known);
    return followed as TrackResult | Invalid;
  },

  /** Windows are not listed. As for a connection picked up in the middle, anything is in window. */
  restore({ table: { words } }, entry) {
    const base = entry * RECORD_WORDS;
    const state = words[base + TCP_STATE];
    // It has been closed, so a new SYN opens another connection.
    const closing = state >= TcpState.FIN_WAIT && state <= TcpState.CLOSE ? SideFlag.CLOSE_INIT : 0;
    words[sideOptionsAt(entry, ORIGINAL)] = SideFlag.SACK_PERMITTED | SideFlag.BE_LIBERAL | closing;
    words[sideOptionsAt(entry, REPLY)] = SideFlag.SACK_PERMITTED | SideFlag.BE_LIBERAL;
    words[base + LAST_KIND] = SegmentKind.OTHER;
    return true;
  },

  timeoutOf: tcpTimeoutOf,
  remark({ table }, packet, fault) {
    return tcpRemarkOf(table.memory, fault, packet.l4Length >= TCP_LENGTH && packet.l4Available >= TCP_LENGTH);
  },

  isClosed({ words }, entry) {
    const state = words[entry * RECORD_WORDS + TCP_STATE];
    return state === TcpState.TIME_WAIT || state === TcpState.CLOSE;
  },

  /**
   * A connection in TIME_WAIT or a later state gives way to a SYN with a higher sequence number
   * (nf_nat_used_tuple_harder).
   */
  givesWay(table, other, entry) {
    const { words } = table;
    return (
      words[other * RECORD_WORDS + TCP_STATE] >= TcpState.TIME_WAIT &&
      words[entry * RECORD_WORDS + TCP_STATE] === TcpState.SYN_SENT &&
      isAhead(table, entry, other)
    );
  },
  mangle(view, l4, available, manip, port, addressDelta) {
    if (available < QUOTED_LENGTH) return false;
    const at = portAt(l4, manip);
    const delta = addressDelta + checksumDelta(view.getUint16(at), port);
    view.setUint16(at, port);
    if (available < TCP_LENGTH) return true;
    const checksumAt = l4 + TCP_CHECKSUM_AT;
    view.setUint16(checksumAt, applyDelta(view.getUint16(checksumAt), delta));
    return true;
  },
  mangledBytes: TCP_LENGTH,
});

/** Closes ENTRY after the host sent a RST for it (nf_ct_set_closing). */
export function setClosing({ table, timeoutsMs }: L4Tracker, entry: number, nowMs: number): void {
  const at = entry * RECORD_WORDS + TCP_STATE;
  if (table.words[at] === TcpState.CLOSE) return;
  table.words[at] = TcpState.CLOSE;
  table.refresh(entry, nowMs, timeoutsMs[TcpState.CLOSE]);
}

/** Whether the opener of ENTRY has a higher sequence number than the opener of OTHER had. */
function isAhead({ words }: ConntrackTable, entry: number, other: number): boolean {
  return ((words[sideEndAt(other, ORIGINAL)] - words[sideEndAt(entry, ORIGINAL)]) | 0) < 0;
}

function reachesChecksum(packet: Packet): boolean {
  const { l4Length } = packet;
  if (l4Length < TCP_LENGTH || packet.l4Available < TCP_LENGTH) return false;
  const headerLength = tcpHeaderLength(packet);
  return headerLength >= TCP_LENGTH && headerLength <= l4Length;
}

/**
 * Whether PACKET is a client's keep-alive while SYNPROXY waits for the server. It belongs to the connection, so that
 * the server gets another SYN.
 */
function isProxiedKeepAlive(table: ConntrackTable, entry: number, direction: Direction, packet: Packet): boolean {
  if (direction !== ORIGINAL || table.proxied?.of(entry) === undefined) return false;
  const { words } = table;
  const base = entry * RECORD_WORDS;
  if (words[base + TCP_STATE] !== TcpState.SYN_SENT || words[base + LAST_DIRECTION] !== ORIGINAL) return false;
  const kinds = TCP_SYN | TCP_ACK | TCP_FIN | TCP_RST;
  if ((packet.bytes[packet.l4 + TCP_FLAGS_AT] & kinds) !== TCP_ACK) return false;
  return packet.view.getInt32(packet.l4 + TCP_SEQUENCE_AT) === ((words[sideEndAt(entry, ORIGINAL)] - 1) | 0);
}

/** The address of a copy of HEADER in memory. */
function headerAt(memory: Memory, header: Uint8Array): number {
  return memory.placeOf(header, new DataView(header.buffer), 0, header.length);
}

/** The address of the segment in memory: in place, or a copy of its header. */
function segmentAt(memory: Memory, packet: Packet): number {
  return memory.placeOf(packet.bytes, packet.view, packet.l4, Math.min(packet.l4Available, MAX_HEADER_BYTES));
}
