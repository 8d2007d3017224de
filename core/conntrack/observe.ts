/** Emits events about what conntrack does with packets. */
import {
  ICMP_LENGTH,
  IPPROTO_TCP,
  IPV4_LENGTH,
  TCP_ACK,
  TCP_ACKNOWLEDGMENT_AT,
  TCP_FLAGS_AT,
  TCP_LENGTH,
  TCP_SEQUENCE_AT,
} from '../../codecs/layouts.js';
import type { Emit, InvalidCheck, TimedOutEvent, TimeoutFields, TrackedEvent, WindowFields } from '../events.js';
import { CtInfo, type Direction, ORIGINAL, type Packet, REPLY } from '../packet.js';
import { Invalid, type L4Tracker } from '../protocols/protocol.js';
import { protocolOf } from '../protocols/registry.js';
import type { Conntrack } from './conntrack.js';
import { EXPIRES_MS_F64, RECORD_F64, RECORD_WORDS } from './record.js';
import type { ConntrackTable } from './table.js';
import { TCP_CONNECTION, TCP_SIDE } from './tcp-record.js';
import { Tuple } from './tuple.js';

const CTSTATES: Record<CtInfo, keyof typeof CtInfo> = {
  [CtInfo.ESTABLISHED]: 'ESTABLISHED',
  [CtInfo.RELATED]: 'RELATED',
  [CtInfo.NEW]: 'NEW',
  [CtInfo.INVALID]: 'INVALID',
  [CtInfo.UNTRACKED]: 'UNTRACKED',
};

const CHECKS: Record<Exclude<Invalid, typeof Invalid.NONE>, InvalidCheck> = {
  [Invalid.HEADER]: 'header',
  [Invalid.CHECKSUM]: 'checksum',
  [Invalid.NO_CHECKSUM]: 'no-checksum',
  [Invalid.FLAGS]: 'flags',
  [Invalid.TYPE]: 'type',
  [Invalid.FAMILY]: 'family',
  [Invalid.NO_TUPLE]: 'no-tuple',
  [Invalid.NO_QUOTED_CONNECTION]: 'no-quoted-connection',
  [Invalid.NOT_OPENING]: 'not-opening',
  [Invalid.STATE]: 'state',
  [Invalid.WINDOW]: 'window',
  [Invalid.RESET]: 'reset',
  [Invalid.TAG]: 'tag',
  [Invalid.CHUNKS]: 'chunks',
};

/** `conntrack.track`, which also emits events. */
export function observedTracking(conntrack: Conntrack): (packet: Packet, emit: NonNullable<Emit>) => boolean {
  const { table, trackers } = conntrack;
  const tuple = new Tuple();
  const timeouts: Timeouts = new Map();
  return (packet, emit) => {
    const tracker = trackers[packet.protocol];
    const wasTracked = conntrack.isTracked(packet);
    const known = wasTracked ? packet.ct * 2 + packet.direction : findKnown(table, tuple, packet);
    const stateBefore = known < 0 ? undefined : stateOf(table, known >>> 1, packet.protocol);
    const window = known < 0 ? undefined : windowOf(table, known, packet);
    const expired = known < 0 ? findExpired(conntrack, tuple, packet) : undefined;
    // What it says about another packet.
    tracker.protocol.remark(tracker, packet, Invalid.NONE);
    const isTaken = conntrack.track(packet);
    const { invalid, isReopened } = conntrack;
    if (expired !== undefined && !table.isHashed(expired.entry)) emit(expired.event);
    const remark = tracker.protocol.remark(tracker, packet, invalid);
    const stateAfter = packet.ct < 0 ? undefined : stateOf(table, packet.ct, packet.protocol);
    const event: Writable<TrackedEvent> = { kind: 'tracked', ctstate: CTSTATES[packet.ctinfo] };
    if (packet.ct >= 0) event.direction = packet.direction === ORIGINAL ? 'original' : 'reply';
    if (stateBefore !== undefined) event.stateBefore = stateBefore;
    if (stateAfter !== undefined) event.stateAfter = stateAfter;
    if (invalid !== Invalid.NONE) event.invalid = CHECKS[invalid];
    if (remark !== undefined) event.remark = remark;
    if (remark !== undefined && invalid === Invalid.NONE) event.isIgnored = true;
    if (window !== undefined && (invalid !== Invalid.NONE || remark !== undefined)) event.window = window;
    if (isReopened) event.isReopened = true;
    if (!wasTracked) addLifetime(event, conntrack, packet, timeouts);
    emit(event);
    return isTaken;
  };
}

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

/** The time-outs that were told, by tracker and their number there. */
type Timeouts = Map<L4Tracker, TimeoutFields[]>;

/**
 * Adds to EVENT how long the entry of PACKET, which has just been tracked, lives, and the time-out that PACKET gave to
 * it. TIMEOUTS: those that are known.
 */
function addLifetime(
  event: Writable<TrackedEvent>,
  { table, trackers }: Conntrack,
  packet: Packet,
  timeouts: Timeouts,
): void {
  const { ct, ctinfo, protocol, nowMs } = packet;
  if (ct < 0 || ctinfo === CtInfo.RELATED) return;
  const leftMs = table.doubles[ct * RECORD_F64 + EXPIRES_MS_F64] - nowMs;
  const tracker = trackers[protocol];
  const index = tracker.protocol.timeoutOf(tracker, ct);
  event.expiresSec = leftMs / 1000;
  if (tracker.timeoutsMs[index] === leftMs) event.timeout = knownTimeout(timeouts, tracker, index);
}

function knownTimeout(timeouts: Timeouts, tracker: L4Tracker, index: number): TimeoutFields {
  const known = timeouts.get(tracker) ?? [];
  timeouts.set(tracker, known);
  if (known[index]?.seconds !== tracker.timeoutsMs[index] / 1000) known[index] = timeoutFields(tracker, index);
  return known[index];
}

function timeoutFields({ protocol, timeoutsMs }: L4Tracker, index: number): TimeoutFields {
  const name = protocol.timeouts.find(([of]) => of === index)?.[1];
  return {
    ...(name == null ? {} : { sysctl: `net.netfilter.nf_conntrack_${name}` }),
    seconds: timeoutsMs[index] / 1000,
  };
}

/** The entry to which PACKET, or what it quotes, would belong, had it not expired. */
function findExpired(
  { table, trackers }: Conntrack,
  tuple: Tuple,
  packet: Packet,
): { entry: number; event: TimedOutEvent } | undefined {
  const { view, at, available, l4, l4Available, nowMs } = packet;
  const isError = l4Available >= ICMP_LENGTH && protocolOf(packet.protocol).isError(packet);
  const quotedAt = l4 + ICMP_LENGTH;
  const isRead = isError
    ? l4Available >= ICMP_LENGTH + IPV4_LENGTH && tuple.read(view, quotedAt, l4Available - ICMP_LENGTH)
    : tuple.read(view, at, available);
  if (!isRead) return undefined;
  const { source, destination, ports, protocol } = tuple;
  const reference = table.peekExpired(source, destination, ports, protocol, nowMs);
  if (reference < 0) return undefined;
  const entry = reference >>> 1;
  const tracker = trackers[protocol];
  const state = stateOf(table, entry, protocol);
  const event: TimedOutEvent = {
    kind: 'timed-out',
    protocol: tracker.protocol.name,
    ...(state === undefined ? {} : { state }),
    timeout: timeoutFields(tracker, tracker.protocol.timeoutOf(tracker, entry)),
    agoSec: (nowMs - table.doubles[entry * RECORD_F64 + EXPIRES_MS_F64]) / 1000,
  };
  return { entry, event };
}

/** The entry of PACKET and, in the lowest bit, its direction; -1 if it has none yet. */
function findKnown(table: ConntrackTable, tuple: Tuple, packet: Packet): number {
  if (!tuple.read(packet.view, packet.at, packet.available)) return -1;
  // `find` would remove an expired entry, to which an INVALID packet never comes: observing would change the table.
  return table.peek(tuple.source, tuple.destination, tuple.ports, tuple.protocol, packet.nowMs);
}

function stateOf(table: ConntrackTable, entry: number, protocol: number): string | undefined {
  const { stateNames, stateWord } = protocolOf(protocol);
  return stateNames[table.words[entry * RECORD_WORDS + stateWord]];
}

/** Compares a TCP segment of KNOWN (see `findKnown`) with what its connection expects, before it is tracked. */
function windowOf({ words }: ConntrackTable, known: number, packet: Packet): WindowFields | undefined {
  if (packet.protocol !== IPPROTO_TCP || packet.l4Available < TCP_LENGTH) return undefined;
  const { view, l4 } = packet;
  const direction: Direction = (known & 1) === REPLY ? REPLY : ORIGINAL;
  const sender = sideAt(known >>> 1, direction);
  const receiver = sideAt(known >>> 1, direction === ORIGINAL ? REPLY : ORIGINAL);
  const sequence = view.getUint32(l4 + TCP_SEQUENCE_AT);
  const acknowledgment = view.getUint32(l4 + TCP_ACKNOWLEDGMENT_AT);
  const isAck = (view.getUint8(l4 + TCP_FLAGS_AT) & TCP_ACK) !== 0;
  return {
    sequence,
    acknowledgment,
    beyondWindowBytes: distance(words[sender + TCP_SIDE.word.maxEnd], sequence),
    unseenBytes: isAck ? distance(words[receiver + TCP_SIDE.word.end], acknowledgment) : 0,
    belowAcknowledgedBytes: distance(sequence, words[receiver + TCP_SIDE.word.maxAck]),
  };
}

/** Word index in the table of ENTRY's side that sends in DIRECTION. */
function sideAt(entry: number, direction: Direction): number {
  return entry * RECORD_WORDS + TCP_CONNECTION.word.side + direction * TCP_SIDE.words;
}

/** How far TO is ahead of FROM in sequence numbers; 0 if it is not. */
function distance(from: number, to: number): number {
  return Math.max(0, (to - from) | 0);
}
