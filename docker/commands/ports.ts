/** Ports as `docker run -p` and `--expose` take them (github.com/docker/go-connections/nat, ParsePortSpec). */
import { parseAddress } from '../../codecs/address.js';
import type { Word } from '../../codecs/iptables-save.js';
import { withNearest } from '../../codecs/nearest.js';
import type { PortRange, PortSpec, Protocol } from '../model.js';
import { CommandFault } from './fault.js';
import { commaParts } from './flags.js';

const MAX_PORT = 65_535;
const PROTOCOLS: readonly string[] = ['tcp', 'udp', 'sctp'];
const WANTED = '[[IP:]HOST-PORT:]CONTAINER-PORT[/tcp|udp|sctp]';

/** What a `-p` publishes; undefined with `note`: nothing that IPv4 packets could reach. */
export interface PublishedPort {
  readonly spec: PortSpec;
  /** Of an address of IPv6 only, why it does not count. */
  readonly note: string | undefined;
}

/**
 * The value of a `-p`.
 * @throws {CommandFault}
 */
export function publishedPort(word: Word): PublishedPort {
  const text = word.text.includes('=') ? shortForm(word) : word.text;
  const [, ends, proto] = /^([^/]*)(?:\/([^/]*))?/.exec(text) ?? [];
  const { address, host, container } = partsOf(ends);
  if (container === '') throw fault(word, `"${word.text}" names no port of the container`);
  const protocol = protocolOf(word, proto);
  const containerRange = rangeOf(container) ?? refuse(word, container, 'container');
  const hostRange = host === '' ? undefined : (rangeOf(host) ?? refuse(word, host, 'host'));
  refuseUneven(word, hostRange, containerRange);
  const isAny = hostRange?.first === 0;
  const spec = { host: isAny ? undefined : hostRange, container: containerRange, protocol };
  if (address === '') return { spec: { hostAddress: undefined, ...spec }, note: undefined };
  const parsed = parseAddress(address.replace(/^\[(.*)\]$/, '$1'));
  if (parsed === undefined) throw fault(word, `"${address}" is no IP address`, `${WANTED}, with an IP address`);
  const isIpv6 = parsed.family === 'ipv6';
  const note = isIpv6 ? `-p ${word.text} publishes on an IPv6 address only, which is not followed` : undefined;
  return { spec: { hostAddress: String(parsed), ...spec }, note };
}

/**
 * The value of an `--expose`: a port or a range, with a protocol.
 * @throws {CommandFault}
 */
export function exposedPort(word: Word): Omit<PortSpec, 'hostAddress' | 'host'> {
  const [, port, proto] = /^([^/]*)(?:\/([^/]*))?/.exec(word.text) ?? [];
  const container = rangeOf(port);
  const wanted = 'PORT[-PORT][/tcp|udp|sctp]';
  if (container === undefined) throw new CommandFault(word, `--expose takes no "${word.text}"`, wanted);
  return { container, protocol: protocolOf(word, proto) };
}

function partsOf(text: string): { address: string; host: string; container: string } {
  const parts = text.split(':');
  const container = parts.pop() ?? '';
  const host = parts.pop() ?? '';
  return { address: parts.join(':'), host, container };
}

/** `80` or `8000-8010`; undefined if TEXT is none. */
function rangeOf(text: string): PortRange | undefined {
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  if (first === undefined) return undefined;
  const range = { first: Number(first), last: Number(last) };
  return range.first <= range.last && range.last <= MAX_PORT ? range : undefined;
}

function refuse(word: Word, text: string, whose: string): never {
  throw fault(word, `"${text}" is no port of the ${whose}`, `a port of 0 to ${MAX_PORT}, or a range such as 8000-8010`);
}

/** A range of host ports that is longer than that of the container is for one port: the engine chooses. */
function refuseUneven(word: Word, host: PortRange | undefined, container: PortRange): void {
  if (host === undefined || host.last - host.first === container.last - container.first) return;
  if (container.first === container.last) return;
  const ranges = `${host.first}-${host.last} and ${container.first}-${container.last}`;
  throw fault(word, `the ranges ${ranges} have different lengths`, 'ranges of the same length');
}

function protocolOf(word: Word, given: string | undefined): Protocol {
  const name = (given || 'tcp').toLowerCase();
  if (PROTOCOLS.includes(name)) return name as Protocol;
  throw fault(word, withNearest(`"${given}" is no protocol`, name, PROTOCOLS), 'tcp, udp or sctp');
}

/** The long form of a port, `target=80,published=8080,protocol=udp`, as the short one. */
function shortForm(word: Word): string {
  const known = ['target', 'published', 'protocol', 'mode'];
  const members = new Map<string, string>();
  for (const part of commaParts(word)) {
    const [, key, value] = /^\s*(\w+)=(.*?)\s*$/.exec(part.text) ?? [];
    if (key === undefined || !known.includes(key.toLowerCase()))
      throw fault(
        part,
        withNearest(`a published port has no ${part.text}`, key ?? '', known),
        'target=80,published=8080',
      );
    members.set(key.toLowerCase(), value);
  }
  const { target, published = '', protocol = 'tcp' } = Object.fromEntries(members);
  if (target === undefined) throw fault(word, 'target is missing', 'target=80,published=8080');
  return `${published}:${target}/${protocol}`;
}

function fault(word: Word, what: string, wanted = WANTED): CommandFault {
  return new CommandFault(word, what, wanted);
}
