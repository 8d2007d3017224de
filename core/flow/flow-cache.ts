/**
 * hot: the flow cache. Most packets belong to a known connection, are in order, and follow the path of the previous
 * packet.
 *
 * A packet forwarded on the slow path stores its path in its connection's record: the rules it matched and the
 * results of their per-packet tests. The path is valid for the next packet in the same direction if the rules only read
 * what the connection fixes. Anything else they read is checked again for each packet (path-checks.ts). So a packet on
 * the fast path is decoded, looked up, tracked, counted and rewritten, without running rules or allocating objects.
 *
 * The slow path defines the meaning. The fast path (wasm/flow/forward.ts) leaves any packet that is not clearly
 * ordinary unchanged and returns an upcall.
 */
import { portToHostOrder } from '../../codecs/byte-order.js';
import { copyWords } from '../../codecs/copy.js';
import {
  ETHERNET_LENGTH,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPV4_LENGTH,
  IPV4_TOTAL_LENGTH_AT,
  IPV4_TTL_AT,
} from '../../codecs/layouts.js';
import type { Clock } from '../clock.js';
import {
  NAT_MASK,
  ORIGINAL_TUPLE,
  RECORD_WORDS,
  REPLY_TUPLE,
  STATUS,
  Status,
  TUPLE_DESTINATION,
  TUPLE_PORTS,
  TUPLE_SOURCE,
} from '../conntrack/record.js';
import type { ConntrackTable } from '../conntrack/table.js';
import { TCP_STATE } from '../conntrack/tcp-record.js';
import { type FieldName, fieldRow } from '../fields.js';
import { Hook } from '../hooks.js';
import { copyMacs, type LinkStage } from '../link/link-stage.js';
import { MAX_SCRATCH_PACKET_BYTES, type Memory, MemoryFullError } from '../memory.js';
import type { MemoryArena } from '../memory-arena.js';
import { CtInfo, ORIGINAL, type Packet, PacketType, REPLY } from '../packet.js';
import { TcpState } from '../protocols/tcp-states.js';
import { isAskable, isPredictable, lookupOf, readsOnly } from '../rules/lower.js';
import type { PerPacketTest } from '../rules/run/interpret.js';
import type { Trace } from '../rules/run/trace.js';
import { type FlowKey, flowValues } from './flow-key.js';
import type { LinkHeader } from './link-header.js';
import type { MegaflowLearner } from './megaflow.js';
import { MegaflowTable, Phase } from './megaflow-table.js';
import type { PathTable } from './path.js';
import { UPCALL } from './records.js';

/**
 * With rulesets for which megaflows are useless, learning must not be attempted for every new connection: it has to pay
 * off.
 */
const ATTEMPTS_AT_FIRST = 64;
const HITS_PER_ATTEMPT = 16;
/** How many rules learning may visit: about 0.1 s worth initially, then less than what the megaflows have saved. */
const VISITS_AT_FIRST = 500_000;
const VISITS_PER_HIT = 4;
/** When rules change, that much again, but not more than this for each packet since they changed before. */
const PACKETS_PER_ATTEMPT = 16;

const SETTLED = Status.SEEN_REPLY | Status.ASSURED;

export interface FlowCacheParts {
  readonly memory: Memory;
  /** Where all is that is forgotten with the rules. */
  readonly arena: MemoryArena;
  readonly table: ConntrackTable;
  readonly paths: PathTable;
  readonly learner: MegaflowLearner;
  readonly clock: Clock;
  /** Used to run the checks of a path. */
  readonly packet: Packet;
}

export class FlowCache {
  readonly #memory: Memory;
  readonly #table: ConntrackTable;
  readonly #paths: PathTable;
  readonly #clock: Clock;
  readonly #packet: Packet;
  readonly #megaflows: MegaflowTable;
  readonly #learner: MegaflowLearner;
  readonly #arena: MemoryArena;
  /** What `forward` is called with, during the call. Otherwise, captures are replayed where they are in memory. */
  #received: LinkStage | null = null;
  #attempts = 0;
  /** How many attempts, and visits of rules, need not have paid off. */
  #attemptsAtFirst = ATTEMPTS_AT_FIRST;
  #visitsAtFirst = VISITS_AT_FIRST;
  /** The number of packets when the rules changed. */
  #packetsAtChange = 0;
  /** There is no memory to learn more. */
  #isFull = false;
  /** Packets pass nothing of which other packets cannot be judged. */
  #isOn = false;
  /** NAT is at the hooks: packets of translated connections are translated. */
  #translates = false;
  #hasMegaflows = true;

  constructor({ memory, arena, table, paths, learner, clock, packet }: FlowCacheParts) {
    this.#memory = memory;
    this.#arena = arena;
    this.#megaflows = new MegaflowTable(memory, arena);
    this.#learner = learner;
    this.#table = table;
    this.#paths = paths;
    this.#clock = clock;
    this.#packet = packet;
    memory.host.check = (path, index, at, entry, direction) => (this.#check(path, index, at, entry, direction) ? 1 : 0);
    memory.host.ask = (path, at, entry, direction, destination, dport) =>
      this.#ask(path, at, entry, direction, destination, dport);
  }

  /**
   * Forwards the RECEIVED packet, which arrived on DEV: tracks and counts it, and rewrites it and the Ethernet header
   * before it in place. Returns its path, or an upcall (below 0, see UPCALL) if the slow path must handle it, in which
   * case nothing has changed.
   */
  forward(received: LinkStage, dev: number): number {
    const memory = this.#memory;
    const { bytes, view, at, captured } = received;
    if (!this.#isOn) return UPCALL;
    if (captured > MAX_SCRATCH_PACKET_BYTES) return UPCALL;
    const isInMemory = memory.holds(bytes);
    const place = isInMemory ? bytes.byteOffset + at : memory.copyToScratch(view, at, captured);
    this.#received = received;
    const path = memory.wasm.forward(place, captured, dev);
    this.#received = null;
    if (path >= 0 && !isInMemory) {
      const length = memory.view.getUint16(place + IPV4_TOTAL_LENGTH_AT);
      copyWords(view, at - ETHERNET_LENGTH, memory.view, place - ETHERNET_LENGTH, length + ETHERNET_LENGTH);
    }
    return path;
  }

  /**
   * Learns from a PACKET forwarded on the slow path, with its TRACE and the Ethernet header LINK: the next packet in
   * the same direction, and all others that would take the same path, can follow it. IS_OPENING: it opened its
   * connection. UPCALL: what `forward` returned for it.
   */
  learn(packet: Packet, trace: Trace, mtu: number, link: LinkHeader, isOpening: boolean, upcall: number): void {
    if (this.#isFull || !this.#isOn) return;
    try {
      this.#learn(packet, trace, mtu, link, isOpening, upcall);
    } catch (error) {
      if (!(error instanceof MemoryFullError)) throw error;
      // What is known remains.
      this.#isFull = true;
    }
  }

  /** From now on, the slow path sees the first packet of each connection. */
  stopMegaflows(): void {
    this.#hasMegaflows = false;
    this.#memory.wasm.setMegaflows(0);
  }

  /**
   * The rules have changed: forgets everything that was learned from those before, whose counters are up to date
   * (`PathTable.flush`). IS_ON: `Hooks.areLearnable`. TRANSLATES: NAT is at the hooks.
   */
  changeRules(isOn: boolean, translates: boolean): void {
    const since = this.#clock.packets - this.#packetsAtChange;
    this.#packetsAtChange = this.#clock.packets;
    this.#attemptsAtFirst += Math.min(ATTEMPTS_AT_FIRST, since / PACKETS_PER_ATTEMPT);
    this.#visitsAtFirst += Math.min(VISITS_AT_FIRST, since * VISITS_PER_HIT);
    this.#megaflows.clear();
    this.#learner.forgetRules();
    if (!this.#paths.forget()) {
      this.#table.forgetPaths();
      this.#paths.startAgain();
    }
    this.#arena.clear();
    this.#isFull = false;
    this.#isOn = isOn;
    this.#translates = translates;
    this.#memory.wasm.setNat(translates ? 1 : 0);
  }

  #learn(packet: Packet, trace: Trace, mtu: number, link: LinkHeader, isOpening: boolean, upcall: number): void {
    const { ct, direction, protocol } = packet;
    if (ct < 0 || !this.#table.isHashed(ct)) return;
    const { words } = this.#table;
    const base = ct * RECORD_WORDS;
    if (!this.#translates && (words[base + STATUS] & NAT_MASK) !== 0) return;
    const path = this.#table.path(ct, direction);
    if (path >= 0 && !this.#paths.isKnown(path)) this.#table.setPath(ct, direction, -1);
    if (this.#hasMegaflows && (isOpening || packet.ctinfo === CtInfo.ESTABLISHED)) {
      const phase = isOpening ? Phase.OPENING : direction === ORIGINAL ? Phase.ORIGINAL : Phase.REPLY;
      this.#learnMegaflow(packet, phase, trace, mtu, link, upcall);
    }
    if (packet.ctinfo !== CtInfo.ESTABLISHED) return;
    if (this.#table.takeChanged(ct, direction) || this.#table.path(ct, direction) >= 0) return;
    if ((words[base + STATUS] & SETTLED) !== SETTLED) return;
    if (packet.isCut || packet.fragmentMaxSize > 0 || packet.headerLength !== IPV4_LENGTH) return;
    if (protocol !== IPPROTO_UDP && (protocol !== IPPROTO_TCP || words[base + TCP_STATE] !== TcpState.ESTABLISHED))
      return;
    const followed = this.#paths.intern(trace, packet.inDev, packet.outDev, mtu, link);
    if (followed < 0) return;
    this.#table.setPath(ct, direction, followed);
    this.#memory.wasm.forgetAnswers(ct, direction);
    this.#memory.wasm.updateChecksumDeltas(ct, direction);
  }

  /** Learns which other packets would take the same path as PACKET, if that can be determined. */
  #learnMegaflow(packet: Packet, phase: Phase, trace: Trace, mtu: number, link: LinkHeader, upcall: number): void {
    const { inDev, protocol } = packet;
    if (packet.isCut || packet.fragmentMaxSize > 0 || packet.headerLength !== IPV4_LENGTH) return;
    if (protocol !== IPPROTO_TCP && protocol !== IPPROTO_UDP) return;
    const path = this.#paths.intern(trace, inDev, packet.outDev, mtu, link);
    if (path < 0) return;
    const flowKey = this.#flowKeyOf(packet, phase);
    const values = flowValues(flowKey);
    const isAlike = (first: number, firstId: number, rules: number): boolean =>
      this.#paths.isAlike(first, path, firstId, rules);
    if (this.#megaflows.settle(upcall, phase, inDev, protocol, values, path, isAlike)) return;
    const { hits } = this.#megaflows;
    if (this.#attempts > this.#attemptsAtFirst + hits / HITS_PER_ATTEMPT) return;
    if (this.#learner.visits > this.#visitsAtFirst + hits * VISITS_PER_HIT) return;
    if (this.#megaflows.holds(phase, inDev, protocol, values, path)) return;
    this.#attempts++;
    const megaflow = this.#learner.learn(flowKey, trace);
    if (megaflow !== undefined) this.#megaflows.add(megaflow, path);
  }

  /** The flow key with which PACKET arrived. It was rewritten since, but the key follows from its connection. */
  #flowKeyOf(packet: Packet, phase: Phase): FlowKey {
    const { words } = this.#table;
    const base = packet.ct * RECORD_WORDS;
    const isOriginal = packet.direction === ORIGINAL;
    const own = base + (isOriginal ? ORIGINAL_TUPLE : REPLY_TUPLE);
    const other = base + (isOriginal ? REPLY_TUPLE : ORIGINAL_TUPLE);
    return {
      phase,
      protocol: packet.protocol,
      inDev: packet.inDev,
      outDev: packet.outDev,
      source: words[own + TUPLE_SOURCE],
      destination: words[own + TUPLE_DESTINATION],
      sport: portToHostOrder(words[own + TUPLE_PORTS] & 0xffff),
      dport: portToHostOrder(words[own + TUPLE_PORTS] >>> 16),
      translatedDestination: words[other + TUPLE_SOURCE],
      translatedDport: portToHostOrder(words[other + TUPLE_PORTS] & 0xffff),
      translatedSource: words[other + TUPLE_DESTINATION],
      translatedSport: portToHostOrder(words[other + TUPLE_PORTS] >>> 16),
      nextHop: packet.nextHop,
    };
  }

  /** Whether check INDEX of PATH has the same result for the packet at address AT as for the first packet. */
  #check(path: number, index: number, at: number, entry: number, direction: number): boolean {
    const { test, result, isAfterRouting } = this.#paths.check(path, index);
    const { view } = this.#memory;
    const packet = this.#show(path, at, entry, direction);
    if (isAfterRouting) this.#showAfterRouting(packet, this.#paths.outDev(path));
    const isSame = test.steps.every(isPredictable) && test.predict(packet) === result && !packet.hotdrop;
    if (isAfterRouting) view.setUint8(at + IPV4_TTL_AT, view.getUint8(at + IPV4_TTL_AT) + 1);
    return isSame;
  }

  /**
   * Until when the sets that PATH asks answer for the packet at address AT as for the first packet, in milliseconds; -1
   * if they do not. ENTRY is below 0 if the packet would open a connection. After translation, its destination is
   * DESTINATION and DPORT.
   */
  #ask(path: number, at: number, entry: number, direction: number, destination: number, dport: number): number {
    const asked = this.#paths.asked(path);
    const packet = this.#show(path, at, entry, direction);
    const { answers } = this.#paths;
    answers.untilMs = Number.POSITIVE_INFINITY;
    for (const { test, result, isAfterRouting } of asked) {
      if (!mayAsk(test, entry >= 0)) return -1;
      if (isAfterRouting && packet.hook === Hook.PREROUTING) {
        packet.hook = Hook.FORWARD;
        packet.outDev = this.#paths.outDev(path);
        packet.destination = destination;
        packet.dport = dport;
      }
      if (answerOf(test, packet) !== result) return -1;
    }
    return answers.untilMs;
  }

  /** The packet at address AT, which would take PATH, as rules see it when it arrives. */
  #show(path: number, at: number, entry: number, direction: number): Packet {
    const packet = this.#packet;
    const { view } = this.#memory;
    packet.bytes = this.#memory.bytes;
    packet.view = view;
    packet.at = at;
    packet.length = view.getUint16(at + IPV4_TOTAL_LENGTH_AT);
    packet.available = packet.length;
    packet.headerLength = IPV4_LENGTH;
    packet.reload();
    packet.nowMs = this.#clock.nowMs;
    packet.type = PacketType.HOST;
    if (this.#received === null) copyMacs(packet, view, at - ETHERNET_LENGTH);
    else this.#received.copyMacs(packet);
    packet.inDev = this.#paths.inDev(path);
    packet.outDev = -1;
    packet.ct = entry;
    packet.direction = direction === ORIGINAL ? ORIGINAL : REPLY;
    packet.ctinfo = entry < 0 ? CtInfo.NEW : CtInfo.ESTABLISHED;
    packet.hook = Hook.PREROUTING;
    packet.hotdrop = false;
    return packet;
  }

  /** Changes PACKET to what it looks like after the routing decision, including the TTL in its bytes. */
  #showAfterRouting(packet: Packet, outDev: number): void {
    const { words } = this.#table;
    const { view, at } = packet;
    const base = packet.ct * RECORD_WORDS;
    packet.hook = Hook.FORWARD;
    packet.outDev = outDev;
    view.setUint8(at + IPV4_TTL_AT, view.getUint8(at + IPV4_TTL_AT) - 1);
    const other = base + (packet.direction === ORIGINAL ? REPLY_TUPLE : ORIGINAL_TUPLE);
    packet.destination = words[other];
    packet.dport = portToHostOrder(words[other + 2] & 0xffff);
  }
}

/**
 * Whether TEST still only asks sets (see `asksSets`). Unless it HAS_CONNECTION, only what is in the
 * packet itself can be read.
 */
function mayAsk({ steps }: PerPacketTest, hasConnection: boolean): boolean {
  for (const step of steps) {
    const lookup = lookupOf(step);
    if (lookup === undefined ? !hasConnection && !readsOnly(step, isOfPacket) : !isAskable(lookup)) return false;
  }
  return true;
}

/** What TEST says about PACKET. Most have only one step: a lookup. */
function answerOf({ steps, predict }: PerPacketTest, packet: Packet): boolean {
  const only = steps.length === 1 ? lookupOf(steps[0]) : undefined;
  return only === undefined ? predict(packet) : only.answer(packet);
}

/** Generated code reads such fields from the packet itself. */
function isOfPacket(name: FieldName): boolean {
  return fieldRow(name).code !== undefined;
}
