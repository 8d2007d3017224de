/**
 * hot: the SCTP tracker (kernel: nf_conntrack_proto_sctp). A packet is a common header and chunks; each chunk moves the state
 * (sctp-states.ts), and each side's packets carry the verification tag that the other side chose (RFC 9260, section 8.5).
 */
import { crc32cStep } from '../../codecs/crc32c.js';
import { Hook } from '../hooks.js';
import { type Direction, type Packet, REPLY } from '../packet.js';
import { RECORD_WORDS, STATUS, Status, TCP_LAST, TCP_STATE } from './record.js';
import { Chunk, SctpState, transition } from './sctp-states.js';
import type { ConntrackTable } from './table.js';
import type { Timeouts } from './timeouts.js';
import { type L4Tracker, TrackResult } from './tracker.js';

/** The common header (RFC 9260, section 3.1). */
const HEADER_LENGTH = 12;
const VERIFICATION_TAG_AT = 4;
const CHECKSUM_AT = 8;
/** A chunk's header (section 3.2), and the initiate tag behind that of INIT and INIT ACK (section 3.3.2). */
const CHUNK_FLAGS_AT = 1;
const CHUNK_LENGTH_AT = 2;
const CHUNK_HEADER_LENGTH = 4;
const INITIATE_TAG_AT = 4;
const INIT_LENGTH = 20;
/** ABORT and SHUTDOWN COMPLETE: the tag is the sender's own, as it knows no other. */
const FLAG_T = 1;

/** Where the record keeps what TCP keeps there otherwise. The tag of packets in each direction, in wire order. */
const STATE = TCP_STATE;
const TAG = TCP_LAST;
/** Which directions an INIT went in (bits 0, 1); whether a heartbeat had another tag (bit 2), in which direction (bit 3). */
const MEMORY = TCP_LAST + 2;
const INITS = 3;
const WRONG_HEARTBEAT = 4;
const WRONG_HEARTBEAT_DIRECTION_SHIFT = 3;

/** Chunks that come before the association, or bring a tag of their own: they are looked at one by one. */
const TAGGED_SINGLY =
  (1 << Chunk.INIT) |
  (1 << Chunk.SHUTDOWN_COMPLETE) |
  (1 << Chunk.COOKIE_ECHO) |
  (1 << Chunk.ABORT) |
  (1 << Chunk.SHUTDOWN_ACK) |
  (1 << Chunk.HEARTBEAT) |
  (1 << Chunk.HEARTBEAT_ACK);
/** Chunks that never open an association, not even in the middle (section 8.4). */
const NEVER_FIRST = (1 << Chunk.ABORT) | (1 << Chunk.SHUTDOWN_COMPLETE) | (1 << Chunk.COOKIE_ACK);

export class SctpTracker implements L4Tracker {
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
    if (lengthBytes < HEADER_LENGTH || packet.l4Available < HEADER_LENGTH) return false;
    return !this.#checksum || packet.hook !== Hook.PREROUTING || packet.isCut || isChecksumGood(packet);
  }

  open(entry: number, packet: Packet): boolean {
    const chunks = chunksOf(packet);
    if (chunks === 0 || (chunks & NEVER_FIRST) !== 0) return false;
    const { words } = this.#table;
    const base = entry * RECORD_WORDS;
    words[base + STATE] = SctpState.NONE;
    words[base + TAG] = 0;
    words[base + TAG + 1] = 0;
    words[base + MEMORY] = 0;
    const { view, l4 } = packet;
    const tag = view.getInt32(l4 + VERIFICATION_TAG_AT, true);
    const end = packet.at + packet.available;
    for (let at = l4 + HEADER_LENGTH; at + CHUNK_HEADER_LENGTH <= end; at += paddedLength(view, at)) {
      const chunk = view.getUint8(at);
      const state = transition(0, chunk, SctpState.NONE);
      if (state === SctpState.NONE || state === SctpState.INVALID) return false;
      if (chunk === Chunk.INIT) {
        if (tag !== 0 || at + INIT_LENGTH > end) return false;
        words[base + TAG + REPLY] = view.getInt32(at + INITIATE_TAG_AT, true);
      } else if (chunk === Chunk.HEARTBEAT) {
        words[base + TAG] = tag;
      } else if (chunk === Chunk.SHUTDOWN_ACK) {
        // The answer to one that is out of the blue carries its tag back (section 8.4).
        words[base + TAG + REPLY] = tag;
      }
    }
    return true;
  }

  update(entry: number, direction: Direction, packet: Packet, isNew: boolean): TrackResult {
    const table = this.#table;
    const { words } = table;
    const base = entry * RECORD_WORDS;
    const chunks = chunksOf(packet);
    if (chunks === 0) return TrackResult.INVALID;
    const { view, l4 } = packet;
    const tag = view.getInt32(l4 + VERIFICATION_TAG_AT, true);
    if ((chunks & TAGGED_SINGLY) === 0 && tag !== words[base + TAG + direction]) return TrackResult.INVALID;

    let state: SctpState = SctpState.NONE;
    let isIgnored = false;
    const end = packet.at + packet.available;
    for (let at = l4 + HEADER_LENGTH; at + CHUNK_HEADER_LENGTH <= end; at += paddedLength(view, at)) {
      const chunk = view.getUint8(at);
      if (chunk === Chunk.HEARTBEAT || chunk === Chunk.HEARTBEAT_ACK) {
        const mayDiffer = !isIgnored && (chunks & (1 << Chunk.DATA)) === 0;
        const heartbeat = this.#heartbeat(base, direction, chunk, tag, mayDiffer);
        if (heartbeat === TagVerdict.INVALID) return TrackResult.INVALID;
        if (heartbeat === TagVerdict.IGNORE) {
          isIgnored = true;
          continue;
        }
      } else if (!this.#isTagGood(base, direction, chunk, view.getUint8(at + CHUNK_FLAGS_AT), tag)) {
        return TrackResult.INVALID;
      }
      // The tags are agreed upon: INITs seen so far do not matter any more.
      if (chunk === Chunk.COOKIE_ACK) words[base + MEMORY] &= ~INITS;
      const oldState = words[base + STATE] as SctpState;
      state = transition(direction, chunk, oldState);
      if (state === SctpState.INVALID) return TrackResult.INVALID;
      if (chunk === Chunk.INIT || chunk === Chunk.INIT_ACK) {
        if (at + INIT_LENGTH > end) return TrackResult.INVALID;
        const initiateTag = view.getInt32(at + INITIATE_TAG_AT, true);
        if (!this.#takeInitiateTag(base, direction, chunk, initiateTag, isNew)) return TrackResult.INVALID;
        // An INIT that is sent again and again must not keep an entry alive.
        const isUnanswered = state === SctpState.CLOSED && oldState === SctpState.CLOSED;
        if (chunk === Chunk.INIT && isUnanswered && !isNew) isIgnored = true;
      }
      words[base + STATE] = state;
      // For good, even if a later chunk is INVALID.
      if (state === SctpState.ESTABLISHED && oldState !== state) words[base + STATUS] |= Status.ASSURED;
    }
    if (isIgnored) return TrackResult.ACCEPT;
    table.account(entry, direction, packet.length);
    table.refresh(entry, packet.nowMs, this.#timeouts.sctpMs[state]);
    return TrackResult.ACCEPT;
  }

  /** Whether TAG may go with CHUNK (section 8.5.1). */
  #isTagGood(base: number, direction: Direction, chunk: number, flags: number, tag: number): boolean {
    const { words } = this.#table;
    switch (chunk) {
      case Chunk.INIT:
        return tag === 0;
      case Chunk.ABORT:
      case Chunk.SHUTDOWN_COMPLETE:
        return tag === words[base + TAG + ((flags & FLAG_T) !== 0 ? 1 - direction : direction)];
      case Chunk.COOKIE_ECHO:
        return tag === words[base + TAG + direction];
      default:
        return true;
    }
  }

  /**
   * A heartbeat with another TAG: its sender may have restarted. It passes, and if it is answered in kind, so it has.
   * MAY_DIFFER: nothing else in the packet speaks against it.
   */
  #heartbeat(base: number, direction: Direction, chunk: number, tag: number, mayDiffer: boolean): TagVerdict {
    const { words } = this.#table;
    const known = words[base + TAG + direction];
    const memory = words[base + MEMORY];
    if (known !== 0 && tag !== known) {
      if (!mayDiffer) return TagVerdict.INVALID;
      if (chunk === Chunk.HEARTBEAT) {
        words[base + MEMORY] = (memory & INITS) | WRONG_HEARTBEAT | (direction << WRONG_HEARTBEAT_DIRECTION_SHIFT);
        return TagVerdict.IGNORE;
      }
      const isAnswer = (memory & WRONG_HEARTBEAT) !== 0 && memory >>> WRONG_HEARTBEAT_DIRECTION_SHIFT !== direction;
      if (!isAnswer) return TagVerdict.INVALID;
      words[base + TAG + 1 - direction] = 0;
    }
    words[base + TAG + direction] = tag;
    if (known !== 0) words[base + MEMORY] = memory & ~WRONG_HEARTBEAT;
    return TagVerdict.ACCEPT;
  }

  /**
   * The tag that the other side's packets are to carry from now on. False: an INIT ACK may not set it. Where the other
   * side's INIT was not seen, or where both INITs crossed, it must be known already (RFC 9260, section 5.2.1).
   */
  #takeInitiateTag(base: number, direction: Direction, chunk: number, tag: number, isNew: boolean): boolean {
    const { words } = this.#table;
    const at = base + TAG + 1 - direction;
    const isKnown = words[at] === tag;
    let inits = words[base + MEMORY] & INITS;
    if (chunk === Chunk.INIT_ACK) {
      const isOtherSeen = (inits & (1 << (1 - direction))) !== 0;
      if (!isOtherSeen && words[at] !== 0 && !isKnown) return false;
      if (inits === INITS && !isKnown) return false;
    } else if (isNew || !isKnown) {
      // After both sides' INITs, one more starts anew.
      if (inits === INITS) inits = 0;
      words[base + MEMORY] = (words[base + MEMORY] & ~INITS) | inits | (1 << direction);
    }
    words[at] = tag;
    return true;
  }
}

/** What the tag of a heartbeat says of the packet. */
const TagVerdict = { INVALID: 0, ACCEPT: 1, IGNORE: 2 } as const;
type TagVerdict = (typeof TagVerdict)[keyof typeof TagVerdict];

/**
 * The chunks of PACKET, as bits by type (those above 31 left out, and bit 31 always set); 0 where they cannot stand
 * together: COOKIE ECHO and COOKIE ACK come first, INIT, INIT ACK and SHUTDOWN COMPLETE alone (sections 3.3, 6.10).
 */
function chunksOf(packet: Packet): number {
  const { view } = packet;
  const end = packet.at + packet.available;
  let chunks = 0;
  let isFirst = true;
  let isAlone = false;
  for (let at = packet.l4 + HEADER_LENGTH; at + CHUNK_HEADER_LENGTH <= end; at += paddedLength(view, at)) {
    const chunk = view.getUint8(at);
    if (chunk === Chunk.INIT || chunk === Chunk.INIT_ACK || chunk === Chunk.SHUTDOWN_COMPLETE) isAlone = true;
    const isLeading = chunk === Chunk.COOKIE_ACK || chunk === Chunk.COOKIE_ECHO || isAlone;
    if ((isLeading && !isFirst) || view.getUint16(at + CHUNK_LENGTH_AT) === 0) return 0;
    chunks |= chunk < 31 ? 1 << chunk : 0;
    chunks |= 1 << 31;
    isFirst = false;
  }
  return chunks;
}

function paddedLength(view: DataView, at: number): number {
  return (view.getUint16(at + CHUNK_LENGTH_AT) + 3) & ~3;
}

/** CRC-32C over the whole packet, the checksum field as zero; it is the only field in little-endian order. */
function isChecksumGood(packet: Packet): boolean {
  const { view, l4 } = packet;
  let remainder = crc32cStep(view, l4, CHECKSUM_AT, -1);
  // Four bytes of zero in place of the checksum.
  remainder = crc32cStep(ZEROS, 0, 4, remainder);
  remainder = crc32cStep(view, l4 + HEADER_LENGTH, packet.l4Length - HEADER_LENGTH, remainder);
  return view.getInt32(l4 + CHECKSUM_AT, true) === ~remainder;
}

const ZEROS = new DataView(new ArrayBuffer(4));
