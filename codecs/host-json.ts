/**
 * The host file: a JSON object whose members are the verbatim outputs of `ip -j addr show`, `ip -j route show table all`
 * and `ip -j neigh show`, `sysctl` as an object, and the text of `ipset save`. Only what concerns IPv4 is taken.
 */
import { formatAddress, parseAddress } from './address.js';
import { locateInJson, locateSyntaxError } from './json-position.js';

/** What is wrong with a host file: where, what was there, and what was wanted. */
export class HostError extends Error {
  override readonly name = 'HostError';

  constructor(
    /** Where in the JSON: `addr[0].mtu`; '' for the whole. */
    readonly path: string,
    /** What is wrong, in words. */
    readonly problem: string,
    readonly file = '',
    /** Counted from 1; 0: not known. */
    readonly line = 0,
    readonly column = 0,
    /** The description is right, but asks for something that is not supported. */
    readonly isUnsupported = false,
  ) {
    const place = [file || 'host', ...(line > 0 ? [line, column] : [])].join(':');
    super(`${place}: ${path === '' ? '' : `${path}: `}${problem}`);
  }

  /** The same error with its place in TEXT, the content of FILE. */
  locatedIn(text: string, file: string): HostError {
    const { line, column } = locateInJson(text, this.path);
    return new HostError(this.path, this.problem, file, line, column, this.isUnsupported);
  }
}

/** Addresses are as loaded little-endian; `path` is where in the JSON it stands. */
export interface LinkDescription {
  readonly path: string;
  readonly name: string;
  readonly mac: Uint8Array;
  /** In bytes. */
  readonly mtu: number;
  readonly isLoopback: boolean;
  readonly isUp: boolean;
  readonly addresses: readonly AddressDescription[];
}

export interface AddressDescription {
  readonly path: string;
  readonly local: number;
  /** The other end of a point-to-point link; otherwise the same as `local`. */
  readonly peer: number;
  readonly prefixLength: number;
  /** 0: none. */
  readonly broadcast: number;
  readonly scope: number;
}

export type RouteTypeName = 'unicast' | 'unreachable' | 'prohibit' | 'blackhole' | 'throw';

export interface RouteDescription {
  readonly path: string;
  readonly type: RouteTypeName;
  readonly destination: number;
  readonly prefixLength: number;
  /** 0: none. */
  readonly gateway: number;
  readonly dev: string | undefined;
  readonly preferredSource: number;
  readonly metric: number;
  /** 254 is main, 253 default. */
  readonly table: number;
  readonly scope: number;
  readonly isOnLink: boolean;
}

export interface NeighbourDescription {
  readonly path: string;
  readonly address: number;
  readonly dev: string;
  readonly mac: Uint8Array;
}

export interface HostDescription {
  readonly links: readonly LinkDescription[];
  /** In the order of the file; those that the addresses bring with them are left out. */
  readonly routes: readonly RouteDescription[];
  readonly neighbours: readonly NeighbourDescription[];
  readonly sysctls: ReadonlyMap<string, number>;
  /** Text of `ipset save`. */
  readonly ipset: string;
  readonly warnings: readonly string[];
}

const SCOPES: Readonly<Record<string, number>> = {
  global: 0,
  universe: 0,
  site: 200,
  link: 253,
  host: 254,
  nowhere: 255,
};
const TABLES: Readonly<Record<string, number>> = { default: 253, main: 254, local: 255 };
const LINK_SCOPE = 253;
const HOST_SCOPE = 254;
const ROUTE_TYPES: readonly string[] = ['unicast', 'unreachable', 'prohibit', 'blackhole', 'throw'];
/** Routes of these types come with the addresses. */
const IMPLIED_TYPES: readonly string[] = ['local', 'broadcast', 'multicast', 'anycast'];
const MIN_MTU = 68;
const MAX_MTU = 65_535;
/** IFNAMSIZ − 1 */
const MAX_NAME_LENGTH = 15;

/** The description that TEXT, the content of FILE, gives. Throws a HostError. */
export function parseHost(text: string, file: string): HostDescription {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    const { line, column } = locateSyntaxError(text);
    throw new HostError('', `not JSON: ${(error as Error).message}`, file, line, column);
  }
  try {
    return describeHost(json);
  } catch (error) {
    throw error instanceof HostError ? error.locatedIn(text, file) : error;
  }
}

/** The description that the parsed JSON gives. Throws a HostError without a place. */
export function describeHost(json: unknown): HostDescription {
  const host = objectAt(json, '');
  const warnings: string[] = [];
  for (const key of Object.keys(host))
    if (!/^(addr|route|neigh|sysctl|ipset)$/.test(key)) warnings.push(`member ${key} is not known and changes nothing`);
  if (host.addr === undefined)
    throw new HostError('', 'there is no member addr: the output of `ip -j addr show` is wanted');
  const links = listAt(host.addr, 'addr').flatMap(([entry, path]) => linkOf(objectAt(entry, path), path));
  const names = new Map<string, string>();
  for (const { name, path } of links) {
    const earlier = names.get(name);
    if (earlier !== undefined)
      throw new HostError(`${path}.ifname`, `interface ${name} is there already, as ${earlier}`);
    names.set(name, path);
  }
  return {
    links,
    routes: listAt(host.route ?? [], 'route').flatMap(([entry, path]) =>
      routeOf(objectAt(entry, path), path, warnings),
    ),
    neighbours: listAt(host.neigh ?? [], 'neigh').flatMap(([entry, path]) => neighbourOf(objectAt(entry, path), path)),
    sysctls: sysctlsOf(host.sysctl ?? {}),
    ipset: host.ipset === undefined ? '' : stringAt(host.ipset, 'ipset'),
    warnings,
  };
}

type JsonObject = Readonly<Record<string, unknown>>;

/** `ip -j -4 addr` gives empty objects for interfaces without addresses: none of these. */
function linkOf(link: JsonObject, path: string): LinkDescription[] {
  if (Object.keys(link).length === 0) return [];
  const name = stringAt(link.ifname, `${path}.ifname`);
  if (!/^[^\s/:]+$/.test(name) || name.length > MAX_NAME_LENGTH || name === '.' || name === '..')
    throw new HostError(`${path}.ifname`, `${quote(name)} is no name of an interface`);
  if (name === 'local') throw new HostError(`${path}.ifname`, 'the name local stands for the host itself');
  const isLoopback = name === 'lo';
  if (link.address === undefined && !isLoopback)
    throw new HostError(path, `interface ${name} has no MAC (address): only Ethernet is supported`, '', 0, 0, true);
  const flags = link.flags === undefined ? undefined : listAt(link.flags, `${path}.flags`).map(([flag]) => flag);
  return [
    {
      path,
      name,
      mac: link.address === undefined ? new Uint8Array(6) : macAt(link.address, `${path}.address`),
      mtu:
        isLoopback && link.mtu === undefined
          ? 65_536
          : integerAt(link.mtu ?? 1500, `${path}.mtu`, MIN_MTU, isLoopback ? 2 ** 31 - 1 : MAX_MTU),
      isLoopback,
      isUp: flags === undefined || flags.includes('UP'),
      addresses: listAt(link.addr_info ?? [], `${path}.addr_info`).flatMap(([entry, at]) =>
        addressOf(objectAt(entry, at), at),
      ),
    },
  ];
}

function addressOf(info: JsonObject, path: string): AddressDescription[] {
  if (Object.keys(info).length === 0) return [];
  const family = stringAt(info.family, `${path}.family`);
  if (family !== 'inet') return [];
  const local = addressAt(info.local, `${path}.local`);
  return [
    {
      path,
      local,
      peer: info.address === undefined ? local : addressAt(info.address, `${path}.address`),
      prefixLength: integerAt(info.prefixlen, `${path}.prefixlen`, 0, 32),
      broadcast: info.broadcast === undefined ? 0 : addressAt(info.broadcast, `${path}.broadcast`),
      scope: info.scope === undefined ? defaultScopeOf(local) : scopeAt(info.scope, `${path}.scope`),
    },
  ];
}

/** ip-address(8): addresses of 127/8 are of scope host. */
function defaultScopeOf(local: number): number {
  return (local & 0xff) === 127 ? HOST_SCOPE : 0;
}

function routeOf(route: JsonObject, path: string, warnings: string[]): RouteDescription[] {
  if (Object.keys(route).length === 0) return [];
  const dst = stringAt(route.dst, `${path}.dst`);
  const gatewayText = optionalStringAt(route.gateway, `${path}.gateway`);
  if (dst.includes(':') || (dst === 'default' && gatewayText?.includes(':'))) return [];
  const type = optionalStringAt(route.type, `${path}.type`) ?? 'unicast';
  if (route.protocol === 'kernel' || IMPLIED_TYPES.includes(type)) return [];
  if (!ROUTE_TYPES.includes(type))
    throw new HostError(`${path}.type`, `${quote(type)} is there, one of ${ROUTE_TYPES.join(', ')} is wanted`);
  for (const key of ['nexthops', 'via', 'encap', 'tos'])
    if (route[key] !== undefined)
      throw new HostError(`${path}.${key}`, `routes with ${key} are not supported`, '', 0, 0, true);
  const table =
    route.table === undefined || route.table === ''
      ? 254
      : namedAt(route.table, `${path}.table`, TABLES, 'a routing table');
  if (table === 255)
    throw new HostError(`${path}.table`, `a route of type ${type} in the local table is not supported`, '', 0, 0, true);
  if (table !== 254 && table !== 253) {
    warnings.push(`${path}: no rule leads to table ${table}; its routes change nothing`);
    return [];
  }
  const { address: destination, prefixLength } = prefixAt(dst, `${path}.dst`);
  const gateway = gatewayText === undefined ? 0 : addressAt(gatewayText, `${path}.gateway`);
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
      preferredSource: prefsrc === undefined ? 0 : addressAt(prefsrc, `${path}.prefsrc`),
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

/** Entries without an lladdr (FAILED, INCOMPLETE) say nothing. */
function neighbourOf(neighbour: JsonObject, path: string): NeighbourDescription[] {
  const mac = optionalStringAt(neighbour.lladdr, `${path}.lladdr`);
  if (mac === undefined) return [];
  const dst = stringAt(neighbour.dst, `${path}.dst`);
  if (dst.includes(':')) return [];
  return [
    {
      path,
      address: addressAt(dst, `${path}.dst`),
      dev: stringAt(neighbour.dev, `${path}.dev`),
      mac: macAt(mac, `${path}.lladdr`),
    },
  ];
}

/** Values that are not one number are for settings that have no part here; those become NaN. */
function sysctlsOf(json: unknown): Map<string, number> {
  const sysctls = new Map<string, number>();
  for (const [name, value] of Object.entries(objectAt(json, 'sysctl'))) {
    const path = `sysctl[${quote(name)}]`;
    if (typeof value !== 'number' && typeof value !== 'string')
      throw new HostError(path, `${describe(value)} is there, a number is wanted`);
    const text = String(value).trim();
    sysctls.set(name, /^-?(0[xX][\da-fA-F]+|[1-9]\d*|0)$/.test(text) ? numberOf(text) : Number.NaN);
  }
  return sysctls;
}

function numberOf(text: string): number {
  return text.startsWith('-') ? -Number(text.slice(1)) : Number(text);
}

function prefixAt(text: string, path: string): { address: number; prefixLength: number } {
  if (text === 'default') return { address: 0, prefixLength: 0 };
  const [, network, length] = /^([^/]*)(?:\/(\d{1,2}))?$/.exec(text) ?? [];
  const address = network === undefined ? undefined : loadedIpv4(network);
  const prefixLength = length === undefined ? 32 : Number(length);
  if (address === undefined || prefixLength > 32)
    throw new HostError(path, `${quote(text)} is there, \`default\`, an IPv4 address or a prefix is wanted`);
  for (let bit = prefixLength; bit < 32; bit++)
    if ((address >>> ((bit & 0x18) + 7 - (bit & 7))) & 1)
      throw new HostError(path, `${quote(text)} has bits set beyond its prefix length`);
  return { address, prefixLength };
}

function loadedIpv4(text: string): number | undefined {
  const address = parseAddress(text);
  return address?.family === 'ipv4' ? address.loaded : undefined;
}

function addressAt(value: unknown, path: string): number {
  const text = stringAt(value, path);
  const address = loadedIpv4(text);
  if (address === undefined) throw new HostError(path, `${quote(text)} is there, an IPv4 address is wanted`);
  return address;
}

function macAt(value: unknown, path: string): Uint8Array {
  const text = stringAt(value, path);
  if (!/^[\da-f]{2}(:[\da-f]{2}){5}$/i.test(text))
    throw new HostError(path, `${quote(text)} is there, a MAC address of six bytes is wanted`);
  return Uint8Array.from(text.split(':'), (byte) => Number.parseInt(byte, 16));
}

function scopeAt(value: unknown, path: string): number {
  return namedAt(value, path, SCOPES, 'a scope');
}

/** A number, or the name of one (as ip(8) writes what its rt_ files name). */
function namedAt(value: unknown, path: string, names: Readonly<Record<string, number>>, wanted: string): number {
  const text = typeof value === 'number' ? String(value) : stringAt(value, path);
  if (Object.hasOwn(names, text)) return names[text];
  if (/^\d{1,10}$/.test(text) && Number(text) < 2 ** 32) return Number(text);
  throw new HostError(
    path,
    `${quote(text)} is there, ${wanted} is wanted: ${Object.keys(names).join(', ')} or a number`,
  );
}

function integerAt(value: unknown, path: string, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new HostError(path, `${describe(value)} is there, a whole number from ${min} to ${max} is wanted`);
}

function stringAt(value: unknown, path: string): string {
  if (typeof value === 'string') return value;
  throw new HostError(path, `${describe(value)} is there, text is wanted`);
}

function optionalStringAt(value: unknown, path: string): string | undefined {
  return value === undefined || value === '' ? undefined : stringAt(value, path);
}

function listAt(value: unknown, path: string): [entry: unknown, path: string][] {
  if (!Array.isArray(value)) throw new HostError(path, `${describe(value)} is there, a list is wanted`);
  return value.map((entry: unknown, i) => [entry, `${path}[${i}]`]);
}

function objectAt(value: unknown, path: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new HostError(path, `${describe(value)} is there, an object is wanted`);
}

const MAX_QUOTED = 60;

function quote(text: string): string {
  return JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text);
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return quote(value);
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/** ADDRESS/LENGTH, for messages. */
export function formatPrefix(address: number, prefixLength: number): string {
  return prefixLength === 0 ? 'default' : `${formatAddress(address)}${prefixLength === 32 ? '' : `/${prefixLength}`}`;
}
