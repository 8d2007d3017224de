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
  IPV4_CHECKSUM_AT,
  IPV4_LENGTH,
  IPV4_SOURCE_AT,
  IPV4_TOTAL_LENGTH_AT,
  IPV4_TTL_AT,
} from '../codecs/layouts.js';
import type { Answers } from './answers/answers.js';
import {
  FRAGMENTATION_NEEDED,
  NET_UNREACHABLE,
  PARAMETER_PROBLEM,
  parameterPointer,
  REASSEMBLY_TIME_EXCEEDED,
  TTL_EXCEEDED,
} from './answers/icmp-error.js';
import { forwardOptions, processOptions } from './answers/ip-options.js';
import { unfinishChecksum } from './answers/tcp-reset.js';
import type { Clock } from './clock.js';
import type { Conntrack } from './conntrack/conntrack.js';
import type { ConntrackTable } from './conntrack/table.js';
import { decodeOwnPacket, decodePacket } from './decode.js';
import { because, type DropCause, DroppedPacket } from './drop.js';
import type { Emulator, EmulatorOptions, EmulatorOutput, UpcallReceiver } from './emulator.js';
import type { Emit } from './events.js';
import type { FlowCache } from './flow/flow-cache.js';
import type { PathTable } from './flow/path.js';
import { UPCALL } from './flow/records.js';
import { exceedsMtu, FragmentAction, fragmentAction } from './fragments/fragment.js';
import type { FragmentQueues } from './fragments/reassemble.js';
import { Hook, type Hooks, type TableName, Verdict } from './hooks.js';
import { AddressType } from './host/address-type.js';
import type { Host } from './host/host.js';
import { RouteAction } from './host/route-decision.js';
import { isMulticast } from './host/routing.js';
import { Egress } from './link/egress.js';
import type { Frame } from './link/frame.js';
import { LinkStage } from './link/link-stage.js';
import type { LinkSkip } from './link/locate-ip.js';
import type { Memory } from './memory.js';
import { Outcome } from './outcome.js';
import { emitRoute, takeRoute } from './own-route.js';
import { decrementTtl, type Packet, PacketType } from './packet.js';
import { answerFields, dropFields, packetFields } from './packet-fields.js';
import type { PacketStack } from './packet-stack.js';
import type { Random } from './random.js';
import type { Reason } from './reasons.js';
import type { TableCounters } from './rules/model.js';
import type { HookedTables } from './rules/run/hooked-tables.js';
import { FORWARDED, type Trace } from './rules/run/trace.js';
import { wireHost } from './wiring.js';

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
  readonly #flowCache: FlowCache | null;
  outcome: Outcome = Outcome.DROPPED;
  dropCause: DropCause | null = null;
  skipReason: LinkSkip | null = null;
  slowPathPackets = 0;

  readonly #host: Host;
  readonly #output: EmulatorOutput;
  readonly #conntrack: Conntrack;
  readonly #random: Random;
  readonly #fragments: FragmentQueues;

  readonly #clock: Clock;
  /** The packet that came in last, or that the host sent. */
  readonly #received = new LinkStage();
  readonly #stack: PacketStack;
  /** How deep in the stack the packet lies whose outcome is the outcome of what went in. */
  #countedDepth = 0;
  readonly #answers: Answers;
  readonly #tell: Emit;
  readonly #onExpired = (first: Packet): void => this.#giveUp(first);
  readonly #egress: Egress;
  readonly #droppedPacket = new DroppedPacket();

  constructor(options: EmulatorOptions, output: EmulatorOutput) {
    const parts = wireHost(options, output, (answer) => this.#sendAnswer(answer));
    this.memory = parts.memory;
    this.connections = parts.connections;
    this.#hooks = parts.hooks;
    this.#tables = parts.tables;
    this.#trace = parts.tables.trace;
    this.#paths = parts.paths;
    this.#flowCache = parts.flowCache;
    this.#host = options.host;
    this.#output = output;
    this.#conntrack = parts.conntrack;
    this.#random = parts.random;
    this.#fragments = parts.fragments;
    this.#clock = parts.clock;
    this.#stack = parts.stack;
    this.#answers = parts.answers;
    this.#tell = parts.emit;
    this.#egress = new Egress(options.host, parts.fragments.geometry, output);
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
    this.#forgetOutcome();
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
    this.#forgetOutcome();
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
  }

  /** What became of the frame before is not said of this one. */
  #forgetOutcome(): void {
    this.dropCause = null;
    this.skipReason = null;
  }

  #receiveSlow(dev: number, received: LinkStage, upcall: number): void {
    this.slowPathPackets++;
    this.#trace[0] = 0;
    this.#conntrack.confirmed = -1;
    const packet = this.#stack.first;
    const type = received.packetType;
    packet.nowMs = this.#clock.nowMs;
    const malformed = decodePacket(packet, received);
    if (malformed !== '') return void this.#drop(packet, malformed);
    packet.inDev = dev;
    packet.type = type;
    packet.sourceMac = received.sourceMac;
    this.#tell?.({ kind: 'decoded', packet: packetFields(packet) });
    if (type === PacketType.OTHERHOST) return void this.#drop(packet, 'other-host');
    this.#arrive(packet);
    if (this.#flowCache !== null && this.outcome === Outcome.FORWARDED && type === PacketType.HOST) {
      const { mtu } = this.#host.interfaces[packet.routeDev];
      this.#flowCache.learn(
        packet,
        this.#trace,
        mtu,
        this.#egress.link,
        this.#conntrack.confirmed === packet.ct,
        upcall,
      );
    }
    this.#conntrack.release(packet);
    this.#noteDeadline();
  }

  send(frame: Frame): void {
    const sent = this.#received;
    this.#forgetOutcome();
    this.#emitFrame(frame, undefined);
    if (!sent.take(frame)) return void this.#skip(sent.skip);
    this.#tick(frame.tsSec, frame.tsNsec);
    this.slowPathPackets++;
    this.#trace[0] = 0;
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
    if (isRouted ? packet.headerLength > IPV4_LENGTH && !this.#processOptions(packet) : !this.#routeInput(packet))
      return;
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
    if (packet.headerLength > IPV4_LENGTH && isRouted && !this.#processOptions(packet)) return false;
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
    const isOutermost = this.#stack.depth === this.#countedDepth;
    for (const { bytes, length } of this.#egress.piecesOf(packet)) {
      const piece = this.#stack.pushPiece(packet, bytes, length);
      if (isOutermost) this.#countedDepth++;
      this.#arrive(piece);
      if (isOutermost) this.#countedDepth--;
      this.#stack.pop();
    }
  }

  /** ip_finish_output: whole, cut, or not at all. */
  #transmit(packet: Packet): void {
    const { name, mtu } = this.#host.interfaces[packet.routeDev];
    const action = fragmentAction(packet, mtu);
    if (action === FragmentAction.TOO_BIG) {
      this.#answers.sendIcmpError(packet, FRAGMENTATION_NEEDED, mtu);
      this.#drop(packet, 'fragmentation-needed');
      return;
    }
    this.#end(packet.isLocal ? Outcome.SENT : Outcome.FORWARDED);
    this.#tell?.({ kind: 'left', dev: name, packet: packetFields(packet) });
    this.#egress.transmit(packet, action === FragmentAction.FRAGMENT);
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
    this.#droppedPacket.set(packet, cause);
    this.#tell?.({ kind: 'dropped', cause, ...dropFields(packet) });
    this.#output.dropped(this.#droppedPacket, packet.bytes, packet.at, packet.available, packet.length);
    return false;
  }

  #end(outcome: Outcome): void {
    if (this.#stack.depth === this.#countedDepth) this.outcome = outcome;
  }

  /** Check and take in IP options; where they are faulty, the sender is told (ip_rcv_options). */
  #processOptions(packet: Packet): boolean {
    const { options } = this.#stack;
    packet.hasTakenOptions = true;
    if (!processOptions(packet, options, this.#answers)) {
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
