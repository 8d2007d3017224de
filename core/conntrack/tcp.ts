/** hot: the TCP tracker of one connection table; what it does is in wasm/conntrack/tcp.ts. */
import { IPPROTO_TCP } from '../../codecs/layouts.js';
import {
  CONTROL_NOW_MS_F64,
  type Memory,
  SETTING_BE_LIBERAL_F64,
  SETTING_IGNORE_INVALID_RST_F64,
  SETTING_LOOSE_F64,
  SETTING_MAX_RETRANS_F64,
  SETTING_RETRANSMITTED_MS_F64,
  SETTING_TCP_MS_F64,
  SETTING_UNACKNOWLEDGED_MS_F64,
  TRANSITIONS_AT,
  VALID_FLAGS_AT,
} from '../memory.js';
import { type Direction, ORIGINAL, type Packet } from '../packet.js';
import { isChecksumBad } from './checksums.js';
import { RECORD_WORDS, TCP_STATE } from './record.js';
import type { ConntrackTable } from './table.js';
import { SIDE_END, sideAt } from './tcp-record.js';
import { TcpState, TRANSITIONS, VALID_FLAGS_TABLE } from './tcp-states.js';
import type { Timeouts } from './timeouts.js';
import type { L4Tracker, TrackResult } from './tracker.js';

/** The sysctls of the tracker, by net.netfilter.nf_conntrack_… */
export interface TcpOptions {
  /** tcp_loose: pick up connections whose handshake was not seen. */
  loose: boolean;
  /** tcp_be_liberal: only a RST out of window is INVALID. */
  beLiberal: boolean;
  /** tcp_ignore_invalid_rst: a RST below what its receiver has acknowledged is not INVALID for that. */
  ignoreInvalidRst: boolean;
  /** tcp_max_retrans: after how many repetitions of a segment the connection may be dead. */
  maxRetrans: number;
  /** nf_conntrack_checksum: look at checksums in PREROUTING. */
  checksum: boolean;
}

/** The kernel's defaults. */
export const TCP_DEFAULTS: Readonly<TcpOptions> = {
  loose: true,
  beLiberal: false,
  ignoreInvalidRst: false,
  maxRetrans: 3,
  checksum: true,
};

/** The longest header, with its options, in bytes. */
const MOST_HEADER_BYTES = 60;

export class TcpTracker implements L4Tracker {
  readonly #table: ConntrackTable;
  readonly #memory: Memory;
  readonly #checksum: boolean;
  readonly #timeouts: Timeouts;

  constructor(table: ConntrackTable, options: TcpOptions, timeouts: Timeouts) {
    const { memory } = table;
    this.#table = table;
    this.#memory = memory;
    this.#checksum = options.checksum;
    this.#timeouts = timeouts;
    memory.bytes.set(TRANSITIONS, TRANSITIONS_AT);
    memory.bytes.set(VALID_FLAGS_TABLE, VALID_FLAGS_AT);
    const { settings } = memory;
    settings.set(timeouts.tcpMs, SETTING_TCP_MS_F64);
    settings[SETTING_RETRANSMITTED_MS_F64] = timeouts.tcpRetransmittedMs;
    settings[SETTING_UNACKNOWLEDGED_MS_F64] = timeouts.tcpUnacknowledgedMs;
    settings[SETTING_MAX_RETRANS_F64] = options.maxRetrans;
    settings[SETTING_LOOSE_F64] = options.loose ? 1 : 0;
    settings[SETTING_BE_LIBERAL_F64] = options.beLiberal ? 1 : 0;
    settings[SETTING_IGNORE_INVALID_RST_F64] = options.ignoreInvalidRst ? 1 : 0;
  }

  isValid(packet: Packet): boolean {
    const { wasm } = this.#memory;
    if (wasm.tcpIsValid(this.#segmentAt(packet), packet.l4Length, packet.l4Available) === 0) return false;
    return !this.#checksum || !isChecksumBad(packet, IPPROTO_TCP);
  }

  open(entry: number, packet: Packet): boolean {
    const { wasm } = this.#memory;
    return wasm.tcpOpen(entry, this.#segmentAt(packet), packet.l4Length, packet.l4Available) !== 0;
  }

  update(entry: number, direction: Direction, packet: Packet): TrackResult {
    const { wasm, control } = this.#memory;
    control[CONTROL_NOW_MS_F64] = packet.nowMs;
    const { l4Length, l4Available, length } = packet;
    const at = this.#segmentAt(packet);
    return wasm.tcpUpdate(entry, direction, at, l4Length, l4Available, length) as TrackResult;
  }

  /** A RST was sent about ENTRY from here: it is over (nf_ct_set_closing). */
  setClosing(entry: number, nowMs: number): void {
    const { words } = this.#table;
    const at = entry * RECORD_WORDS + TCP_STATE;
    if (words[at] === TcpState.CLOSE) return;
    words[at] = TcpState.CLOSE;
    this.#table.refresh(entry, nowMs, this.#timeouts.tcpMs[TcpState.CLOSE]);
  }

  /** Where the memory has the segment: a copy of its header, where the packet lies elsewhere. */
  #segmentAt(packet: Packet): number {
    return this.#memory.placeOf(packet.bytes, packet.view, packet.l4, Math.min(packet.l4Available, MOST_HEADER_BYTES));
  }
}

/** Whether STATE (the record's TCP_STATE word) is TIME_WAIT. */
export function isTimeWait(state: number): boolean {
  return state === TcpState.TIME_WAIT;
}

/** Whether the opener of ENTRY sends higher sequence numbers than the opener of OTHER did (nf_seq_has_advanced). */
export function hasSequenceAdvanced(table: ConntrackTable, other: number, entry: number): boolean {
  const { words } = table;
  return ((words[sideAt(other, ORIGINAL) + SIDE_END] - words[sideAt(entry, ORIGINAL) + SIDE_END]) | 0) < 0;
}
