/** The members `route` (`ip -j route show table all`) and `nexthop` (`ip -j nexthop`) of a host. */
import type { Address, Family } from '../address.js';
import { addressAt, LINK_SCOPE, prefixAt, scopeAt, specifiedAt } from './address-values.js';
import type {
  NextHopDescription,
  RealmsDescription,
  RouteDescription,
  RouteTypeName,
  WeightedNextHop,
} from './description.js';
import { HostError } from './error.js';
import {
  integerAt,
  type JsonObject,
  listAt,
  mismatchedName,
  numberedAt,
  objectAt,
  optionalStringAt,
  stringAt,
} from './json-values.js';

const TABLES: Readonly<Record<string, number>> = { default: 253, main: 254, local: 255 };
const MAIN_TABLE = 254;
const LOCAL_TABLE = 255;
const TYPES: readonly string[] = [
  ...['unicast', 'local', 'broadcast', 'anycast', 'multicast'],
  ...['unreachable', 'prohibit', 'blackhole', 'throw'],
];
/** `ip route add` puts routes of these types into the table local. */
const LOCAL_TYPES: readonly string[] = ['local', 'broadcast', 'anycast'];
const HOST_SCOPE = 254;
/** What a RouteDescription of IPv6 cannot represent. */
const NOT_IN_IPV6 = ['nexthops', 'via', 'encap', 'nhid'] as const;
const NAMED_TOS: Readonly<Record<string, number>> = {
  default: 0,
  mincost: 2,
  reliability: 4,
  throughput: 8,
  lowdelay: 16,
};
/** The largest MTU of a route; the kernel takes larger ones as this one. */
const MAX_MTU = 65_520;

/** Nexthop objects by their IDs, as JSON with its path. */
export type NextHopObjects = ReadonlyMap<number, readonly [object: JsonObject, path: string]>;

export function nextHopObjectsOf(list: unknown): NextHopObjects {
  const objects = new Map<number, readonly [JsonObject, string]>();
  for (const [entry, path] of listAt(list, 'nexthop')) {
    const object = objectAt(entry, path);
    if (Object.keys(object).length > 0) objects.set(integerAt(object.id, `${path}.id`, 1, 2 ** 32 - 1), [object, path]);
  }
  return objects;
}

/** IPv6 routes that a RouteDescription cannot represent, and those of addresses, are left out. */
export function routeOf(entry: JsonObject, path: string, objects: NextHopObjects): RouteDescription[] {
  if (Object.keys(entry).length === 0) return [];
  const dst = stringAt(entry.dst, `${path}.dst`);
  const family = familyOf(entry, dst);
  const type = optionalStringAt(entry.type, `${path}.type`) ?? 'unicast';
  const isKernel = entry.protocol === 'kernel';
  if (family === 'ipv6' && (isKernel || LOCAL_TYPES.includes(type) || !isPlainIpv6(entry, type))) return [];
  if (!TYPES.includes(type)) throw mismatchedName(`${path}.type`, `one of ${TYPES.join(', ')}`, type, TYPES);
  const route = family === 'ipv4' ? withObject(entry, path, objects) : entry;
  const hop = nextHopOf(route, path, family);
  const { address: destination, prefixLength } = prefixAt(dst, `${path}.dst`, family);
  const { nexthops = [] } = route;
  return [
    {
      ...hop,
      type: type as RouteTypeName,
      destination,
      prefixLength,
      preferredSource: specifiedAt(optionalStringAt(route.prefsrc, `${path}.prefsrc`), `${path}.prefsrc`, family),
      metric: isMissing(route.metric) ? 0 : integerAt(route.metric, `${path}.metric`, 0, 2 ** 32 - 1),
      table: isMissing(route.table)
        ? LOCAL_TYPES.includes(type)
          ? LOCAL_TABLE
          : MAIN_TABLE
        : tableAt(route.table, `${path}.table`),
      scope: isMissing(route.scope) ? defaultScopeOf(type, route) : scopeAt(route.scope, `${path}.scope`),
      isKernel,
      tos: isMissing(route.tos) ? 0 : tosAt(route.tos, `${path}.tos`),
      mtu: mtuOf(route, path),
      realms: realmsOf(route, path),
      hasObject: route.nhid !== undefined,
      nextHops: listAt(nexthops, `${path}.nexthops`).map(([one, at]) => weightedHopOf(objectAt(one, at), at)),
    },
  ];
}

/** The family of a route is not said where its destination is `default`. Only IPv6 routes have `pref`. */
function familyOf(route: JsonObject, dst: string): Family {
  if (dst !== 'default') return dst.includes(':') ? 'ipv6' : 'ipv4';
  const isIpv6 = route.pref !== undefined || (typeof route.gateway === 'string' && route.gateway.includes(':'));
  return isIpv6 ? 'ipv6' : 'ipv4';
}

function isPlainIpv6(route: JsonObject, type: string): boolean {
  const isInMain = isMissing(route.table) || route.table === 'main';
  return (
    isInMain && TYPES.includes(type) && type !== 'multicast' && NOT_IN_IPV6.every((key) => route[key] === undefined)
  );
}

/** ROUTE with the members of its nexthop object, if it names one that the kernel has not resolved. */
function withObject(route: JsonObject, path: string, objects: NextHopObjects): JsonObject {
  if (route.nhid === undefined) return route;
  const id = integerAt(route.nhid, `${path}.nhid`, 1, 2 ** 32 - 1);
  const [object, at] = objects.get(id) ?? [];
  if (object?.type === 'resilient')
    throw new HostError(`${path}.nhid`, `routes by a resilient group of next hops are not supported`, '', 0, 0, true);
  const isResolved = ['dev', 'gateway', 'via', 'nexthops'].some((key) => route[key] !== undefined);
  if (isResolved) return route;
  if (object === undefined || at === undefined)
    throw new HostError(`${path}.nhid`, `there is no nexthop ${id}; expected it in the member nexthop`);
  if (object.blackhole !== undefined) return { ...route, type: 'blackhole' };
  if (object.group === undefined) return { ...object, ...route };
  const nexthops = listAt(object.group, `${at}.group`).map(([entry, entryPath]) => {
    const { id: memberId, weight = 1 } = objectAt(entry, entryPath);
    const member = objects.get(integerAt(memberId, `${entryPath}.id`, 1, 2 ** 32 - 1));
    if (member === undefined) throw new HostError(`${entryPath}.id`, `there is no nexthop ${memberId}`);
    return { ...member[0], weight };
  });
  return { ...route, nexthops };
}

function nextHopOf(hop: JsonObject, path: string, family: Family): NextHopDescription {
  // `ip -j` writes the destination of the tunnel over that of the route.
  if (hop.encap !== undefined)
    throw new HostError(`${path}.encap`, 'routes with encap are not supported', '', 0, 0, true);
  const flags = hop.flags === undefined ? [] : listAt(hop.flags, `${path}.flags`).map(([flag]) => flag);
  return {
    path,
    gateway: specifiedAt(optionalStringAt(hop.gateway, `${path}.gateway`), `${path}.gateway`, family),
    via: viaOf(hop.via, `${path}.via`),
    dev: optionalStringAt(hop.dev, `${path}.dev`),
    isOnLink: flags.includes('onlink'),
    isDead: flags.includes('dead'),
    isLinkDown: flags.includes('linkdown'),
  };
}

/** `{"family": "inet6", "host": "fe80::1"}`: a gateway of the other family. */
function viaOf(via: unknown, path: string): Address | undefined {
  return via === undefined ? undefined : addressAt(objectAt(via, path).host, `${path}.host`, 'ipv6');
}

function weightedHopOf(hop: JsonObject, path: string): WeightedNextHop {
  return { ...nextHopOf(hop, path, 'ipv4'), weight: integerAt(hop.weight ?? 1, `${path}.weight`, 1, 65_536) };
}

function defaultScopeOf(type: string, { gateway, via, nexthops, nhid }: JsonObject): number {
  if (type === 'local') return HOST_SCOPE;
  if (['broadcast', 'anycast', 'multicast'].includes(type)) return LINK_SCOPE;
  const isOnLink = [gateway, via, nexthops, nhid].every(isMissing);
  return type === 'unicast' && isOnLink ? LINK_SCOPE : 0;
}

function mtuOf(route: JsonObject, path: string): number {
  if (route.metrics === undefined) return 0;
  for (const [entry, at] of listAt(route.metrics, `${path}.metrics`)) {
    const { mtu } = objectAt(entry, at);
    if (mtu !== undefined) return Math.min(integerAt(mtu, `${at}.mtu`, 0, 2 ** 32 - 1), MAX_MTU);
  }
  return 0;
}

/** `{"flow": {"from": "5", "to": "6"}}`, or `{"realm": "5/6"}` as ip(8) takes it. */
function realmsOf({ flow, realm }: JsonObject, path: string): RealmsDescription | undefined {
  if (realm !== undefined) {
    const text = typeof realm === 'number' ? String(realm) : stringAt(realm, `${path}.realm`);
    const slash = text.indexOf('/');
    return slash < 0 ? { from: undefined, to: text } : { from: text.slice(0, slash), to: text.slice(slash + 1) };
  }
  return flow === undefined ? undefined : realmsAt(objectAt(flow, `${path}.flow`), 'from', 'to', `${path}.flow`);
}

/** The realms at the keys FROM and TO of OBJECT. */
export function realmsAt(object: JsonObject, from: string, to: string, path: string): RealmsDescription {
  const at = (key: string): string | undefined => {
    const value = object[key];
    return typeof value === 'number' ? String(value) : optionalStringAt(value, `${path}.${key}`);
  };
  return { from: at(from), to: at(to) };
}

/** The number of a table, or its name if that is not known. */
export function tableAt(value: unknown, path: string): number | string {
  const text = typeof value === 'number' ? String(value) : stringAt(value, path);
  if (Object.hasOwn(TABLES, text)) return TABLES[text];
  return /^\d{1,10}$/.test(text) && Number(text) < 2 ** 32 ? Number(text) : text;
}

export function tosAt(value: unknown, path: string): number {
  return numberedAt(value, path, NAMED_TOS, 'a TOS', 0xff);
}

function isMissing(value: unknown): boolean {
  return value === undefined || value === '';
}
