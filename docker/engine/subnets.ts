/**
 * Which subnet a network gets that names none (libnetwork/ipam, libnetwork/ipamutils): the engine's pools, without
 * those that overlap another network or an on-link route of the host. Name servers in /etc/resolv.conf are not
 * looked at.
 */
import type { AddressPool } from '../model.js';
import { doOverlap, firstOf, type Prefix, parsePrefix, subnetsOf } from './prefixes.js';
import type { EngineTraits } from './traits.js';

/** 172.17.0.0/16 to 172.31.0.0/16, then 192.168.0.0/20 to 192.168.240.0/20. */
export const DEFAULT_POOLS: readonly AddressPool[] = [
  { base: '172.17.0.0/16', size: 16 },
  { base: '172.18.0.0/16', size: 16 },
  { base: '172.19.0.0/16', size: 16 },
  { base: '172.20.0.0/14', size: 16 },
  { base: '172.24.0.0/14', size: 16 },
  { base: '172.28.0.0/14', size: 16 },
  { base: '192.168.0.0/16', size: 20 },
];

export interface SubnetRequest {
  readonly pools: readonly AddressPool[];
  readonly how: EngineTraits['subnets'];
  /** Of the engine's networks. */
  readonly taken: readonly Prefix[];
  /** On-link routes of the host. */
  readonly routes: readonly Prefix[];
  /** Which pool is tried first, with `ring`. */
  readonly nextPool: number;
}

export interface ChosenSubnet {
  readonly subnet: Prefix;
  readonly nextPool: number;
}

/** Undefined: no pool is free. */
export function chooseSubnet(request: SubnetRequest): ChosenSubnet | undefined {
  return request.how === 'gap' ? firstGap(request) : nextOfRing(request);
}

/** All networks of POOLS, in order. */
function networksIn(pools: readonly AddressPool[]): Prefix[] {
  return pools.flatMap(({ base, size }) => [...subnetsOf(parsePrefix(base) as Prefix, size)]);
}

/** Since 27: the lowest one, wherever it is; pools in ascending order, those within others left out. */
function firstGap({ pools, taken, routes, nextPool }: SubnetRequest): ChosenSubnet | undefined {
  const bases = pools
    .map(({ base, size }) => ({ prefix: parsePrefix(base) as Prefix, size }))
    .sort((a, b) => firstOf(a.prefix) - firstOf(b.prefix) || a.prefix.length - b.prefix.length);
  const used = [...taken, ...routes];
  let last: Prefix | undefined;
  for (const { prefix, size } of bases) {
    if (last !== undefined && doOverlap(last, prefix)) continue;
    last = prefix;
    for (const subnet of subnetsOf(prefix, size)) {
      if (!used.some((other) => doOverlap(other, subnet))) return { subnet, nextPool };
    }
  }
  return undefined;
}

/**
 * Before 27: a pool that no network has is taken out, and put back if a route overlaps it. Since 18.06 each search goes
 * on behind the last one, so that a subnet that was given back is not given out again until all others were.
 */
function nextOfRing({ pools, how, taken, routes, nextPool }: SubnetRequest): ChosenSubnet | undefined {
  const all = networksIn(pools);
  let start = how === 'ring' && nextPool < all.length ? nextPool : 0;
  const tried: Prefix[] = [];
  for (;;) {
    const order = [...all.slice(start), ...all.slice(0, start)];
    const used = [...taken, ...tried];
    const index = order.findIndex((subnet) => !used.some((other) => doOverlap(other, subnet)));
    if (index < 0) return undefined;
    if (how === 'ring') start = start + index + 1 >= all.length ? 0 : start + index + 1;
    const subnet = order[index];
    if (!routes.some((route) => doOverlap(route, subnet))) return { subnet, nextPool: start };
    tried.push(subnet);
  }
}

/** The first network of POOLS that overlaps no route: for the default bridge, before 28. */
export function firstFreeOfRoutes(pools: readonly AddressPool[], routes: readonly Prefix[]): Prefix | undefined {
  return networksIn(pools).find((subnet) => !routes.some((route) => doOverlap(route, subnet)));
}
