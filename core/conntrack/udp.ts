/** hot: the UDP and UDP-Lite trackers (kernel: nf_conntrack_proto_udp). */
import { IPPROTO_UDP, UDP_CHECKSUM_AT, UDP_LENGTH, UDP_LENGTH_AT } from '../../codecs/layouts.js';
import type { Clock } from '../clock.js';
import type { Direction, Packet } from '../packet.js';
import { isChecksumBad, isPartialChecksumBad } from './checksums.js';
import {
  ACCOUNTING_STRIDE_F64,
  BYTES_F64,
  CREATED_MS_F64,
  EXPIRES_MS_F64,
  PACKETS_F64,
  RECORD_F64,
  RECORD_WORDS,
  STATUS,
  Status,
} from './record.js';
import type { ConntrackTable } from './table.js';
import type { Timeouts } from './timeouts.js';
import { type L4Tracker, TrackResult } from './tracker.js';

/** A flow that is older than this when it is answered is more than a question and its answer. */
const STREAM_AFTER_MS = 2000;

export class UdpTracker implements L4Tracker {
  readonly #table: ConntrackTable;
  readonly #timeouts: Timeouts;
  readonly #checksum: boolean;

  /** CHECKSUM: net.netfilter.nf_conntrack_checksum. */
  constructor(table: ConntrackTable, timeouts: Timeouts, checksum: boolean) {
    this.#table = table;
    this.#timeouts = timeouts;
    this.#checksum = checksum;
  }

  isValid(packet: Packet): boolean {
    const lengthBytes = packet.l4Length;
    if (lengthBytes < UDP_LENGTH || packet.l4Available < UDP_LENGTH) return false;
    const { view, l4 } = packet;
    const announcedBytes = view.getUint16(l4 + UDP_LENGTH_AT);
    if (announcedBytes < UDP_LENGTH || announcedBytes > lengthBytes) return false;
    if (!this.#checksum || view.getUint16(l4 + UDP_CHECKSUM_AT) === 0) return true;
    return !isChecksumBad(packet, IPPROTO_UDP);
  }

  open(entry: number, packet: Packet): boolean {
    this.#table.doubles[entry * RECORD_F64 + CREATED_MS_F64] = packet.nowMs;
    return true;
  }

  update(entry: number, direction: Direction, packet: Packet): TrackResult {
    const table = this.#table;
    const { words } = table;
    const at = entry * RECORD_WORDS + STATUS;
    const status = words[at];
    let timeoutMs = this.#timeouts.udpMs;
    if (
      (status & Status.SEEN_REPLY) !== 0 &&
      packet.nowMs - table.doubles[entry * RECORD_F64 + CREATED_MS_F64] > STREAM_AFTER_MS
    ) {
      timeoutMs = this.#timeouts.udpStreamMs;
      words[at] = status | Status.ASSURED;
    }
    table.account(entry, direction, packet.length);
    table.refresh(entry, packet.nowMs, timeoutMs);
    return TrackResult.ACCEPT;
  }

  /** Follow a packet of an ASSURED flow, as `update` would. */
  followStream(entry: number, direction: number, lengthBytes: number, clock: Clock): void {
    const { doubles } = this.#table;
    const record = entry * RECORD_F64;
    const accounting = record + direction * ACCOUNTING_STRIDE_F64;
    doubles[accounting + PACKETS_F64] += 1;
    doubles[accounting + BYTES_F64] += lengthBytes;
    doubles[record + EXPIRES_MS_F64] = clock.nowMs + this.#timeouts.udpStreamMs;
  }
}

/** UDP-Lite (RFC 3828): the length field tells how much the checksum covers, and there must be one. */
export class UdpLiteTracker implements L4Tracker {
  readonly #table: ConntrackTable;
  readonly #timeouts: Timeouts;
  readonly #checksum: boolean;

  /** CHECKSUM: net.netfilter.nf_conntrack_checksum. */
  constructor(table: ConntrackTable, timeouts: Timeouts, checksum: boolean) {
    this.#table = table;
    this.#timeouts = timeouts;
    this.#checksum = checksum;
  }

  isValid(packet: Packet): boolean {
    const lengthBytes = packet.l4Length;
    if (lengthBytes < UDP_LENGTH || packet.l4Available < UDP_LENGTH) return false;
    const { view, l4 } = packet;
    const coverageBytes = view.getUint16(l4 + UDP_LENGTH_AT) || lengthBytes;
    if (coverageBytes < UDP_LENGTH || coverageBytes > lengthBytes) return false;
    if (view.getUint16(l4 + UDP_CHECKSUM_AT) === 0) return false;
    return !this.#checksum || !isPartialChecksumBad(packet, IPPROTO_UDP, coverageBytes);
  }

  open(): boolean {
    return true;
  }

  update(entry: number, direction: Direction, packet: Packet): TrackResult {
    const table = this.#table;
    const { words } = table;
    const at = entry * RECORD_WORDS + STATUS;
    const isAnswered = (words[at] & Status.SEEN_REPLY) !== 0;
    if (isAnswered) words[at] |= Status.ASSURED;
    table.account(entry, direction, packet.length);
    table.refresh(entry, packet.nowMs, isAnswered ? this.#timeouts.udpStreamMs : this.#timeouts.udpMs);
    return TrackResult.ACCEPT;
  }
}
