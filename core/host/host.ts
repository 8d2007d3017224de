/**
 * The emulated host: interfaces, routes, neighbours, sysctls, and the routing decisions that follow from them.
 *
 * Built once from a description. Decisions do not allocate. Only IPv4 is routed, although the description includes
 * IPv6. Interfaces are indexes into `interfaces`; -1 means none.
 */
import { type Address, addressFromHostOrder, prefixMask } from '../../codecs/address.js';
import { formatLoaded, type LoadedAddress } from '../../codecs/byte-order.js';
import type { HostDescription, LinkDescription } from '../../codecs/host/description.js';
import { HostError } from '../../codecs/host/error.js';
import { type HostSource, readHost } from '../../codecs/host/parse-host.js';
import { AddressType } from './address-type.js';
import { addConnectedRoutes } from './connected.js';
import { type AddressSpan, FibBuilder, RoutingTables } from './fib.js';
import { type Interface, type InterfaceAddress, insertAddress, noInterface } from './interfaces.js';
import { Neighbours } from './neighbours.js';
import { Scope } from './route.js';
import { InputRoute, OutputRoute } from './route-decision.js';
import { RouteKey } from './route-key.js';
import { Routing } from './routing.js';
import { selectAddress } from './source-address.js';
import { addStaticRoute } from './static-routes.js';
import { Sysctls } from './sysctls.js';

const LOOPBACK_ADDRESS = addressFromHostOrder(0x7f000001);
/** The kernel's index of lo in every network namespace. */
const LOOPBACK_IFINDEX = 1;
const LOOPBACK_MTU = 65_536;
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
    return new Host(source.description);
  } catch (error) {
    throw error instanceof HostError ? source.locate(error) : error;
  }
}

export class Host {
  /** What it was built from. */
  readonly description: HostDescription;
  /** Loopback first, then the others in the order of the description. */
  readonly interfaces: readonly Interface[];
  readonly interfaceNames: readonly string[];
  /** Index of lo. */
  readonly loopback = 0;
  readonly sysctls: Sysctls;
  /** Output of `ipset save`, or '' if there is none. */
  readonly ipset: string;
  /** Warnings about parts of the description that have no effect. */
  readonly warnings: readonly string[];

  /** Scratch key for route lookups: the caller fills it in and uses it for one lookup. */
  readonly routeKey = new RouteKey();
  private readonly indexByName: ReadonlyMap<string, number>;
  private readonly routing: Routing;
  private readonly neighbours: Neighbours;
  private readonly inputRoute = new InputRoute();
  private readonly outputRoute = new OutputRoute();
  private readonly redirecting = new Set<number>();

  /** Throws a HostError without a file position. */
  constructor(description: HostDescription) {
    this.description = description;
    const links = withLoopback(description.links);
    this.interfaces = links.map(interfaceOf);
    this.interfaceNames = this.interfaces.map(({ name }) => name);
    this.indexByName = new Map(this.interfaceNames.map((name, index) => [name, index]));
    this.sysctls = new Sysctls(this.interfaceNames, description.sysctls);
    this.ipset = description.ipset;
    const down = links
      .filter(({ isUp, addresses }) => !isUp && addresses.some(({ local }) => isIpv4(local)))
      .map(({ name }) => `interface ${name} is down; treating it as up`);
    this.warnings = [...description.warnings, ...down, ...this.sysctls.warnings];
    this.routing = new Routing(this.interfaces, this.tablesOf(description), this.sysctls, this.loopback);
    this.neighbours = new Neighbours((address, dev) => this.routing.addressType(address, dev));
    for (const { path, dev, address, mac } of description.neighbours.filter((neighbour) => isIpv4(neighbour.address))) {
      const index = this.interfaceIndex(dev);
      if (index < 0) throw new HostError(`${path}.dev`, noInterface(dev, this.interfaceNames));
      this.neighbours.add(index, address.loaded, mac);
    }
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
    return [...this.sysctls.assumed, ...neighbours];
  }

  /** A packet is forwarded by DEV, where it came from. */
  noteReturn(dev: number): void {
    if (this.sysctls.sendRedirects(dev)) this.redirecting.add(dev);
  }

  /** About the packets that went back by the interface where they came from. */
  redirectWarnings(): string[] {
    const names = [...this.redirecting].map((dev) => this.interfaceNames[dev]);
    return names.length === 0
      ? []
      : [`packets left by ${names.join(', ')}, where they came from; ICMP redirects are not emulated`];
  }

  private tablesOf(description: HostDescription): RoutingTables {
    const main = new FibBuilder();
    const fallback = new FibBuilder();
    for (const dev of this.interfaces) addConnectedRoutes(main, dev);
    const interfaceIndex = (name: string): number => this.interfaceIndex(name);
    const context = { interfaces: this.interfaces, interfaceIndex, sysctls: this.sysctls, main, fallback };
    for (const route of description.routes) if (isIpv4(route.destination)) addStaticRoute(context, route);
    return new RoutingTables(main.seal(), fallback.seal());
  }

  /** The index of interface NAME, or -1 if it does not exist. */
  interfaceIndex(name: string): number {
    return this.indexByName.get(name) ?? -1;
  }

  /** Routes an arriving packet after PREROUTING (ip_route_input). The returned record is reused by the next call. */
  routeInput(key: RouteKey): InputRoute {
    return this.routing.input(this.inputRoute, key);
  }

  /**
   * Routes a packet from the host itself (ip_route_output). A source other than 0 must be an address of the host. Raw
   * packets are routed with source 0, whatever their header says. The returned record is reused by the next output
   * routing call.
   */
  routeOutput(key: RouteKey): OutputRoute {
    return this.routing.output(this.outputRoute, key.destination, key.source, false);
  }

  /** Reroutes a packet changed by OUTPUT, or a TCP RST (ip_route_me_harder). Its source may be any unicast address. */
  rerouteOutput({ source, destination }: RouteKey): OutputRoute {
    const type = this.routing.addressType(source, -1);
    const isOne = type === AddressType.LOCAL || type === AddressType.UNICAST;
    return this.routing.output(this.outputRoute, destination, isOne ? source : 0, isOne);
  }

  /**
   * Finds the route, and thereby the source, of an ICMP error (icmp_send). KEY describes the packet that the error is
   * about, except that its source is the receiver of the error. IS_LOCAL: the packet was routed to the host itself, so
   * the error comes from the packet's destination.
   */
  routeIcmpError(key: RouteKey, isLocal: boolean): OutputRoute {
    const { source: receiver, destination, inDev } = key;
    const isByInterface = inDev >= 0 && this.sysctls.global('net.ipv4.icmp_errors_use_inbound_ifaddr') !== 0;
    let source = 0;
    if (isLocal) source = destination;
    else if (isByInterface) source = this.selectAddress(inDev, receiver, Scope.LINK)?.loaded ?? 0;
    const route = this.routing.output(this.outputRoute, receiver, source, false);
    if (route.reason === '' && route.source === 0) route.source = DUMMY_ADDRESS;
    return route;
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

/** LINKS with lo first. Adds lo and 127.0.0.1/8 if they are missing. */
function withLoopback(links: readonly LinkDescription[]): LinkDescription[] {
  const lo = links.find(({ isLoopback }) => isLoopback);
  const own = {
    path: lo?.path ?? '',
    local: LOOPBACK_ADDRESS,
    peer: LOOPBACK_ADDRESS,
    prefixLength: 8,
    broadcast: undefined,
    scope: Scope.HOST,
  };
  const bare = {
    path: '',
    name: 'lo',
    ifindex: LOOPBACK_IFINDEX,
    master: undefined,
    mac: new Uint8Array(6),
    mtu: LOOPBACK_MTU,
    isLoopback: true,
    isUp: true,
  };
  const addresses = (lo?.addresses ?? []).filter(({ local }) => !local.equals(LOOPBACK_ADDRESS));
  return [{ ...bare, ...lo, addresses: [own, ...addresses] }, ...links.filter((link) => link !== lo)];
}

function isIpv4(address: Address): boolean {
  return address.family === 'ipv4';
}

function interfaceOf(link: LinkDescription, index: number): Interface {
  const { name, mac, mtu, isLoopback } = link;
  const addresses: InterfaceAddress[] = [];
  // Duplicates, which the kernel refuses, are ignored.
  for (const { local, peer, prefixLength, broadcast, scope } of link.addresses) {
    const mask = prefixMask(local.family, prefixLength);
    if (isIpv4(local)) insertAddress(addresses, { local, peer, prefixLength, mask, broadcast, scope });
  }
  return { index, name, mac, mtu, isLoopback, addresses };
}
