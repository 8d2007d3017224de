/** Ports, protocols and ICMP types as ipset reads and prints them. */
import { protocolName, protocolNumber } from '../../codecs/protocol-names.js';
import { servicePort } from '../../codecs/services.js';
import { separatorIn, splitRange, stripBrackets } from './addresses.js';
import type { CommandData } from './command-data.js';
import { parseNumber, tryNumber } from './numbers.js';
import { Opt } from './options.js';
import { Severity } from './report.js';

const ICMP = 1;
const TCP = 6;
const UDP = 17;
const ICMPV6 = 58;
const SCTP = 132;
const UDPLITE = 136;

/** Type and code by name; of two names, the first is printed. */
const ICMP_TYPES = parseTypes(`
  echo-reply 0/0 pong 0/0 network-unreachable 3/0 host-unreachable 3/1 protocol-unreachable 3/2 port-unreachable 3/3
  fragmentation-needed 3/4 source-route-failed 3/5 network-unknown 3/6 host-unknown 3/7 network-prohibited 3/9
  host-prohibited 3/10 TOS-network-unreachable 3/11 TOS-host-unreachable 3/12 communication-prohibited 3/13
  host-precedence-violation 3/14 precedence-cutoff 3/15 source-quench 4/0 network-redirect 5/0 host-redirect 5/1
  TOS-network-redirect 5/2 TOS-host-redirect 5/3 echo-request 8/0 ping 8/0 router-advertisement 9/0
  router-solicitation 10/0 ttl-zero-during-transit 11/0 ttl-zero-during-reassembly 11/1 ip-header-bad 12/0
  required-option-missing 12/1 timestamp-request 13/0 timestamp-reply 14/0 address-mask-request 17/0
  address-mask-reply 18/0`);
const ICMPV6_TYPES = parseTypes(`
  no-route 1/0 communication-prohibited 1/1 address-unreachable 1/3 port-unreachable 1/4 packet-too-big 2/0
  ttl-zero-during-transit 3/0 ttl-zero-during-reassembly 3/1 bad-header 4/0 unknown-header-type 4/1
  unknown-option 4/2 echo-request 128/0 ping 128/0 echo-reply 129/0 pong 129/0 router-solicitation 133/0
  router-advertisement 134/0 neighbour-solicitation 135/0 neigbour-solicitation 135/0 neighbour-advertisement 136/0
  neigbour-advertisement 136/0 redirect 137/0`);

/** Type × 256 + code by name. */
function parseTypes(text: string): ReadonlyMap<string, number> {
  const words = text.trim().split(/\s+/);
  const names = words.filter((_, i) => i % 2 === 0);
  return new Map(
    names.map((name, i) => {
      const [type, code] = words[2 * i + 1].split('/').map(Number);
      return [name, type * 256 + code];
    }),
  );
}

/** One port, by number or name, of PROTOCOL as it was written. */
function parsePort(data: CommandData, text: string, protocol: string): number {
  const number = tryNumber(data, text, 65_535);
  if (number !== undefined) return number;
  const name = stripBracketsSoftly(data, text);
  if (name !== undefined) {
    const byNumber = tryNumber(data, protocol, 255);
    const protocolText = byNumber === undefined ? protocol : protocolName(byNumber);
    const port = servicePort(name, protocolText);
    if (port !== undefined) {
      data.report.reset();
      return port;
    }
  }
  data.report.add(Severity.WARNING, `cannot parse '${text}' as a ${protocol} port`);
  throw data.warningAsError(`a port number, or the name of a ${protocol} service`);
}

function stripBracketsSoftly(data: CommandData, text: string): string | undefined {
  if (!text.startsWith('[') || (text.endsWith(']') && text.length > 1)) return stripBrackets(data, text);
  data.softError(`Syntax error: cannot find closing escape character ']' in ${text}`);
  return undefined;
}

/** A port or a range of ports; the last one is read first. */
function parsePorts(data: CommandData, text: string, protocol: string): void {
  const [first, last] = splitRange(data, text);
  if (last !== undefined) parseLastPort(data, last, protocol);
  data.element.port = parsePort(data, first, protocol);
  data.note(Opt.PORT);
}

function parseLastPort(data: CommandData, text: string, protocol: string): void {
  data.element.portTo = parsePort(data, text, protocol);
  data.note(Opt.PORT_TO);
}

/** `from` of a bitmap:port. */
export function parseFromPort(data: CommandData, text: string): void {
  data.element.port = parsePort(data, text, 'tcp');
  data.note(Opt.PORT);
}

/** `to` of a bitmap:port. */
export function parseToPort(data: CommandData, text: string): void {
  parseLastPort(data, text, 'tcp');
}

/** The usual ones, to find them at once. */
const USUAL: ReadonlyMap<string, number> = new Map([
  ['tcp', TCP],
  ['udp', UDP],
]);

function parseProtocol(data: CommandData, text: string): number {
  const usual = USUAL.get(text);
  if (usual !== undefined) return usual;
  const number = tryNumber(data, text, 255);
  if (number !== undefined) return number;
  data.report.reset();
  const named = /^icmpv6$/i.test(text) ? ICMPV6 : ownProtocolNumber(text);
  if (named === undefined) throw data.syntaxError(`cannot parse '${text}' as a protocol`, 'a protocol such as tcp');
  if (named === 0) throw data.syntaxError(`Unsupported protocol '${text}'`, 'a protocol such as tcp');
  return named;
}

/** Names that only iptables knows. */
const NOT_IN_PROTOCOLS = ['icmpv6', 'mh', 'ipv6-mh'];

function ownProtocolNumber(text: string): number | undefined {
  const number = NOT_IN_PROTOCOLS.includes(text) ? undefined : protocolNumber(text);
  // A protocol of 262, as /etc/protocols has it, is cut to 8 bits.
  return number === undefined ? undefined : number & 0xff;
}

/** `[PROTO:]PORT`, and what stands for a port with protocols that have none. */
export function parseProtoPort(data: CommandData, text: string): void {
  const { element } = data;
  const colon = separatorIn(text, ':');
  if (colon === -1) {
    element.proto = TCP;
    data.note(Opt.PROTO);
    parsePorts(data, text, 'tcp');
    return;
  }
  const protocol = text.slice(0, colon);
  const rest = text.slice(colon + 1);
  element.proto = parseProtocol(data, protocol);
  data.note(Opt.PROTO);
  if ([TCP, SCTP, UDP, UDPLITE].includes(element.proto)) parsePorts(data, rest, protocol);
  else if (element.proto === ICMP) {
    if (data.family !== 'ipv4') data.softError('Syntax error: Protocol ICMP can be used with family inet only');
    else parseIcmp(data, rest, ICMP_TYPES, 'ICMP');
  } else if (element.proto === ICMPV6) {
    if (data.family !== 'ipv6') data.softError('Syntax error: Protocol ICMPv6 can be used with family inet6 only');
    else parseIcmp(data, rest, ICMPV6_TYPES, 'ICMPv6');
  } else {
    if (rest !== '0') {
      throw data.syntaxError(`Protocol ${protocol} can be used with pseudo port value 0 only.`, `${protocol}:0`);
    }
    element.port = 0;
    data.note(Opt.PORT);
  }
}

function parseIcmp(data: CommandData, text: string, types: ReadonlyMap<string, number>, name: string): void {
  let typeAndCode = types.get(text);
  if (typeAndCode === undefined) {
    const slash = separatorIn(text, '/');
    if (slash === -1) throw data.error(`Cannot parse ${text} as an ${name} type/code.`, 'TYPE/CODE, such as 8/0');
    const type = parseNumber(data, text.slice(0, slash), 255);
    typeAndCode = type * 256 + parseNumber(data, text.slice(slash + 1), 255);
  }
  data.element.port = typeAndCode;
  data.note(Opt.PORT);
}

/** The same for bitmap:port, which keeps no protocol. */
export function parseTcpUdpPort(data: CommandData, text: string): void {
  parseProtoPort(data, text);
  const { element } = data;
  if (data.isForgotten || (element.proto !== TCP && element.proto !== UDP)) {
    throw data.syntaxError('Only protocols TCP and UDP are valid', 'PORT, tcp:PORT or udp:PORT');
  }
  element.proto = -1;
  data.forget(Opt.PROTO);
}

/** What stands after the protocol: a port, or type and code of ICMP. */
export function formatPort(port: number, proto: number): string {
  if (proto !== ICMP && proto !== ICMPV6) return String(port);
  const types = proto === ICMP ? ICMP_TYPES : ICMPV6_TYPES;
  for (const [name, typeAndCode] of types) if (typeAndCode === port) return name;
  return `${port >> 8}/${port & 0xff}`;
}

/** The protocol as ipset prints it; 0 is `ip` in /etc/protocols. */
export function formatProtocol(proto: number): string {
  return proto === 0 ? 'ip' : protocolName(proto);
}
