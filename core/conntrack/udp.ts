/** hot: the UDP and UDP-Lite trackers (kernel: nf_conntrack_proto_udp); most of UDP's is in wasm/udp.ts. */
import { IPPROTO_UDP, UDP_CHECKSUM_AT, UDP_LENGTH, UDP_LENGTH_AT } from '../../codecs/layouts.js';
import { CONTROL_NOW_MS_F64, SETTING_UDP_MS_F64, SETTING_UDP_STREAM_MS_F64 } from '../memory.js';
import type { Direction, Packet } from '../packet.js';
import { isChecksumBad, isPartialChecksumBad, reachesChecksum } from './checksums.js';
import { RECORD_WORDS, STATUS, Status } from './record.js';
import type { ConntrackTable } from './table.js';
import type { Timeouts } from './timeouts.js';
import { type L4Tracker, TrackResult } from './tracker.js';

export class UdpTracker implements L4Tracker {
  readonly #table: ConntrackTable;
  readonly #checksum: boolean;

  /** CHECKSUM: net.netfilter.nf_conntrack_checksum. */
  constructor(table: ConntrackTable, timeouts: Timeouts, checksum: boolean) {
    this.#table = table;
    this.#checksum = checksum;
    const { settings } = table.memory;
    settings[SETTING_UDP_MS_F64] = timeouts.udpMs;
    settings[SETTING_UDP_STREAM_MS_F64] = timeouts.udpStreamMs;
  }

  isValid(packet: Packet): boolean {
    if (!reachesChecksum(packet)) return false;
    if (!this.#checksum || packet.view.getUint16(packet.l4 + UDP_CHECKSUM_AT) === 0) return true;
    return !isChecksumBad(packet, IPPROTO_UDP);
  }

  open(entry: number, packet: Packet): boolean {
    const { wasm, control } = this.#table.memory;
    control[CONTROL_NOW_MS_F64] = packet.nowMs;
    wasm.udpOpen(entry);
    return true;
  }

  update(entry: number, direction: Direction, packet: Packet): TrackResult {
    const { wasm, control } = this.#table.memory;
    control[CONTROL_NOW_MS_F64] = packet.nowMs;
    wasm.udpUpdate(entry, direction, packet.length);
    return TrackResult.ACCEPT;
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
