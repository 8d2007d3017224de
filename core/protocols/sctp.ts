/**
 * hot: SCTP (RFC 9260; kernel: nf_conntrack_proto_sctp). A packet has a common header and chunks. Each chunk changes
 * the state, and each side's packets carry the verification tag chosen by the other side (section 8.5).
 */
import { crc32cStep } from '../../codecs/crc32c.js';
import {
  IPPROTO_SCTP,
  SCTP_CHECKSUM_AT,
  SCTP_CHUNK_FLAGS_AT,
  SCTP_CHUNK_LENGTH,
  SCTP_CHUNK_LENGTH_AT,
  SCTP_INIT_LENGTH,
  SCTP_INIT_TAG_AT,
  SCTP_LENGTH,
  SCTP_TAG_AT,
} from '../../codecs/layouts.js';
import { array, i32, layout } from '../../codecs/record-layout.js';
import { CONNECTION, RECORD_WORDS, STATUS, Status } from '../conntrack/record.js';
import { Hook } from '../hooks.js';
import { type Direction, type Packet, REPLY } from '../packet.js';
import { portAt, WITH_PORTS } from './ports.js';
import { defineProtocol, Invalid, type L4Tracker, TrackResult } from './protocol.js';
import { cellsOf, named } from './transition-table.js';

/** The states (enum sctp_conntrack). INVALID is only a transition result. */
const State = {
  NONE: 0,
  CLOSED: 1,
  COOKIE_WAIT: 2,
  COOKIE_ECHOED: 3,
  ESTABLISHED: 4,
  SHUTDOWN_SENT: 5,
  SHUTDOWN_RECD: 6,
  SHUTDOWN_ACK_SENT: 7,
  /** Another path of a multihomed association is being probed; nothing else has been seen. */
  HEARTBEAT_SENT: 8,
  INVALID: 9,
} as const;

/** The chunk types (section 3.2) that conntrack handles. */
export const Chunk = {
  DATA: 0,
  INIT: 1,
  INIT_ACK: 2,
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

/** Abbreviations of the states in the tables below. */
const ABBREVIATIONS = {
  no: State.NONE,
  CL: State.CLOSED,
  CW: State.COOKIE_WAIT,
  CE: State.COOKIE_ECHOED,
  ES: State.ESTABLISHED,
  SS: State.SHUTDOWN_SENT,
  SR: State.SHUTDOWN_RECD,
  SA: State.SHUTDOWN_ACK_SENT,
  HS: State.HEARTBEAT_SENT,
  '--': State.INVALID,
} as const;

/** The next state for each chunk from the side that opened the association (section 4; kernel: sctp_conntracks). */
const FROM_OPENER = `
                    no CL CW CE ES SS SR SA HS
  INIT              CL CL CW CE ES CL CL SA CW
  INIT_ACK          CL CL CW CE ES SS SR SA CL
  ABORT             CL CL CL CL CL CL CL CL CL
  SHUTDOWN          CL CL CW CE SS SS SR SA CL
  SHUTDOWN_ACK      SA CL CW CE ES SA SA SA SA
  ERROR             CL CL CW CE ES SS SR SA CL
  COOKIE_ECHO       CL CL CE CE ES SS SR SA CL
  COOKIE_ACK        CL CL CW ES ES SS SR SA CL
  SHUTDOWN_COMPLETE CL CL CW CE ES SS SR CL CL
  HEARTBEAT         HS CL CW CE ES SS SR SA HS
  HEARTBEAT_ACK     CL CL CW CE ES SS SR SA HS
`;

/** The next state for each chunk from the side that answers. */
const FROM_ANSWERER = `
                    no CL CW CE ES SS SR SA HS
  INIT              -- CL CW CE ES SS SR SA --
  INIT_ACK          -- CW CW CE ES SS SR SA --
  ABORT             -- CL CL CL CL CL CL CL --
  SHUTDOWN          -- CL CW CE SR SS SR SA --
  SHUTDOWN_ACK      -- CL CW CE ES SA SA SA --
  ERROR             -- CL CW CL ES SS SR SA --
  COOKIE_ECHO       -- CL CE CE ES SS SR SA --
  COOKIE_ACK        -- CL CW ES ES SS SR SA --
  SHUTDOWN_COMPLETE -- CL CW CE ES SS SR CL --
  HEARTBEAT         -- CL CW CE ES SS SR SA HS
  HEARTBEAT_ACK     -- CL CW CE ES SS SR SA ES
`;

const CHUNKS = 16;
const STATES = 9;
const TRANSITIONS = readTransitions([FROM_OPENER, FROM_ANSWERER]);

/** ABORT, SHUTDOWN COMPLETE: the sender used its own tag because it knows no other (section 8.5.1). */
const FLAG_T = 1;
/** Chunks sent before the association exists, or with a tag of their own. Each is checked individually. */
const TAGGED_SINGLY =
  (1 << Chunk.INIT) |
  (1 << Chunk.SHUTDOWN_COMPLETE) |
  (1 << Chunk.COOKIE_ECHO) |
  (1 << Chunk.ABORT) |
  (1 << Chunk.SHUTDOWN_ACK) |
  (1 << Chunk.HEARTBEAT) |
  (1 << Chunk.HEARTBEAT_ACK);
/** Chunks that never open an association, even mid-stream (section 8.4). */
const NEVER_FIRST = (1 << Chunk.ABORT) | (1 << Chunk.SHUTDOWN_COMPLETE) | (1 << Chunk.COOKIE_ACK);

/** The SCTP part of a connection's record. */
const SCTP_CONNECTION = layout(
  'SctpConnection',
  {
    /** A `State`. */
    state: i32,
    /** The tag that packets in each direction carry, in wire order; 0 if unknown. */
    tag: array(i32, 2),
    /**
     * The directions of INITs seen so far (bits 0, 1), a heartbeat with a different tag (bit 2), and its direction (bit
     * 3).
     */
    memory: i32,
  },
  { within: { base: CONNECTION, area: 'tracking' } },
);
const STATE = SCTP_CONNECTION.word.state;
const TAG = SCTP_CONNECTION.word.tag;
const MEMORY = SCTP_CONNECTION.word.memory;
const INITS = 3;
const WRONG_HEARTBEAT = 4;
const WRONG_HEARTBEAT_DIRECTION_SHIFT = 3;

/** The minimum header length for rewriting: the part that an ICMP error quotes, which includes the ports. */
const QUOTED_LENGTH = 8;

export const sctp = defineProtocol({
  ...WITH_PORTS,
  number: IPPROTO_SCTP,
  name: 'sctp',
  stateNames: Object.keys(State).slice(0, STATES),
  stateWord: STATE,
  timeouts: [
    [State.CLOSED, 'sctp_timeout_closed', 10],
    [State.COOKIE_WAIT, 'sctp_timeout_cookie_wait', 3],
    [State.COOKIE_ECHOED, 'sctp_timeout_cookie_echoed', 3],
    [State.ESTABLISHED, 'sctp_timeout_established', 210],
    [State.SHUTDOWN_SENT, 'sctp_timeout_shutdown_sent', 3],
    [State.SHUTDOWN_RECD, 'sctp_timeout_shutdown_recd', 3],
    [State.SHUTDOWN_ACK_SENT, 'sctp_timeout_shutdown_ack_sent', 3],
    [State.HEARTBEAT_SENT, 'sctp_timeout_heartbeat_sent', 30],
  ],

  /** An unfinished checksum is zero. */
  offload: {
    isUnfinished: ({ view, l4, l4Available }) =>
      l4Available >= SCTP_LENGTH && view.getUint32(l4 + SCTP_CHECKSUM_AT) === 0,
    finish({ view, l4, l4Length }) {
      view.setUint32(l4 + SCTP_CHECKSUM_AT, checksumOf(view, l4, l4Length), true);
      return view.getUint32(l4 + SCTP_CHECKSUM_AT) !== 0;
    },
    unfinish: (_packet, view, l4) => view.setUint32(l4 + SCTP_CHECKSUM_AT, 0),
  },
  validate({ verifiesChecksums }, packet) {
    if (packet.l4Length < SCTP_LENGTH || packet.l4Available < SCTP_LENGTH) return Invalid.HEADER;
    if (!verifiesChecksums || packet.hook !== Hook.PREROUTING || packet.isCut || packet.hasTrustedChecksum)
      return Invalid.NONE;
    const { view, l4 } = packet;
    const isRight = view.getUint32(l4 + SCTP_CHECKSUM_AT, true) === checksumOf(view, l4, packet.l4Length);
    return isRight ? Invalid.NONE : Invalid.CHECKSUM;
  },
  open,
  update,
  remark(_tracker, _packet, fault) {
    if (fault === Invalid.HEADER) return 'nf_ct_sctp: short packet';
    return fault === Invalid.CHECKSUM ? 'nf_ct_sctp: bad CRC' : undefined;
  },
  // The verification tags are missing.
  isListedWhole: false,

  /** The checksum is recomputed, so a wrong checksum becomes correct (sctp_manip_pkt). */
  mangle(view, l4, available, manip, port) {
    if (available < QUOTED_LENGTH) return false;
    view.setUint16(portAt(l4, manip), port);
    if (available >= SCTP_LENGTH) view.setUint32(l4 + SCTP_CHECKSUM_AT, checksumOf(view, l4, available), true);
    return true;
  },
  mangledBytes: SCTP_LENGTH,
});

function open({ table }: L4Tracker, entry: number, packet: Packet): Invalid {
  const chunks = chunksOf(packet);
  if (chunks === 0) return Invalid.CHUNKS;
  if ((chunks & NEVER_FIRST) !== 0) return Invalid.NOT_OPENING;
  const { words } = table;
  const base = entry * RECORD_WORDS;
  words[base + STATE] = State.NONE;
  words[base + TAG] = 0;
  words[base + TAG + 1] = 0;
  words[base + MEMORY] = 0;
  const { view, l4 } = packet;
  const tag = view.getInt32(l4 + SCTP_TAG_AT, true);
  const end = packet.at + packet.available;
  for (let at = l4 + SCTP_LENGTH; at + SCTP_CHUNK_LENGTH <= end; at += paddedLength(view, at)) {
    const chunk = view.getUint8(at);
    const state = transition(0, chunk, State.NONE);
    if (state === State.NONE || state === State.INVALID) return Invalid.NOT_OPENING;
    if (chunk === Chunk.INIT) {
      if (tag !== 0) return Invalid.TAG;
      if (at + SCTP_INIT_LENGTH > end) return Invalid.CHUNKS;
      words[base + TAG + REPLY] = view.getInt32(at + SCTP_INIT_TAG_AT, true);
    } else if (chunk === Chunk.HEARTBEAT) {
      words[base + TAG] = tag;
    } else if (chunk === Chunk.SHUTDOWN_ACK) {
      // The reply to an out-of-the-blue packet carries the same tag (section 8.4).
      words[base + TAG + REPLY] = tag;
    }
  }
  return Invalid.NONE;
}

function update(
  { table, timeoutsMs }: L4Tracker,
  entry: number,
  direction: Direction,
  packet: Packet,
  isNew: boolean,
): TrackResult | Invalid {
  const { words } = table;
  const base = entry * RECORD_WORDS;
  const chunks = chunksOf(packet);
  if (chunks === 0) return Invalid.CHUNKS;
  const { view, l4 } = packet;
  const tag = view.getInt32(l4 + SCTP_TAG_AT, true);
  if ((chunks & TAGGED_SINGLY) === 0 && tag !== words[base + TAG + direction]) return Invalid.TAG;

  let state: number = State.NONE;
  let isIgnored = false;
  const end = packet.at + packet.available;
  for (let at = l4 + SCTP_LENGTH; at + SCTP_CHUNK_LENGTH <= end; at += paddedLength(view, at)) {
    const chunk = view.getUint8(at);
    if (chunk === Chunk.HEARTBEAT || chunk === Chunk.HEARTBEAT_ACK) {
      const mayDiffer = !isIgnored && (chunks & (1 << Chunk.DATA)) === 0;
      const heartbeat = takeHeartbeat(words, base, direction, chunk, tag, mayDiffer);
      if (heartbeat === TagVerdict.INVALID) return Invalid.TAG;
      if (heartbeat === TagVerdict.IGNORE) {
        isIgnored = true;
        continue;
      }
    } else if (!isTagGood(words, base, direction, chunk, view.getUint8(at + SCTP_CHUNK_FLAGS_AT), tag)) {
      return Invalid.TAG;
    }
    // Both tags are established, so earlier INITs no longer matter.
    if (chunk === Chunk.COOKIE_ACK) words[base + MEMORY] &= ~INITS;
    const oldState = words[base + STATE];
    state = transition(direction, chunk, oldState);
    if (state === State.INVALID) return Invalid.STATE;
    if (chunk === Chunk.INIT || chunk === Chunk.INIT_ACK) {
      if (at + SCTP_INIT_LENGTH > end) return Invalid.CHUNKS;
      const initiateTag = view.getInt32(at + SCTP_INIT_TAG_AT, true);
      if (!takeInitiateTag(words, base, direction, chunk, initiateTag, isNew)) return Invalid.TAG;
      // Repeated INITs must not keep an entry alive.
      const isUnanswered = state === State.CLOSED && oldState === State.CLOSED;
      if (chunk === Chunk.INIT && isUnanswered && !isNew) isIgnored = true;
    }
    words[base + STATE] = state;
    // This persists even if a later chunk is INVALID.
    if (state === State.ESTABLISHED && oldState !== state) words[base + STATUS] |= Status.ASSURED;
  }
  if (isIgnored) return TrackResult.ACCEPT;
  table.account(entry, direction, packet.length);
  table.refresh(entry, packet.nowMs, timeoutsMs[state]);
  return TrackResult.ACCEPT;
}

/** Whether TAG is valid for CHUNK (section 8.5.1). */
function isTagGood(
  words: Int32Array,
  base: number,
  direction: Direction,
  chunk: number,
  flags: number,
  tag: number,
): boolean {
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

/** The effect of a heartbeat's tag on the packet. */
const TagVerdict = { INVALID: 0, ACCEPT: 1, IGNORE: 2 } as const;
type TagVerdict = (typeof TagVerdict)[keyof typeof TagVerdict];

/**
 * Handles a heartbeat with a different TAG: its sender may have restarted. It passes, and a reply with the same tag
 * confirms the restart. MAY_DIFFER: the rest of the packet allows this.
 */
function takeHeartbeat(
  words: Int32Array,
  base: number,
  direction: Direction,
  chunk: number,
  tag: number,
  mayDiffer: boolean,
): TagVerdict {
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
 * Sets the tag that packets from the other side must carry from now on. Returns false if an INIT ACK may not set it:
 * without an INIT from the other side, it must not differ from a known tag, and after INITs from both sides it must be
 * known (section 5.2.1).
 */
function takeInitiateTag(
  words: Int32Array,
  base: number,
  direction: Direction,
  chunk: number,
  tag: number,
  isNew: boolean,
): boolean {
  const at = base + TAG + 1 - direction;
  const isKnown = words[at] === tag;
  let inits = words[base + MEMORY] & INITS;
  if (chunk === Chunk.INIT_ACK) {
    const isOtherSeen = (inits & (1 << (1 - direction))) !== 0;
    if (!isOtherSeen && words[at] !== 0 && !isKnown) return false;
    if (inits === INITS && !isKnown) return false;
  } else if (isNew || !isKnown) {
    // After INITs from both sides, another one starts over.
    if (inits === INITS) inits = 0;
    words[base + MEMORY] = (words[base + MEMORY] & ~INITS) | inits | (1 << direction);
  }
  words[at] = tag;
  return true;
}

/**
 * The chunks in PACKET as bits by type (types above 31 are left out; bit 31 is always set), or 0 for an invalid
 * combination: COOKIE ECHO and COOKIE ACK must come first; INIT, INIT ACK and SHUTDOWN COMPLETE must be alone (sections
 * 3.3, 6.10).
 */
function chunksOf(packet: Packet): number {
  const { view } = packet;
  const end = packet.at + packet.available;
  let chunks = 0;
  let isFirst = true;
  let isAlone = false;
  for (let at = packet.l4 + SCTP_LENGTH; at + SCTP_CHUNK_LENGTH <= end; at += paddedLength(view, at)) {
    const chunk = view.getUint8(at);
    if (chunk === Chunk.INIT || chunk === Chunk.INIT_ACK || chunk === Chunk.SHUTDOWN_COMPLETE) isAlone = true;
    const isLeading = chunk === Chunk.COOKIE_ACK || chunk === Chunk.COOKIE_ECHO || isAlone;
    if ((isLeading && !isFirst) || view.getUint16(at + SCTP_CHUNK_LENGTH_AT) === 0) return 0;
    chunks |= chunk < 31 ? 1 << chunk : 0;
    chunks |= 1 << 31;
    isFirst = false;
  }
  return chunks;
}

function paddedLength(view: DataView, at: number): number {
  return (view.getUint16(at + SCTP_CHUNK_LENGTH_AT) + 3) & ~3;
}

/** The state after CHUNK in DIRECTION. Chunks missing from the tables do not change it. */
function transition(direction: Direction, chunk: number, state: number): number {
  return chunk < CHUNKS ? TRANSITIONS[(direction * CHUNKS + chunk) * STATES + state] : state;
}

function readTransitions(tables: readonly string[]): Uint8Array {
  const transitions = Uint8Array.from({ length: tables.length * CHUNKS * STATES }, (_, index) => index % STATES);
  for (const [direction, table] of tables.entries()) {
    for (const [chunk, state, next] of cellsOf(table)) {
      const row = direction * CHUNKS + named(Chunk, chunk);
      transitions[row * STATES + named(ABBREVIATIONS, state)] = named(ABBREVIATIONS, next);
    }
  }
  return transitions;
}

/** The CRC-32C of LENGTH bytes at AT with its own field taken as zero (appendix A). Stored little-endian. */
function checksumOf(view: DataView, at: number, length: number): number {
  const head = crc32cStep(view, at, SCTP_CHECKSUM_AT, -1);
  const field = crc32cStep(ZEROS, 0, ZEROS.byteLength, head);
  return ~crc32cStep(view, at + SCTP_LENGTH, length - SCTP_LENGTH, field) >>> 0;
}

const ZEROS = new DataView(new ArrayBuffer(4));
