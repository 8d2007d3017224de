import { LINK_SCOPE, prefixAt, scopeAt, specifiedAt } from './address-values.js';
import type { RouteDescription, RouteTypeName } from './description.js';
import { HostError } from './error.js';
import {
  integerAt,
  type JsonObject,
  listAt,
  mismatchedName,
  namedAt,
  optionalStringAt,
  stringAt,
} from './json-values.js';

const TABLES: Readonly<Record<string, number>> = { default: 253, main: 254, local: 255 };
const ROUTE_TYPES: readonly string[] = ['unicast', 'unreachable', 'prohibit', 'blackhole', 'throw'];
const UNSUPPORTED_MEMBERS = ['nexthops', 'via', 'encap', 'tos'] as const;
/** The kernel adds routes of these types for addresses. */
const IMPLIED_TYPES: readonly string[] = ['local', 'broadcast', 'multicast', 'anycast'];

export function routeOf(route: JsonObject, path: string, warnings: string[]): RouteDescription[] {
  if (Object.keys(route).length === 0) return [];
  const dst = stringAt(route.dst, `${path}.dst`);
  const gatewayText = optionalStringAt(route.gateway, `${path}.gateway`);
  const isIpv6 = dst.includes(':') || (dst === 'default' && (gatewayText?.includes(':') ?? false));
  const family = isIpv6 ? 'ipv6' : 'ipv4';
  const type = optionalStringAt(route.type, `${path}.type`) ?? 'unicast';
  if (route.protocol === 'kernel' || IMPLIED_TYPES.includes(type)) return [];
  if (isIpv6 && !isPlainRoute(route, type)) return [];
  if (!ROUTE_TYPES.includes(type))
    throw mismatchedName(`${path}.type`, `one of ${ROUTE_TYPES.join(', ')}`, type, ROUTE_TYPES);
  for (const key of UNSUPPORTED_MEMBERS)
    if (route[key] !== undefined)
      throw new HostError(`${path}.${key}`, `routes with ${key} are not supported`, '', 0, 0, true);
  const table =
    route.table === undefined || route.table === ''
      ? 254
      : namedAt(route.table, `${path}.table`, TABLES, 'a routing table');
  if (table === 255)
    throw new HostError(`${path}.table`, `a route of type ${type} in the local table is not supported`, '', 0, 0, true);
  if (table !== 254 && table !== 253) {
    if (!isIpv6) warnings.push(`${path}: no rule leads to table ${table}; its routes are ignored`);
    return [];
  }
  const { address: destination, prefixLength } = prefixAt(dst, `${path}.dst`, family);
  const gateway = specifiedAt(gatewayText, `${path}.gateway`, family);
  const dev = optionalStringAt(route.dev, `${path}.dev`);
  const isOnLink =
    route.flags !== undefined && listAt(route.flags, `${path}.flags`).some(([flag]) => flag === 'onlink');
  const prefsrc = optionalStringAt(route.prefsrc, `${path}.prefsrc`);
  return [
    {
      path,
      type: type as RouteTypeName,
      destination,
      prefixLength,
      gateway,
      dev,
      preferredSource: specifiedAt(prefsrc, `${path}.prefsrc`, family),
      metric:
        route.metric === undefined || route.metric === ''
          ? 0
          : integerAt(route.metric, `${path}.metric`, 0, 2 ** 32 - 1),
      table,
      scope:
        route.scope === undefined || route.scope === ''
          ? type === 'unicast' && gatewayText === undefined
            ? LINK_SCOPE
            : 0
          : scopeAt(route.scope, `${path}.scope`),
      isOnLink,
    },
  ];
}

/** Whether a RouteDescription can represent the IPv6 route ROUTE. */
function isPlainRoute(route: JsonObject, type: string): boolean {
  const isInKnownTable = route.table === undefined || route.table === '' || route.table === 'main';
  return isInKnownTable && ROUTE_TYPES.includes(type) && UNSUPPORTED_MEMBERS.every((key) => route[key] === undefined);
}
