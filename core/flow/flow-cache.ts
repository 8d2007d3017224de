/**
 * hot: the flow cache. Most packets belong to a known connection, are in order, and follow the path of the packet
 * before them.
 *
 * A packet that was forwarded on the slow path leaves its path in its connection's record: the rules that it met and
 * their answers. The path is valid for the next packet of the same direction, as far as the rules read only what the
 * connection fixes; what else they read is asked of each packet again (path.ts). So on the fast path a packet is
 * decoded, looked up, tracked, counted and rewritten, but no rule is run and no object allocated.
 *
 * The slow path defines the meaning. The fast path (wasm/flow/forward.ts) leaves every packet that is not plainly
 * ordinary to it, unchanged: an upcall.
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
import { Hook } from '../hooks.js';
import { MAX_SCRATCH_PACKET_BYTES, type Memory } from '../memory.js';
import { CtInfo, ORIGINAL, type Packet, PacketType, REPLY } from '../packet.js';
import { TcpState } from '../protocols/tcp-states.js';
import type { Trace } from '../rules/run/trace.js';
import type { LinkHeader } from './link-header.js';
import { type FlowKey, flowValues, type MegaflowLearner } from './megaflow.js';
import { MegaflowTable, Phase } from './megaflow-table.js';
import type { PathTable } from './path.js';
import { UPCALL } from './records.js';

/** Rulesets without useful megaflows must not be asked for one with each new connection: learning has to pay. */
const ATTEMPTS_AT_FIRST = 64;
const HITS_AN_ATTEMPT = 16;
/** How many rules learning may visit: some 0.1 s worth at first, then less than what the megaflows have saved. */
const VISITS_AT_FIRST = 500_000;
const VISITS_A_HIT = 4;

const SETTLED = Status.SEEN_REPLY | Status.ASSURED;

export class FlowCache {
  readonly #memory: Memory;
  readonly #table: ConntrackTable;
  readonly #paths: PathTable;
  readonly #clock: Clock;
  readonly #packet: Packet;
  readonly #megaflows: MegaflowTable;
  readonly #learner: MegaflowLearner;
  #attempts = 0;

  /** PACKET is filled in to ask the questions of a path; CHECKSUMS: nf_conntrack_checksum. */
  constructor(
    memory: Memory,
    table: ConntrackTable,
    paths: PathTable,
    learner: MegaflowLearner,
    clock: Clock,
    packet: Packet,
    checksums: boolean,
  ) {
    this.#memory = memory;
    this.#megaflows = new MegaflowTable(memory);
    this.#learner = learner;
    this.#table = table;
    this.#paths = paths;
    this.#clock = clock;
    this.#packet = packet;
    memory.wasm.setChecksums(checksums ? 1 : 0);
    memory.host.ask = (path, question, at, entry, direction) =>
      this.#answersAgree(path, question, at, entry, direction) ? 1 : 0;
  }

  /**
   * Forward the packet at AT of VIEW (over BYTES) that came in by DEV, of which CAPTURED bytes are there: it is
   * tracked, counted, and rewritten in place, as is the Ethernet header in front of it. Returns the path that it takes;
   * an upcall (below 0, see UPCALL) where it is for the slow path, and nothing has been done.
   */
  forward(bytes: Uint8Array, view: DataView, at: number, captured: number, dev: number): number {
    const memory = this.#memory;
    if (captured > MAX_SCRATCH_PACKET_BYTES) return UPCALL;
    const place = memory.placeOf(bytes, view, at, captured);
    const path = memory.wasm.forward(place, captured, dev);
    if (path >= 0 && !memory.holds(bytes)) {
      const length = memory.view.getUint16(place + IPV4_TOTAL_LENGTH_AT);
      copyWords(view, at - ETHERNET_LENGTH, memory.view, place - ETHERNET_LENGTH, length + ETHERNET_LENGTH);
    }
    return path;
  }

  /**
   * PACKET was forwarded on the slow path, with this TRACE and the Ethernet header LINK: let the next one of its
   * direction follow it, and all others that would meet the same. IS_OPENING: it opened its connection. UPCALL: what
   * `forward` returned for it.
   */
  learn(packet: Packet, trace: Trace, mtu: number, link: LinkHeader, isOpening: boolean, upcall: number): void {
    const { ct, direction, protocol } = packet;
    if (ct < 0 || !this.#table.isHashed(ct)) return;
    if (isOpening || packet.ctinfo === CtInfo.ESTABLISHED) {
      const phase = isOpening ? Phase.OPENING : direction === ORIGINAL ? Phase.ORIGINAL : Phase.REPLY;
      this.#learnMegaflow(packet, phase, trace, mtu, link, upcall);
    }
    if (packet.ctinfo !== CtInfo.ESTABLISHED) return;
    if (this.#table.takeChanged(ct, direction) || this.#table.path(ct, direction) >= 0) return;
    const { words } = this.#table;
    const base = ct * RECORD_WORDS;
    if ((words[base + STATUS] & SETTLED) !== SETTLED) return;
    if (packet.isCut || packet.fragmentMaxSize > 0 || packet.headerLength !== IPV4_LENGTH) return;
    if (protocol !== IPPROTO_UDP && (protocol !== IPPROTO_TCP || words[base + TCP_STATE] !== TcpState.ESTABLISHED))
      return;
    const path = this.#paths.intern(trace, packet.inDev, packet.outDev, mtu, link);
    if (path < 0) return;
    this.#table.setPath(ct, direction, path);
    this.#memory.wasm.updateChecksumDeltas(ct, direction);
  }

  /** Let all packets that would meet the same as PACKET follow it, if it can be determined which these are. */
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
    if (this.#attempts > ATTEMPTS_AT_FIRST + hits / HITS_AN_ATTEMPT) return;
    if (this.#learner.visits > VISITS_AT_FIRST + hits * VISITS_A_HIT) return;
    if (this.#megaflows.holds(phase, inDev, protocol, values, path)) return;
    this.#attempts++;
    const megaflow = this.#learner.learn(flowKey, trace);
    if (megaflow !== undefined) this.#megaflows.add(megaflow, path);
  }

  /** The flow key with which PACKET, which has been rewritten, came in: it follows from its connection. */
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

  /** Whether the packet at AT of the memory gives the same answer to QUESTION of PATH as its first packet. */
  #answersAgree(path: number, question: number, at: number, entry: number, direction: number): boolean {
    const { asked, answer, isForwarded } = this.#paths.questions[path][question];
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
    packet.inDev = this.#paths.inDev(path);
    packet.outDev = -1;
    packet.ct = entry;
    packet.direction = direction === ORIGINAL ? ORIGINAL : REPLY;
    packet.ctinfo = CtInfo.ESTABLISHED;
    packet.hook = Hook.PREROUTING;
    packet.hotdrop = false;
    if (isForwarded) this.#showForwarded(packet, this.#paths.outDev(path));
    const agrees = asked.predict(packet) === answer && !packet.hotdrop;
    if (isForwarded) view.setUint8(at + IPV4_TTL_AT, view.getUint8(at + IPV4_TTL_AT) + 1);
    return agrees;
  }

  /** Make PACKET look as it does after the routing decision; its TTL in the bytes too. */
  #showForwarded(packet: Packet, outDev: number): void {
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
