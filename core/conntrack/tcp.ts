/**
 * hot: the TCP tracker (kernel: nf_conntrack_proto_tcp). States are in tcp-states.ts, windows in tcp-window.ts, the memory of
 * a connection in tcp-record.ts; here is how they work together, and where a firewall in the middle must doubt itself.
 */
import { IPPROTO_TCP, TCP_FLAGS_AT, TCP_LENGTH } from '../../codecs/layouts.js';
import type { Clock } from '../clock.js';
import { type Direction, ORIGINAL, type Packet, REPLY } from '../packet.js';
import { isChecksumBad } from './checksums.js';
import {
  ACCOUNTING_STRIDE_F64,
  BYTES_F64,
  EXPIRES_MS_F64,
  PACKETS_F64,
  RECORD_F64,
  RECORD_WORDS,
  STATUS,
  Status,
  TCP_SIDE_WORDS,
  TCP_STATE,
} from './record.js';
import type { ConntrackTable } from './table.js';
import {
  LAST_ACKNOWLEDGMENT,
  LAST_DIRECTION,
  LAST_END,
  LAST_KIND,
  LAST_OPTIONS,
  LAST_SEQUENCE,
  LAST_WINDOW,
  RETRANSMISSIONS_SHIFT,
  SIDE_END,
  SIDE_MAX_ACK,
  SIDE_MAX_END,
  SIDE_MAX_WINDOW,
  SIDE_OPTIONS,
  SideFlag,
  sideAt,
  WINDOW_MASK,
} from './tcp-record.js';
import { before, headerLengthOf, TcpSegment } from './tcp-segment.js';
import { areValidFlags, kindOf, SegmentKind, TcpState, transition } from './tcp-states.js';
import { belongs, openWindow, pickUpWindow, trackAck, trackWindow, WindowVerdict } from './tcp-window.js';
import type { Timeouts } from './timeouts.js';
import { type L4Tracker, TrackResult } from './tracker.js';

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

/** nf_conntrack's least lifetime for a connection that both sides try to end in vain. */
const VAIN_END_MS = 120_000;

/** The TCP tracker of one connection table. */
export class TcpTracker implements L4Tracker {
  readonly #table: ConntrackTable;
  readonly #options: TcpOptions;
  readonly #timeouts: Timeouts;
  readonly #segment = new TcpSegment();

  constructor(table: ConntrackTable, options: TcpOptions, timeouts: Timeouts) {
    this.#table = table;
    this.#options = options;
    this.#timeouts = timeouts;
  }

  isValid(packet: Packet): boolean {
    const lengthBytes = packet.l4Length;
    if (lengthBytes < TCP_LENGTH || packet.l4Available < TCP_LENGTH) return false;
    const headerLength = headerLengthOf(packet);
    if (headerLength < TCP_LENGTH || headerLength > lengthBytes) return false;
    if (this.#options.checksum && isChecksumBad(packet, IPPROTO_TCP)) return false;
    return areValidFlags(packet.view.getUint8(packet.l4 + TCP_FLAGS_AT));
  }

  open(entry: number, packet: Packet): boolean {
    const { words } = this.#table;
    const kind = kindOf(packet.view.getUint8(packet.l4 + TCP_FLAGS_AT));
    const state = transition(ORIGINAL, kind, TcpState.NONE);
    if (state === TcpState.INVALID || (state !== TcpState.SYN_SENT && !this.#options.loose)) return false;
    const base = entry * RECORD_WORDS;
    // A fresh record is all zeros: state NONE, nothing known of either side.
    words[base + LAST_KIND] = SegmentKind.OTHER;
    this.#segment.read(packet);
    if (state === TcpState.SYN_SENT) openWindow(words, entry, this.#segment);
    else pickUpWindow(words, entry, this.#segment);
    return true;
  }

  update(entry: number, direction: Direction, packet: Packet): TrackResult {
    const { words } = this.#table;
    const segment = this.#segment;
    segment.read(packet);
    const { kind } = segment;
    const base = entry * RECORD_WORDS;
    let oldState = words[base + TCP_STATE] as TcpState;
    let state = transition(direction, kind, oldState);
    let isWindowTrusted = false;

    switch (state) {
      case TcpState.INVALID:
        return TrackResult.INVALID;
      case TcpState.REOPEN:
        if (this.#mayReopen(entry, direction)) return TrackResult.REPEAT;
        state = TcpState.IGNORE;
        break;
      case TcpState.TIME_WAIT:
        if (oldState === TcpState.LAST_ACK && this.#isChallengeAck(base, direction, kind)) return TrackResult.ACCEPT;
        break;
      case TcpState.SYN_SENT2:
        words[base + LAST_OPTIONS] |= SideFlag.SIMULTANEOUS_OPEN;
        break;
      case TcpState.SYN_RECV:
        if (
          direction === REPLY &&
          kind === SegmentKind.ACK &&
          (words[base + LAST_OPTIONS] & SideFlag.SIMULTANEOUS_OPEN) !== 0
        ) {
          state = TcpState.ESTABLISHED;
        }
        break;
      case TcpState.CLOSE:
        if (kind === SegmentKind.RST) {
          const reset = this.#reset(entry, direction, oldState);
          if (reset === Reset.INVALID) return TrackResult.INVALID;
          if (reset === Reset.CHALLENGED) state = oldState;
          isWindowTrusted = reset === Reset.TRUSTED;
        }
        break;
    }
    if (state === TcpState.IGNORE) {
      if (!this.#answersIgnoredSyn(base, direction)) {
        this.#ignore(base, direction, oldState);
        return TrackResult.ACCEPT;
      }
      this.#resynchronize(entry, direction);
      oldState = TcpState.SYN_SENT;
      state = TcpState.SYN_RECV;
    }

    if (!isWindowTrusted) {
      const liberal =
        this.#options.beLiberal || (words[sideAt(entry, direction) + SIDE_OPTIONS] & SideFlag.BE_LIBERAL) !== 0;
      const verdict = trackWindow(words, entry, direction, segment, liberal);
      if (verdict === WindowVerdict.IGNORE) return TrackResult.ACCEPT;
      if (verdict === WindowVerdict.INVALID) {
        this.#outOfWindow(entry, direction, packet.nowMs);
        return TrackResult.INVALID;
      }
    }
    words[base + LAST_KIND] = kind;
    words[base + LAST_DIRECTION] = direction;
    words[base + TCP_STATE] = state;
    if (state === TcpState.FIN_WAIT && oldState !== state) {
      words[sideAt(entry, direction) + SIDE_OPTIONS] |= SideFlag.CLOSE_INIT;
    }
    return this.#count(entry, direction, packet, oldState, state);
  }

  /** Whether `followAck` will take an ACK without SACK blocks: it is of an ESTABLISHED connection, and plainly in its windows. */
  isOrdinaryAck(entry: number, direction: number, sequence: number, acknowledgment: number, end: number): boolean {
    const { words } = this.#table;
    return (
      words[entry * RECORD_WORDS + TCP_STATE] === TcpState.ESTABLISHED &&
      belongs(words, entry, direction, sequence, acknowledgment, end)
    );
  }

  /**
   * Follow an ACK (with PSH or without, without SACK blocks) of an ASSURED connection as `update` would. WINDOW is the header's.
   * False where it is not ordinary; then nothing has changed.
   */
  followAck(
    entry: number,
    direction: number,
    sequence: number,
    acknowledgment: number,
    end: number,
    window: number,
    lengthBytes: number,
    clock: Clock,
  ): boolean {
    const { words, doubles } = this.#table;
    const base = entry * RECORD_WORDS;
    if (words[base + TCP_STATE] !== TcpState.ESTABLISHED) return false;
    if (!trackAck(words, entry, direction, sequence, acknowledgment, end, window)) return false;
    words[base + LAST_KIND] = SegmentKind.ACK;
    words[base + LAST_DIRECTION] = direction;
    const record = entry * RECORD_F64;
    const accounting = record + direction * ACCOUNTING_STRIDE_F64;
    doubles[accounting + PACKETS_F64] += 1;
    doubles[accounting + BYTES_F64] += lengthBytes;
    doubles[record + EXPIRES_MS_F64] = clock.nowMs + this.#timeoutMs(entry, TcpState.ESTABLISHED, SegmentKind.ACK);
    return true;
  }

  /** A RST was sent about ENTRY from here: it is over (nf_ct_set_closing). */
  setClosing(entry: number, nowMs: number): void {
    const { words } = this.#table;
    const at = entry * RECORD_WORDS + TCP_STATE;
    if (words[at] === TcpState.CLOSE) return;
    words[at] = TcpState.CLOSE;
    this.#table.refresh(entry, nowMs, this.#timeouts.tcpMs[TcpState.CLOSE]);
  }

  /** Count the packet, let the entry live on, and see whether it is ASSURED or over. */
  #count(entry: number, direction: Direction, packet: Packet, oldState: TcpState, state: TcpState): TrackResult {
    const table = this.#table;
    const { words } = table;
    const { kind } = this.#segment;
    const at = entry * RECORD_WORDS + STATUS;
    const status = words[at];
    let timeoutMs = this.#timeoutMs(entry, state, kind);
    if ((status & Status.SEEN_REPLY) === 0) {
      if (kind === SegmentKind.RST) {
        table.account(entry, direction, packet.length);
        return TrackResult.KILL;
      }
      // A SYN that is sent again and again, or a reused port, must not keep an entry (and its NAT) alive.
      if (kind === SegmentKind.SYN && oldState === TcpState.SYN_SENT) return TrackResult.ACCEPT;
      // A pickup that nobody has answered is not worth five days.
      if (state === TcpState.ESTABLISHED) timeoutMs = Math.min(timeoutMs, this.#timeouts.tcpUnacknowledgedMs);
    } else if (
      (status & Status.ASSURED) === 0 &&
      state === TcpState.ESTABLISHED &&
      (oldState === TcpState.SYN_RECV || oldState === TcpState.ESTABLISHED)
    ) {
      words[at] = status | Status.ASSURED;
    }
    table.account(entry, direction, packet.length);
    table.refresh(entry, packet.nowMs, timeoutMs);
    return TrackResult.ACCEPT;
  }

  #timeoutMs(entry: number, state: TcpState, kind: SegmentKind): number {
    const { words } = this.#table;
    const timeouts = this.#timeouts;
    const stateMs = timeouts.tcpMs[state];
    const lastWindow = words[entry * RECORD_WORDS + LAST_WINDOW];
    if (lastWindow >>> RETRANSMISSIONS_SHIFT >= this.#options.maxRetrans && stateMs > timeouts.tcpRetransmittedMs) {
      return timeouts.tcpRetransmittedMs;
    }
    if (kind === SegmentKind.RST) return timeouts.tcpMs[TcpState.CLOSE];
    const options = words[sideAt(entry, ORIGINAL) + SIDE_OPTIONS] | words[sideAt(entry, REPLY) + SIDE_OPTIONS];
    if ((options & SideFlag.DATA_UNACKNOWLEDGED) !== 0 && stateMs > timeouts.tcpUnacknowledgedMs) {
      return timeouts.tcpUnacknowledgedMs;
    }
    if ((lastWindow & WINDOW_MASK) === 0 && stateMs > timeouts.tcpRetransmittedMs) return timeouts.tcpRetransmittedMs;
    return stateMs;
  }

  /** Whether a SYN in DIRECTION may open the ended ENTRY anew: it was closed in order, or by this side's own RST. */
  #mayReopen(entry: number, direction: Direction): boolean {
    const { words } = this.#table;
    const base = entry * RECORD_WORDS;
    const options = words[sideAt(entry, ORIGINAL) + SIDE_OPTIONS] | words[sideAt(entry, REPLY) + SIDE_OPTIONS];
    return (
      (options & SideFlag.CLOSE_INIT) !== 0 ||
      (words[base + LAST_DIRECTION] === direction && words[base + LAST_KIND] === SegmentKind.RST)
    );
  }

  /** Whether an ACK in LAST_ACK challenges the SYN that we ignored (RFC 5961, section 4.2). It is believed only once. */
  #isChallengeAck(base: number, direction: Direction, kind: SegmentKind): boolean {
    const { words } = this.#table;
    if (
      kind !== SegmentKind.ACK ||
      words[base + LAST_DIRECTION] === direction ||
      words[base + LAST_KIND] !== SegmentKind.SYN ||
      (words[base + LAST_OPTIONS] & SideFlag.CHALLENGE_ACK) === 0
    ) {
      return false;
    }
    words[base + LAST_OPTIONS] &= ~SideFlag.CHALLENGE_ACK;
    return true;
  }

  /** Whether this is the SYN/ACK to a SYN that we ignored: both sides are in step, and we are not. */
  #answersIgnoredSyn(base: number, direction: Direction): boolean {
    const { words } = this.#table;
    return (
      this.#segment.kind === SegmentKind.SYN_ACK &&
      words[base + LAST_KIND] === SegmentKind.SYN &&
      words[base + LAST_DIRECTION] !== direction &&
      words[base + LAST_END] === this.#segment.acknowledgment
    );
  }

  /** Take over what was remembered of the ignored SYN; the side that answers it starts anew, as liberal as it was. */
  #resynchronize(entry: number, direction: Direction): void {
    const { words } = this.#table;
    const base = entry * RECORD_WORDS;
    const opener = sideAt(entry, words[base + LAST_DIRECTION]);
    const end = words[base + LAST_END];
    words[base + LAST_OPTIONS] &= ~SideFlag.CHALLENGE_ACK;
    words[opener + SIDE_END] = end;
    words[opener + SIDE_MAX_END] = end;
    words[opener + SIDE_MAX_WINDOW] = words[base + LAST_WINDOW] & WINDOW_MASK || 1;
    words[opener + SIDE_OPTIONS] = words[base + LAST_OPTIONS];
    const answerer = sideAt(entry, direction);
    const liberal = words[answerer + SIDE_OPTIONS] & SideFlag.BE_LIBERAL;
    words.fill(0, answerer, answerer + TCP_SIDE_WORDS);
    words[answerer + SIDE_OPTIONS] = liberal;
  }

  /** Remember a segment that passes untracked: what answers it tells whether we are in step. */
  #ignore(base: number, direction: Direction, state: TcpState): void {
    const { words } = this.#table;
    const segment = this.#segment;
    words[base + LAST_KIND] = segment.kind;
    words[base + LAST_DIRECTION] = direction;
    words[base + LAST_SEQUENCE] = segment.sequence;
    words[base + LAST_END] = segment.end;
    words[base + LAST_WINDOW] = (words[base + LAST_WINDOW] & ~WINDOW_MASK) | segment.window;
    if (segment.kind === SegmentKind.SYN && direction === ORIGINAL) {
      words[base + LAST_OPTIONS] =
        segment.handshakeOptions() | (state === TcpState.LAST_ACK ? SideFlag.CHALLENGE_ACK : 0);
    }
    // A challenge to our SYN: the RST that answers it has this as its sequence number.
    if (state === TcpState.SYN_SENT && segment.kind === SegmentKind.ACK && direction === REPLY) {
      words[base + LAST_ACKNOWLEDGMENT] = segment.acknowledgment;
    }
  }

  #reset(entry: number, direction: Direction, state: TcpState): Reset {
    // While it closes, the ports may have been reused already: what is known of the sequence numbers says nothing.
    if (isClosing(state)) return Reset.TRUSTED;
    const { words } = this.#table;
    const base = entry * RECORD_WORDS;
    const { sequence, acknowledgment } = this.#segment;
    const peer = sideAt(entry, 1 - direction);
    const status = words[base + STATUS];
    const lastKind = words[base + LAST_KIND];
    const lastDirection = words[base + LAST_DIRECTION];
    const lastEnd = words[base + LAST_END];

    if ((words[peer + SIDE_OPTIONS] & SideFlag.MAX_ACK_SET) !== 0 && lastKind !== SegmentKind.SYN) {
      const isEstablished = state === TcpState.ESTABLISHED && (status & Status.ASSURED) !== 0;
      // Sequence number 0 most likely answers a SYN that we ignored.
      if (sequence === 0 && !isEstablished) return Reset.TRACKED;
      if (before(sequence, words[peer + SIDE_MAX_ACK]) && !this.#options.ignoreInvalidRst) return Reset.INVALID;
      if (!isEstablished || sequence === words[peer + SIDE_MAX_ACK]) return Reset.TRACKED;
      // It follows the data that its sender sent last.
      if (lastKind === SegmentKind.ACK && lastDirection === direction && sequence === lastEnd) return Reset.TRACKED;
      // RFC 5961, section 3.2: its receiver may challenge it, and the connection go on.
      return Reset.CHALLENGED;
    }
    // The answer to a SYN or an ACK that passed untracked: it may acknowledge what we never saw.
    const answersIgnored =
      ((status & Status.SEEN_REPLY) !== 0 && lastKind === SegmentKind.SYN && lastDirection !== direction) ||
      ((status & Status.ASSURED) === 0 && lastKind === SegmentKind.ACK);
    if (answersIgnored && acknowledgment === lastEnd) return Reset.TRUSTED;
    // The answer to a challenge that passed untracked.
    if (
      state === TcpState.SYN_SENT &&
      lastKind === SegmentKind.ACK &&
      lastDirection === REPLY &&
      sequence === words[base + LAST_ACKNOWLEDGMENT]
    ) {
      return Reset.TRUSTED;
    }
    return Reset.TRACKED;
  }

  /** Where both sides try in vain to end ENTRY, we are out of step with them: let it end sooner. */
  #outOfWindow(entry: number, direction: Direction, nowMs: number): void {
    const { words } = this.#table;
    const base = entry * RECORD_WORDS;
    const { kind } = this.#segment;
    if ((words[base + STATUS] & Status.ASSURED) === 0) return;
    if (kind !== SegmentKind.RST && kind !== SegmentKind.FIN) return;
    const lastKind = words[base + LAST_KIND];
    if (words[base + LAST_DIRECTION] === direction || (lastKind !== SegmentKind.FIN && lastKind !== SegmentKind.RST)) {
      words[base + LAST_KIND] = kind;
      words[base + LAST_DIRECTION] = direction;
      return;
    }
    const remainingMs = this.#table.doubles[entry * RECORD_F64 + EXPIRES_MS_F64] - nowMs;
    if (remainingMs >= VAIN_END_MS && remainingMs > this.#timeouts.tcpUnacknowledgedMs) {
      this.#table.refresh(entry, nowMs, this.#timeouts.tcpUnacknowledgedMs);
    }
  }
}

/** Whether STATE (the record's TCP_STATE word) is TIME_WAIT. */
export function isTimeWait(state: number): boolean {
  return state === TcpState.TIME_WAIT;
}

/** Whether the opener of ENTRY sends higher sequence numbers than the opener of OTHER did (nf_seq_has_advanced). */
export function hasSequenceAdvanced(table: ConntrackTable, other: number, entry: number): boolean {
  const { words } = table;
  return before(words[sideAt(other, ORIGINAL) + SIDE_END], words[sideAt(entry, ORIGINAL) + SIDE_END]);
}

/** What a RST is. */
const Reset = {
  /** Not this connection's. */
  INVALID: 0,
  /** Ends it, if it is in window. */
  TRACKED: 1,
  /** Ends it, wherever its window is. */
  TRUSTED: 2,
  /** In doubt: if it is in window, the connection goes on, but not for long. */
  CHALLENGED: 3,
} as const;
type Reset = (typeof Reset)[keyof typeof Reset];

/** The states after the first FIN or RST, in which a full table may drop an entry first. */
function isClosing(state: TcpState): boolean {
  return state >= TcpState.FIN_WAIT && state <= TcpState.CLOSE;
}
