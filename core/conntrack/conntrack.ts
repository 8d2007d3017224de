/**
 * hot: connection tracking at the hooks: looks up or creates a packet's entry, and confirms it as the packet leaves.
 */
import { ICMP_LENGTH, IPV4_LENGTH } from '../../codecs/layouts.js';
import { CtInfo, hasPorts, ORIGINAL, type Packet, REPLY } from '../packet.js';
import { Invalid, isInvalid, type L4Tracker, TrackResult } from '../protocols/protocol.js';
import type { EarlyDrop } from './early-drop.js';
import { ORIGINAL_TUPLE, RECORD_WORDS, REPLY_TUPLE, STATUS, Status, TUPLE_DESTINATION, TUPLE_PORTS } from './record.js';
import type { ConntrackTable } from './table.js';
import { invertPorts, Tuple } from './tuple.js';

/** The table is full, so no entry can be created. */
const NO_ROOM = -1;

export class Conntrack {
  readonly table: ConntrackTable;
  /** The entry confirmed most recently; -1 if none since this was reset. */
  confirmed = -1;
  /** How many packets were INVALID because of their checksum. ICMP's do not count. */
  badChecksums = 0;
  /** Of these, how many checksums look as if they were left to the network card. */
  unfinishedChecksums = 0;
  /** Why the packet tracked last is INVALID. */
  invalid: Invalid = Invalid.NONE;
  /** Whether the packet tracked last has ended its connection and opened another one in its place. */
  isReopened = false;
  /** By protocol number. */
  readonly trackers: readonly L4Tracker[];
  readonly earlyDrop: EarlyDrop;
  /** The entry that the current packet has until it is tracked, in place of its own; -1: none. */
  #template = -1;
  /** The entry of the packet that was finished last, if it is in the table; else -1. */
  last = -1;
  #tuple = new Tuple();

  constructor(table: ConntrackTable, trackers: readonly L4Tracker[], earlyDrop: EarlyDrop) {
    this.table = table;
    this.earlyDrop = earlyDrop;
    this.trackers = trackers;
  }

  /**
   * Sets the packet's entry, direction and ctinfo at PREROUTING or OUTPUT (nf_conntrack_in). Returns false if the table
   * is full and the packet must be dropped.
   */
  track(packet: Packet): boolean {
    this.invalid = Invalid.NONE;
    this.isReopened = false;
    if (packet.ct >= 0 && packet.ct === this.#template) this.release(packet);
    if (packet.ct >= 0 || packet.ctinfo === CtInfo.UNTRACKED) return true;
    const tracker = this.trackers[packet.protocol];
    const { protocol } = tracker;
    const fault = protocol.validate(tracker, packet);
    if (fault !== Invalid.NONE) return this.#passAsInvalid(packet, fault);
    if (protocol.isError(packet)) {
      const errorFault = this.#trackIcmpError(packet);
      return errorFault === Invalid.NONE || this.#passAsInvalid(packet, errorFault);
    }
    let result: TrackResult;
    do {
      const found = this.#findOrOpen(packet, tracker);
      if (found === NO_ROOM) return false;
      if (found !== Invalid.NONE) return this.#passAsInvalid(packet, found);
      const isNew = !this.table.isHashed(packet.ct);
      const followed = protocol.update(tracker, packet.ct, packet.direction, packet, isNew);
      if (isInvalid(followed)) {
        if (isNew) this.table.release(packet.ct);
        return this.#passAsInvalid(packet, followed);
      }
      result = followed;
      if (result === TrackResult.REPEAT) {
        this.table.remove(packet.ct);
        this.isReopened = true;
      } else if (result === TrackResult.KILL) this.table.unhash(packet.ct);
    } while (result === TrackResult.REPEAT);
    if (packet.direction === REPLY) this.table.words[packet.ct * RECORD_WORDS + STATUS] |= Status.SEEN_REPLY;
    return true;
  }

  /** Whether the entry of PACKET is one of its connection: not just a template. */
  isTracked(packet: Packet): boolean {
    return packet.ct >= 0 && packet.ct !== this.#template;
  }

  /** Gives PACKET an entry for rules before conntrack, with neither addresses nor protocol (nf_ct_tmpl_alloc). */
  setTemplate(packet: Packet): void {
    const entry = this.table.create(0, 0, 0, 0, 0, packet.nowMs);
    this.table.words[entry * RECORD_WORDS + STATUS] |= Status.CONFIRMED;
    packet.ct = entry;
    packet.ctinfo = CtInfo.NEW;
    this.#template = entry;
  }

  #countBadChecksum(packet: Packet): void {
    this.badChecksums++;
    if (this.trackers[packet.protocol].protocol.offload?.isUnfinished(packet) === true) this.unfinishedChecksums++;
  }

  #passAsInvalid(packet: Packet, fault: Invalid): true {
    if (fault === Invalid.CHECKSUM && hasPorts(packet.protocol)) this.#countBadChecksum(packet);
    packet.ct = -1;
    packet.ctinfo = CtInfo.INVALID;
    this.invalid = fault;
    return true;
  }

  /**
   * Inserts a new entry into the table at the end of INPUT or POSTROUTING (nf_conntrack_confirm). Returns false if
   * another entry has one of its tuples by now and the packet must be dropped.
   */
  confirm(packet: Packet): boolean {
    const entry = packet.ct;
    if (entry < 0 || packet.direction !== ORIGINAL) return true;
    const { table } = this;
    const base = entry * RECORD_WORDS;
    if ((table.words[base + STATUS] & Status.CONFIRMED) !== 0) return true;
    if (this.#isTaken(base + ORIGINAL_TUPLE, packet) || this.#isTaken(base + REPLY_TUPLE, packet)) return false;
    table.confirm(entry);
    this.confirmed = entry;
    return true;
  }

  /** Called when a packet is finished. Frees its entry if it was never confirmed or if this packet ended it. */
  release(packet: Packet): void {
    this.last = packet.ct;
    if (packet.ct >= 0 && !this.table.isHashed(packet.ct)) {
      this.last = -1;
      if (packet.ct === this.#template) this.#template = -1;
      this.table.release(packet.ct);
    }
    packet.ct = -1;
  }

  #isTaken(tupleAt: number, packet: Packet): boolean {
    const { words } = this.table;
    const [source, destination, ports] = [words[tupleAt], words[tupleAt + 1], words[tupleAt + 2]];
    return this.table.find(source, destination, ports, packet.protocol, packet.nowMs) >= 0;
  }

  /**
   * Sets the packet's entry, creating one if needed. Otherwise returns the reason why there is none
   * (resolve_normal_ct).
   */
  #findOrOpen(packet: Packet, tracker: L4Tracker): Invalid | typeof NO_ROOM {
    const tuple = this.#tuple;
    const { table } = this;
    if (!tuple.read(packet.view, packet.at, packet.available)) return Invalid.NO_TUPLE;
    const { source, destination, ports, protocol } = tuple;
    const reference = table.find(source, destination, ports, protocol, packet.nowMs);
    if (reference >= 0) {
      packet.ct = reference >>> 1;
      this.#setInfo(packet, reference & 1);
      return Invalid.NONE;
    }
    if (!tuple.invert()) return Invalid.NO_TUPLE;
    if (table.isFull && !this.earlyDrop.makeRoom(packet.nowMs)) return NO_ROOM;
    const entry = table.create(source, destination, ports, tuple.ports, protocol, packet.nowMs);
    const fault = tracker.protocol.open(tracker, entry, packet);
    if (fault !== Invalid.NONE) {
      table.release(entry);
      return fault;
    }
    packet.ct = entry;
    packet.direction = ORIGINAL;
    packet.ctinfo = CtInfo.NEW;
    return Invalid.NONE;
  }

  #setInfo(packet: Packet, direction: number): void {
    const status = this.table.words[packet.ct * RECORD_WORDS + STATUS];
    packet.direction = direction === REPLY ? REPLY : ORIGINAL;
    if (direction === REPLY || (status & Status.SEEN_REPLY) !== 0) packet.ctinfo = CtInfo.ESTABLISHED;
    else if ((status & Status.EXPECTED) !== 0) packet.ctinfo = CtInfo.RELATED;
    else packet.ctinfo = CtInfo.NEW;
  }

  /**
   * Attaches an ICMP error to the connection of the packet it quotes. Without such a connection it is INVALID
   * (nf_conntrack_inet_error).
   */
  #trackIcmpError(packet: Packet): Invalid {
    const quoted = packet.l4Available - ICMP_LENGTH;
    if (quoted < IPV4_LENGTH) return Invalid.HEADER;
    const tuple = this.#tuple;
    if (!tuple.read(packet.view, packet.l4 + ICMP_LENGTH, quoted) || !tuple.invert()) return Invalid.NO_TUPLE;
    const reference = this.table.find(tuple.source, tuple.destination, tuple.ports, tuple.protocol, packet.nowMs);
    if (reference < 0) return Invalid.NO_QUOTED_CONNECTION;
    const direction = (reference & 1) === REPLY ? REPLY : ORIGINAL;
    const tupleAt = (reference >>> 1) * RECORD_WORDS + (direction === REPLY ? REPLY_TUPLE : ORIGINAL_TUPLE);
    if (this.table.words[tupleAt + TUPLE_DESTINATION] !== packet.destination) return Invalid.NO_QUOTED_CONNECTION;
    packet.ct = reference >>> 1;
    packet.direction = direction;
    packet.ctinfo = CtInfo.RELATED;
    return Invalid.NONE;
  }
}

/** Writes to INTO the tuple of ENTRY's packets after NAT: the inverse of its reply tuple. */
export function translatedTuple(table: ConntrackTable, entry: number, protocol: number, into: Tuple): void {
  const { words } = table;
  const reply = entry * RECORD_WORDS + REPLY_TUPLE;
  into.source = words[reply + 1];
  into.destination = words[reply];
  into.ports = invertPorts(words[reply + TUPLE_PORTS], protocol);
  into.protocol = protocol;
}
