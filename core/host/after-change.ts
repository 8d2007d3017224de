/**
 * What the kernel does by itself with routes and neighbours when links and addresses change (fib_netdev_event,
 * fib_inetaddr_event): whoever changes a host need not say it.
 */
import type { Address } from '../../codecs/address.js';
import { prefixMask } from '../../codecs/address.js';
import type {
  AddressDescription,
  HostDescription,
  LinkDescription,
  NextHopDescription,
  RouteDescription,
} from '../../codecs/host/description.js';
import { areComplete } from './host-tables.js';
import { RouteTable, Scope } from './route.js';

/** WANTED, a host that was BEFORE, without what went with its links and addresses, and with what came with them. */
export function afterChange(before: HostDescription, wanted: HostDescription): HostDescription {
  const links = new Map(wanted.links.map((link) => [link.name, link]));
  const earlier = earlierLinks(before.links, wanted.links);
  const renamed = renamesIn(before.links, links);
  const isPresent = (name: string): boolean => name === 'lo' || links.has(name);
  const isDown = (name: string): boolean => {
    const link = links.get(name);
    return link !== undefined && !link.isUp && earlier.get(name)?.isUp !== false;
  };
  const gone = goneAddresses(before.links, wanted.links);
  // With its last address, a link has no IP any more.
  const isBare = (name: string): boolean => !hasIpv4(links.get(name)) && hasIpv4(earlier.get(name));
  const change: Change = {
    isUsable: (name) => isPresent(name) && !isDown(name) && !isBare(name),
    isPresent: (name) => isPresent(name) && !isBare(name),
    wasRoute: (route) => before.routes.some((other) => isSameRoute(other, route) && isSameGateway(other, route)),
    isGone: (address) => gone.has(address.toString()),
    isUnreachable: (gateway) => !isOnLink(gateway, wanted.links) && isOnLink(gateway, before.links),
    carrierOf: (name) => {
      const link = links.get(name);
      return link === undefined || link.hasCarrier === earlier.get(name)?.hasCarrier ? undefined : link.hasCarrier;
    },
  };
  const kept = wanted.routes.flatMap((route) => keptRoute(withNames(route, renamed), change));
  const isComplete = areComplete(wanted.routes);
  const added = isComplete ? wanted.links.flatMap((link) => newRoutes(link, earlier.get(link.name), kept)) : [];
  return {
    ...wanted,
    routes: [...kept, ...added],
    neighbours: wanted.neighbours
      .map((neighbour) => ({ ...neighbour, dev: renamed.get(neighbour.dev) ?? neighbour.dev }))
      .filter(({ dev }) => isPresent(dev)),
  };
}

/** The links that there were, by their names now. */
function earlierLinks(before: readonly LinkDescription[], after: readonly LinkDescription[]) {
  const byName = new Map(before.map((link) => [link.name, link]));
  const byIndex = new Map(before.map((link) => [link.ifindex, link]));
  return new Map(
    after.map(({ name, ifindex }) => [name, (ifindex === 0 ? undefined : byIndex.get(ifindex)) ?? byName.get(name)]),
  );
}

/** The new names of links that have others than before. */
function renamesIn(before: readonly LinkDescription[], after: ReadonlyMap<string, LinkDescription>) {
  const byIndex = new Map([...after.values()].map(({ ifindex, name }) => [ifindex, name]));
  return new Map(
    before.flatMap(({ name, ifindex }): [string, string][] => {
      const now = ifindex === 0 || after.get(name)?.ifindex === ifindex ? undefined : byIndex.get(ifindex);
      return now === undefined ? [] : [[name, now]];
    }),
  );
}

function withNames(route: RouteDescription, renamed: ReadonlyMap<string, string>): RouteDescription {
  if (renamed.size === 0) return route;
  const named = <Hop extends NextHopDescription>(hop: Hop): Hop => ({
    ...hop,
    dev: renamed.get(hop.dev ?? '') ?? hop.dev,
  });
  return { ...named(route), nextHops: route.nextHops.map(named) };
}

interface Change {
  readonly isPresent: (name: string) => boolean;
  /** The host had it before. */
  readonly wasRoute: (route: RouteDescription) => boolean;
  /** It is there with addresses, and was not set down just now. */
  readonly isUsable: (name: string) => boolean;
  /** The host had this address and has not any more. */
  readonly isGone: (address: Address) => boolean;
  /** It was on a link of the host and is not any more. */
  readonly isUnreachable: (gateway: Address) => boolean;
  /** Whether a link has a carrier, if that has changed. */
  readonly carrierOf: (name: string) => boolean | undefined;
}

function hasIpv4(link: LinkDescription | undefined): boolean {
  return link?.addresses.some(({ local }) => isIpv4(local)) ?? false;
}

function isIpv4(address: Address): boolean {
  return address.family === 'ipv4';
}

function goneAddresses(before: readonly LinkDescription[], after: readonly LinkDescription[]): Set<string> {
  const left = new Set(after.flatMap(({ addresses }) => addresses.map(({ local }) => local.toString())));
  const had = before.flatMap(({ addresses }) => addresses.map(({ local }) => local.toString()));
  return new Set(had.filter((address) => !left.has(address)));
}

function isOnLink(gateway: Address, links: readonly LinkDescription[]): boolean {
  return links.some(
    ({ isUp, addresses }) =>
      isUp && addresses.some(({ peer, prefixLength }) => isIpv4(peer) && gateway.hasPrefix(peer, prefixLength)),
  );
}

/** ROUTE as it is after CHANGE: one or none. */
function keptRoute(route: RouteDescription, change: Change): RouteDescription[] {
  const { preferredSource, destination, isKernel, type, prefixLength, nextHops } = route;
  if (preferredSource !== undefined && change.isGone(preferredSource)) return [];
  if (isKernel && type === 'local' && prefixLength === 32 && change.isGone(destination)) return [];
  if (nextHops.length === 0 && !isHopKept(route, route, change)) return [];
  // The kernel looks for the gateway of a route only when that is added.
  if (nextHops.length === 0) {
    const isKept = route.gateway !== undefined && route.dev !== undefined && change.wasRoute(route);
    const hop = withCarrier(route, route, change);
    return [isKept ? { ...hop, isOnLink: true } : hop];
  }
  // The others stay if a link is set down, but not if it goes.
  if (!nextHops.every(({ dev }) => dev === undefined || change.isPresent(dev))) return [];
  const left = nextHops.filter((hop) => isHopKept(route, hop, change)).map((hop) => withCarrier(route, hop, change));
  return left.length === 0 ? [] : [{ ...route, nextHops: left }];
}

function withCarrier<Hop extends NextHopDescription>({ scope }: RouteDescription, hop: Hop, change: Change): Hop {
  const hasCarrier = hop.dev === undefined || scope >= Scope.HOST ? undefined : change.carrierOf(hop.dev);
  return hasCarrier === undefined ? hop : { ...hop, isLinkDown: !hasCarrier };
}

/** A link that goes down leaves the routes of scope host; one that goes away leaves none (fib_sync_down_dev). */
function isHopKept({ scope }: RouteDescription, { dev, gateway }: NextHopDescription, change: Change): boolean {
  if (dev !== undefined) return scope >= Scope.HOST ? change.isPresent(dev) : change.isUsable(dev);
  return gateway === undefined || !change.isUnreachable(gateway);
}

/** The routes that came with addresses that LINK has since, or with the link when it was set up, and are not LISTED. */
function newRoutes(
  link: LinkDescription,
  before: LinkDescription | undefined,
  listed: readonly RouteDescription[],
): RouteDescription[] {
  const isAnother = before !== undefined && before.ifindex !== link.ifindex;
  const hasComeUp = link.isUp && (isAnother || before?.isUp !== true);
  const had = before?.addresses ?? [];
  return link.addresses
    .filter(({ local }) => isIpv4(local))
    .filter(({ local }) => hasComeUp || !had.some((other) => other.local.equals(local)))
    .flatMap((address) => routesOf(link, address))
    .filter((route) => !listed.some((other) => isSameRoute(other, route)));
}

function isSameRoute(a: RouteDescription, b: RouteDescription): boolean {
  return (
    a.dev === b.dev &&
    a.type === b.type &&
    a.prefixLength === b.prefixLength &&
    a.table === b.table &&
    a.destination.equals(b.destination)
  );
}

function isSameGateway({ gateway: a }: RouteDescription, { gateway: b }: RouteDescription): boolean {
  return a === undefined ? b === undefined : b !== undefined && a.equals(b);
}

/** fib_add_ifaddr */
function routesOf(link: LinkDescription, address: AddressDescription): RouteDescription[] {
  const { local, peer, prefixLength, broadcast, metric, isWithoutRoute } = address;
  const network = peer.masked(prefixMask('ipv4', prefixLength));
  const primary = primaryOf(link, address);
  const isSecondary = primary !== address;
  const base = {
    ...ROUTE,
    path: address.path,
    dev: link.name,
    preferredSource: primary.local,
    isLinkDown: !link.hasCarrier,
  };
  const own = {
    ...base,
    type: 'local',
    destination: local,
    prefixLength: 32,
    scope: Scope.HOST,
    isLinkDown: false,
  } as const;
  const toAll = { ...base, type: 'broadcast', prefixLength: 32, scope: Scope.LINK } as const;
  const routes: RouteDescription[] = [own];
  // One that is down has its address, but not yet its network.
  if (!link.isUp) return routes;
  if (broadcast !== undefined && broadcast.hostOrder !== 0xffffffff) routes.push({ ...toAll, destination: broadcast });
  if (network.isUnspecified || isSecondary || (prefixLength === 32 && network.equals(local))) return routes;
  if (link.isLoopback) routes.push({ ...own, destination: network, prefixLength });
  else if (!isWithoutRoute) {
    const to = { destination: network, prefixLength, table: RouteTable.MAIN, metric, scope: Scope.LINK };
    routes.push({ ...base, ...to });
  }
  if (prefixLength < 31) routes.push({ ...toAll, destination: network.lastInPrefix(prefixLength) });
  return routes.filter((route, i) => !routes.slice(0, i).some((other) => isSameRoute(other, route)));
}

const ROUTE = {
  type: 'unicast',
  table: RouteTable.LOCAL,
  metric: 0,
  isKernel: true,
  tos: 0,
  mtu: 0,
  realms: undefined,
  hasObject: false,
  nextHops: [],
  gateway: undefined,
  via: undefined,
  isOnLink: false,
  isDead: false,
  isLinkDown: false,
} as const;

/** The first address of LINK in the network of ADDRESS: the others are secondary. */
function primaryOf({ addresses }: LinkDescription, address: AddressDescription): AddressDescription {
  const { peer, prefixLength } = address;
  const inNetwork = addresses.find(
    (other) => isIpv4(other.local) && other.prefixLength === prefixLength && peer.hasPrefix(other.peer, prefixLength),
  );
  return inNetwork ?? address;
}
