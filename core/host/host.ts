/**
 * The emulated host: interfaces, routes, neighbours, sysctls, and the routing decisions that follow from them.
 *
 * Built from a description. Decisions do not allocate. Only IPv4 is routed, although the description includes IPv6.
 * Interfaces are indexes into `interfaces`; -1 means none. A host can change between two packets: an interface that
 * goes keeps its index, which it has again if it comes back under its name.
 */
import { type Address, addressFromHostOrder } from '../../codecs/address.js';
import { formatLoaded, type LoadedAddress } from '../../codecs/byte-order.js';
import type { HostDescription } from '../../codecs/host/description.js';
import { HostError } from '../../codecs/host/error.js';
import { type HostSource, readHost } from '../../codecs/host/parse-host.js';
import { IPPROTO_ICMP } from '../../codecs/layouts.js';
import type { Packet } from '../packet.js';
import { AddressType } from './address-type.js';
import { afterChange } from './after-change.js';
import type { HostFacts } from './facts.js';
import type { AddressSpan } from './fib.js';
import { changeOf, type HostChange } from './host-change.js';
import { absentInterface, buildState, HostNotes, type HostState } from './host-state.js';
import type { Interface } from './interfaces.js';
import type { Neighbours } from './neighbours.js';
import { Scope } from './route.js';
import { InputRoute, OutputRoute, ReversePath } from './route-decision.js';
import { RouteKey } from './route-key.js';
import { forgetLayer4, isGroup, type Routing } from './routing.js';
import type { RoutingReads, RoutingTables } from './routing-tables.js';
import { selectAddress } from './source-address.js';
import type { Sysctls } from './sysctls.js';

const OWN_ASSUMPTION = "the host's own packets = routed by source, protocol and ports, like those of connected sockets";

/** What rules see of an ICMP error. */
export interface IcmpErrorKey {
  readonly type: number;
  readonly code: number;
  readonly tos: number;
  readonly mark: number;
}

/** 192.0.0.8 (RFC 7600): the source of ICMP errors from a host without addresses. */
const DUMMY_ADDRESS = addressFromHostOrder(0xc0000008).loaded;

/**
 * Creates the host described by TEXT, the content of FILE: JSON, or a snapshot. Throws a HostError with file, line and
 * column.
 */
export function loadHost(text: string, file: string): Host {
  return hostOf(readHost(text, file));
}

/** Creates the host that SOURCE describes. Throws a HostError with file, line and column. */
export function hostOf(source: HostSource): Host {
  try {
    return new Host(source.description, (error) => source.locate(error));
  } catch (error) {
    throw error instanceof HostError ? source.locate(error) : error;
  }
}

export class Host {
  /** What it is built from. */
  description: HostDescription;
  /** Loopback first, then the others in the order in which they came. When the host changes, the array is the same. */
  readonly interfaces: readonly Interface[];
  readonly interfaceNames: readonly string[];
  /** Index of lo. */
  readonly loopback = 0;
  sysctls: Sysctls;
  /** What rules ask about it. */
  facts: HostFacts;
  /** Warnings about parts of the description that have no effect. */
  warnings: readonly string[];

  /** Scratch key for route lookups: the caller fills it in and uses it for one lookup. */
  readonly routeKey = new RouteKey();
  neighbours: Neighbours;
  /** Adds the position in its files to an error about it. */
  readonly locate: (error: HostError) => HostError;
  private readonly indexByName = new Map<string, number>();
  private tables: RoutingTables;
  private routing: Routing;
  private readonly notes: HostNotes;
  private readonly inputRoute = new InputRoute();
  private readonly outputRoute = new OutputRoute();

  /**
   * Throws a HostError without a file position. LOCATE adds it to those that packets cause later. FROM: the host that
   * this one is a copy of.
   */
  constructor(description: HostDescription, locate: (error: HostError) => HostError = (error) => error, from?: Host) {
    this.locate = locate;
    const state = from?.state ?? buildState(description, locate);
    this.interfaces = [...state.interfaces];
    this.interfaceNames = this.interfaces.map(({ name }) => name);
    for (const { index, name } of this.interfaces) this.indexByName.set(name, index);
    this.notes = from?.notes ?? new HostNotes();
    this.description = state.description;
    this.sysctls = state.sysctls;
    this.facts = state.facts;
    this.warnings = state.warnings;
    this.neighbours = state.neighbours;
    this.tables = state.tables;
    this.routing = state.routing;
  }

  private get state(): HostState {
    const { description, interfaces, sysctls, facts, warnings, neighbours, tables, routing } = this;
    return { description, interfaces, sysctls, facts, warnings, neighbours, tables, routing };
  }

  /** A host that is the same now and changes by itself. What is assumed by one is assumed by the other, too. */
  copy(): Host {
    return new Host(this.description, this.locate, this);
  }

  /**
   * Becomes the host that DESCRIPTION describes, with what the kernel does by itself when links and addresses change
   * (`afterChange`).
   * @throws {HostError} if there can be no such host, or if it differs in what cannot be followed; nothing has changed
   *   then
   */
  change(description: HostDescription, locate = this.locate): HostChange {
    const state = buildState(afterChange(this.description, description), locate, this.interfaces);
    const change = changeOf(this, state);
    const [own, names] = [this.interfaces as Interface[], this.interfaceNames as string[]];
    own.splice(0, own.length, ...state.interfaces);
    names.splice(0, names.length, ...own.map(({ name }) => name));
    for (const { index, name } of own) this.indexByName.set(name, index);
    state.facts.continueFrom(this.facts);
    state.neighbours.continueFrom(this.neighbours);
    this.description = state.description;
    this.sysctls = state.sysctls;
    this.facts = state.facts;
    this.neighbours = state.neighbours;
    this.tables = state.tables;
    this.routing = state.routing;
    return change;
  }

  /**
   * What was assumed so far because the description does not say it, a line each: `net.ipv4.ip_forward = 1`,
   * `neighbour 192.0.2.1 on eth0 = 02:00:c0:00:02:01`.
   */
  assumed(): string[] {
    const neighbours = this.neighbours.assumed().map(({ dev, address, mac }) => {
      const bytes = Array.from(mac, (byte) => byte.toString(16).padStart(2, '0'));
      return `neighbour ${formatLoaded(address)} on ${this.interfaceNames[dev]} = ${bytes.join(':')}`;
    });
    const own = this.notes.hasRoutedOwn ? [OWN_ASSUMPTION] : [];
    return [...this.sysctls.assumed, ...this.facts.assumed, ...neighbours, ...own];
  }

  /** A packet is forwarded by DEV, where it came from. */
  noteReturn(dev: number): void {
    if (this.sysctls.sendRedirects(dev)) this.notes.redirecting.add(dev);
  }

  /** About the packets that went back by the interface where they came from. */
  redirectWarnings(): string[] {
    const names = [...this.notes.redirecting].map((dev) => this.interfaceNames[dev]);
    return names.length === 0
      ? []
      : [`packets left by ${names.join(', ')}, where they came from; ICMP redirects are not emulated`];
  }

  /** The index of interface NAME, or -1 if it does not exist now. */
  interfaceIndex(name: string): number {
    const index = this.indexByName.get(name) ?? -1;
    return index >= 0 && this.interfaces[index].isPresent ? index : -1;
  }

  /** The index that interface NAME has, or had, or will have (`expect`); -1 if there never was one. */
  knownIndex(name: string): number {
    return this.indexByName.get(name) ?? -1;
  }

  /** Gives indexes to interfaces that may come later. Those of NAMES that are known have theirs. */
  expect(names: readonly string[]): void {
    for (const name of names) {
      if (this.indexByName.has(name)) continue;
      const index = this.interfaces.length;
      (this.interfaces as Interface[]).push(absentInterface(name, index));
      (this.interfaceNames as string[]).push(name);
      this.indexByName.set(name, index);
    }
  }

  /** Routes an arriving packet after PREROUTING (ip_route_input). The returned record is reused by the next call. */
  routeInput(key: RouteKey): InputRoute {
    return this.routing.input(this.inputRoute, key);
  }

  /**
   * Routes a packet from the host itself (ip_route_output). SOURCE: the one that was asked for, an address of the host;
   * 0: the route chooses one. The returned record is reused by the next output routing call.
   */
  routeOutput(key: RouteKey, source: LoadedAddress = 0): OutputRoute {
    return this.routing.output(this.outputRoute, key, source, false);
  }

  /**
   * Routes PACKET, which the host itself sends. The route chooses a source if it has none. Rules see its source,
   * protocol and ports, as if it came from a connected socket. IS_SOURCED: it does, and its source is the host's.
   */
  routeOwn(packet: Packet, isSourced = false): OutputRoute {
    const key = this.routeKey.fromOwn(packet);
    if (isSourced) return this.routeOutput(key, key.source);
    if (this.tables.isPlain) return this.routeOutput(key);
    this.notes.hasRoutedOwn = true;
    const isOwn = this.routing.addressType(key.source, -1) === AddressType.LOCAL;
    if (!isOwn || isGroup(key.destination)) key.source = 0;
    return this.routeOutput(key, key.source);
  }

  /** Reroutes a packet changed by OUTPUT, or a TCP RST (ip_route_me_harder). Its source may be any unicast address. */
  rerouteOutput(key: RouteKey): OutputRoute {
    const type = this.routing.addressType(key.source, -1);
    const isOne = type === AddressType.LOCAL || type === AddressType.UNICAST;
    if (!isOne) key.source = 0;
    key.inDev = -1;
    key.hashed = null;
    if (!this.tables.dissects) forgetLayer4(key);
    return this.routing.output(this.outputRoute, key, key.source, isOne);
  }

  /**
   * Finds the route, and thereby the source, of an ICMP error (icmp_send). KEY describes the packet that the error is
   * about, except that its source is the receiver of the error. IS_LOCAL: the packet was routed to the host itself, so
   * the error comes from the packet's destination. ERROR: its TOS, type and code, which rules look at.
   */
  routeIcmpError(key: RouteKey, isLocal: boolean, error: IcmpErrorKey): OutputRoute {
    const { source: receiver, destination, inDev } = key;
    const isByInterface = inDev >= 0 && this.sysctls.global('net.ipv4.icmp_errors_use_inbound_ifaddr') !== 0;
    let source = 0;
    if (isLocal) source = destination;
    else if (isByInterface) source = this.selectAddress(inDev, receiver, Scope.LINK)?.loaded ?? 0;
    key.source = source;
    key.destination = receiver;
    key.inDev = -1;
    key.mark = error.mark;
    key.tos = error.tos;
    key.protocol = IPPROTO_ICMP;
    // The kernel keeps type and code where the destination port is.
    key.sport = 0;
    key.dport = (error.type << 8) | error.code;
    const route = this.routing.output(this.outputRoute, key, source, false);
    if (route.reason === '' && route.source === 0) route.source = DUMMY_ADDRESS;
    return route;
  }

  /**
   * Where an answer to PACKET would go, seen from its interface, before any route is chosen for it (rpfilter_mt).
   * WITH_MARK: rules look at its mark.
   */
  reversePath(packet: Packet, withMark: boolean): ReversePath {
    const { inDev } = packet;
    // What the host sends to itself is exempt, as is all that comes in by lo.
    if (packet.isLocal || inDev === this.loopback) return ReversePath.EXEMPT;
    const key = this.routeKey.fromPacket(packet);
    if (!withMark) key.mark = 0;
    return this.routing.reversePath(key, inDev);
  }

  /**
   * The source that a forwarded packet with KEY would have if the host sent it by `key.outDev` to NEXT_HOP: that of the
   * route to its destination by this interface, or else an address of the interface (ip_rt_get_source).
   */
  sourceBy(key: RouteKey, nextHop: LoadedAddress): LoadedAddress {
    key.protocol = 0;
    key.sport = -1;
    key.dport = -1;
    return this.routing.sourceBy(key) ?? this.masqueradeAddress(key.outDev, nextHop)?.loaded ?? 0;
  }

  /** Whether packets that are not routed to the host may be for one of its sockets. */
  get hasForeignSockets(): boolean {
    return this.facts.hasForeignSockets((address) => this.addressType(address, -1) === AddressType.LOCAL);
  }

  /** What routing looks at besides addresses and interfaces. */
  get routingReads(): RoutingReads {
    return this.tables.reads;
  }

  /** The range around PORT of ports that routing does not distinguish. */
  routedPorts(port: number): AddressSpan {
    return this.tables.portSpanOf(port);
  }

  /** The type of ADDRESS: UNICAST, LOCAL, BROADCAST or MULTICAST. DEV limits this to one interface; -1 means any. */
  addressType(address: LoadedAddress, dev: number): AddressType {
    return this.routing.addressType(address, dev);
  }

  /**
   * The range around ADDRESS, in host order, that has the same routes and the same type. MACs of on-link addresses in
   * it still differ.
   */
  addressSpan(address: LoadedAddress): AddressSpan {
    return this.routing.addressSpan(address);
  }

  /** The source that -j MASQUERADE assigns to packets leaving OUT_DEV for NEXT_HOP. If undefined, they are dropped. */
  masqueradeAddress(outDev: number, nextHop: LoadedAddress): Address | undefined {
    return this.selectAddress(outDev, nextHop, Scope.UNIVERSE);
  }

  /** The destination that -j REDIRECT assigns to packets that arrived on IN_DEV. If undefined, they are dropped. */
  redirectAddress(inDev: number): Address | undefined {
    return this.interfaces[inDev].addresses[0]?.local;
  }

  private selectAddress(dev: number, nextHop: LoadedAddress, scope: number): Address | undefined {
    return selectAddress(this.interfaces, dev, nextHop, scope, this.sysctls.routeLocalnet(dev));
  }

  /** Writes the six bytes of NEXT_HOP's MAC on DEV to INTO[AT]. */
  writeMac(dev: number, nextHop: LoadedAddress, into: Uint8Array, at: number): void {
    this.neighbours.writeMac(dev, nextHop, into, at);
  }
}
