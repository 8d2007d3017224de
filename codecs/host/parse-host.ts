/**
 * The host file: a JSON object whose members are the verbatim output of `ip -j addr show`, `ip -j route show table all`
 * and `ip -j neigh show`, the sysctls as an object, and the text of `ipset save`. Addresses, routes and neighbours may
 * be of both families. An IPv6 route that a RouteDescription cannot represent (several next hops, encapsulation) is
 * left out. A snapshot, or a folder with these outputs, has the same members (document.ts).
 */
import { namesIn } from '../json-position.js';
import { nearest, withNearest } from '../nearest.js';
import type { HostDescription } from './description.js';
import { documentOf, documentOfFolder, type HostDocument, type HostFile } from './document.js';
import { HostError } from './error.js';
import { FACT_MEMBERS, factsOf } from './facts.js';
import { type JsonObject, listAt, objectAt, quote } from './json-values.js';
import { type LinkDetails, linkOf } from './links.js';
import { neighbourOf } from './neighbours.js';
import { commandOf, OUTPUT_MEMBERS } from './outputs.js';
import { nextHopObjectsOf, routeOf } from './routes.js';
import { ruleOf } from './rules.js';
import { sysctlsOf } from './sysctls.js';
import { textsOf } from './texts.js';

/** A host that was read, and where in its files each part of it is. */
export interface HostSource {
  readonly description: HostDescription;
  /** As given, with the members of a host.json. */
  readonly json: Readonly<Record<string, unknown>>;
  /** ERROR about the description, with its position in the files. */
  locate(error: HostError): HostError;
}

/** Reads TEXT, the content of FILE: a host in JSON, or a snapshot. Throws a HostError. */
export function readHost(text: string, file: string): HostSource {
  return sourceOf(documentOf(text, file));
}

/** Reads FILES, the outputs in FOLDER. Throws a HostError. */
export function readHostFolder(files: readonly HostFile[], folder: string): HostSource {
  return sourceOf(documentOfFolder(files, folder));
}

/** The description in TEXT, the content of FILE. Throws a HostError. */
export function parseHost(text: string, file: string): HostDescription {
  return readHost(text, file).description;
}

function sourceOf(document: HostDocument): HostSource {
  const locate = (error: HostError): HostError => document.locate(error);
  try {
    return { description: describeHost(document), json: document.json, locate };
  } catch (error) {
    throw error instanceof HostError ? locate(withMisspelling(error, document.json)) : error;
  }
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

/** All that a host in JSON may have. */
const MEMBERS: readonly string[] = [...OUTPUT_MEMBERS, ...FACT_MEMBERS];

/** Members that are read; the others of a host are listed. */
const READ: readonly string[] = [
  ...['addr', 'link', 'route', 'rule', 'nexthop', 'neigh', 'sysctl', 'nft', 'containers', 'networks', 'sockets'],
  ...['iptables', 'iptables-legacy', 'iptables-nft', 'conntrack', 'ipset'],
];

/** The members of DOCUMENT with content that nothing reads. */
function unreadMembers({ json }: HostDocument): string[] {
  return Object.keys(json)
    .filter((key) => OUTPUT_MEMBERS.includes(key) && !READ.includes(key) && hasContent(json[key]))
    .sort();
}

function hasContent(value: unknown): boolean {
  if (typeof value === 'string') return value.trim() !== '';
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== null;
}

/** Members without which there is no host, and those that are missed if the host has more than the default of them. */
const ESSENTIAL: readonly string[] = ['addr', 'route'];
const MISSED: readonly string[] = ['rule', 'neigh', 'link', 'sysctl'];

/** Warnings about commands that failed on the host. Throws a HostError if nothing can do without one. */
function failuresIn(document: HostDocument): string[] {
  const failed = (member: string): string | undefined => {
    const failure = document.failureOf(member);
    return failure === undefined ? undefined : `${commandOf(member)} failed on the host: ${failure}`;
  };
  for (const member of ESSENTIAL) {
    const problem = failed(member);
    if (problem !== undefined) throw new HostError(member, problem);
  }
  return MISSED.flatMap((member) => failed(member) ?? []);
}

/** The entries of `ip -j -d link` by the names of their interfaces. */
function detailsOf(link: unknown): Map<unknown, LinkDetails> {
  return new Map(
    listAt(link, 'link').map(([value, path]) => {
      const entry = objectAt(value, path);
      return [entry.ifname, { entry, path }];
    }),
  );
}

/** Throws a HostError without a position. */
function describeHost(document: HostDocument): HostDescription {
  const host = document.json;
  const warnings = [...failuresIn(document), ...document.warnings];
  for (const key of Object.keys(host))
    if (!MEMBERS.includes(key)) warnings.push(withNearest(`unknown member ${key} is ignored`, key, MEMBERS));
  if (host.addr === undefined) throw new HostError('addr', 'expected the output of `ip -j addr show`, found nothing');
  const details = detailsOf(host.link ?? []);
  const links = listAt(host.addr, 'addr').flatMap(([entry, path]) => {
    const link = objectAt(entry, path);
    return linkOf(link, path, details.get(link.ifname));
  });
  const names = new Map<string, string>();
  for (const { name, path } of links) {
    const earlier = names.get(name);
    if (earlier !== undefined)
      throw new HostError(`${path}.ifname`, `duplicate interface ${name}, already defined as ${earlier}`);
    names.set(name, path);
  }
  const nextHops = nextHopObjectsOf(host.nexthop ?? []);
  return {
    links,
    routes: listAt(host.route ?? [], 'route').flatMap(([entry, path]) =>
      routeOf(objectAt(entry, path), path, nextHops),
    ),
    rules: host.rule === undefined ? undefined : listAt(host.rule, 'rule').flatMap(([entry, at]) => ruleOf(entry, at)),
    neighbours: listAt(host.neigh ?? [], 'neigh').flatMap(([entry, path]) => neighbourOf(objectAt(entry, path), path)),
    sysctls: sysctlsOf(host.sysctl ?? {}),
    facts: factsOf(host),
    texts: textsOf(document),
    taken: document.taken,
    unreadMembers: unreadMembers(document),
    warnings,
  };
}
