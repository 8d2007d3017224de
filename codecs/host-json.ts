/**
 * The host file: a JSON object whose members are the verbatim output of `ip -j addr show`, `ip -j route show table all`
 * and `ip -j neigh show`, the sysctls as an object, and the text of `ipset save`. Addresses, routes and neighbours may
 * be of both families. An IPv6 route that a RouteDescription cannot represent (several next hops, encapsulation) is
 * left out.
 */
import {
  ADDRESS_BITS,
  type Address,
  addressFromHostOrder,
  addressFromWords,
  type Family,
  parseAddress,
  prefixMask,
} from './address.js';
import { foreignFile } from './foreign-files.js';
import { locateInJson, locateSyntaxError, namesIn } from './json-position.js';
import { nearest, withNearest } from './nearest.js';
import { encodeText, rejoined, shown, shownPath } from './text.js';

/** An error in a host file. */
export class HostError extends Error {
  override readonly name = 'HostError';

  constructor(
    /** The path of the value in the JSON, such as `addr[0].mtu`; '' for the whole document. */
    readonly path: string,
    /** What is wrong: what was found and what was expected. */
    readonly problem: string,
    readonly file = '',
    /** Both from 1; 0: unknown. */
    readonly line = 0,
    readonly column = 0,
    /** The description is valid but uses an unsupported feature. */
    readonly isUnsupported = false,
  ) {
    const place = [shownPath(file || 'host'), ...(line > 0 ? [line, column] : [])].join(':');
    super(shown(`${place}: ${path === '' ? '' : `${path}: `}${problem}`));
  }

  /** The same error with its position in TEXT, the content of FILE. */
  locatedIn(text: string, file: string): HostError {
    const { line, column } = locateInJson(text, this.path);
    return new HostError(this.path, this.problem, file, line, column, this.isUnsupported);
  }
}

/** `path` in a description is its path in the JSON. */
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
  readonly local: Address;
  /** The other end of a point-to-point link; otherwise the same as `local`. */
  readonly peer: Address;
  readonly prefixLength: number;
  readonly broadcast: Address | undefined;
  readonly scope: number;
}

export type RouteTypeName = 'unicast' | 'unreachable' | 'prohibit' | 'blackhole' | 'throw';

export interface RouteDescription {
  readonly path: string;
  readonly type: RouteTypeName;
  readonly destination: Address;
  readonly prefixLength: number;
  /** Undefined: the destination is on the link. */
  readonly gateway: Address | undefined;
  readonly dev: string | undefined;
  readonly preferredSource: Address | undefined;
  readonly metric: number;
  /** 254 is main, 253 default. */
  readonly table: number;
  readonly scope: number;
  readonly isOnLink: boolean;
}

export interface NeighbourDescription {
  readonly path: string;
  readonly address: Address;
  readonly dev: string;
  readonly mac: Uint8Array;
}

export interface HostDescription {
  readonly links: readonly LinkDescription[];
  /** In the order of the file. Routes that the kernel adds for addresses are left out. */
  readonly routes: readonly RouteDescription[];
  readonly neighbours: readonly NeighbourDescription[];
  readonly sysctls: ReadonlyMap<string, number>;
  /** Text of `ipset save`. */
  readonly ipset: string;
  readonly warnings: readonly string[];
}

const MEMBERS: readonly string[] = ['addr', 'route', 'neigh', 'sysctl', 'ipset'];
const SCOPES: Readonly<Record<string, number>> = {
  global: 0,
  universe: 0,
  site: 200,
  link: 253,
  host: 254,
  nowhere: 255,
};
const TABLES: Readonly<Record<string, number>> = { default: 253, main: 254, local: 255 };
/** By the words of `ip -j`. */
const FAMILIES: Readonly<Record<string, Family | undefined>> = { inet: 'ipv4', inet6: 'ipv6' };
const FAMILY_NAMES: Readonly<Record<Family, string>> = { ipv4: 'IPv4', ipv6: 'IPv6' };
const IPV4_LOOPBACK = addressFromHostOrder(0x7f000001);
const IPV6_LOOPBACK = addressFromWords([0, 0, 0, 1]);
const IPV6_LINK_LOCAL = addressFromWords([0xfe800000 | 0, 0, 0, 0]);
const LINK_SCOPE = 253;
const HOST_SCOPE = 254;
const ROUTE_TYPES: readonly string[] = ['unicast', 'unreachable', 'prohibit', 'blackhole', 'throw'];
const UNSUPPORTED_MEMBERS = ['nexthops', 'via', 'encap', 'tos'] as const;
/** The kernel adds routes of these types for addresses. */
const IMPLIED_TYPES: readonly string[] = ['local', 'broadcast', 'multicast', 'anycast'];
const MIN_MTU = 68;
const MAX_MTU = 65_535;
/** IFNAMSIZ − 1 */
const MAX_NAME_LENGTH = 15;
/** Those that are not blanks of JSON. */
const CONTROLS = /(?![\t\n\r])(?=[\0- ])\p{Cc}/gu;
/** How much of a file says what it is, in characters. */
const HEAD = 4096;

/** Parses TEXT, the content of FILE. Throws a HostError. */
export function parseHost(text: string, file: string): HostDescription {
  let json: unknown;
  try {
    json = JSON.parse(withEscapes(text.replace(/^\ufeff/, '')));
  } catch (error) {
    if (!/^\s*[{[]/.test(text)) throwForeign(text, file);
    const { line, column } = locateSyntaxError(text);
    throw new HostError('', `not JSON: ${(error as Error).message}`, file, line, column);
  }
  try {
    return describeHost(json);
  } catch (error) {
    const isNoHost = typeof json !== 'object' || json === null || !MEMBERS.some((name) => Object.hasOwn(json, name));
    if (isNoHost) throwForeign(text, file);
    throw error instanceof HostError ? withMisspelling(error, json).locatedIn(text, file) : error;
  }
}

/** TEXT with control characters escaped, which `ip -j` prints as they are in the names of interfaces. */
function withEscapes(text: string): string {
  return text.replace(CONTROLS, (char) => JSON.stringify(char).slice(1, -1));
}

/** Throws if TEXT is known to be something else than a host. */
function throwForeign(text: string, file: string): void {
  const foreign = foreignFile(encodeText(text.slice(0, HEAD)), file, 'host');
  if (foreign !== undefined) throw new HostError('', foreign, file, 1, 1);
}

/** ERROR, about a member that may be missing from JSON because its name is misspelt there. */
function withMisspelling(error: HostError, json: unknown): HostError {
  const { path, problem, isUnsupported } = error;
  const names = namesIn(path);
  const key = names.pop() ?? '';
  const parent = names.reduce((value: unknown, name) => (value as JsonObject | undefined)?.[name], json);
  if (typeof parent !== 'object' || parent === null || Object.hasOwn(parent, key)) return error;
  const misspelt = nearest(key, Object.keys(parent));
  if (misspelt === undefined) return error;
  return new HostError(path, `${problem}; did you mean ${key} by ${quote(misspelt)}?`, '', 0, 0, isUnsupported);
}

/** Converts the parsed JSON. Throws a HostError without a position. */
function describeHost(json: unknown): HostDescription {
  const host = objectAt(json, '');
  const warnings: string[] = [];
  for (const key of Object.keys(host))
    if (!MEMBERS.includes(key)) warnings.push(withNearest(`unknown member ${key} is ignored`, key, MEMBERS));
  if (host.addr === undefined) throw new HostError('addr', 'expected the output of `ip -j addr show`, found nothing');
  const links = listAt(host.addr, 'addr').flatMap(([entry, path]) => linkOf(objectAt(entry, path), path));
  const names = new Map<string, string>();
  for (const { name, path } of links) {
    const earlier = names.get(name);
    if (earlier !== undefined)
      throw new HostError(`${path}.ifname`, `duplicate interface ${name}, already defined as ${earlier}`);
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

/** `ip -j -4 addr` prints an empty object for an interface without addresses: it is left out. */
function linkOf(link: JsonObject, path: string): LinkDescription[] {
  if (Object.keys(link).length === 0) return [];
  const name = interfaceNameAt(link.ifname, `${path}.ifname`);
  if (name === 'local') throw new HostError(`${path}.ifname`, 'the name local is reserved for the host itself');
  const isLoopback = name === 'lo';
  if (link.address === undefined && !isLoopback)
    throw new HostError(path, `interface ${name} has no MAC address: only Ethernet is supported`, '', 0, 0, true);
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

/** The name of an interface (dev_valid_name in the kernel, where the byte 0xa0 is a space). */
function interfaceNameAt(value: unknown, path: string): string {
  const name = rejoined(stringAt(value, path));
  const bytes = encodeText(name);
  const isRefused = (byte: number): boolean => (byte >= 9 && byte <= 13) || [0, 0x20, 0xa0, 0x2f, 0x3a].includes(byte);
  const isValid = bytes.length > 0 && bytes.length <= MAX_NAME_LENGTH && name !== '.' && name !== '..';
  if (!isValid || bytes.some(isRefused) || name !== value) {
    throw new HostError(path, `${quote(String(value))} is not a valid interface name`);
  }
  return name;
}

function addressOf(info: JsonObject, path: string): AddressDescription[] {
  if (Object.keys(info).length === 0) return [];
  const family = FAMILIES[stringAt(info.family, `${path}.family`)];
  if (family === undefined) return [];
  const local = addressAt(info.local, `${path}.local`, family);
  return [
    {
      path,
      local,
      peer: info.address === undefined ? local : addressAt(info.address, `${path}.address`, family),
      prefixLength: integerAt(info.prefixlen, `${path}.prefixlen`, 0, ADDRESS_BITS[family]),
      broadcast: specifiedAt(info.broadcast, `${path}.broadcast`, family),
      scope: info.scope === undefined ? defaultScopeOf(local) : scopeAt(info.scope, `${path}.scope`),
    },
  ];
}

/**
 * ip-address(8): addresses of 127/8 are of scope host. The kernel derives the scope of an IPv6 address from its prefix.
 */
function defaultScopeOf(local: Address): number {
  if (local.hasPrefix(IPV4_LOOPBACK, 8) || local.equals(IPV6_LOOPBACK)) return HOST_SCOPE;
  return local.hasPrefix(IPV6_LINK_LOCAL, 10) ? LINK_SCOPE : 0;
}

function routeOf(route: JsonObject, path: string, warnings: string[]): RouteDescription[] {
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

/** Entries without an lladdr (FAILED, INCOMPLETE) are left out. */
function neighbourOf(neighbour: JsonObject, path: string): NeighbourDescription[] {
  const mac = optionalStringAt(neighbour.lladdr, `${path}.lladdr`);
  if (mac === undefined) return [];
  const dst = stringAt(neighbour.dst, `${path}.dst`);
  return [
    {
      path,
      address: addressAt(dst, `${path}.dst`, dst.includes(':') ? 'ipv6' : 'ipv4'),
      dev: stringAt(neighbour.dev, `${path}.dev`),
      mac: macAt(mac, `${path}.lladdr`),
    },
  ];
}

/** Values that are not a single number become NaN: no sysctl that nfreplay uses has such a value. */
function sysctlsOf(json: unknown): Map<string, number> {
  const sysctls = new Map<string, number>();
  for (const [name, value] of Object.entries(objectAt(json, 'sysctl'))) {
    const path = `sysctl[${quote(name)}]`;
    if (typeof value !== 'number' && typeof value !== 'string') throw mismatch(path, 'a number', describe(value));
    const text = String(value).trim();
    sysctls.set(name, /^-?(0[xX][\da-fA-F]+|[1-9]\d*|0)$/.test(text) ? numberOf(text) : Number.NaN);
  }
  return sysctls;
}

function numberOf(text: string): number {
  return text.startsWith('-') ? -Number(text.slice(1)) : Number(text);
}

function prefixAt(text: string, path: string, family: Family): { address: Address; prefixLength: number } {
  if (text === 'default') return { address: prefixMask(family, 0), prefixLength: 0 };
  const [, network, length] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const address = network === undefined ? undefined : parseAddress(network);
  const prefixLength = length === undefined ? ADDRESS_BITS[family] : Number(length);
  if (address?.family !== family || prefixLength > ADDRESS_BITS[family]) {
    throw mismatch(path, `\`default\`, an ${FAMILY_NAMES[family]} address or a prefix`, quote(text));
  }
  if (!address.masked(prefixMask(family, prefixLength)).equals(address))
    throw new HostError(path, `${quote(text)} has bits set beyond its prefix length`);
  return { address, prefixLength };
}

function addressAt(value: unknown, path: string, family: Family): Address {
  const text = stringAt(value, path);
  const address = parseAddress(text);
  if (address?.family !== family) throw mismatch(path, `an ${FAMILY_NAMES[family]} address`, quote(text));
  return address;
}

/** Undefined if VALUE is missing, or 0.0.0.0 or ::, which mean the same to the kernel. */
function specifiedAt(value: unknown, path: string, family: Family): Address | undefined {
  const address = value === undefined ? undefined : addressAt(value, path, family);
  return address?.isUnspecified ? undefined : address;
}

function macAt(value: unknown, path: string): Uint8Array {
  const text = stringAt(value, path);
  if (!/^[\da-f]{2}(:[\da-f]{2}){5}$/i.test(text)) throw mismatch(path, 'a MAC address of six bytes', quote(text));
  return Uint8Array.from(text.split(':'), (byte) => Number.parseInt(byte, 16));
}

function scopeAt(value: unknown, path: string): number {
  return namedAt(value, path, SCOPES, 'a scope');
}

/** A number, or its name in the rt_ files of ip(8). */
function namedAt(value: unknown, path: string, names: Readonly<Record<string, number>>, expected: string): number {
  const text = typeof value === 'number' ? String(value) : stringAt(value, path);
  if (Object.hasOwn(names, text)) return names[text];
  if (/^\d{1,10}$/.test(text) && Number(text) < 2 ** 32) return Number(text);
  const known = Object.keys(names);
  throw mismatchedName(path, `${expected} (${known.join(', ')} or a number)`, text, known);
}

function integerAt(value: unknown, path: string, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw mismatch(path, `a whole number from ${min} to ${max}`, describe(value));
}

function stringAt(value: unknown, path: string): string {
  if (typeof value === 'string') return value;
  throw mismatch(path, 'a string', describe(value));
}

function optionalStringAt(value: unknown, path: string): string | undefined {
  return value === undefined || value === '' ? undefined : stringAt(value, path);
}

function listAt(value: unknown, path: string): [entry: unknown, path: string][] {
  if (!Array.isArray(value)) throw mismatch(path, 'a list', describe(value));
  return value.map((entry: unknown, i) => [entry, `${path}[${i}]`]);
}

function objectAt(value: unknown, path: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw mismatch(path, 'an object', describe(value));
}

function mismatch(path: string, expected: string, found: string): HostError {
  return new HostError(path, `expected ${expected}, found ${found}`);
}

function mismatchedName(path: string, expected: string, found: string, names: readonly string[]): HostError {
  return new HostError(path, withNearest(`expected ${expected}, found ${quote(found)}`, found, names));
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

/** The prefix for messages, as ip(8) writes it. */
export function formatPrefix(address: Address, prefixLength: number): string {
  if (prefixLength === 0) return 'default';
  return prefixLength === ADDRESS_BITS[address.family] ? String(address) : `${address}/${prefixLength}`;
}
