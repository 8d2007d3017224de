/** `ports` and `expose`: what short and long forms publish. */
import { parseAddress } from '../../codecs/address.js';
import { nearest } from '../../codecs/nearest.js';
import type { PortRange, PortSpec, Protocol } from '../model.js';
import { ComposeError } from './compose-error.js';
import {
  asInteger,
  asList,
  asText,
  asWord,
  type ComposeMap,
  type ComposeNode,
  member,
  refuseUnknown,
  unexpected,
} from './compose-node.js';
import type { ComposeGeneration } from './scalar-type.js';

export interface PortReading {
  readonly generation: ComposeGeneration;
  /** Something that does not publish what one may think. */
  readonly note: (node: ComposeNode, text: string) => void;
}

const PROTOCOLS: readonly Protocol[] = ['tcp', 'udp', 'sctp'];
const LONG_MEMBERS: Readonly<Record<ComposeGeneration, readonly string[]>> = {
  1: ['target', 'published', 'protocol', 'mode'],
  2: ['name', 'mode', 'host_ip', 'target', 'published', 'protocol', 'app_protocol'],
};
const SHORT = /^(?:(?:(?:\[([^\]]*)\]|([^/]*?)):)?(\d*)(?:-(\d+))?:)?(\d+)(?:-(\d+))?(?:\/(\w*))?$/;
const FORM = '[[HOST_IP:]HOST_PORT[-HOST_PORT]:]CONTAINER_PORT[-CONTAINER_PORT][/PROTOCOL]';
const LAST_PORT = 65535;
/** Of a service: all ports of TCP and UDP. */
const MOST_PORTS = 2 * LAST_PORT;

/** What `ports` publishes, a port of the container each; of two that are the same, the later stands. */
export function readPorts(node: ComposeNode | undefined, reading: PortReading): PortSpec[] {
  const specs = new Map<string, PortSpec>();
  let count = 0;
  for (const item of asList(node, 'ports', 'a list of ports')) {
    const published = item.kind === 'map' ? longForm(item, reading) : shortForm(item, reading);
    for (const spec of published) specs.set(keyOf(spec, reading.generation), spec);
    count += published.length;
    if (count > MOST_PORTS)
      throw new ComposeError(`a service that publishes over ${MOST_PORTS} ports`, item.place, true);
  }
  return [...specs.values()];
}

function keyOf({ hostAddress, host, container, protocol }: PortSpec, generation: ComposeGeneration): string {
  // For compose 1, all addresses by name and without one are two.
  const address = hostAddress ?? (generation === 2 ? '0.0.0.0' : '');
  return `${address}:${host?.first}-${host?.last}:${container.first}/${protocol}`;
}

/** `"8080:80"`, `80`, … */
function shortForm(node: ComposeNode, reading: PortReading): PortSpec[] {
  const text = asWord(node, 'a port', `${FORM}, or a mapping with target`);
  const found = SHORT.exec(text);
  if (found === null) throw unexpected(node, 'a port', FORM);
  if (reading.generation === 1) noteBase60(node, text, reading);
  const [, bracketed, plain, hostFirst, hostLast, first, last, protocolText] = found;
  const container = rangeOf(first, last ?? first, node);
  if (container.first === 0 || (hostLast !== undefined && !hostFirst)) throw unexpected(node, 'a port', FORM);
  const host = hostFirst ? hostRange(hostFirst, hostLast, node) : undefined;
  const protocol = protocolOf(protocolText, node);
  if (reading.generation === 1 && (text.startsWith(':') || protocolText !== protocolText?.toLowerCase()))
    throw unexpected(node, 'a port', FORM);
  if (bracketed === undefined && plain?.includes(':') && reading.generation === 2)
    throw new ComposeError(`the IPv6 address ${plain} has to be in brackets, as in "[::1]:80:80"`, node.place);
  const hostText = bracketed ?? plain;
  const hostAddress = hostText ? hostAddressOf(hostText, node, reading) : undefined;
  if (hostAddress === 'IPv6') return [];
  return pairs(host, container, node).map((pair) => ({ hostAddress, protocol, ...pair }));
}

/** Says what compose 1 makes of `22:22` without quotes. */
function noteBase60(node: ComposeNode, text: string, { note }: PortReading): void {
  if (node.kind !== 'scalar' || node.type !== 'integer' || node.isVerbatim) return;
  const what = `compose 1 reads this as the number ${text}, as YAML 1.1 has numbers to base 60`;
  const inQuotes = 'in quotes it is what it looks like';
  if (Number(text) > LAST_PORT) throw new ComposeError(`${what}, which is no port; ${inQuotes}`, node.place);
  note(node, `${what}, which is a port of the container; ${inQuotes}`);
}

interface Pair {
  readonly host: PortRange | undefined;
  readonly container: PortRange;
}

/** Which ports of the host belong to which of the container. */
function pairs(host: PortRange | undefined, container: PortRange, node: ComposeNode): Pair[] {
  const count = container.last - container.first + 1;
  if (host === undefined || count === 1) return countUp(container).map((port) => ({ host, container: port }));
  if (host.last - host.first + 1 !== count)
    throw new ComposeError(
      `${host.last - host.first + 1} ports of the host for ${count} ports of the container; expected as many`,
      node.place,
    );
  return countUp(container).map((port, at) => ({ host: single(host.first + at), container: port }));
}

const single = (port: number): PortRange => ({ first: port, last: port });
const countUp = ({ first, last }: PortRange): PortRange[] =>
  Array.from({ length: last - first + 1 }, (_, at) => single(first + at));

function rangeOf(firstText: string, lastText: string, node: ComposeNode): PortRange {
  const [first, last] = [Number(firstText), Number(lastText)];
  for (const port of [first, last])
    if (!(port <= LAST_PORT))
      throw new ComposeError(`there is no port ${port}; the last one is ${LAST_PORT}`, node.place);
  if (last < first) throw new ComposeError(`the range ${first}-${last} ends before it begins`, node.place);
  return { first, last };
}

function protocolOf(text: string | undefined, node: ComposeNode): Protocol {
  if (text === undefined) return 'tcp';
  const found = PROTOCOLS.find((protocol) => protocol === text.toLowerCase());
  if (found !== undefined) return found;
  const near = nearest(text, PROTOCOLS);
  throw new ComposeError(
    `unknown protocol "${text}"; ${near === undefined ? 'expected tcp, udp or sctp' : `did you mean ${near}?`}`,
    node.place,
  );
}

/** The host's address TEXT; IPv6: it is one of those, with which no IPv4 packet has to do. */
function hostAddressOf(text: string, node: ComposeNode, { note }: PortReading): string | 'IPv6' {
  const address = parseAddress(text);
  if (address === undefined)
    throw new ComposeError(
      `"${text}" is no address of the host to publish on; expected one such as 127.0.0.1`,
      node.place,
    );
  if (address.family === 'ipv4') return text;
  note(node, `it is published on the IPv6 address ${text} only, which is left out`);
  return 'IPv6';
}

/** A mapping with `target`. */
function longForm(map: ComposeMap, reading: PortReading): PortSpec[] {
  refuseUnknown(map, LONG_MEMBERS[reading.generation], 'a port');
  const target = member(map, 'target');
  if (target === undefined) throw new ComposeError('a port without target, the port of the container', map.place);
  const container = portOf(target, 'target');
  const protocolNode = member(map, 'protocol');
  const protocol = protocolNode === undefined ? 'tcp' : protocolOf(asText(protocolNode, 'protocol'), protocolNode);
  const published = member(map, 'published');
  const host = published && publishedRange(published, reading);
  const hostNode = member(map, 'host_ip');
  const hostAddress = hostNode && hostAddressOf(asText(hostNode, 'host_ip'), hostNode, reading);
  if (hostAddress === 'IPv6') return [];
  return [{ hostAddress, host, container: single(container), protocol }];
}

function portOf(node: ComposeNode, what: string): number {
  const port = asInteger(node, what);
  if (port < 1 || port > LAST_PORT) throw unexpected(node, what, `a port from 1 to ${LAST_PORT}`);
  return port;
}

/** Undefined: the engine chooses. */
function publishedRange(node: ComposeNode, { generation }: PortReading): PortRange | undefined {
  if (generation === 1) asInteger(node, 'published');
  const text = asWord(node, 'published', 'a port, or a range of ports');
  const [, first, last] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? [];
  if (text === '') return undefined;
  if (first === undefined) throw unexpected(node, 'published', 'a port, or a range of ports as in "8000-8010"');
  return hostRange(first, last, node);
}

/** Undefined: port 0, for which the engine chooses another. */
function hostRange(first: string, last: string | undefined, node: ComposeNode): PortRange | undefined {
  const range = rangeOf(first, last ?? first, node);
  return range.last === 0 ? undefined : range;
}

const EXPOSED = /^(\d+)(?:-(\d+))?(?:\/(\w*))?$/;

/** What `expose` says. */
export function readExposed(node: ComposeNode | undefined): Omit<PortSpec, 'hostAddress' | 'host'>[] {
  return asList(node, 'expose', 'a list of ports').map((item) => {
    const text = asWord(item, 'an exposed port', 'PORT[-PORT][/PROTOCOL]');
    const [, first, last, protocol] = EXPOSED.exec(text) ?? [];
    if (first === undefined) throw unexpected(item, 'an exposed port', 'PORT[-PORT][/PROTOCOL]');
    return { container: rangeOf(first, last ?? first, item), protocol: protocolOf(protocol, item) };
  });
}
