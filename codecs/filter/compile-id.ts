/** Conditions on addresses, ports and protocols: what an id and its qualifier mean. */
import { ADDRESS_BITS, type Address, addressFromWords, parseAddress, prefixMask } from '../address.js';
import type { Exits } from '../bpf/assembler.js';
import { BpfJump } from '../bpf/instruction.js';
import { withNearest } from '../nearest.js';
import { PROTOCOL_NAMES, protocolNumber } from '../protocol-names.js';
import { serviceNames, servicePort } from '../services.js';
import { shown } from '../text.js';
import type { Direction, Id, Qualifier } from './ast.js';
import type { CodeWriter } from './code-writer.js';
import { carries, EtherType, hasMac, Sap } from './compile-link.js';
import { isFirstFragment, isProtocolNumber } from './compile-protocol.js';
import { FilterError, unsupported } from './filter-error.js';
import type { ProtocolWord } from './words.js';

const IPPROTO = { tcp: 6, udp: 17, sctp: 132 } as const;
const ANY_PORTS = [IPPROTO.sctp, IPPROTO.tcp, IPPROTO.udp] as const;
const LARGEST_PORT = 65535;
/** Offsets of a source and a destination. */
type Ends = readonly [source: number, destination: number];
const IPV4_ENDS: Ends = [12, 16];
const ARP_ENDS: Ends = [14, 24];
const IPV6_ENDS: Ends = [8, 24];
const PORT_ENDS: Ends = [0, 2];

/** Emits whether a packet is what QUALIFIER says with ID. */
export function compileId(writer: CodeWriter, column: number, qualifier: Qualifier, id: Id): Exits {
  switch (id.is) {
    case 'name':
      return compileName(writer, column, qualifier, id.name);
    case 'number':
      return compileNumber(writer, column, qualifier, id.value);
    case 'ipv4':
      return compileIpv4(writer, column, qualifier, id);
    case 'ipv6':
      return compileIpv6(writer, column, qualifier, id);
    case 'mac':
      if (qualifier.protocol === 'link' && (qualifier.type ?? 'host') === 'host') {
        return hasMac(writer, column, qualifier.direction, macBytes(id.text));
      }
      throw new FilterError(column, `"${id.text}": expected ether host before a MAC address`);
  }
}

/** The bytes of a MAC address, which may have any separators. */
function macBytes(text: string): number[] {
  const parts = text.split(/[:.-]/).flatMap((part) => (part.length > 2 ? (part.match(/../g) ?? []) : [part]));
  return parts.map((part) => Number.parseInt(part, 16));
}

function compileName(writer: CodeWriter, column: number, qualifier: Qualifier, name: string): Exits {
  const { type, protocol } = qualifier;
  switch (type) {
    case 'port':
      return isPort(writer, column, qualifier, portNamed(column, name));
    case 'portrange':
      return isPort(writer, column, qualifier, rangeNamed(column, name));
    case 'proto':
      return isProtocolNumber(writer, column, protocol, protocolNamed(column, name, protocol));
    case 'net':
      throw unsupported(column, `"${shown(name)}": names of networks are not looked up; write the address`);
    default:
      return isHostNamed(writer, column, qualifier, name);
  }
}

/** Emits whether a packet is from or to one of the addresses of the host NAME. */
function isHostNamed(writer: CodeWriter, column: number, qualifier: Qualifier, name: string): Exits {
  const { protocol } = qualifier;
  const isAnyFamily = protocol === undefined;
  const wanted = [...writer.names].flatMap(([text, own]) => {
    const address = own === name ? parseAddress(text) : undefined;
    if (address === undefined) return [];
    return isAnyFamily || (protocol === 'ip6') === (address.family === 'ipv6') ? [address] : [];
  });
  const [first, ...others] = wanted.map((address) => () => {
    if (address.family === 'ipv4') return hasIpv4(writer, column, qualifier, address.hostOrder, 0xffffffff);
    return compileIpv6(writer, column, qualifier, { is: 'ipv6', text: String(address) });
  });
  if (first !== undefined) return writer.any(first, ...others);
  const unknown = `"${shown(name)}": no address of this name is known, and names are not looked up; write the address`;
  throw unsupported(column, withNearest(unknown, name, new Set(writer.names.values())));
}

interface PortRange {
  readonly first: number;
  readonly last: number;
  /** The only protocol whose ports are meant. */
  readonly protocol?: number | undefined;
}

function portNamed(column: number, name: string): PortRange {
  if (/^\d+$/.test(name)) return { first: Number(name), last: Number(name) };
  const tcp = servicePort(name, 'tcp');
  const udp = servicePort(name, 'udp');
  const port = tcp ?? udp;
  if (port === undefined) {
    throw new FilterError(column, withNearest(`unknown service "${shown(name)}"`, name, serviceNames(undefined)));
  }
  return { first: port, last: port, protocol: tcp === udp ? undefined : tcp === undefined ? IPPROTO.udp : IPPROTO.tcp };
}

/** The ports of `FIRST-LAST`, where each may be a service. */
function rangeNamed(column: number, name: string): PortRange {
  const hyphen = name.indexOf('-');
  if (hyphen < 0) throw new FilterError(column, `"${shown(name)}": expected two ports with - between, such as 80-90`);
  const first = portNamed(column, name.slice(0, hyphen));
  const last = portNamed(column, name.slice(hyphen + 1));
  const protocol = first.protocol === last.protocol ? first.protocol : undefined;
  return { first: first.first, last: last.first, protocol };
}

/** EtherTypes and SAPs by their names. */
const LINK_PROTOCOLS: Readonly<Record<string, number>> = {
  aarp: EtherType.AARP,
  arp: EtherType.ARP,
  atalk: EtherType.ATALK,
  decnet: EtherType.DECNET,
  ip: EtherType.IPV4,
  ip6: EtherType.IPV6,
  lat: EtherType.LAT,
  loopback: EtherType.LOOPBACK,
  mopdl: EtherType.MOPDL,
  moprc: EtherType.MOPRC,
  rarp: EtherType.RARP,
  sca: EtherType.SCA,
  iso: Sap.ISO,
  stp: Sap.STP,
  ipx: Sap.IPX,
  netbeui: Sap.NETBEUI,
};
const OSI_PROTOCOLS: Readonly<Record<string, number>> = { esis: 0x82, isis: 0x83, clnp: 0x81 };

/** The number of the protocol NAME in the header of PROTOCOL. */
function protocolNamed(column: number, name: string, protocol: ProtocolWord | undefined): number {
  if (protocol === 'isis') throw new FilterError(column, `"${shown(name)}": expected the number of a PDU type`);
  const table = protocol === 'link' ? LINK_PROTOCOLS : protocol === 'iso' ? OSI_PROTOCOLS : undefined;
  const number = table === undefined ? protocolNumber(name) : Object.hasOwn(table, name) ? table[name] : undefined;
  if (number !== undefined) return number;
  const names = table === undefined ? PROTOCOL_NAMES.values() : Object.keys(table);
  throw new FilterError(column, withNearest(`unknown protocol "${shown(name)}"`, name, names));
}

function compileNumber(writer: CodeWriter, column: number, qualifier: Qualifier, value: number): Exits {
  const { type, protocol } = qualifier;
  switch (type) {
    case 'port':
    case 'portrange':
      return isPort(writer, column, qualifier, { first: value, last: value });
    case 'proto':
      return isProtocolNumber(writer, column, protocol, value);
    case 'net': {
      // `net 10`: the leading bytes.
      let [network, mask] = [value, 0xffffffff];
      for (; network !== 0 && network < 0x1000000; network *= 256) mask = (mask << 8) >>> 0;
      return hasIpv4(writer, column, qualifier, network, mask);
    }
    default:
      return hasIpv4(writer, column, qualifier, value, 0xffffffff);
  }
}

function compileIpv4(writer: CodeWriter, column: number, qualifier: Qualifier, id: Id & { is: 'ipv4' }): Exits {
  const { type = 'host' } = qualifier;
  const { text, prefix, mask } = id;
  if (type !== 'host' && type !== 'net') throw new FilterError(column, `"${text}": a ${type} cannot be an address`);
  const { address, bits } = dotted(column, text);
  if (prefix === undefined && mask === undefined) {
    return hasIpv4(writer, column, qualifier, address, leadingBits(bits));
  }
  if (type !== 'net') throw new FilterError(column, `"${text}": only a net has a mask or prefix length`);
  if (prefix !== undefined && prefix > 32) throw new FilterError(column, `/${prefix}: expected at most 32`);
  const own = mask === undefined ? leadingBits(prefix ?? 32) : dotted(column, mask).address;
  if ((address & ~own) !== 0) {
    const shownMask = mask === undefined ? `/${prefix}` : ` mask ${mask}`;
    throw new FilterError(column, `${text}${shownMask}: the address has bits that the mask does not`);
  }
  return hasIpv4(writer, column, qualifier, address, own);
}

const leadingBits = (count: number): number => (count === 0 ? 0 : (-1 << (32 - count)) >>> 0);

/** One to four decimal numbers with dots between: the leading bytes of an address, and how many bits these are. */
function dotted(column: number, text: string): { address: number; bits: number } {
  const parts = text.split('.').map((part) => (/^\d{1,9}$/.test(part) ? Number(part) : Number.NaN));
  if (parts.some((part) => !(part <= 255))) throw new FilterError(column, `"${text}": no IPv4 address`);
  const address = parts.reduce((sum, part) => sum * 256 + part, 0) * 256 ** (4 - parts.length);
  return { address, bits: parts.length * 8 };
}

/** Emits whether an IPv4 packet, an ARP or a RARP message has the address ADDRESS under MASK. */
function hasIpv4(writer: CodeWriter, column: number, qualifier: Qualifier, address: number, mask: number): Exits {
  const { protocol, direction } = qualifier;
  const has = (etherType: number, ends: Ends) => () =>
    atEnds(writer, direction, ends, (end) =>
      writer.all(
        () => carries(writer, column, etherType),
        () => writer.equals('network', end, 4, address, mask),
      ),
    );
  switch (protocol) {
    case undefined:
      // Behind MPLS labels, there are only IP packets.
      if (writer.layer.labels > 0) return has(EtherType.IPV4, IPV4_ENDS)();
      return writer.any(has(EtherType.IPV4, IPV4_ENDS), has(EtherType.ARP, ARP_ENDS), has(EtherType.RARP, ARP_ENDS));
    case 'ip':
      return has(EtherType.IPV4, IPV4_ENDS)();
    case 'arp':
      return has(EtherType.ARP, ARP_ENDS)();
    case 'rarp':
      return has(EtherType.RARP, ARP_ENDS)();
    case 'decnet':
      throw unsupported(column, 'addresses of DECnet are not supported');
    default:
      throw new FilterError(column, `${protocol} has no IPv4 addresses; write ip, arp or rarp, or nothing`);
  }
}

function compileIpv6(writer: CodeWriter, column: number, qualifier: Qualifier, id: Id & { is: 'ipv6' }): Exits {
  const { protocol, direction, type = 'host' } = qualifier;
  const { text, prefix = ADDRESS_BITS.ipv6 } = id;
  if (type !== 'host' && type !== 'net') throw new FilterError(column, `"${text}": a ${type} cannot be an address`);
  if (prefix > ADDRESS_BITS.ipv6) throw new FilterError(column, `/${prefix}: expected at most ${ADDRESS_BITS.ipv6}`);
  if (type === 'host' && id.prefix !== undefined && prefix < ADDRESS_BITS.ipv6) {
    throw new FilterError(column, `"${text}": only a net has a prefix length`);
  }
  const address = parseAddress(text) ?? addressFromWords([0, 0, 0, 0]);
  const mask = prefixMask('ipv6', prefix);
  if (!address.masked(mask).equals(address)) {
    throw new FilterError(column, `${text}/${prefix}: the address has bits that the prefix does not`);
  }
  if (protocol !== undefined && protocol !== 'ip6') {
    throw new FilterError(column, `${protocol} has no IPv6 addresses; write ip6 or nothing`);
  }
  return atEnds(writer, direction, IPV6_ENDS, (end) =>
    writer.all(
      () => carries(writer, column, EtherType.IPV6),
      ...wordsOf(address, mask).map(
        ([word, bits], i) =>
          () =>
            writer.equals('network', end + i * 4, 4, word, bits),
      ),
    ),
  );
}

const wordsOf = (address: Address, mask: Address): [word: number, bits: number][] =>
  address.words.map((word, i) => [word >>> 0, mask.words[i] >>> 0]);

/** Emits whether the source or destination, as DIRECTION says, is what is wanted. */
function atEnds(
  writer: CodeWriter,
  direction: Direction | undefined,
  [source, destination]: Ends,
  isWanted: (at: number) => Exits,
): Exits {
  switch (direction) {
    case 'src':
      return isWanted(source);
    case 'dst':
      return isWanted(destination);
    case 'src and dst':
      return writer.all(
        () => isWanted(source),
        () => isWanted(destination),
      );
    default:
      return writer.any(
        () => isWanted(source),
        () => isWanted(destination),
      );
  }
}

/** Emits whether a TCP, UDP or SCTP packet has a port in RANGE. Of fragments, only the first has ports. */
function isPort(writer: CodeWriter, column: number, { protocol, direction, type }: Qualifier, range: PortRange): Exits {
  const { first, last } = range;
  if (Math.max(first, last) > LARGEST_PORT) {
    throw new FilterError(column, `${Math.max(first, last)}: a port is at most ${LARGEST_PORT}`);
  }
  const wanted = portProtocols(column, protocol, range);
  const [low, high] = [Math.min(first, last), Math.max(first, last)];
  const inRange = (base: 'ipv4' | 'ipv6') => () =>
    atEnds(writer, direction, PORT_ENDS, (end) =>
      type === 'port'
        ? writer.equals(base, end, 2, low)
        : writer.all(
            () => writer.compare(BpfJump.JGE, base, end, 2, low),
            () => writer.not(writer.compare(BpfJump.JGT, base, end, 2, high)),
          ),
    );
  const each = (numberAt: number, isWhole: (() => Exits)[], base: 'ipv4' | 'ipv6') => () => {
    const [one, ...more] = wanted.map(
      (number) => () => writer.all(() => writer.equals('network', numberAt, 1, number), ...isWhole, inRange(base)),
    );
    return writer.any(one, ...more);
  };
  return writer.any(
    () => writer.all(() => carries(writer, column, EtherType.IPV6), each(6, [], 'ipv6')),
    () => writer.all(() => carries(writer, column, EtherType.IPV4), each(9, [() => isFirstFragment(writer)], 'ipv4')),
  );
}

/** The protocols whose ports are asked for. */
function portProtocols(column: number, protocol: ProtocolWord | undefined, range: PortRange): readonly number[] {
  if (protocol === undefined) return range.protocol === undefined ? ANY_PORTS : [range.protocol];
  if (protocol !== 'tcp' && protocol !== 'udp' && protocol !== 'sctp') {
    throw new FilterError(column, `${protocol} has no ports; write tcp, udp or sctp, or nothing`);
  }
  const wanted = IPPROTO[protocol];
  if (range.protocol === undefined || range.protocol === wanted) return [wanted];
  const own = range.protocol === IPPROTO.tcp ? 'tcp' : 'udp';
  throw new FilterError(column, `this service is one of ${own}, not of ${protocol}`);
}
