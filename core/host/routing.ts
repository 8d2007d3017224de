/** hot: routing decisions like those of ip_route_input and ip_route_output. Nothing here allocates. */
import { type LoadedAddress, toHostOrder } from '../../codecs/byte-order.js';
import { PacketType } from '../packet.js';
import { AddressType } from './address-type.js';
import { type AddressSpan, type Fib, intervalOf } from './fib.js';
import type { Interface } from './interfaces.js';
import type { MultipathHash } from './multipath.js';
import { isUnreachableByRule } from './policy-rules.js';
import { reversedRealms, withRealms } from './realms.js';
import { type Route, RouteType } from './route.js';
import { type InputRoute, type OutputRoute, ReversePath, RouteAction, type RouteFailure } from './route-decision.js';
import { RouteKey } from './route-key.js';
import type { RoutingTables } from './routing-tables.js';
import type { Sysctls } from './sysctls.js';

/** 224.0.0.1, the only group that every host joins. */
const ALL_HOSTS = 0x010000e0;
const LIMITED_BROADCAST = -1;
const LOOPBACK_ADDRESS = 0x0100007f;
/** Multicast routes more specific than this prefix length (224.0.0.0/4) keep their gateway. */
const MULTICAST_PREFIX_LENGTH = 4;

const ICMP_NET_UNREACHABLE = 0;
const ICMP_HOST_UNREACHABLE = 1;
const ICMP_FILTERED = 13;

export const isMulticast = (address: LoadedAddress): boolean => (address & 0xf0) === 0xe0;
/** Whether packets to ADDRESS leave by the interface of their source: multicasts and 255.255.255.255. */
export const isGroup = (address: LoadedAddress): boolean => isMulticast(address) || address === LIMITED_BROADCAST;
const isZeroNetwork = (address: LoadedAddress): boolean => (address & 0xff) === 0;
/** 224.0.0.0/24 */
const isLocalMulticast = (address: LoadedAddress): boolean => (address & 0xffffff) === 0xe0;
const isLoopbackAddress = (address: LoadedAddress) => (address & 0xff) === 127;

/** Boundaries of the address ranges with special treatment: 0, 127/8, 224.0.0.1, 224/4, 255.255.255.255. */
const SPECIAL_STARTS = [0, 1, 0x7f000000, 0x80000000, 0xe0000000, 0xe0000001, 0xe0000002, 0xf0000000, 0xffffffff];

/** The effective sysctls of an interface, read once. */
interface Policy {
  readonly rpFilter: number;
  readonly isForwarding: boolean;
  readonly acceptsLocal: boolean;
  readonly routesLocalnet: boolean;
  readonly sendsRedirects: boolean;
  readonly dropsL2Multicast: boolean;
  readonly forwardsBroadcasts: boolean;
  readonly sourceValidMark: boolean;
}

export class Routing {
  private readonly policies: readonly Policy[];
  /** The interface of each of the host's own addresses. */
  private readonly own = new Map<LoadedAddress, number>();
  /** See `RoutingTables.only`. */
  private readonly only: Fib | undefined;
  /** For the route back to the sender of a packet. */
  private readonly back = new RouteKey();
  /** What that route adds to the realms of the packet (itag). */
  private backRealms = 0;

  constructor(
    private readonly interfaces: readonly Interface[],
    private readonly tables: RoutingTables,
    sysctls: Sysctls,
    private readonly loopback: number,
    private readonly hash: MultipathHash,
  ) {
    this.only = tables.only;
    this.policies = interfaces.map(({ index }) => ({
      rpFilter: sysctls.rpFilter(index),
      isForwarding: sysctls.forwarding(index),
      acceptsLocal: sysctls.acceptLocal(index),
      routesLocalnet: sysctls.routeLocalnet(index),
      sendsRedirects: sysctls.sendRedirects(index),
      dropsL2Multicast: sysctls.dropUnicastInL2Multicast(index),
      forwardsBroadcasts: sysctls.broadcastForwarding(index),
      sourceValidMark: sysctls.sourceValidMark(index),
    }));
    for (const { index, addresses } of interfaces)
      for (const { local } of addresses) if (!this.own.has(local.loaded)) this.own.set(local.loaded, index);
  }

  /** See `Host.routeInput`. */
  input(result: InputRoute, key: RouteKey): InputRoute {
    result.icmpCode = 0;
    result.realms = 0;
    this.backRealms = 0;
    if (this.only === undefined && !this.tables.dissects) forgetLayer4(key);
    return isMulticast(key.destination) ? this.inputMulticast(result, key) : this.inputUnicast(result, key);
  }

  private inputMulticast(result: InputRoute, key: RouteKey): InputRoute {
    const { source, destination: group, inDev } = key;
    if (group !== ALL_HOSTS) return drop(result, 'multicast-not-joined');
    if (isMulticast(source) || source === LIMITED_BROADCAST) return drop(result, 'martian-source');
    if (isLoopbackAddress(source) && !this.policies[inDev].routesLocalnet) return drop(result, 'martian-source');
    if (source !== 0) {
      const failure = this.checkSource(key, -1);
      if (failure !== '') return drop(result, failure);
    }
    return this.deliver(result, AddressType.MULTICAST, group, null);
  }

  /** ip_route_input_slow */
  private inputUnicast(result: InputRoute, key: RouteKey): InputRoute {
    const { source, destination, inDev, packetType } = key;
    const policy = this.policies[inDev];
    if (isMulticast(source) || source === LIMITED_BROADCAST) return drop(result, 'martian-source');
    if (destination === LIMITED_BROADCAST || (source === 0 && destination === 0))
      return this.inputBroadcast(result, key);
    if (source === 0) return drop(result, 'martian-source');
    if (destination === 0) return drop(result, 'martian-destination');
    if (isLoopbackAddress(destination)) {
      if (!policy.routesLocalnet) return drop(result, 'martian-destination');
    } else if (isLoopbackAddress(source) && !policy.routesLocalnet) return drop(result, 'martian-source');

    const found = this.only === undefined ? this.tables.lookup(key) : this.only.first(destination);
    if (found === null || found.type >= RouteType.BLACKHOLE) return refuse(result, found, policy.isForwarding);
    const route = found.multipath === undefined ? found : found.multipath.choose(key, this.hash, 0);
    if (route.type === RouteType.BROADCAST && !policy.forwardsBroadcasts) return this.inputBroadcast(result, key);
    if (route.type === RouteType.LOCAL) {
      const failure = this.checkSource(key, this.loopback);
      if (failure !== '') return drop(result, failure);
      if (packetType !== PacketType.HOST && policy.dropsL2Multicast) return drop(result, 'link-layer-broadcast');
      return this.deliver(result, AddressType.LOCAL, destination, route);
    }
    if (route.type !== RouteType.BROADCAST && !policy.isForwarding) return drop(result, 'forwarding-off');
    if (route.type === RouteType.ANYCAST || route.type === RouteType.MULTICAST)
      return drop(result, 'martian-destination');
    const failure = this.checkSource(key, route.dev);
    if (failure !== '') return drop(result, failure);
    if (packetType !== PacketType.HOST) return drop(result, 'link-layer-broadcast');
    result.action = RouteAction.FORWARD;
    result.type = route.type;
    result.outDev = route.dev;
    result.usesGateway = route.gateway !== undefined || route.gatewayMac !== undefined;
    result.nextHopMac = route.gatewayMac;
    result.nextHop = route.gateway === undefined ? destination : route.gateway.loaded;
    result.reason = '';
    result.route = route;
    result.mtu = route.mtu;
    result.realms = withRealms(withRealms(route.realms, key.ruleRealms), this.backRealms);
    return result;
  }

  private inputBroadcast(result: InputRoute, key: RouteKey): InputRoute {
    const { source, destination } = key;
    if (source !== 0) {
      const failure = this.checkSource(key, -1);
      if (failure !== '') return drop(result, failure);
    }
    return this.deliver(result, AddressType.BROADCAST, destination, null);
  }

  private deliver(result: InputRoute, type: AddressType, destination: LoadedAddress, route: Route | null): InputRoute {
    result.action = RouteAction.LOCAL;
    result.type = type;
    result.outDev = this.loopback;
    result.nextHop = destination;
    result.usesGateway = false;
    result.nextHopMac = undefined;
    result.reason = '';
    result.route = route;
    result.mtu = this.interfaces[this.loopback].mtu;
    result.realms = this.backRealms;
    return result;
  }

  /**
   * Validates the source of a packet with KEY that is routed to OUT_DEV (fib_validate_source). Returns the reason for a
   * failure, or ''.
   */
  private checkSource(key: RouteKey, outDev: number): RouteFailure | '' {
    const { source, inDev } = key;
    const policy = this.policies[inDev];
    if (policy.rpFilter === 0 && !this.tables.hasRealms && !(inDev === outDev && policy.sendsRedirects)) {
      if (policy.acceptsLocal) return '';
      if (!this.tables.checksSources) return this.own.has(source) ? 'martian-source' : '';
    }
    const isStrict = policy.rpFilter === 1;
    const none = policy.rpFilter === 0 ? '' : 'rp-filter';
    const back = this.routeBack(key, outDev);
    if (back === null || back.type >= RouteType.BLACKHOLE) return none;
    if (back.type !== RouteType.UNICAST && !(back.type === RouteType.LOCAL && policy.acceptsLocal))
      return 'martian-source';
    if (this.tables.hasRealms) this.backRealms = reversedRealms(back.realms, this.back.ruleRealms);
    if (leavesBy(back, inDev) || (back.type === RouteType.LOCAL && inDev === this.loopback)) return '';
    if (this.interfaces[inDev].addresses.length === 0) return none;
    return isStrict ? 'rp-filter' : '';
  }

  /** The route of an answer to a packet with KEY, which is routed to OUT_DEV. */
  private routeBack(key: RouteKey, outDev: number): Route | null {
    if (this.only !== undefined) return this.only.first(key.source);
    const { back } = this;
    back.source = key.destination;
    back.destination = key.source;
    back.protocol = key.protocol;
    back.sport = key.dport;
    back.dport = key.sport;
    back.tos = key.tos;
    back.mark = this.policies[key.inDev].sourceValidMark ? key.mark : 0;
    back.inDev = outDev;
    return this.tables.lookup(back);
  }

  /** See `Host.reversePath`. */
  reversePath(key: RouteKey, dev: number): ReversePath {
    const { source, destination } = key;
    const isToMany = isGroup(destination);
    if (isZeroNetwork(source) && (destination === LIMITED_BROADCAST || isLocalMulticast(destination)))
      return ReversePath.EXEMPT;
    key.destination = source;
    key.source = isToMany || isZeroNetwork(destination) ? 0 : destination;
    key.inDev = -1;
    forgetLayer4(key);
    const back = this.only === undefined ? this.tables.lookup(key) : this.only.first(source);
    if (back === null || (back.type !== RouteType.UNICAST && back.type !== RouteType.LOCAL)) return ReversePath.NONE;
    const isHere = leavesBy(back, dev);
    if (back.type === RouteType.LOCAL) return isHere ? ReversePath.LOCAL_HERE : ReversePath.LOCAL_ELSEWHERE;
    return isHere ? ReversePath.HERE : ReversePath.ELSEWHERE;
  }

  /**
   * See `Host.routeOutput`. SOURCE: the source that is asked for; 0: the route chooses one. The rules look at that of
   * KEY.
   */
  output(result: OutputRoute, key: RouteKey, source: LoadedAddress, isAnySource: boolean): OutputRoute {
    key.ruleRealms = 0;
    this.route(result, key, source, isAnySource);
    result.realms = withRealms(result.realms, key.ruleRealms);
    return result;
  }

  private route(result: OutputRoute, key: RouteKey, source: LoadedAddress, isAnySource: boolean): OutputRoute {
    const { destination } = key;
    if (source !== 0) {
      if (isMulticast(source) || source === LIMITED_BROADCAST) return unroutable(result, 'martian-source');
      const sourceDev = this.devOf(source);
      if (sourceDev < 0 && (isGroup(destination) || !isAnySource)) return unroutable(result, 'source-not-local');
      if (isGroup(destination)) return this.outputBy(result, destination, source, sourceDev, null);
    }
    if (destination === 0) {
      const own = source === 0 ? LOOPBACK_ADDRESS : source;
      return this.outputLocal(result, own, own, null);
    }
    const { outDev } = key;
    const found = this.only === undefined || outDev >= 0 ? this.tables.lookup(key) : this.only.first(destination);
    // Whoever names an interface is believed that the destination is behind it.
    if (found === null && outDev >= 0) return this.outputBy(result, destination, source, outDev, null);
    if (found === null) return unroutable(result, 'no-route');
    if (found.type >= RouteType.BLACKHOLE) return unroutable(result, failureOf(found));
    if (found.type === RouteType.LOCAL) {
      const preferred = source === 0 ? (found.preferredSource?.loaded ?? destination) : source;
      return this.outputLocal(result, destination, preferred, found);
    }
    const route = found.multipath === undefined ? found : found.multipath.choose(key, this.hash, key.source);
    const preferred = source === 0 ? (route.preferredSource?.loaded ?? 0) : source;
    return this.outputBy(result, destination, preferred, route.dev, route);
  }

  /** The preferred source of the route for KEY by its `outDev`; undefined if there is no such route. */
  sourceBy(key: RouteKey): LoadedAddress | undefined {
    const route = this.tables.lookup(key);
    return route === null || route.type >= RouteType.BLACKHOLE ? undefined : route.preferredSource?.loaded;
  }

  /** The interface that owns the local ADDRESS; -1 if there is none (__ip_dev_find). */
  private devOf(address: LoadedAddress): number {
    const dev = this.own.get(address);
    if (dev !== undefined) return dev;
    const route = this.tables.lookupLocal(address);
    return route !== null && route.type === RouteType.LOCAL ? route.dev : -1;
  }

  private outputLocal(
    result: OutputRoute,
    destination: LoadedAddress,
    source: LoadedAddress,
    route: Route | null,
  ): OutputRoute {
    result.reason = '';
    result.type = AddressType.LOCAL;
    result.outDev = this.loopback;
    result.nextHop = destination;
    result.usesGateway = false;
    result.nextHopMac = undefined;
    result.source = source;
    result.loopsBack = false;
    result.realms = route === null ? 0 : route.realms;
    result.route = route;
    result.mtu = this.interfaces[this.loopback].mtu;
    return result;
  }

  /** __mkroute_output */
  private outputBy(
    result: OutputRoute,
    destination: LoadedAddress,
    source: LoadedAddress,
    dev: number,
    route: Route | null,
  ): OutputRoute {
    const { isLoopback } = this.interfaces[dev];
    if (isLoopbackAddress(source) && !isLoopback && !this.policies[dev].routesLocalnet)
      return unroutable(result, 'martian-source');
    let type: AddressType = route === null ? AddressType.UNICAST : route.type;
    if (destination === LIMITED_BROADCAST) type = AddressType.BROADCAST;
    else if (isMulticast(destination)) type = AddressType.MULTICAST;
    let info = type === AddressType.BROADCAST ? null : route;
    if (type === AddressType.MULTICAST && info !== null && info.prefixLength < MULTICAST_PREFIX_LENGTH) info = null;
    result.reason = '';
    result.type = type;
    result.outDev = dev;
    result.usesGateway = info !== null && (info.gateway !== undefined || info.gatewayMac !== undefined);
    result.nextHop = info?.gateway === undefined ? destination : info.gateway.loaded;
    result.nextHopMac = info?.gatewayMac;
    result.mtu = info === null ? this.interfaces[dev].mtu : info.mtu;
    result.source = source;
    result.loopsBack =
      !isLoopback && (type === AddressType.BROADCAST || (type === AddressType.MULTICAST && destination === ALL_HOSTS));
    result.realms = info === null ? 0 : info.realms;
    result.route = route;
    return result;
  }

  /** See `Host.addressSpan`. */
  addressSpan(address: LoadedAddress): AddressSpan {
    const { min, max } = this.tables.spanOf(address);
    const interval = intervalOf(SPECIAL_STARTS, toHostOrder(address));
    const next = SPECIAL_STARTS[interval + 1];
    return { min: Math.max(min, SPECIAL_STARTS[interval]), max: Math.min(max, next === undefined ? max : next - 1) };
  }

  /** See `Host.addressType`. */
  addressType(address: LoadedAddress, dev: number): AddressType {
    if (address === 0 || address === LIMITED_BROADCAST) return AddressType.BROADCAST;
    if (isMulticast(address)) return AddressType.MULTICAST;
    const route = this.tables.lookupLocal(address);
    if (route === null || route.type >= RouteType.BLACKHOLE) return AddressType.UNICAST;
    return dev < 0 || dev === route.dev ? route.type : AddressType.UNICAST;
  }
}

/** Whether a route leaves by DEV, perhaps with one of several next hops (fib_info_nh_uses_dev). */
function leavesBy({ dev, multipath }: Route, wanted: number): boolean {
  return dev === wanted || multipath?.by(wanted) !== undefined;
}

/** Routing only looks at the protocol and the ports of packets where a rule asks for them. */
export function forgetLayer4(key: RouteKey): void {
  key.protocol = 0;
  key.sport = -1;
  key.dport = -1;
}

function drop(result: InputRoute, reason: RouteFailure): InputRoute {
  result.action = RouteAction.DROP;
  result.type = AddressType.UNICAST;
  result.outDev = -1;
  result.nextHop = 0;
  result.usesGateway = false;
  result.nextHopMac = undefined;
  result.reason = reason;
  result.route = null;
  return result;
}

/** Refuses a packet without a route: with an ICMP error if the interface forwards, silently otherwise (ip_error). */
function refuse(result: InputRoute, route: Route | null, isForwarding: boolean): InputRoute {
  drop(result, isForwarding ? failureOf(route) : 'forwarding-off');
  if (!isForwarding || route?.type === RouteType.BLACKHOLE) return result;
  result.action = RouteAction.UNREACHABLE;
  result.type = AddressType.UNREACHABLE;
  if (route === null || isUnreachableByRule(route)) result.icmpCode = ICMP_NET_UNREACHABLE;
  else result.icmpCode = route.type === RouteType.PROHIBIT ? ICMP_FILTERED : ICMP_HOST_UNREACHABLE;
  return result;
}

function failureOf(route: Route | null): RouteFailure {
  if (route === null) return 'no-route';
  if (route.type === RouteType.BLACKHOLE) return 'blackhole-route';
  return route.type === RouteType.PROHIBIT ? 'prohibit-route' : 'unreachable-route';
}

function unroutable(result: OutputRoute, reason: RouteFailure): OutputRoute {
  result.reason = reason;
  result.type = AddressType.UNICAST;
  result.outDev = -1;
  result.nextHop = 0;
  result.usesGateway = false;
  result.nextHopMac = undefined;
  result.source = 0;
  result.loopsBack = false;
  result.realms = 0;
  result.route = null;
  return result;
}
