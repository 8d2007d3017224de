/** hot: routing decisions like those of ip_route_input and ip_route_output. Nothing here allocates. */
import { type LoadedAddress, toHostOrder } from '../../codecs/byte-order.js';
import { PacketType } from '../packet.js';
import { AddressType } from './address-type.js';
import { type AddressSpan, intervalOf, type RoutingTables } from './fib.js';
import type { Interface } from './interfaces.js';
import { type Route, RouteType } from './route.js';
import { type InputRoute, type OutputRoute, RouteAction, type RouteFailure } from './route-decision.js';
import type { RouteKey } from './route-key.js';
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
}

export class Routing {
  private readonly policies: readonly Policy[];
  /** The interface of each of the host's own addresses. */
  private readonly own = new Map<LoadedAddress, number>();

  constructor(
    private readonly interfaces: readonly Interface[],
    private readonly tables: RoutingTables,
    sysctls: Sysctls,
    private readonly loopback: number,
  ) {
    this.policies = interfaces.map(({ index }) => ({
      rpFilter: sysctls.rpFilter(index),
      isForwarding: sysctls.forwarding(index),
      acceptsLocal: sysctls.acceptLocal(index),
      routesLocalnet: sysctls.routeLocalnet(index),
      sendsRedirects: sysctls.sendRedirects(index),
      dropsL2Multicast: sysctls.dropUnicastInL2Multicast(index),
      forwardsBroadcasts: sysctls.broadcastForwarding(index),
    }));
    for (const { index, addresses } of interfaces)
      for (const { local } of addresses) if (!this.own.has(local.loaded)) this.own.set(local.loaded, index);
  }

  /** See `Host.routeInput`. */
  input(result: InputRoute, key: RouteKey): InputRoute {
    result.icmpCode = 0;
    return isMulticast(key.destination) ? this.inputMulticast(result, key) : this.inputUnicast(result, key);
  }

  private inputMulticast(result: InputRoute, { source, destination: group, inDev }: RouteKey): InputRoute {
    if (group !== ALL_HOSTS) return drop(result, 'multicast-not-joined');
    if (isMulticast(source) || source === LIMITED_BROADCAST) return drop(result, 'martian-source');
    if (isLoopbackAddress(source) && !this.policies[inDev].routesLocalnet) return drop(result, 'martian-source');
    if (source !== 0) {
      const failure = this.checkSource(source, -1, inDev);
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

    const route = this.tables.lookup(destination);
    if (route === null || route.type >= RouteType.BLACKHOLE) return refuse(result, route, policy.isForwarding);
    if (route.type === RouteType.BROADCAST && !policy.forwardsBroadcasts) return this.inputBroadcast(result, key);
    if (route.type === RouteType.LOCAL) {
      const failure = this.checkSource(source, this.loopback, inDev);
      if (failure !== '') return drop(result, failure);
      if (packetType !== PacketType.HOST && policy.dropsL2Multicast) return drop(result, 'link-layer-broadcast');
      return this.deliver(result, AddressType.LOCAL, destination, route);
    }
    if (route.type !== RouteType.BROADCAST && !policy.isForwarding) return drop(result, 'forwarding-off');
    const failure = this.checkSource(source, route.dev, inDev);
    if (failure !== '') return drop(result, failure);
    if (packetType !== PacketType.HOST) return drop(result, 'link-layer-broadcast');
    result.action = RouteAction.FORWARD;
    result.type = route.type;
    result.outDev = route.dev;
    result.usesGateway = route.gateway !== undefined;
    result.nextHop = route.gateway === undefined ? destination : route.gateway.loaded;
    result.reason = '';
    result.route = route;
    return result;
  }

  private inputBroadcast(result: InputRoute, { source, destination, inDev }: RouteKey): InputRoute {
    if (source !== 0) {
      const failure = this.checkSource(source, -1, inDev);
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
    result.reason = '';
    result.route = route;
    return result;
  }

  /**
   * Validates SOURCE for a packet from IN_DEV that is routed to OUT_DEV (fib_validate_source). Returns the reason for a
   * failure, or ''.
   */
  private checkSource(source: LoadedAddress, outDev: number, inDev: number): RouteFailure | '' {
    const policy = this.policies[inDev];
    if (policy.rpFilter === 0 && !(inDev === outDev && policy.sendsRedirects))
      return !policy.acceptsLocal && this.own.has(source) ? 'martian-source' : '';
    const isStrict = policy.rpFilter === 1;
    const none = policy.rpFilter === 0 ? '' : 'rp-filter';
    const back = this.tables.lookup(source);
    if (back === null || back.type >= RouteType.BLACKHOLE) return none;
    if (back.type !== RouteType.UNICAST && !(back.type === RouteType.LOCAL && policy.acceptsLocal))
      return 'martian-source';
    if (back.dev === inDev || (back.type === RouteType.LOCAL && inDev === this.loopback)) return '';
    if (this.interfaces[inDev].addresses.length === 0) return none;
    return isStrict ? 'rp-filter' : '';
  }

  /** See `Host.routeOutput`. */
  output(result: OutputRoute, destination: LoadedAddress, source: LoadedAddress, isAnySource: boolean): OutputRoute {
    const isGroup = isMulticast(destination) || destination === LIMITED_BROADCAST;
    if (source !== 0) {
      if (isMulticast(source) || source === LIMITED_BROADCAST) return unroutable(result, 'martian-source');
      const sourceDev = this.devOf(source);
      if (sourceDev < 0 && (isGroup || !isAnySource)) return unroutable(result, 'source-not-local');
      if (isGroup) return this.outputBy(result, destination, source, sourceDev, null);
    }
    if (destination === 0) {
      const own = source === 0 ? LOOPBACK_ADDRESS : source;
      return this.outputLocal(result, own, own, null);
    }
    const route = this.tables.lookup(destination);
    if (route === null) return unroutable(result, 'no-route');
    if (route.type >= RouteType.BLACKHOLE) return unroutable(result, failureOf(route));
    const preferred = source === 0 ? (route.preferredSource?.loaded ?? 0) : source;
    if (route.type === RouteType.LOCAL) return this.outputLocal(result, destination, preferred, route);
    return this.outputBy(result, destination, preferred, route.dev, route);
  }

  /** The interface that owns the local ADDRESS; -1 if there is none (__ip_dev_find). */
  private devOf(address: LoadedAddress): number {
    const dev = this.own.get(address);
    if (dev !== undefined) return dev;
    const route = this.tables.lookupMain(address);
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
    result.source = source;
    result.loopsBack = false;
    result.route = route;
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
    let gateway = route === null || type === AddressType.BROADCAST ? undefined : route.gateway;
    if (type === AddressType.MULTICAST && route !== null && route.prefixLength < MULTICAST_PREFIX_LENGTH)
      gateway = undefined;
    result.reason = '';
    result.type = type;
    result.outDev = dev;
    result.usesGateway = gateway !== undefined;
    result.nextHop = gateway === undefined ? destination : gateway.loaded;
    result.source = source;
    result.loopsBack =
      !isLoopback && (type === AddressType.BROADCAST || (type === AddressType.MULTICAST && destination === ALL_HOSTS));
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
    const route = this.tables.lookupMain(address);
    if (route === null || route.type >= RouteType.BLACKHOLE) return AddressType.UNICAST;
    return dev < 0 || dev === route.dev ? route.type : AddressType.UNICAST;
  }
}

function drop(result: InputRoute, reason: RouteFailure): InputRoute {
  result.action = RouteAction.DROP;
  result.type = AddressType.UNICAST;
  result.outDev = -1;
  result.nextHop = 0;
  result.usesGateway = false;
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
  if (route === null) result.icmpCode = ICMP_NET_UNREACHABLE;
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
  result.source = 0;
  result.loopsBack = false;
  result.route = null;
  return result;
}
