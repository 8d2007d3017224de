/**
 * hot: the path of packets through a host, from the ingress to the egress interface.
 *
 *     receive ─► PREROUTING ─► route ─► forward ─► FORWARD ─► POSTROUTING ─► cut ─► egress
 *                                │                                ▲
 *                                ▼                                │
 *                              INPUT ─► local         send ─► route ─► OUTPUT
 *
 * Each step either passes the packet to the next one or ends with `#drop`. Answers from the host itself (REJECT, ICMP
 * errors) take the path of `send`, in a record of their own, before the packet that caused them continues.
 */
import type { LoadedAddress } from '../codecs/byte-order.js';
import { internetChecksum } from '../codecs/checksum.js';
import type { HostDescription } from '../codecs/host/description.js';
import {
  IPPROTO_ICMP,
  IPV4_CHECKSUM_AT,
  IPV4_LENGTH,
  IPV4_SOURCE_AT,
  IPV4_TOTAL_LENGTH_AT,
  IPV4_TTL_AT,
} from '../codecs/layouts.js';
import type { Answers } from './answers/answers.js';
import {
  FRAGMENTATION_NEEDED,
  HOST_UNREACHABLE,
  NET_UNREACHABLE,
  PARAMETER_PROBLEM,
  parameterPointer,
  REASSEMBLY_TIME_EXCEEDED,
  SOURCE_ROUTE_FAILED,
  TTL_EXCEEDED,
} from './answers/icmp-error.js';
import {
  followSourceRoute,
  forwardOptions,
  type IpOptions,
  processOptions,
  SourceRoute,
} from './answers/ip-options.js';
import type { Clock } from './clock.js';
import type { Conntrack } from './conntrack/conntrack.js';
import { type ConnectionSelector, deleteConnections } from './conntrack/delete.js';
import { forgetTcpWindows } from './conntrack/forget-windows.js';
import type { RestoredConnections } from './conntrack/restore.js';
import type { ConntrackTable } from './conntrack/table.js';
import { decodeOwnPacket, decodePacket, isFragment } from './decode.js';
import { because, type DropCause, DroppedPacket } from './drop.js';
import type { Emulator, EmulatorOptions, EmulatorOutput, UpcallReceiver } from './emulator.js';
import type { Observer } from './events.js';
import type { FlowCache } from './flow/flow-cache.js';
import type { PathTable } from './flow/path.js';
import { UPCALL } from './flow/records.js';
import { FragmentAction } from './fragments/fragment.js';
import { reassemble } from './fragments/hooks.js';
import { type FragmentQueues, FragmentUser } from './fragments/reassemble.js';
import { Hook, type Hooks, type TableName, Verdict } from './hooks.js';
import { AddressType } from './host/address-type.js';
import type { Host } from './host/host.js';
import { RouteAction } from './host/route-decision.js';
import { isMulticast } from './host/routing.js';
import { KERNEL_SOCKET, NO_SOCKET } from './host/socket-numbers.js';
import type { HostInForce } from './host-in-force.js';
import type { IdleTimers } from './idle-timers.js';
import { Egress } from './link/egress.js';
import { checkFrame, type Frame, noInterface } from './link/frame.js';
import { LinkStage } from './link/link-stage.js';
import type { LinkSkip } from './link/locate-ip.js';
import { Unresolved } from './link/unresolved.js';
import type { Memory } from './memory.js';
import type { Nat } from './nat/nat.js';
import { type ChecksumCounts, unfinishChecksum } from './offload/checksums.js';
import type { Coalescing } from './offload/segments.js';
import { Outcome } from './outcome.js';
import { egressAddress, emitRoute, setRoute } from './own-route.js';
import { decrementTtl, type Packet, PacketType } from './packet.js';
import { answerFields, dropFields, packetFields } from './packet-fields.js';
import type { PacketStack } from './packet-stack.js';
import type { Random } from './random.js';
import type { Reason } from './reasons.js';
import type { AccountingObject, AccountingObjects } from './rules/accounting.js';
import type { Ruleset, TableCounters } from './rules/model.js';
import type { RuleChange } from './rules/rule-change.js';
import type { Decision, HookedTables } from './rules/run/hooked-tables.js';
import type { UnboundQueueCounts } from './rules/run/host-context.js';
import { FORWARDED, isWhole, type Trace } from './rules/run/trace.js';
import type { RulesInForce } from './rules-in-force.js';
import type { SetStore } from './sets/store.js';
import type { CookieCounts } from './synproxy/cookies.js';
import type { SynproxyOnDemand } from './synproxy/on-demand.js';
import type { Tee } from './tee.js';
import type { Uncertainty } from './uncertainty.js';
import { type PacketObservation, wireHost } from './wiring.js';

/** The reasons for which a route makes the kernel drop packets silently (struct dst_entry with an error). */
const SILENT_DROP_REASONS: ReadonlySet<Reason | ''> = new Set(['forwarding-off', 'blackhole-route']);

/** An emulated host. See the top of this file. */
export class IpStack implements Emulator, UpcallReceiver {
  readonly memory: Memory;
  readonly connections: ConntrackTable;
  readonly restored: RestoredConnections;
  readonly #hooks: Hooks;
  readonly #tables: HookedTables;
  readonly #trace: Trace;
  readonly #paths: PathTable;
  readonly #flowCache: FlowCache | null;
  outcome: Outcome = Outcome.DROPPED;
  dropCause: DropCause | null = null;
  skipReason: LinkSkip | null = null;
  readonly checksums: ChecksumCounts;
  readonly #synproxy: SynproxyOnDemand;
  readonly #rules: RulesInForce;
  readonly uncertain: Uncertainty;
  readonly coalesced: Coalescing;
  readonly unboundQueues: UnboundQueueCounts;
  readonly #accounting: AccountingObjects;
  readonly #sets: SetStore;
  readonly #idleTimers: IdleTimers;
  slowPathPackets = 0;
  /** The path that the last packet took on the fast path; -1: it took the slow path. */
  lastPath = -1;

  readonly #host: Host;
  readonly #hostInForce: HostInForce;
  readonly #output: EmulatorOutput;
  readonly #conntrack: Conntrack;
  readonly #nat: Nat;
  readonly #random: Random;
  readonly #fragments: FragmentQueues;

  readonly #clock: Clock;
  /** The packet received last, or sent by the host. */
  readonly #received = new LinkStage();
  readonly #stack: PacketStack;
  readonly #answers: Answers;
  readonly #tee: Tee;
  readonly #onComeBack = (packet: Packet): void => this.#arrive(packet);
  readonly #observation: PacketObservation;
  readonly #egressAddress = (packet: Packet): LoadedAddress => egressAddress(this.#host, packet);
  readonly #unresolved = new Unresolved();
  readonly #onUnresolved = (packet: Packet): void => this.#answers.sendIcmpError(packet, HOST_UNREACHABLE, 0);
  readonly #onExpired = (first: Packet): void => this.#expireFragments(first);
  readonly #egress: Egress;
  readonly #droppedPacket = new DroppedPacket();

  constructor(options: EmulatorOptions, output: EmulatorOutput) {
    const parts = wireHost(
      options,
      output,
      (answer) => this.#sendAnswer(answer),
      (copy) => this.#sendCopy(copy),
    );
    this.memory = parts.memory;
    this.connections = parts.connections;
    this.restored = parts.restored;
    this.#accounting = parts.accounting;
    this.#sets = parts.sets;
    this.#idleTimers = parts.idleTimers;
    this.#hooks = parts.hooks;
    this.#tables = parts.tables;
    this.#trace = parts.tables.trace;
    this.#paths = parts.paths;
    this.#flowCache = parts.flowCache;
    this.#host = parts.host;
    this.#hostInForce = parts.hostInForce;
    this.#output = output;
    this.#conntrack = parts.conntrack;
    this.#random = parts.random;
    this.#fragments = parts.fragments;
    this.#clock = parts.clock;
    this.#stack = parts.stack;
    this.#answers = parts.answers;
    this.#observation = parts.observation;
    this.checksums = parts.checksums;
    this.uncertain = parts.uncertainty;
    this.coalesced = parts.coalescing;
    this.unboundQueues = parts.unboundQueues;
    this.#tee = parts.tee;
    this.#nat = parts.nat;
    this.#synproxy = parts.synproxy;
    this.#rules = parts.rules;
    this.#egress = new Egress(parts.host, parts.fragments.geometry, output);
    this.#updateDeadline();
  }

  replaceRules(change: RuleChange): void {
    this.#rules.replace(change);
  }

  changeHost(host: Host | HostDescription): void {
    this.#hostInForce.change(host);
    this.#unresolved.useInterfaces(this.#host.interfaces);
    this.#updateDeadline();
  }

  expectInterfaces(names: readonly string[]): void {
    this.#hostInForce.expect(names);
  }

  restartTracking(): void {
    forgetTcpWindows(this.connections);
  }

  deleteConnections(selector: ConnectionSelector): number {
    return deleteConnections(this.connections, selector, this.#clock.nowMs);
  }

  get host(): Host {
    return this.#host;
  }

  observe(observer: Observer | undefined): void {
    // What has happened unobserved is no news.
    if (!this.#isObserved) this.#idleTimers.takeExpired(this.#clock.nowMs);
    this.#observation.use(observer);
    if (observer === undefined) this.#tables.compile();
    this.#updateDeadline();
  }

  advanceTo(tsSec: number, tsNsec: number): void {
    this.#clock.advanceTo(tsSec, tsNsec);
    this.#passTime();
  }

  get ruleset(): Ruleset {
    return this.#rules.ruleset;
  }

  get cookies(): CookieCounts {
    return this.#synproxy.cookies;
  }

  get drawnPorts(): number {
    return this.#nat.drawnPorts;
  }

  get counters(): ReadonlyMap<TableName, TableCounters> {
    this.#paths.flush();
    this.#tables.settle();
    return this.#tables.counters;
  }

  /** The entry of the packet that took the slow path last, if it is in the connection table; else -1. */
  get lastConnection(): number {
    return this.#conntrack.last;
  }

  /**
   * What decided in the filter table about the packet that took the slow path last, or about those of PATH: what ended
   * its last hook there. Undefined: it met no filter table, or too many rules to say.
   */
  decision(path = -1): Decision | undefined {
    const trace = this.#trace;
    if (path < 0) return isWhole(trace) ? this.#tables.decisionIn(trace, 1, 1 + trace[0]) : undefined;
    const events = this.#paths.events(path);
    return this.#tables.decisionIn(events, 0, events.length);
  }

  get nowMs(): number {
    return this.#clock.nowMs;
  }

  get warnings(): readonly string[] {
    return [...this.#conntrack.earlyDrop.warnings, ...this.#host.redirectWarnings(), ...this.#tee.warnings];
  }

  get sets(): SetStore {
    return this.#sets;
  }

  get accounting(): readonly Readonly<AccountingObject>[] {
    return this.#accounting.all;
  }

  get pendingFragments(): number {
    return this.#fragments.pendingFragments;
  }

  receive(frame: Frame): void {
    const { dev } = frame;
    const device = this.#host.interfaces[dev];
    if (device === undefined) throw noInterface(dev);
    checkFrame(frame);
    const received = this.#received;
    this.#forgetOutcome();
    this.#emitFrame(frame, device.name);
    if (!device.isPresent || device.isDown) return void this.#skip('no-interface');
    if (!received.take(frame, this.#isBare(dev))) return void this.#skip(received.skip);
    this.#tick(frame.tsSec, frame.tsNsec);
    let upcall = UPCALL;
    const isPlain = received.packetType === PacketType.HOST && received.mark === 0;
    if (this.#flowCache !== null && isPlain && !this.#isObserved) {
      const { bytes, view, at } = received;
      const path = this.#flowCache.forward(received, dev);
      if (path >= 0) {
        this.lastPath = path;
        this.outcome = Outcome.FORWARDED;
        const outDev = this.#paths.outDev(path);
        const { linkLength } = this.#host.interfaces[outDev];
        const length = view.getUint16(at + IPV4_TOTAL_LENGTH_AT) + linkLength;
        this.#output.egress(outDev, bytes, at - linkLength, length, length);
        return;
      }
      upcall = path;
    }
    this.#receiveSlow(dev, received, upcall);
  }

  receiveUpcall(frame: Frame, upcall: number): void {
    const received = this.#received;
    this.#forgetOutcome();
    const { name, isPresent, isDown } = this.#host.interfaces[frame.dev];
    this.#emitFrame(frame, name);
    if (!isPresent || isDown) return void this.#skip('no-interface');
    if (!received.take(frame, this.#isBare(frame.dev))) return void this.#skip(received.skip);
    this.#passTime();
    this.#receiveSlow(frame.dev, received, upcall);
  }

  #isBare(dev: number): boolean {
    return this.#host.interfaces[dev].linkLength === 0;
  }

  #emitFrame({ tsSec, tsNsec }: Frame, dev: string | undefined): void {
    this.#observation.emit?.({ kind: 'frame', dev, tsSec, tsNsec });
  }

  #skip(reason: LinkSkip): void {
    this.outcome = Outcome.SKIPPED;
    this.#observation.emit?.({ kind: 'skipped', reason });
    this.skipReason = reason;
  }

  /** Clears the reasons of the previous frame. */
  #forgetOutcome(): void {
    this.dropCause = null;
    this.skipReason = null;
    this.lastPath = -1;
  }

  #receiveSlow(dev: number, received: LinkStage, upcall: number): void {
    this.slowPathPackets++;
    this.#trace[0] = 0;
    this.#conntrack.confirmed = -1;
    this.#conntrack.last = -1;
    const packet = this.#stack.first;
    const type = received.packetType;
    packet.nowMs = this.#clock.nowMs;
    const malformed = decodePacket(packet, received, this.coalesced.isOn);
    if (malformed !== '') return void this.#drop(packet, malformed);
    packet.inDev = dev;
    packet.type = type;
    packet.mark = received.mark;
    received.copyMacs(packet);
    this.#observation.emit?.({ kind: 'decoded', packet: packetFields(packet) });
    if (type === PacketType.OTHERHOST) return void this.#drop(packet, 'other-host');
    this.#arrive(packet);
    const isPlain = type === PacketType.HOST && received.mark === 0;
    const isLearnable = this.outcome === Outcome.FORWARDED && isPlain && !this.uncertain.isCurrent;
    // The trace of the interpreter says less than that of generated code.
    if (this.#flowCache !== null && isLearnable && !this.#isObserved) {
      // Longer packets are coalesced, or have to be cut.
      const mtu = Math.min(this.#host.interfaces[dev].mtu, packet.routeMtu);
      const isOpening = this.#conntrack.confirmed === packet.ct;
      this.#flowCache.learn(packet, this.#trace, mtu, this.#egress.link, isOpening, upcall);
    }
    this.#conntrack.release(packet);
    this.#updateDeadline();
  }

  send(frame: Frame, isSourced = false): void {
    checkFrame(frame);
    const sent = this.#received;
    this.#forgetOutcome();
    this.#emitFrame(frame, undefined);
    if (!sent.take(frame, false)) return void this.#skip(sent.skip);
    this.#tick(frame.tsSec, frame.tsNsec);
    this.slowPathPackets++;
    this.#trace[0] = 0;
    this.#conntrack.last = -1;
    const packet = this.#stack.first;
    packet.nowMs = this.#clock.nowMs;
    const malformed = decodeOwnPacket(packet, sent, this.#random);
    if (malformed !== '') return void this.#drop(packet, malformed);
    const { view, at } = packet;
    this.#host.facts.setSender(packet);
    if (sent.mark !== 0) packet.mark = sent.mark;
    const route = this.#host.routeOwn(packet, isSourced);
    if (route.reason !== '') return void this.#drop(packet, route.reason);
    const isLong = packet.length > this.#host.interfaces[route.outDev].mtu && !this.coalesced.mayBeCoalesced(packet);
    if (isLong) return void this.#drop(packet, 'longer-than-mtu');
    if (packet.source === 0) view.setInt32(at + IPV4_SOURCE_AT, route.source, true);
    view.setUint16(at + IPV4_CHECKSUM_AT, 0);
    view.setUint16(at + IPV4_CHECKSUM_AT, internetChecksum(view, at, packet.headerLength));
    packet.reload();
    setRoute(packet, route, this.#host.loopback);
    this.#observation.emit?.({ kind: 'decoded', packet: packetFields(packet) });
    emitRoute(packet, this.#host, this.#observation.emit, false);
    this.#sendOut(packet);
    this.#conntrack.release(packet);
    this.#updateDeadline();
  }

  /** Handles a packet that arrived on `inDev`. A packet that the host sent to itself already has a route. */
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
    host.facts.setReceiver(packet);
    const route = host.routeInput(host.routeKey.fromPacket(packet));
    packet.isForHost = route.action === RouteAction.LOCAL;
    packet.isToMany = route.type === AddressType.BROADCAST || route.type === AddressType.MULTICAST;
    packet.routeDev = route.outDev;
    packet.nextHop = route.nextHop;
    packet.nextHopMac = route.nextHopMac;
    packet.routeMtu = route.mtu;
    packet.realms = route.realms;
    const { action, reason, icmpCode } = route;
    const isRoutable = action === RouteAction.LOCAL || action === RouteAction.FORWARD;
    // A packet whose sender is only notified of the missing route has its options processed first. A packet dropped
    // before the route lookup does not.
    const isRouted = isRoutable || action === RouteAction.UNREACHABLE || SILENT_DROP_REASONS.has(reason);
    if (packet.headerLength > IPV4_LENGTH && isRouted && !this.#processOptions(packet)) return false;
    if (reason === '') {
      emitRoute(packet, host, this.#observation.emit, false);
      return true;
    }
    this.#observation.emit?.({ kind: 'routed', to: 'nowhere', reason, isAgain: false });
    if (action === RouteAction.UNREACHABLE)
      this.#answers.sendNoRoute(packet, { type: NET_UNREACHABLE.type, code: icmpCode });
    return this.#drop(packet, reason);
  }

  /** ip_local_deliver. */
  #deliver(packet: Packet): void {
    if (isFragment(packet) && !this.#reassemble(packet)) return;
    if (!this.#pass(Hook.INPUT, packet)) return;
    this.#end(Outcome.DELIVERED);
    this.#observation.emit?.({ kind: 'left', dev: undefined, packet: packetFields(packet) });
    unfinishChecksum(packet);
    this.#output.local(packet.bytes, packet.at, packet.available, packet.length);
  }

  /** ip_forward. */
  #forward(packet: Packet): void {
    const { view, at } = packet;
    if (packet.type !== PacketType.HOST) {
      this.#drop(packet, 'link-layer-broadcast');
      return;
    }
    if (packet.socket !== NO_SOCKET) return void this.#drop(packet, 'socket-not-local');
    if (view.getUint8(at + IPV4_TTL_AT) <= 1) {
      this.#answers.sendIcmpError(packet, TTL_EXCEEDED, 0);
      this.#drop(packet, 'ttl-exceeded');
      return;
    }
    if (packet.headerLength > IPV4_LENGTH && this.#stack.options.isStrictViaGateway) {
      this.#answers.sendIcmpError(packet, SOURCE_ROUTE_FAILED, 0);
      this.#drop(packet, 'source-route');
      return;
    }
    const mtu = packet.routeMtu;
    if (this.coalesced.exceedsMtu(packet, mtu)) {
      this.#answers.sendIcmpError(packet, FRAGMENTATION_NEEDED, mtu);
      this.#drop(packet, 'fragmentation-needed');
      return;
    }
    if (packet.routeDev === packet.inDev) this.#host.noteReturn(packet.inDev);
    decrementTtl(view, at);
    this.#trace[++this.#trace[0]] = FORWARDED;
    packet.outDev = packet.routeDev;
    if (!this.#pass(Hook.FORWARD, packet)) return;
    if (packet.headerLength > IPV4_LENGTH) {
      forwardOptions(packet, this.#stack.options, this.#egressAddress);
    }
    this.#leave(packet);
  }

  /** Sends the host's own routed packet through OUTPUT, where it may be rerouted (ip_local_out). */
  #sendOut(packet: Packet): void {
    packet.isLocal = true;
    packet.inDev = -1;
    packet.outDev = packet.routeDev;
    if (this.#pass(Hook.OUTPUT, packet)) this.#leave(packet);
  }

  /** ANSWER traverses the rules too. Afterwards, the trace continues with the packet it answers. */
  #sendAnswer(answer: Packet): void {
    this.#observation.emit?.({ kind: 'answered', ...answerFields(answer) });
    const events = this.#trace[0];
    if (answer.protocol === IPPROTO_ICMP) answer.socket = KERNEL_SOCKET;
    this.#sendOut(answer);
    this.#trace[0] = events;
  }

  /** A COPY that TEE made traverses the rules too, like an answer. */
  #sendCopy(copy: Packet): void {
    this.#observation.emit?.({ kind: 'copied', by: 'tee', packet: packetFields(copy) });
    const events = this.#trace[0];
    this.#sendOut(copy);
    this.#trace[0] = events;
  }

  /** ip_output: POSTROUTING for forwarded packets and the host's own, then transmission, or back in over lo. */
  #leave(packet: Packet): void {
    if (packet.loopsBack) this.#leaveAndLoopBack(packet);
    else if (!this.#passPostrouting(packet)) return;
    else if (packet.routeDev === this.#host.loopback) this.#comeBack(packet);
    else this.#transmit(packet);
  }

  #passPostrouting(packet: Packet): boolean {
    packet.outDev = packet.routeDev;
    // The kernel has not forgotten the interface of a copy that TEE made (skb->dev).
    if (packet.teeDev >= 0) packet.inDev = packet.teeDev;
    return this.#pass(Hook.POSTROUTING, packet);
  }

  /**
   * The host's own broadcast: a copy passes POSTROUTING and comes back in before the packet itself leaves
   * (ip_mc_output).
   */
  #leaveAndLoopBack(packet: Packet): void {
    packet.loopsBack = false;
    const copy = this.#stack.pushCopy(packet);
    // A clone belongs to no socket.
    copy.socket = NO_SOCKET;
    this.#observation.emit?.({ kind: 'copied', by: 'broadcast', packet: packetFields(copy) });
    if (this.#passPostrouting(copy)) {
      // The kernel uses PACKET_LOOPBACK, for which -m pkttype checks the address.
      copy.type = isMulticast(copy.destination) ? PacketType.MULTICAST : PacketType.BROADCAST;
      this.#comeBack(copy);
    }
    this.#stack.pop();
    if (this.#passPostrouting(packet)) this.#transmit(packet);
  }

  #comeBack(packet: Packet): void {
    packet.inDev = packet.routeDev;
    packet.socket = NO_SOCKET;
    packet.isForHost = true;
    if (packet.fragmentMaxSize > 0) this.#loopBackFragments(packet);
    else this.#tee.comeBack(packet, this.#onComeBack);
  }

  /** Reassembled packets are fragmented again, even over lo, where they come back in as fragments. */
  #loopBackFragments(packet: Packet): void {
    const { isOutermost } = this.#stack;
    for (const { bytes, length } of this.#egress.piecesOf(packet)) {
      const piece = this.#stack.pushPiece(packet, bytes, length);
      if (isOutermost) this.#stack.outermost++;
      this.#tee.comeBack(piece, this.#onComeBack);
      if (isOutermost) this.#stack.outermost--;
      this.#stack.pop();
    }
  }

  /** ip_finish_output: whole, fragmented, or not at all. */
  #transmit(packet: Packet): void {
    const { name, isLinkDown } = this.#host.interfaces[packet.routeDev];
    const mtu = packet.routeMtu;
    const action = this.coalesced.actionFor(packet, mtu);
    if (action === FragmentAction.TOO_BIG) {
      this.#answers.sendIcmpError(packet, FRAGMENTATION_NEEDED, mtu);
      this.#drop(packet, 'fragmentation-needed');
      return;
    }
    if (isLinkDown) return void this.#failToLeave(packet);
    this.#end(packet.isLocal ? Outcome.SENT : Outcome.FORWARDED);
    this.#observation.emit?.({ kind: 'left', dev: name, packet: packetFields(packet) });
    this.#egress.transmit(packet, action === FragmentAction.FRAGMENT);
  }

  /** Nobody answers for the next hop of PACKET, whose interface has no carrier. */
  #failToLeave(packet: Packet): void {
    const { linkLength, isArpless } = this.#host.interfaces[packet.routeDev];
    const isAskedFor = linkLength > 0 && !isArpless && !packet.isToMany && packet.nextHopMac === undefined;
    if (isAskedFor) this.#unresolved.hold(packet);
    this.#drop(packet, 'no-carrier');
    this.#updateDeadline();
  }

  /** Untracked packets are still in fragments when they are delivered. */
  #reassemble(packet: Packet): boolean {
    return this.#goesOn(
      packet,
      reassemble(this.#fragments, packet, FragmentUser.LOCAL_DELIVER, this.#observation.emit),
    );
  }

  #pass(hook: Hook, packet: Packet): boolean {
    return this.#goesOn(packet, this.#hooks.run(hook, packet));
  }

  /** Whether PACKET goes on after VERDICT. */
  #goesOn(packet: Packet, verdict: Verdict): boolean {
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
    if (this.#stack.isOutermost) this.dropCause = cause;
    this.#droppedPacket.set(packet, cause);
    this.#observation.emit?.({ kind: 'dropped', cause, ...dropFields(packet) });
    unfinishChecksum(packet);
    this.#output.dropped(this.#droppedPacket, packet.bytes, packet.at, packet.available, packet.length);
    return false;
  }

  #end(outcome: Outcome): void {
    if (this.#stack.isOutermost) this.outcome = outcome;
  }

  /** Checks and processes IP options. Notifies the sender if they are invalid (ip_rcv_options). */
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
    return !options.hasSourceRoute || this.#followSourceRoute(packet, options);
  }

  #followSourceRoute(packet: Packet, options: IpOptions): boolean {
    const host = this.#host;
    const way = followSourceRoute(packet, options, (hop) => {
      const key = host.routeKey.fromPacket(packet);
      key.destination = hop;
      const route = host.routeInput(key);
      const isRoutable = route.action === RouteAction.LOCAL || route.action === RouteAction.FORWARD;
      if (!isRoutable || (route.type !== AddressType.UNICAST && route.type !== AddressType.LOCAL)) return undefined;
      packet.isForHost = route.action === RouteAction.LOCAL;
      packet.routeDev = route.outDev;
      packet.nextHop = route.nextHop;
      packet.nextHopMac = route.nextHopMac;
      packet.routeMtu = route.mtu;
      packet.realms = route.realms;
      return route;
    });
    if (way === SourceRoute.FOLLOW) return true;
    if (way === SourceRoute.FAULT)
      this.#answers.sendIcmpError(packet, PARAMETER_PROBLEM, parameterPointer(options.errorPointer));
    return this.#drop(packet, 'source-route');
  }

  /** Expires an incomplete packet. If it is addressed to this host, its sender is notified (ip_expire). */
  #expireFragments(first: Packet): void {
    const route = this.#host.routeInput(this.#host.routeKey.fromPacket(first));
    if (route.action !== RouteAction.LOCAL) return;
    first.isForHost = true;
    first.isToMany = route.type === AddressType.BROADCAST || route.type === AddressType.MULTICAST;
    this.#answers.sendIcmpError(first, REASSEMBLY_TIME_EXCEEDED, 0);
  }

  #tick(tsSec: number, tsNsec: number): void {
    this.#clock.advance(tsSec, tsNsec);
    this.#passTime();
  }

  #passTime(): void {
    this.#expire();
    const { emit } = this.#observation;
    if (emit === undefined) return;
    for (const label of this.#idleTimers.takeExpired(this.#clock.nowMs)) emit({ kind: 'idle', label });
  }

  #expire(): void {
    const { nowMs } = this.#clock;
    if (nowMs >= this.#unresolved.nextDeadlineMs) {
      this.#unresolved.expire(nowMs, this.#onUnresolved);
      this.#updateDeadline();
    }
    if (nowMs < this.#fragments.nextDeadlineMs) return;
    const fragments = this.#fragments.expire(nowMs, this.#onExpired);
    this.#observation.emit?.({ kind: 'expired', fragments });
    this.#updateDeadline();
  }

  /** Makes the fast path decline packets once fragments are due to expire, and all while they are observed. */
  #updateDeadline(): void {
    const deadlineMs = Math.min(this.#fragments.nextDeadlineMs, this.#unresolved.nextDeadlineMs);
    this.memory.clock.deadlineMs = this.#isObserved ? Number.NEGATIVE_INFINITY : deadlineMs;
  }

  get #isObserved(): boolean {
    return this.#observation.emit !== undefined;
  }
}
