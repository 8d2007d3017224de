/**
 * hot: a host's way of dealing with packets, from the interface they come in by to the one they leave by.
 *
 *     receive ─► PREROUTING ─► route ─► forward ─► FORWARD ─► POSTROUTING ─► cut ─► egress
 *                                │                                ▲
 *                                ▼                                │
 *                              INPUT ─► local         send ─► route ─► OUTPUT
 *
 * Each step either hands the packet on to the next one or ends its way by `#drop`. What the host itself answers (REJECT,
 * ICMP errors) takes the way of `send`, in a record of its own, before the packet that caused it goes on.
 */
import { internetChecksum } from '../codecs/checksum.js';
import {
  ETHERNET_LENGTH,
  ETHERNET_SOURCE_AT,
  ETHERNET_TYPE_AT,
  ETHERTYPE_IPV4,
  IPV4_CHECKSUM_AT,
  IPV4_LENGTH,
  IPV4_SOURCE_AT,
  IPV4_TOTAL_LENGTH_AT,
  IPV4_TTL_AT,
} from '../codecs/layouts.js';
import { Answers } from './answers/answers.js';
import {
  FRAGMENTATION_NEEDED,
  NET_UNREACHABLE,
  PARAMETER_PROBLEM,
  parameterPointer,
  REASSEMBLY_TIME_EXCEEDED,
  TTL_EXCEEDED,
} from './answers/icmp-error.js';
import { forwardOptions, takeOptions } from './answers/ip-options.js';
import { unfinishChecksum } from './answers/tcp-reset.js';
import { Clock } from './clock.js';
import { Conntrack } from './conntrack/conntrack.js';
import { conntrackHooks } from './conntrack/hooks.js';
import { ConntrackTable } from './conntrack/table.js';
import { decodeOwnPacket, decodePacket } from './decode.js';
import { because, type DropCause } from './drop.js';
import type { Emulator, EmulatorOptions, EmulatorOutput, UpcallReceiver } from './emulator.js';
import type { Emit } from './events.js';
import { FlowCache } from './flow/flow-cache.js';
import { LinkHeader } from './flow/link-header.js';
import { MegaflowLearner } from './flow/megaflow.js';
import { PathTable } from './flow/path.js';
import { UPCALL } from './flow/records.js';
import { Departure, departure, exceedsMtu, Fragmenter, type FragmentSink } from './fragments/fragment.js';
import { fragmentHooks } from './fragments/hooks.js';
import { FragmentQueues } from './fragments/reassemble.js';
import { Hook, Hooks, type TableName, Verdict } from './hooks.js';
import { AddressType } from './host/address-type.js';
import type { Host } from './host/host.js';
import { RouteAction } from './host/route-decision.js';
import { isMulticast } from './host/routing.js';
import type { Frame } from './link/frame.js';
import { LinkStage } from './link/link-stage.js';
import type { LinkSkip } from './link/locate-ip.js';
import { Memory } from './memory.js';
import { Nat } from './nat/nat.js';
import { Outcome } from './outcome.js';
import { emitRoute, takeRoute } from './own-route.js';
import { type Packet, PacketType } from './packet.js';
import { answerFields, dropFields, packetFields } from './packet-fields.js';
import { PacketStack } from './packet-stack.js';
import { createTrackers } from './protocols/tracker.js';
import { Random } from './random.js';
import type { Reason } from './reasons.js';
import type { TableCounters } from './rules/model.js';
import { HookedTables } from './rules/run/hooked-tables.js';
import { HostContext } from './rules/run/host-context.js';
import { FORWARDED, type Trace } from './rules/run/trace.js';

/** Why a packet goes nowhere, in silence, though it has a route that says so (struct dst_entry with an error). */
const ROUTED_IN_VAIN: ReadonlySet<Reason | ''> = new Set(['forwarding-off', 'blackhole-route']);

/** An emulated host; see the head of this file. */
export class IpStack implements Emulator, UpcallReceiver {
  readonly memory: Memory;
  readonly connections: ConntrackTable;
  readonly #hooks: Hooks;
  readonly #tables: HookedTables;
  readonly #trace: Trace;
  readonly #paths: PathTable;
  readonly #flowCache: FlowCache | null = null;
  outcome: Outcome = Outcome.DROPPED;
  dropCause: DropCause | null = null;
  skipReason: LinkSkip | null = null;
  slowPathPackets = 0;

  readonly #host: Host;
  readonly #output: EmulatorOutput;
  readonly #conntrack: Conntrack;
  readonly #random: Random;
  readonly #fragments: FragmentQueues;
  readonly #fragmenter = new Fragmenter();

  readonly #clock: Clock;
  /** The packet that came in last, or that the host sent. */
  readonly #received = new LinkStage();
  readonly #stack = new PacketStack();
  /** How deep in the stack the packet lies whose outcome is the outcome of what went in. */
  #countedDepth = 0;
  readonly #answers: Answers;
  readonly #tell: Emit;
  readonly #onExpired = (first: Packet): void => this.#giveUp(first);
  /** The Ethernet header of the packet that left last. */
  readonly #link = new LinkHeader();
  readonly #emitFragment: FragmentSink;
  #leavingDev = -1;
  readonly #droppedPacket = {
    cause: because('rule'),
    isTranslated: false,
    untranslatedDestination: 0,
    untranslatedDport: -1,
  };

  constructor(options: EmulatorOptions, output: EmulatorOutput) {
    const { ruleset, host, observer, memory = new Memory() } = options;
    const emit: Emit = observer === undefined ? undefined : (event) => observer({ ...event, depth: this.#stack.depth });
    this.#tell = emit;
    this.memory = memory;
    this.connections = new ConntrackTable(memory);
    this.#clock = new Clock(memory);
    this.#host = host;
    this.#output = output;
    this.#random = new Random(options.seed ?? 0);
    const trackers = createTrackers(this.connections, (name) => host.sysctls.conntrack(name));
    this.#conntrack = new Conntrack(this.connections, trackers);
    const nat = new Nat(this.connections, this.#random);
    this.#fragments = new FragmentQueues({
      timeoutMs: host.sysctls.global('net.ipv4.ipfrag_time') * 1000,
      highThreshBytes: host.sysctls.global('net.ipv4.ipfrag_high_thresh'),
      maxDist: host.sysctls.global('net.ipv4.ipfrag_max_dist'),
    });
    const send = (answer: Packet): void => this.#sendAnswer(answer);
    this.#answers = new Answers(host, this.#conntrack, this.#stack, this.#clock, send);
    const context = new HostContext({
      host,
      conntrack: this.connections,
      nat,
      answers: this.#answers,
      clock: this.#clock,
      random: this.#random,
      output,
    });
    const engine = observer === undefined ? (options.engine ?? 'remembered') : 'interpreter';
    this.#tables = new HookedTables(ruleset, context, engine === 'remembered' ? 'indexed' : engine, host, nat, emit);
    const entries = [
      ...fragmentHooks(this.#fragments, emit),
      ...conntrackHooks(this.#conntrack, emit),
      ...this.#tables.entries,
      ...(options.hookEntries ?? []),
    ];
    this.#hooks = new Hooks(entries, emit);
    this.#trace = this.#tables.trace;
    const count = (id: number, packets: number, bytes: number): void => this.#tables.count(id, packets, bytes);
    this.#paths = new PathTable(memory, this.#tables.asks, this.#tables.effects, count);
    if (engine === 'remembered' && this.#hooks.areLearnable) {
      const checksums = host.sysctls.global('net.netfilter.nf_conntrack_checksum') !== 0;
      const { connections } = this;
      const learner = new MegaflowLearner(this.#hooks, host, context);
      this.#flowCache = new FlowCache(
        memory,
        connections,
        this.#paths,
        learner,
        this.#clock,
        this.#stack.first,
        checksums,
      );
    }
    this.#emitFragment = (bytes, at, length, available) => this.#emit(this.#leavingDev, bytes, at, available, length);
    this.#link.bytes[ETHERNET_TYPE_AT] = ETHERTYPE_IPV4 >> 8;
    this.#noteDeadline();
  }

  get counters(): ReadonlyMap<TableName, TableCounters> {
    this.#paths.flush();
    return this.#tables.counters;
  }

  get nowMs(): number {
    return this.#clock.nowMs;
  }

  get pendingFragments(): number {
    return this.#fragments.pendingFragments;
  }

  receive(frame: Frame): void {
    const { dev } = frame;
    if (this.#host.interfaces[dev] === undefined) throw noInterface(dev);
    const received = this.#received;
    this.#emitFrame(frame, this.#host.interfaceNames[dev]);
    if (!received.take(frame)) return void this.#skip(received.skip);
    this.#tick(frame.tsSec, frame.tsNsec);
    let upcall = UPCALL;
    if (this.#flowCache !== null && received.packetType === PacketType.HOST) {
      const { bytes, view, at } = received;
      const path = this.#flowCache.forward(bytes, view, at, received.captured, dev);
      if (path >= 0) {
        this.outcome = Outcome.FORWARDED;
        const length = view.getUint16(at + IPV4_TOTAL_LENGTH_AT) + ETHERNET_LENGTH;
        this.#output.egress(this.#paths.outDev(path), bytes, at - ETHERNET_LENGTH, length, length);
        return;
      }
      upcall = path;
    }
    this.#receiveSlow(dev, received, upcall);
  }

  receiveUpcall(frame: Frame, upcall: number): void {
    const received = this.#received;
    if (!received.take(frame)) return void this.#skip(received.skip);
    this.#expire();
    this.#receiveSlow(frame.dev, received, upcall);
  }

  #emitFrame({ tsSec, tsNsec }: Frame, dev: string | undefined): void {
    this.#tell?.({ kind: 'frame', dev, tsSec, tsNsec });
  }

  #skip(reason: LinkSkip): void {
    this.outcome = Outcome.SKIPPED;
    this.#tell?.({ kind: 'skipped', reason });
    this.skipReason = reason;
    this.dropCause = null;
  }

  #receiveSlow(dev: number, received: LinkStage, upcall: number): void {
    this.slowPathPackets++;
    this.#trace[0] = 0;
    this.dropCause = null;
    this.#conntrack.confirmed = -1;
    const packet = this.#stack.first;
    const type = received.packetType;
    packet.nowMs = this.#clock.nowMs;
    const malformed = decodePacket(packet, received);
    if (malformed !== '') return void this.#drop(packet, malformed);
    packet.inDev = dev;
    packet.type = type;
    this.#tell?.({ kind: 'decoded', packet: packetFields(packet) });
    if (type === PacketType.OTHERHOST) return void this.#drop(packet, 'other-host');
    this.#arrive(packet);
    if (this.#flowCache !== null && this.outcome === Outcome.FORWARDED && type === PacketType.HOST) {
      const { mtu } = this.#host.interfaces[packet.routeDev];
      this.#flowCache.learn(packet, this.#trace, mtu, this.#link, this.#conntrack.confirmed === packet.ct, upcall);
    }
    this.#conntrack.release(packet);
    this.#noteDeadline();
  }

  send(frame: Frame): void {
    const sent = this.#received;
    this.#emitFrame(frame, undefined);
    if (!sent.take(frame)) return void this.#skip(sent.skip);
    this.#tick(frame.tsSec, frame.tsNsec);
    this.slowPathPackets++;
    this.#trace[0] = 0;
    this.dropCause = null;
    const packet = this.#stack.first;
    packet.nowMs = this.#clock.nowMs;
    const malformed = decodeOwnPacket(packet, sent, this.#random);
    if (malformed !== '') return void this.#drop(packet, malformed);
    const { view, at } = packet;
    const route = this.#host.routeOutput(this.#host.routeKey.fromUnsourced(packet));
    if (route.reason !== '') return void this.#drop(packet, route.reason);
    if (packet.length > this.#host.interfaces[route.outDev].mtu) return void this.#drop(packet, 'longer-than-mtu');
    if (packet.source === 0) view.setInt32(at + IPV4_SOURCE_AT, route.source, true);
    view.setUint16(at + IPV4_CHECKSUM_AT, 0);
    view.setUint16(at + IPV4_CHECKSUM_AT, internetChecksum(view, at, packet.headerLength));
    packet.reload();
    takeRoute(packet, route, this.#host.loopback);
    this.#tell?.({ kind: 'decoded', packet: packetFields(packet) });
    emitRoute(packet, this.#host, this.#tell, false);
    this.#sendOut(packet);
    this.#conntrack.release(packet);
    this.#noteDeadline();
  }

  /** A packet comes in by `inDev`. What the host sent to itself has its route already. */
  #arrive(packet: Packet): void {
    packet.outDev = -1;
    if (!this.#pass(Hook.PREROUTING, packet)) return;
    const isRouted = packet.routeDev >= 0;
    if (isRouted ? packet.headerLength > IPV4_LENGTH && !this.#takeOptions(packet) : !this.#routeInput(packet)) return;
    if (packet.isForHost) this.#deliver(packet);
    else this.#forward(packet);
  }

  #routeInput(packet: Packet): boolean {
    const host = this.#host;
    const route = host.routeInput(host.routeKey.fromPacket(packet));
    packet.isForHost = route.action === RouteAction.LOCAL;
    packet.isToMany = route.type === AddressType.BROADCAST || route.type === AddressType.MULTICAST;
    packet.routeDev = route.outDev;
    packet.nextHop = route.nextHop;
    const { action, reason, icmpCode } = route;
    const isOnItsWay = action === RouteAction.LOCAL || action === RouteAction.FORWARD;
    // What is only to be told that there is no way has its options looked at first; what is not even routed has not.
    const isRouted = isOnItsWay || action === RouteAction.UNREACHABLE || ROUTED_IN_VAIN.has(reason);
    if (packet.headerLength > IPV4_LENGTH && isRouted && !this.#takeOptions(packet)) return false;
    if (reason === '') {
      emitRoute(packet, host, this.#tell, false);
      return true;
    }
    this.#tell?.({ kind: 'routed', to: 'nowhere', reason, isAgain: false });
    if (action === RouteAction.UNREACHABLE)
      this.#answers.sendNoRoute(packet, { type: NET_UNREACHABLE.type, code: icmpCode });
    return this.#drop(packet, reason);
  }

  /** ip_local_deliver. */
  #deliver(packet: Packet): void {
    if (!this.#pass(Hook.INPUT, packet)) return;
    this.#end(Outcome.DELIVERED);
    this.#tell?.({ kind: 'left', dev: undefined, packet: packetFields(packet) });
    if (packet.hasUnfinishedChecksum) unfinishChecksum(packet, packet.view, packet.l4);
    this.#output.local(packet.bytes, packet.at, packet.available, packet.length);
  }

  /** ip_forward. */
  #forward(packet: Packet): void {
    const { view, at } = packet;
    if (packet.type !== PacketType.HOST) {
      this.#drop(packet, 'link-layer-broadcast');
      return;
    }
    if (view.getUint8(at + IPV4_TTL_AT) <= 1) {
      this.#answers.sendIcmpError(packet, TTL_EXCEEDED, 0);
      this.#drop(packet, 'ttl-exceeded');
      return;
    }
    const { mtu } = this.#host.interfaces[packet.routeDev];
    if (packet.length > mtu && exceedsMtu(packet, mtu)) {
      this.#answers.sendIcmpError(packet, FRAGMENTATION_NEEDED, mtu);
      this.#drop(packet, 'fragmentation-needed');
      return;
    }
    decrementTtl(view, at);
    this.#trace[++this.#trace[0]] = FORWARDED;
    packet.outDev = packet.routeDev;
    if (!this.#pass(Hook.FORWARD, packet)) return;
    if (packet.headerLength > IPV4_LENGTH) {
      forwardOptions(
        packet,
        this.#stack.options,
        this.#host.routeOutput(this.#host.routeKey.fromUnsourced(packet)).source,
      );
    }
    this.#leave(packet);
  }

  /** A packet of the host's own, with its route: OUTPUT, where it may be routed anew (ip_local_out). */
  #sendOut(packet: Packet): void {
    packet.isLocal = true;
    packet.inDev = -1;
    packet.outDev = packet.routeDev;
    if (this.#pass(Hook.OUTPUT, packet)) this.#leave(packet);
  }

  /** ANSWER meets rules of its own; the trace goes on to tell of the packet that it answers. */
  #sendAnswer(answer: Packet): void {
    this.#tell?.({ kind: 'answered', ...answerFields(answer) });
    const events = this.#trace[0];
    this.#sendOut(answer);
    this.#trace[0] = events;
  }

  /** ip_output: POSTROUTING, for what is forwarded and what is the host's own; then out, or back in by lo. */
  #leave(packet: Packet): void {
    if (packet.loopsBack) this.#leaveAndComeBack(packet);
    else if (!this.#passPostrouting(packet)) return;
    else if (packet.routeDev === this.#host.loopback) this.#comeBack(packet);
    else this.#transmit(packet);
  }

  #passPostrouting(packet: Packet): boolean {
    packet.outDev = packet.routeDev;
    return this.#pass(Hook.POSTROUTING, packet);
  }

  /** The host's own broadcast: a copy passes POSTROUTING first, and comes in once the packet itself has left (ip_mc_output). */
  #leaveAndComeBack(packet: Packet): void {
    packet.loopsBack = false;
    const copy = this.#stack.pushCopy(packet);
    const copyPasses = this.#passPostrouting(copy);
    if (this.#passPostrouting(packet)) this.#transmit(packet);
    if (copyPasses) {
      // The kernel calls it PACKET_LOOPBACK, and -m pkttype goes by the address.
      copy.type = isMulticast(copy.destination) ? PacketType.MULTICAST : PacketType.BROADCAST;
      this.#comeBack(copy);
    }
    this.#stack.pop();
  }

  #comeBack(packet: Packet): void {
    packet.inDev = packet.routeDev;
    packet.isForHost = true;
    if (packet.fragmentMaxSize > 0) this.#comeBackCut(packet);
    else this.#arrive(packet);
  }

  /** What was reassembled leaves cut, by lo too: it comes in as fragments. */
  #comeBackCut(packet: Packet): void {
    const { mtu } = this.#host.interfaces[packet.routeDev];
    const pieces: { bytes: Uint8Array; length: number }[] = [];
    this.#fragmenter.fragment(packet, mtu, this.#fragments.geometry, (bytes, at, length, available) =>
      pieces.push({ bytes: bytes.slice(at, at + available), length }),
    );
    const isOutermost = this.#stack.depth === this.#countedDepth;
    for (const { bytes, length } of pieces) {
      const piece = this.#stack.pushPiece(packet, bytes, length);
      if (isOutermost) this.#countedDepth++;
      this.#arrive(piece);
      if (isOutermost) this.#countedDepth--;
      this.#stack.pop();
    }
  }

  /** ip_finish_output: whole, cut, or not at all. */
  #transmit(packet: Packet): void {
    const host = this.#host;
    const dev = packet.routeDev;
    const { bytes } = this.#link;
    const { mac, mtu } = host.interfaces[dev];
    this.#leavingDev = dev;
    host.writeMac(dev, packet.nextHop, bytes, 0);
    bytes.set(mac, ETHERNET_SOURCE_AT);
    const outcome = packet.isLocal ? Outcome.SENT : Outcome.FORWARDED;
    switch (departure(packet, mtu)) {
      case Departure.WHOLE:
        this.#leaves(packet, outcome);
        this.#emit(dev, packet.bytes, packet.at, packet.available, packet.length);
        return;
      case Departure.CUT:
        this.#leaves(packet, outcome);
        this.#fragmenter.fragment(packet, mtu, this.#fragments.geometry, this.#emitFragment);
        return;
      default:
        this.#answers.sendIcmpError(packet, FRAGMENTATION_NEEDED, mtu);
        this.#drop(packet, 'fragmentation-needed');
    }
  }

  #leaves(packet: Packet, outcome: Outcome): void {
    this.#end(outcome);
    const dev = this.#host.interfaceNames[packet.routeDev];
    this.#tell?.({ kind: 'left', dev, packet: packetFields(packet) });
  }

  /** The packet at AT leaves by DEV, with the Ethernet header put before it. */
  #emit(dev: number, bytes: Uint8Array, at: number, available: number, length: number): void {
    const start = at - ETHERNET_LENGTH;
    for (let i = 0; i < ETHERNET_LENGTH; i++) bytes[start + i] = this.#link.bytes[i];
    this.#output.egress(dev, bytes, start, available + ETHERNET_LENGTH, length + ETHERNET_LENGTH);
  }

  #pass(hook: Hook, packet: Packet): boolean {
    const verdict = this.#hooks.run(hook, packet);
    if (verdict === Verdict.ACCEPT) return true;
    if (verdict === Verdict.DROP) return this.#dropFor(packet, packet.dropCause ?? because('hook-entry'));
    this.#end(Outcome.HELD);
    return false;
  }

  #drop(packet: Packet, reason: Reason): false {
    return this.#dropFor(packet, because(reason));
  }

  #dropFor(packet: Packet, cause: DropCause): false {
    this.#end(packet.isRejected ? Outcome.REJECTED : Outcome.DROPPED);
    if (this.#stack.depth === this.#countedDepth) this.dropCause = cause;
    const drop = this.#droppedPacket;
    drop.cause = cause;
    drop.isTranslated = packet.isTranslated;
    drop.untranslatedDestination = packet.untranslatedDestination;
    drop.untranslatedDport = packet.untranslatedDport;
    this.#tell?.({ kind: 'dropped', cause, ...dropFields(packet) });
    this.#output.dropped(drop, packet.bytes, packet.at, packet.available, packet.length);
    return false;
  }

  #end(outcome: Outcome): void {
    if (this.#stack.depth === this.#countedDepth) this.outcome = outcome;
  }

  /** Check and take in IP options; where they are faulty, the sender is told (ip_rcv_options). */
  #takeOptions(packet: Packet): boolean {
    const { options } = this.#stack;
    packet.hasTakenOptions = true;
    if (!takeOptions(packet, options, this.#answers)) {
      this.#answers.sendIcmpError(packet, PARAMETER_PROBLEM, parameterPointer(options.errorPointer));
      return this.#drop(packet, 'ip-option');
    }
    if (options.hasSourceRoute && !this.#host.sysctls.acceptSourceRoute(packet.inDev)) {
      return this.#drop(packet, 'source-route');
    }
    return true;
  }

  /** A packet whose fragments never all came: where it is for this host, its sender is told (ip_expire). */
  #giveUp(first: Packet): void {
    const route = this.#host.routeInput(this.#host.routeKey.fromPacket(first));
    if (route.action !== RouteAction.LOCAL) return;
    first.isForHost = true;
    first.isToMany = route.type === AddressType.BROADCAST || route.type === AddressType.MULTICAST;
    this.#answers.sendIcmpError(first, REASSEMBLY_TIME_EXCEEDED, 0);
  }

  #tick(tsSec: number, tsNsec: number): void {
    this.#clock.advance(tsSec, tsNsec);
    this.#expire();
  }

  #expire(): void {
    const { nowMs } = this.#clock;
    if (nowMs < this.#fragments.nextDeadlineMs) return;
    const fragments = this.#fragments.expire(nowMs, this.#onExpired);
    this.#tell?.({ kind: 'expired', fragments });
    this.#noteDeadline();
  }

  /** Let the fast path stand aside when fragments have waited long enough. */
  #noteDeadline(): void {
    this.memory.clock.deadlineMs = this.#fragments.nextDeadlineMs;
  }
}

function noInterface(dev: number): RangeError {
  return new RangeError(`a frame arrived on interface ${dev}: the host has no interface of this index`);
}

/** ip_decrease_ttl: the checksum follows, and never becomes ffff. */
function decrementTtl(view: DataView, at: number): void {
  view.setUint8(at + IPV4_TTL_AT, view.getUint8(at + IPV4_TTL_AT) - 1);
  const checksum = view.getUint16(at + IPV4_CHECKSUM_AT, true) + 1;
  view.setUint16(at + IPV4_CHECKSUM_AT, checksum >= 0xffff ? checksum + 1 : checksum, true);
}
