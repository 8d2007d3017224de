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
import { swap32 } from '../codecs/address.js';
import { internetChecksum } from '../codecs/checksum.js';
import {
  ETHERNET_LENGTH,
  ETHERNET_SOURCE_AT,
  ETHERNET_TYPE_AT,
  IPV4_CHECKSUM_AT,
  IPV4_LENGTH,
  IPV4_SOURCE_AT,
  IPV4_TOS_AT,
  IPV4_TTL_AT,
} from '../codecs/layouts.js';
import {
  buildIcmpError,
  FRAGMENTATION_NEEDED,
  type IcmpError,
  mayAnswer,
  NET_UNREACHABLE,
  PARAMETER_PROBLEM,
  parameterPointer,
  REASSEMBLY_TIME_EXCEEDED,
  REJECT_ERRORS,
  TTL_EXCEEDED,
} from './answers/icmp-error.js';
import { forwardOptions, IpOptions, type OptionsHost, takeOptions } from './answers/ip-options.js';
import { rejectChecksumOk } from './answers/reject-checksum.js';
import { buildTcpReset } from './answers/tcp-reset.js';
import { Conntrack } from './conntrack/conntrack.js';
import { ConntrackTable } from './conntrack/table.js';
import { createTrackers, type Trackers } from './conntrack/trackers.js';
import { decodeOwnPacket, decodePacket, isFragment, place } from './decode.js';
import { Departure, departure, exceedsMtu, Fragmenter, type FragmentSink } from './fragments/fragment.js';
import { FragmentQueues, FragmentUser, Reassembly } from './fragments/reassemble.js';
import { HOOK_NAMES, Hook, type TableName, Verdict } from './hooks.js';
import { Destiny, type OutputRoute } from './host/decision.js';
import type { Host } from './host/host.js';
import { Nat, type NatChains } from './nat/nat.js';
import { CtInfo, ORIGINAL, Packet, PacketType, REPLY } from './packet.js';
import { Random } from './random.js';
import { AddressType, Manip, type NatRange, type RejectKind, type RuleContext } from './rules/context.js';
import { buildTable, type Engine, type TableProgram } from './rules/engine.js';
import { createCounters, type Ruleset, type TableCounters } from './rules/model.js';

/** What became of a packet that went in. */
export const Outcome = { FORWARDED: 0, LOCAL: 1, DROPPED: 2, REJECTED: 3, WAITING: 4 } as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];

/** Where the packets that come out go. The bytes serve for the call only; AT is where the IP header starts. */
export interface EmulatorOutput {
  /** A frame leaves by interface DEV: LINK (14 bytes of Ethernet header), then AVAILABLE of LENGTH bytes of packet. */
  egress(dev: number, link: Uint8Array, bytes: Uint8Array, at: number, available: number, length: number): void;
  /** A packet reached the host itself, as it is after INPUT. */
  local(bytes: Uint8Array, at: number, available: number, length: number): void;
  /** A packet was dropped, as it was then. */
  dropped(reason: string, bytes: Uint8Array, at: number, available: number, length: number): void;
}

export interface EmulatorOptions {
  readonly ruleset: Ruleset;
  readonly host: Host;
  /** Where randomness starts: the same seed gives the same run. Default 0. */
  readonly seed?: number;
  /** How rules are run. Default 'compiled'. */
  readonly engine?: Engine;
}

/** An emulated host between the packets that go in and those that come out. Several may be at work at once. */
export interface Emulator {
  /** Connections, in flat memory. */
  readonly connections: ConntrackTable;
  /** What each table of the ruleset has counted. */
  readonly counters: ReadonlyMap<TableName, TableCounters>;
  /** What became of the last packet that went in, and why where it was dropped. */
  readonly outcome: Outcome;
  readonly reason: string;
  /** Milliseconds since the first packet. */
  readonly nowMs: number;
  /** Fragments that still wait for the rest of their packet. */
  readonly pendingFragments: number;
  /**
   * A frame arrives on interface DEV, holding at AT an IPv4 packet of which CAPTURED bytes are there and ON_WIRE were sent
   * (Ethernet padding may follow it). The packet is rewritten in place.
   */
  receive(
    dev: number,
    type: PacketType,
    tsSec: number,
    tsNsec: number,
    bytes: Uint8Array,
    view: DataView,
    at: number,
    captured: number,
    onWire: number,
  ): void;
  /** The host itself sends the IPv4 packet at AT, as through a raw socket (IP_HDRINCL). */
  send(
    tsSec: number,
    tsNsec: number,
    bytes: Uint8Array,
    view: DataView,
    at: number,
    captured: number,
    onWire: number,
  ): void;
}

/** Compile RULESET for HOST; what comes out goes to OUTPUT. */
export function createEmulator(options: EmulatorOptions, output: EmulatorOutput): Emulator {
  return new HostEmulator(options, output);
}

/** How deep answers can nest: an answer may itself be rejected on its way out, and what is rejected over lo answered. */
const MAX_DEPTH = 8;
/** Room for an Ethernet header and whatever else may stand before a packet of the host's own making. */
const HEADROOM = 64;
const ETHERTYPE_IPV4 = 0x0800;
const LOCALHOST = 0x0100007f;

/** A table's rules, and what is said of a packet that they drop at a hook. */
interface HookedTable {
  readonly program: TableProgram;
  readonly reasons: readonly string[];
}

class HostEmulator implements Emulator {
  readonly connections = new ConntrackTable();
  readonly counters = new Map<TableName, TableCounters>();
  outcome: Outcome = Outcome.DROPPED;
  reason = '';
  nowMs = 0;

  readonly #host: Host;
  readonly #output: EmulatorOutput;
  readonly #conntrack: Conntrack;
  readonly #trackers: Trackers;
  readonly #nat: Nat;
  readonly #random: Random;
  readonly #fragments: FragmentQueues;
  readonly #fragmenter = new Fragmenter();
  readonly #raw: HookedTable | undefined;
  readonly #mangle: HookedTable | undefined;
  readonly #natTable: HookedTable | undefined;
  readonly #filter: HookedTable | undefined;
  readonly #security: HookedTable | undefined;
  readonly #runNatChain: NatChains;

  /** One record a level of nesting: the packet that came in, the answer to it, the answer to that … */
  readonly #packets = Array.from({ length: MAX_DEPTH }, () => new Packet());
  readonly #buffers: Uint8Array[] = [];
  readonly #options = Array.from({ length: MAX_DEPTH }, () => new IpOptions());
  readonly #optionsHost: OptionsHost;
  readonly #onExpired = (first: Packet): void => this.#giveUp(first);
  #depth = 0;
  readonly #link = new Uint8Array(ETHERNET_LENGTH);
  #startSec = -1;
  #startNsec = 0;
  #tsSec = 0;
  #tsNsec = 0;
  readonly #emitFragment: FragmentSink;
  #leavingDev = -1;

  constructor(options: EmulatorOptions, output: EmulatorOutput) {
    const { ruleset, host } = options;
    this.#host = host;
    this.#output = output;
    this.#random = new Random(options.seed ?? 0);
    this.#trackers = createTrackers(this.connections, host.sysctls);
    const checksums = host.sysctls.global('net.netfilter.nf_conntrack_checksum') !== 0;
    this.#conntrack = new Conntrack(this.connections, this.#trackers.byProtocol, checksums);
    this.#nat = new Nat(this.connections, this.#random);
    this.#fragments = new FragmentQueues({
      timeoutMs: host.sysctls.global('net.ipv4.ipfrag_time') * 1000,
      highThreshBytes: host.sysctls.global('net.ipv4.ipfrag_high_thresh'),
      maxDist: host.sysctls.global('net.ipv4.ipfrag_max_dist'),
    });
    this.#optionsHost = {
      ownAddressFor: ({ source, destination, isForHost, isToMany, inDev }) =>
        isForHost && !isToMany ? destination : host.routeIcmpError(source, destination, false, inDev).source,
      isRemote: (address) => host.addressType(address, -1) === AddressType.UNICAST,
      millisecondsOfDay: () => this.#dayMs(),
    };
    const context = this.#ruleContext();
    const tableOf = (name: TableName): HookedTable | undefined => {
      const table = ruleset.tables.find((one) => one.name === name);
      if (table === undefined) return undefined;
      const counters = createCounters(table);
      this.counters.set(name, counters);
      const program = buildTable(table, context, counters, options.engine ?? 'compiled');
      return { program, reasons: HOOK_NAMES.map((hook) => `${name} ${hook}`) };
    };
    this.#raw = tableOf('raw');
    this.#mangle = tableOf('mangle');
    this.#natTable = tableOf('nat');
    this.#filter = tableOf('filter');
    this.#security = tableOf('security');
    const natProgram = this.#natTable?.program;
    this.#runNatChain = (packet) => (natProgram === undefined ? Verdict.ACCEPT : natProgram.run(packet, packet.hook));
    this.#emitFragment = (bytes, at, length, available) =>
      output.egress(this.#leavingDev, this.#link, bytes, at, available, length);
    this.#link[ETHERNET_TYPE_AT] = ETHERTYPE_IPV4 >> 8;
  }

  get pendingFragments(): number {
    return this.#fragments.pendingFragments;
  }

  receive(
    dev: number,
    type: PacketType,
    tsSec: number,
    tsNsec: number,
    bytes: Uint8Array,
    view: DataView,
    at: number,
    captured: number,
    onWire: number,
  ): void {
    this.#tick(tsSec, tsNsec);
    const packet = this.#packets[0];
    packet.nowMs = this.nowMs;
    const malformed = decodePacket(packet, bytes, view, at, captured, onWire);
    if (malformed !== '') return void this.#drop(packet, malformed);
    packet.inDev = dev;
    packet.type = type;
    if (type === PacketType.OTHERHOST) return void this.#drop(packet, 'for another host');
    this.#arrive(packet);
    this.#conntrack.release(packet);
  }

  send(
    tsSec: number,
    tsNsec: number,
    bytes: Uint8Array,
    view: DataView,
    at: number,
    captured: number,
    onWire: number,
  ): void {
    this.#tick(tsSec, tsNsec);
    const packet = this.#packets[0];
    packet.nowMs = this.nowMs;
    const malformed = decodeOwnPacket(packet, bytes, view, at, captured, onWire, this.#random);
    if (malformed !== '') return void this.#drop(packet, malformed);
    const route = this.#host.routeOutput(packet.destination, 0);
    if (route.reason !== '') return void this.#drop(packet, route.reason);
    if (packet.length > this.#host.interfaces[route.outDev].mtu) return void this.#drop(packet, 'longer than the MTU');
    if (packet.source === 0) view.setInt32(at + IPV4_SOURCE_AT, route.source, true);
    view.setUint16(at + IPV4_CHECKSUM_AT, 0);
    view.setUint16(at + IPV4_CHECKSUM_AT, internetChecksum(view, at, packet.headerLength));
    packet.reload();
    takeRoute(packet, route, this.#host.loopback);
    this.#sendOut(packet);
    this.#conntrack.release(packet);
  }

  /** A packet comes in by `inDev`. What the host sent to itself has its route already. */
  #arrive(packet: Packet): void {
    packet.hook = Hook.PREROUTING;
    packet.outDev = -1;
    if (isFragment(packet) && !this.#reassemble(packet, FragmentUser.CONNTRACK_IN)) return;
    if (!this.#pass(packet, this.#raw)) return;
    this.#conntrack.track(packet);
    if (!this.#pass(packet, this.#mangle)) return;
    const { destination } = packet;
    if (!this.#translate(packet)) return;
    const isRouted = packet.routeDev >= 0 && packet.destination === destination;
    if (!isRouted && !this.#routeInput(packet)) return;
    if (packet.headerLength > IPV4_LENGTH && !isRouted && !this.#takeOptions(packet)) return;
    if (packet.isForHost) this.#deliver(packet);
    else this.#forward(packet);
  }

  #routeInput(packet: Packet): boolean {
    const host = this.#host;
    const route = host.routeInput(packet.source, packet.destination, packet.inDev, packet.type);
    packet.isForHost = route.destiny === Destiny.LOCAL;
    packet.isToMany = isToMany(route.type);
    packet.routeDev = route.outDev;
    packet.nextHop = route.nextHop;
    switch (route.destiny) {
      case Destiny.LOCAL:
      case Destiny.FORWARD:
        return true;
      case Destiny.UNREACHABLE: {
        const { reason, icmpCode } = route;
        this.#answer(packet, { type: NET_UNREACHABLE.type, code: icmpCode }, 0);
        return this.#drop(packet, reason);
      }
      default:
        return this.#drop(packet, route.reason);
    }
  }

  /** ip_local_deliver. */
  #deliver(packet: Packet): void {
    packet.hook = Hook.INPUT;
    if (!this.#pass(packet, this.#mangle)) return;
    if (!this.#pass(packet, this.#filter)) return;
    if (!this.#pass(packet, this.#security)) return;
    if (!this.#translate(packet) || !this.#confirm(packet)) return;
    this.#end(packet, Outcome.LOCAL);
    this.#output.local(packet.bytes, packet.at, packet.available, packet.length);
  }

  /** ip_forward. */
  #forward(packet: Packet): void {
    const { view, at } = packet;
    if (packet.type !== PacketType.HOST) {
      this.#drop(packet, 'link-layer broadcast');
      return;
    }
    if (view.getUint8(at + IPV4_TTL_AT) <= 1) {
      this.#answer(packet, TTL_EXCEEDED, 0);
      this.#drop(packet, 'TTL exceeded');
      return;
    }
    const { mtu } = this.#host.interfaces[packet.routeDev];
    if (packet.length > mtu && exceedsMtu(packet, mtu)) {
      this.#answer(packet, FRAGMENTATION_NEEDED, mtu);
      this.#drop(packet, 'fragmentation needed');
      return;
    }
    decrementTtl(view, at);
    packet.hook = Hook.FORWARD;
    packet.outDev = packet.routeDev;
    if (!this.#pass(packet, this.#mangle)) return;
    if (!this.#pass(packet, this.#filter)) return;
    if (!this.#pass(packet, this.#security)) return;
    if (packet.headerLength > IPV4_LENGTH) this.#completeOptions(packet);
    this.#leave(packet);
  }

  /** A packet of the host's own, with its route: OUTPUT, where it may be routed anew (ip_local_out). */
  #sendOut(packet: Packet): void {
    packet.hook = Hook.OUTPUT;
    packet.isLocal = true;
    packet.inDev = -1;
    packet.outDev = packet.routeDev;
    if (isFragment(packet) && !this.#reassemble(packet, FragmentUser.CONNTRACK_OUT)) return;
    if (!this.#pass(packet, this.#raw)) return;
    this.#conntrack.track(packet);
    const { mark, source, destination } = packet;
    const tos = packet.view.getUint8(packet.at + IPV4_TOS_AT);
    if (!this.#pass(packet, this.#mangle)) return;
    const isChanged =
      packet.mark !== mark ||
      packet.source !== source ||
      packet.destination !== destination ||
      packet.view.getUint8(packet.at + IPV4_TOS_AT) !== tos;
    if (isChanged && !this.#reroute(packet)) return;
    if (!this.#translate(packet)) return;
    if (packet.destination !== destination && !this.#reroute(packet)) return;
    if (!this.#pass(packet, this.#filter)) return;
    if (!this.#pass(packet, this.#security)) return;
    this.#leave(packet);
  }

  /** ip_route_me_harder: the source stays, and `outDev` too as far as OUTPUT is concerned. */
  #reroute(packet: Packet): boolean {
    const host = this.#host;
    const route = host.rerouteOutput(packet.destination, packet.source);
    if (route.reason !== '') return this.#drop(packet, route.reason);
    takeRoute(packet, route, host.loopback);
    return true;
  }

  /** ip_output: POSTROUTING, for what is forwarded and what is the host's own; then out, or back in by lo. */
  #leave(packet: Packet): void {
    if (packet.loopsBack) return this.#leaveAndComeBack(packet);
    if (!this.#passPostrouting(packet)) return;
    if (packet.routeDev === this.#host.loopback) this.#comeBack(packet);
    else this.#transmit(packet);
  }

  #passPostrouting(packet: Packet): boolean {
    packet.hook = Hook.POSTROUTING;
    packet.outDev = packet.routeDev;
    return this.#pass(packet, this.#mangle) && this.#translate(packet) && this.#confirm(packet);
  }

  /** The host's own broadcast: a copy passes POSTROUTING first, and comes in once the packet itself has left (ip_mc_output). */
  #leaveAndComeBack(packet: Packet): void {
    packet.loopsBack = false;
    const copy = this.#nested();
    copyPacket(packet, copy);
    const copyPasses = this.#passPostrouting(copy);
    if (this.#passPostrouting(packet)) this.#transmit(packet);
    if (copyPasses) this.#comeBack(copy);
    this.#depth--;
  }

  #comeBack(packet: Packet): void {
    packet.inDev = packet.routeDev;
    packet.isForHost = true;
    this.#arrive(packet);
  }

  /** ip_finish_output: whole, cut, or not at all. */
  #transmit(packet: Packet): void {
    const host = this.#host;
    const dev = packet.routeDev;
    const link = this.#link;
    const { mac, mtu } = host.interfaces[dev];
    this.#leavingDev = dev;
    host.writeMac(dev, packet.nextHop, link, 0);
    link.set(mac, ETHERNET_SOURCE_AT);
    switch (departure(packet, mtu)) {
      case Departure.WHOLE:
        this.#end(packet, Outcome.FORWARDED);
        this.#output.egress(dev, link, packet.bytes, packet.at, packet.available, packet.length);
        return;
      case Departure.CUT:
        this.#end(packet, Outcome.FORWARDED);
        this.#fragmenter.fragment(packet, mtu, this.#fragments.geometry, this.#emitFragment);
        return;
      default:
        this.#answer(packet, FRAGMENTATION_NEEDED, mtu);
        this.#drop(packet, 'fragmentation needed');
    }
  }

  #pass(packet: Packet, table: HookedTable | undefined): boolean {
    if (table === undefined || table.program.run(packet, packet.hook) === Verdict.ACCEPT) return true;
    return this.#drop(packet, table.reasons[packet.hook]);
  }

  #translate(packet: Packet): boolean {
    const table = this.#natTable;
    if (table === undefined || this.#nat.atHook(packet, this.#runNatChain) === Verdict.ACCEPT) return true;
    return this.#drop(packet, table.reasons[packet.hook]);
  }

  #confirm(packet: Packet): boolean {
    return this.#conntrack.confirm(packet) || this.#drop(packet, 'clash of connections');
  }

  #reassemble(packet: Packet, user: FragmentUser): boolean {
    switch (this.#fragments.add(packet, user)) {
      case Reassembly.COMPLETE:
        return true;
      case Reassembly.PENDING:
        this.#end(packet, Outcome.WAITING);
        return false;
      default:
        return this.#drop(packet, this.#fragments.dropReason);
    }
  }

  #drop(packet: Packet, reason: string): false {
    this.#end(packet, packet.isRejected ? Outcome.REJECTED : Outcome.DROPPED);
    if (this.#depth === 0) this.reason = reason;
    this.#output.dropped(reason, packet.bytes, packet.at, packet.available, packet.length);
    return false;
  }

  #end(_packet: Packet, outcome: Outcome): void {
    if (this.#depth === 0) this.outcome = outcome;
  }

  /** Check and take in IP options; where they are faulty, the sender is told (ip_rcv_options). */
  #takeOptions(packet: Packet): boolean {
    const options = this.#options[this.#depth];
    if (!takeOptions(packet, options, this.#optionsHost)) {
      this.#answer(packet, PARAMETER_PROBLEM, parameterPointer(options.errorPointer));
      return this.#drop(packet, 'bad IP option');
    }
    if (options.hasSourceRoute && !this.#host.sysctls.acceptSourceRoute(packet.inDev)) {
      return this.#drop(packet, 'source route');
    }
    return true;
  }

  #completeOptions(packet: Packet): void {
    const egressAddress = this.#host.masqueradeAddress(packet.routeDev, packet.nextHop);
    forwardOptions(packet, this.#options[this.#depth], egressAddress);
  }

  /** Send an ICMP error about PACKET, where one may be sent (icmp_send). */
  #answer(packet: Packet, error: IcmpError, info: number): void {
    const host = this.#host;
    if (!mayAnswer(packet, packet.isToMany)) return;
    const route = host.routeIcmpError(packet.source, packet.destination, packet.isForHost, packet.inDev);
    if (route.reason !== '') return;
    const options = packet.headerLength > IPV4_LENGTH && !packet.isLocal ? this.#options[this.#depth] : null;
    const answer = this.#nested();
    const errorRoute = {
      source: route.source,
      ttl: host.sysctls.global('net.ipv4.ip_default_ttl'),
      mtu: host.interfaces[route.outDev].mtu,
      dayMs: this.#dayMs(),
    };
    if (buildIcmpError(answer, error, info, packet, options, errorRoute) > 0) {
      takeRoute(answer, route, host.loopback);
      this.#sendAnswer(answer, packet);
    }
    this.#depth--;
  }

  /** Send a RST about PACKET (nf_send_reset). */
  #reset(packet: Packet): void {
    const answer = this.#nested();
    const ttl = this.#host.sysctls.global('net.ipv4.ip_default_ttl');
    if (buildTcpReset(answer, packet, packet.isToMany, ttl) > 0) {
      if (packet.ct >= 0 && this.connections.isHashed(packet.ct)) this.#trackers.tcp.setClosing(packet.ct, this.nowMs);
      if (this.#reroute(answer)) this.#sendAnswer(answer, packet);
    }
    this.#depth--;
  }

  /** ANSWER belongs to the connection of the packet that it is about, in the other direction (nf_conntrack_attach). */
  #sendAnswer(answer: Packet, packet: Packet): void {
    answer.ct = packet.ct;
    if (packet.ct >= 0) {
      answer.ctinfo = CtInfo.RELATED;
      answer.direction = packet.direction === ORIGINAL ? REPLY : ORIGINAL;
    }
    this.#sendOut(answer);
    if (packet.ct < 0) this.#conntrack.release(answer);
  }

  /** One level deeper: an empty record with a buffer of its own. The caller goes back up by `#depth--`. */
  #nested(): Packet {
    this.#depth++;
    if (this.#depth >= MAX_DEPTH) throw new Error('answers to answers without end');
    const packet = this.#packets[this.#depth];
    this.#buffers[this.#depth] ??= new Uint8Array(HEADROOM + 0x10000);
    const bytes = this.#buffers[this.#depth];
    place(packet, bytes, new DataView(bytes.buffer), HEADROOM, 0);
    packet.nowMs = this.nowMs;
    return packet;
  }

  #tick(tsSec: number, tsNsec: number): void {
    if (this.#startSec < 0) {
      this.#startSec = tsSec;
      this.#startNsec = tsNsec;
    }
    this.#tsSec = tsSec;
    this.#tsNsec = tsNsec;
    const nowMs = (tsSec - this.#startSec) * 1000 + (tsNsec - this.#startNsec) / 1e6;
    if (nowMs > this.nowMs) this.nowMs = nowMs;
    if (this.nowMs >= this.#fragments.nextDeadlineMs) this.#fragments.expire(this.nowMs, this.#onExpired);
  }

  /** Milliseconds since midnight UTC. */
  #dayMs(): number {
    return (this.#tsSec % 86_400) * 1000 + Math.floor(this.#tsNsec / 1e6);
  }

  /** A packet whose fragments never all came: where it is for this host, its sender is told (ip_expire). */
  #giveUp(first: Packet): void {
    if (!this.#routeInput(first) || !first.isForHost) return;
    this.#answer(first, REASSEMBLY_TIME_EXCEEDED, 0);
  }

  #ruleContext(): RuleContext {
    const host = this.#host;
    return {
      conntrack: this.connections,
      interfaceNames: host.interfaceNames,
      addressType: (address, dev) => host.addressType(address, dev),
      setupNat: (packet, range, manip) => this.#nat.bind(packet, range, manip),
      masquerade: (packet, range) => this.#masquerade(packet, range),
      redirect: (packet, range) => this.#redirect(packet, range),
      reject: (packet, kind) => this.#reject(packet, kind),
      log: () => {},
    };
  }

  #masquerade(packet: Packet, range: NatRange): Verdict {
    if (packet.ct < 0 || packet.source === 0) return Verdict.ACCEPT;
    const address = swap32(this.#host.masqueradeAddress(packet.outDev, packet.nextHop));
    if (address === 0) return Verdict.DROP;
    this.#nat.bindToDevice(packet);
    return this.#nat.bind(packet, { ...range, minAddress: address, maxAddress: address }, Manip.SRC);
  }

  #redirect(packet: Packet, range: NatRange): Verdict {
    const own = packet.hook === Hook.OUTPUT ? LOCALHOST : this.#host.redirectAddress(packet.inDev);
    if (own === 0) return Verdict.DROP;
    const address = swap32(own);
    return this.#nat.bind(packet, { ...range, minAddress: address, maxAddress: address }, Manip.DST);
  }

  #reject(packet: Packet, kind: RejectKind): void {
    packet.isRejected = true;
    if (kind === 'tcp-reset') this.#reset(packet);
    else if (rejectChecksumOk(packet)) this.#answer(packet, REJECT_ERRORS[kind], 0);
  }
}

function isToMany(type: AddressType): boolean {
  return type === AddressType.BROADCAST || type === AddressType.MULTICAST;
}

function takeRoute(packet: Packet, route: OutputRoute, loopback: number): void {
  packet.routeDev = route.outDev;
  packet.nextHop = route.nextHop;
  packet.isForHost = route.outDev === loopback;
  packet.isToMany = isToMany(route.type);
  packet.loopsBack = route.loopsBack;
}

/** ip_decrease_ttl: the checksum follows, and never becomes ffff. */
function decrementTtl(view: DataView, at: number): void {
  view.setUint8(at + IPV4_TTL_AT, view.getUint8(at + IPV4_TTL_AT) - 1);
  const checksum = view.getUint16(at + IPV4_CHECKSUM_AT, true) + 1;
  view.setUint16(at + IPV4_CHECKSUM_AT, checksum >= 0xffff ? checksum + 1 : checksum, true);
}

/** Make COPY, which has a buffer of its own, what PACKET is. */
function copyPacket(packet: Packet, copy: Packet): void {
  copy.bytes.set(packet.bytes.subarray(packet.at, packet.at + packet.available), copy.at);
  copy.length = packet.length;
  copy.available = packet.available;
  copy.headerLength = packet.headerLength;
  copy.reload();
  copy.type = packet.type;
  copy.mark = packet.mark;
  copy.ct = packet.ct;
  copy.direction = packet.direction;
  copy.ctinfo = packet.ctinfo;
  copy.isLocal = packet.isLocal;
  copy.routeDev = packet.routeDev;
  copy.nextHop = packet.nextHop;
  copy.isForHost = packet.isForHost;
  copy.isToMany = packet.isToMany;
}
