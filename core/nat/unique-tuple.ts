/** Chooses the translated tuple of a connection so that it is unique (get_unique_tuple). */

import { type LoadedAddress, portToHostOrder, portToLoaded, toHostOrder, toLoaded } from '../../codecs/byte-order.js';
import {
  ORIGINAL_TUPLE,
  PROTOCOL,
  RECORD_WORDS,
  REPLY_TUPLE,
  STATUS,
  Status,
  TUPLE_PORTS,
} from '../conntrack/record.js';
import type { ConntrackTable } from '../conntrack/table.js';
import { invertPorts, type Tuple } from '../conntrack/tuple.js';
import { REPLY } from '../packet.js';
import { protocolOf } from '../protocols/registry.js';
import type { Random } from '../random.js';
import { jhashAddress } from './jhash.js';
import { Manip, type NatRange } from './range.js';

/** How many ports a search tries before it continues elsewhere (NF_NAT_MAX_ATTEMPTS). */
const MAX_ATTEMPTS = 128;
/** The search ends after a round with fewer attempts than this. */
const MIN_ATTEMPTS = 16;
/** With this few attempts left, the tuple may be taken from a finished TCP connection (NF_NAT_HARDER_THRESH). */
const HARDER_ATTEMPTS = 32;

/** Searches for free tuples in a connection table. Changes the given tuple in place. */
export class UniqueTuple {
  #table: ConntrackTable;
  /** How many ports were drawn at random: the kernel draws others. */
  drawn = 0;
  #random: Random;
  #nowMs = 0;

  constructor(table: ConntrackTable, random: Random) {
    this.#table = table;
    this.#random = random;
  }

  /**
   * Changes TUPLE, which holds what the packets of ENTRY look like now, to a tuple that satisfies RANGE at the MANIP
   * end and that no other connection uses. If none is free, the last one tried remains, and confirming the connection
   * fails.
   */
  choose(tuple: Tuple, range: NatRange, manip: Manip, entry: number, nowMs: number): void {
    this.#nowMs = nowMs;
    const isRandom = range.random || range.randomFully;
    if (manip === Manip.SRC && !isRandom) {
      if (isSourceInRange(tuple.source, tuple.ports, range)) {
        if (!this.#isUsed(tuple, entry)) return;
      } else if (this.#reuseMapping(tuple, range, entry)) {
        return;
      }
    }
    chooseAddress(tuple, range, manip);
    if (!isRandom) {
      if (range.minPort === undefined) {
        if (!this.#isUsed(tuple, entry)) return;
      } else if (
        range.basePort === undefined &&
        isInRange(portOf(tuple.ports, manip), range.minPort, range.maxPort) &&
        (range.minPort === range.maxPort || !this.#isUsed(tuple, entry))
      ) {
        return;
      }
    }
    this.#choosePort(tuple, range, manip, entry);
  }

  /** Whether a connection other than ENTRY uses the inverse of TUPLE (nf_nat_used_tuple). */
  #isUsed(tuple: Tuple, entry: number): boolean {
    const holder = this.#holderOf(tuple);
    if (holder < 0 || holder >>> 1 === entry) return false;
    const { words } = this.#table;
    const mine = entry * RECORD_WORDS + ORIGINAL_TUPLE;
    const other = (holder >>> 1) * RECORD_WORDS + ORIGINAL_TUPLE;
    const isSameFlow =
      words[mine] === words[other] && words[mine + 1] === words[other + 1] && words[mine + 2] === words[other + 2];
    return !isSameFlow;
  }

  #holderOf(tuple: Tuple): number {
    const { source, destination, ports, protocol } = tuple;
    return this.#table.find(destination, source, invertPorts(ports, protocol), protocol, this.#nowMs);
  }

  /** Same as `#isUsed`, except that in the last attempts a finished connection gives up its tuple. */
  #isUnavailable(tuple: Tuple, entry: number, attemptsLeft: number): boolean {
    if (!this.#isUsed(tuple, entry)) return false;
    if (attemptsLeft > HARDER_ATTEMPTS) return true;
    const holder = this.#holderOf(tuple);
    if ((holder & 1) !== REPLY) return true;
    const other = holder >>> 1;
    if ((this.#table.words[other * RECORD_WORDS + STATUS] & Status.SRC_NAT) === 0) return true;
    if (!protocolOf(tuple.protocol).givesWay(this.#table, other, entry)) return true;
    this.#table.remove(other);
    return false;
  }

  /** Reuses an address and port already assigned to the same source, if they are usable here (find_appropriate_src). */
  #reuseMapping(tuple: Tuple, range: NatRange, entry: number): boolean {
    const table = this.#table;
    const { words } = table;
    const { source, ports } = tuple;
    const sourcePort = ports & 0xffff;
    for (
      let other = table.firstOfSource(source, ports, tuple.protocol);
      other >= 0;
      other = table.nextOfSource(other)
    ) {
      const base = other * RECORD_WORDS;
      if (
        words[base + ORIGINAL_TUPLE] !== source ||
        (words[base + ORIGINAL_TUPLE + TUPLE_PORTS] & 0xffff) !== sourcePort ||
        words[base + PROTOCOL] !== tuple.protocol
      ) {
        continue;
      }
      const mappedSource = words[base + REPLY_TUPLE + 1];
      const replyPorts = words[base + REPLY_TUPLE + TUPLE_PORTS];
      const mappedPort = invertPorts(replyPorts, tuple.protocol) & 0xffff;
      const mappedPorts = (ports & 0xffff0000) | mappedPort;
      if (!isSourceInRange(mappedSource, mappedPorts, range)) continue;
      const original = tuple.source;
      tuple.source = mappedSource;
      tuple.ports = mappedPorts;
      if (!this.#isUsed(tuple, entry)) return true;
      tuple.source = original;
      tuple.ports = ports;
      return false;
    }
    return false;
  }

  #choosePort(tuple: Tuple, range: NatRange, manip: Manip, entry: number): void {
    const space = protocolOf(tuple.protocol).portSpace;
    if (space === undefined) return;
    const end = space.isShared ? Manip.SRC : manip;
    const current = portOf(tuple.ports, end);
    const searched = portRange(range) ?? space.range(current, manip);
    if (searched === undefined) return;
    const [first, count] = searched;
    let offset = 0;
    if (range.basePort !== undefined) offset = (current - range.basePort) & 0xffff;
    else if (range.random || range.randomFully || manip !== Manip.DST) {
      offset = this.#random.uint16();
      if (count > 1) this.drawn++;
    }

    for (let attempts = Math.min(count, MAX_ATTEMPTS); ; attempts >>>= 1, offset = this.#random.uint16()) {
      for (let i = 0; i < attempts; i++, offset = (offset + 1) & 0xffff) {
        tuple.ports = withPort(tuple.ports, end, first + (offset % count));
        if (!this.#isUnavailable(tuple, entry, attempts - i)) return;
      }
      if (attempts >= count || attempts < MIN_ATTEMPTS) return;
    }
  }
}

/**
 * Picks an address in RANGE for TUPLE: spread over the range, and always the same for the same two ends
 * (find_best_ips_proto).
 */
function chooseAddress(tuple: Tuple, range: NatRange, manip: Manip): void {
  if (range.minAddress === undefined || range.maxAddress === undefined) return;
  const first = range.minAddress.hostOrder;
  const count = range.maxAddress.hostOrder - first + 1;
  let chosen = first;
  if (count > 1) {
    const hash = jhashAddress(tuple.source, range.persistent ? 0 : tuple.destination);
    chosen += Math.floor((hash * count) / 0x100000000);
  }
  if (manip === Manip.SRC) tuple.source = toLoaded(chosen);
  else tuple.destination = toLoaded(chosen);
}

/** Whether this source is already within RANGE, including its port if RANGE has ports (in_range). */
function isSourceInRange(source: LoadedAddress, ports: number, range: NatRange): boolean {
  const { minAddress, maxAddress } = range;
  if (minAddress !== undefined && !isInRange(toHostOrder(source), minAddress.hostOrder, maxAddress?.hostOrder))
    return false;
  if (range.minPort === undefined) return true;
  return isInRange(portOf(ports, Manip.SRC), range.minPort, range.maxPort);
}

function isInRange(value: number, min: number, max: number | undefined): boolean {
  return value >= min && value <= (max ?? min);
}

/** The first port and the number of ports in RANGE, or undefined if it has none. */
function portRange({ minPort, maxPort }: NatRange): readonly [first: number, count: number] | undefined {
  if (minPort === undefined || maxPort === undefined) return undefined;
  return [Math.min(minPort, maxPort), Math.abs(maxPort - minPort) + 1];
}

/** The port at the MANIP end of a ports word, in host order. */
export function portOf(ports: number, manip: Manip): number {
  return portToHostOrder(manip === Manip.SRC ? ports & 0xffff : ports >>> 16);
}

function withPort(ports: number, manip: Manip, port: number): number {
  const wire = portToLoaded(port);
  return manip === Manip.SRC ? (ports & 0xffff0000) | wire : (ports & 0xffff) | (wire << 16);
}
