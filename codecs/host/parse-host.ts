/**
 * The host file: a JSON object whose members are the verbatim output of `ip -j addr show`, `ip -j route show table all`
 * and `ip -j neigh show`, the sysctls as an object, and the text of `ipset save`. Addresses, routes and neighbours may
 * be of both families. An IPv6 route that a RouteDescription cannot represent (several next hops, encapsulation) is
 * left out.
 */
import { foreignFile } from '../foreign-files.js';
import { locateSyntaxError, namesIn } from '../json-position.js';
import { nearest, withNearest } from '../nearest.js';
import { encodeText } from '../text.js';
import type { HostDescription } from './description.js';
import { HostError } from './error.js';
import { type JsonObject, listAt, objectAt, quote, stringAt } from './json-values.js';
import { linkOf } from './links.js';
import { neighbourOf } from './neighbours.js';
import { routeOf } from './routes.js';
import { sysctlsOf } from './sysctls.js';

const MEMBERS: readonly string[] = ['addr', 'route', 'neigh', 'sysctl', 'ipset'];
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
