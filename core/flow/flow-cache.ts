/**
 * hot: the way of most packets: of a known connection, in order, along a path that the packet before it took.
 *
 * A packet that took the slow path and was forwarded leaves its path behind in its connection's record: the rules that it met
 * and what they answered. That holds for the next packet of the same direction, as far as the rules read only what the
 * connection fixes; what else they read is asked of each packet anew (path.ts). So on the fast path a packet is decoded, found,
 * tracked, counted and rewritten, and no rule is run and no object made.
 *
 * The slow path owns the meaning. Whatever is not plainly ordinary on the fast path, which is in wasm/flow/forward.ts, is left to it,
 * untouched.
 */
import { swap16 } from '../../codecs/address.js';
import { fold } from '../../codecs/checksum.js';
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
  FAST_DELTAS,
  FAST_PATH,
  ORIGINAL_TUPLE,
  RECORD_WORDS,
  REPLY_TUPLE,
  STATUS,
  Status,
  TCP_STATE,
  TUPLE_DESTINATION,
  TUPLE_PORTS,
  TUPLE_SOURCE,
} from '../conntrack/record.js';
import type { ConntrackTable } from '../conntrack/table.js';
import { Hook } from '../hooks.js';
import { CONTROL_PENDING_F64, type Memory, SCRATCH_BYTES, SCRATCH_HEADROOM } from '../memory.js';
import { CtInfo, ORIGINAL, type Packet, PacketType, REPLY } from '../packet.js';
import { TcpState } from '../protocols/tcp-states.js';
import type { Trace } from '../rules/run/trace.js';
import type { LinkHeader } from './link-header.js';
import { type FlowKey, flowValues, type MegaflowLearner } from './megaflow.js';
import { MegaflowTable, Phase } from './megaflow-table.js';
import type { PathTable } from './path.js';

/** `forward` says this where the packet is not for the fast path. */
export const UPCALL = -1;

/** Rulesets without classes worth their name must not be asked for some with each new connection: learning has to pay. */
const ATTEMPTS_AT_FIRST = 64;
const HITS_AN_ATTEMPT = 16;
/** Rules that may be looked at: some 0.1 s at first, and then less than what the classes have spared. */
const VISITS_AT_FIRST = 500_000;
const VISITS_A_HIT = 4;

const SETTLED = Status.SEEN_REPLY | Status.ASSURED;

export class FlowCache {
  readonly #memory: Memory;
  readonly #table: ConntrackTable;
  readonly #paths: PathTable;
  readonly #clock: Clock;
  readonly #packet: Packet;
  readonly #classes: MegaflowTable;
  readonly #learner: MegaflowLearner;
  #attempts = 0;

  /** PACKET is the record in which a packet is asked what a path wants to know; CHECKSUMS: nf_conntrack_checksum. */
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
    this.#classes = new MegaflowTable(memory);
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
   * Forward the packet at AT of VIEW (over BYTES) that came in by DEV, of which CAPTURED bytes are there: rewritten in place,
   * tracked and counted, behind the Ethernet header that it leaves with. Gives the path that it takes; UPCALL where it is for
   * the slow path, and nothing has been done.
   */
  forward(bytes: Uint8Array, view: DataView, at: number, captured: number, dev: number): number {
    const memory = this.#memory;
    if (captured > SCRATCH_BYTES - SCRATCH_HEADROOM) return UPCALL;
    const place = memory.placeOf(bytes, view, at, captured);
    const path = memory.wasm.forward(place, captured, dev);
    if (path !== UPCALL && !memory.holds(bytes)) {
      const length = memory.view.getUint16(place + IPV4_TOTAL_LENGTH_AT);
      copyWords(view, at - ETHERNET_LENGTH, memory.view, place - ETHERNET_LENGTH, length + ETHERNET_LENGTH);
    }
    return path;
  }

  /**
   * PACKET was forwarded along the slow path, which TRACE tells of, and left behind the Ethernet header LINK: let the next one
   * of its direction follow it, and so all that are bound to. IS_OPENING: it opened its connection.
   */
  learn(packet: Packet, trace: Trace, mtu: number, link: LinkHeader, isOpening: boolean): void {
    const { ct, direction, protocol } = packet;
    if (ct < 0 || !this.#table.isHashed(ct)) return;
    if (isOpening || packet.ctinfo === CtInfo.ESTABLISHED) {
      const phase = isOpening ? Phase.OPENING : direction === ORIGINAL ? Phase.ORIGINAL : Phase.REPLY;
      this.#learnClass(packet, phase, trace, mtu, link);
    }
    if (packet.ctinfo !== CtInfo.ESTABLISHED) return;
    const { words } = this.#table;
    const base = ct * RECORD_WORDS;
    const at = base + FAST_PATH + direction;
    if (words[at] !== 0) {
      if (words[at] < 0) words[at] = 0;
      return;
    }
    if ((words[base + STATUS] & SETTLED) !== SETTLED) return;
    if (packet.isCut || packet.fragmentMaxSize > 0 || packet.headerLength !== IPV4_LENGTH) return;
    if (protocol !== IPPROTO_UDP && (protocol !== IPPROTO_TCP || words[base + TCP_STATE] !== TcpState.ESTABLISHED))
      return;
    const path = this.#paths.intern(trace, packet.inDev, packet.outDev, mtu, link);
    if (path < 0) return;
    words[at] = path + 1;
    words[base + FAST_DELTAS + direction] = checksumDeltas(words, base, direction);
  }

  /** The packet in hand is done with. */
  forgetPending(): void {
    this.#memory.control[CONTROL_PENDING_F64] = 0;
  }

  /** Let all packets that are bound to follow PACKET do so, where it can be said which these are. */
  #learnClass(packet: Packet, phase: Phase, trace: Trace, mtu: number, link: LinkHeader): void {
    const { inDev, protocol } = packet;
    if (packet.isCut || packet.fragmentMaxSize > 0 || packet.headerLength !== IPV4_LENGTH) return;
    if (protocol !== IPPROTO_TCP && protocol !== IPPROTO_UDP) return;
    const path = this.#paths.intern(trace, inDev, packet.outDev, mtu, link);
    if (path < 0) return;
    const flowKey = this.#flowKeyOf(packet, phase);
    const values = flowValues(flowKey);
    const isAlike = (first: number, firstId: number, rules: number): boolean =>
      this.#paths.isAlike(first, path, firstId, rules);
    if (this.#classes.settle(phase, inDev, protocol, values, path, isAlike)) return;
    const { hits } = this.#classes;
    if (this.#attempts > ATTEMPTS_AT_FIRST + hits / HITS_AN_ATTEMPT) return;
    if (this.#learner.visits > VISITS_AT_FIRST + hits * VISITS_A_HIT) return;
    if (this.#classes.holds(phase, inDev, protocol, values, path)) return;
    this.#attempts++;
    const megaflow = this.#learner.learn(flowKey, trace);
    if (megaflow !== undefined) this.#classes.add(megaflow, path);
  }

  /** How PACKET, which has left, came in: its connection knows. */
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
      sport: swap16(words[own + TUPLE_PORTS] & 0xffff),
      dport: swap16(words[own + TUPLE_PORTS] >>> 16),
      laterDestination: words[other + TUPLE_SOURCE],
      laterDport: swap16(words[other + TUPLE_PORTS] & 0xffff),
      laterSource: words[other + TUPLE_DESTINATION],
      laterSport: swap16(words[other + TUPLE_PORTS] >>> 16),
      nextHop: packet.nextHop,
    };
  }

  /** Whether the packet at AT of the memory answers QUESTION of PATH as the one before it did. */
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

  /** Let PACKET look as it does behind the routing decision; its TTL in the bytes too. */
  #showForwarded(packet: Packet, outDev: number): void {
    const { words } = this.#table;
    const { view, at } = packet;
    const base = packet.ct * RECORD_WORDS;
    packet.hook = Hook.FORWARD;
    packet.outDev = outDev;
    view.setUint8(at + IPV4_TTL_AT, view.getUint8(at + IPV4_TTL_AT) - 1);
    const other = base + (packet.direction === ORIGINAL ? REPLY_TUPLE : ORIGINAL_TUPLE);
    packet.destination = words[other];
    packet.dport = swap16(words[other + 2] & 0xffff);
  }
}

/** FAST_DELTAS of a direction: what its translation adds to the sums of the IP header and of layer 4. */
function checksumDeltas(words: Int32Array, base: number, direction: number): number {
  const own = base + (direction === ORIGINAL ? ORIGINAL_TUPLE : REPLY_TUPLE);
  const other = base + (direction === ORIGINAL ? REPLY_TUPLE : ORIGINAL_TUPLE);
  const addresses = difference(words[own], words[other + 1]) + difference(words[own + 1], words[other]);
  const ports = difference(words[own + 2], words[other + 2]);
  return (fold(addresses) << 16) | fold(addresses + ports);
}

/** The one's complement sum of the halves of NEW less those of OLD. */
function difference(oldWord: number, newWord: number): number {
  return (~oldWord & 0xffff) + (~oldWord >>> 16) + (newWord & 0xffff) + (newWord >>> 16);
}
