/** Connections as `conntrack -L -o extended` prints them (conntrack-tools 1.4.7), with accounting on. */
import { formatAddress, swap16 } from './address.js';
import {
  IPPROTO_DCCP,
  IPPROTO_GRE,
  IPPROTO_ICMP,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
} from './layouts.js';

/** One direction of a connection. */
export interface ListedDirection {
  /** Addresses as loaded little-endian. */
  source: number;
  destination: number;
  /**
   * The four wire bytes of both ports (GRE: of both keys), loaded little-endian. ICMP: the id in the lower half (wire
   * order), type << 16, code << 24.
   */
  ports: number;
  packets: number;
  bytes: number;
}

/** A connection, as far as the list shows it. */
export interface ListedConnection {
  protocol: number;
  /** Time left, in whole seconds. */
  timeoutSeconds: number;
  /** The protocol's own state (TCP: `ESTABLISHED` …), undefined where it has none. */
  state: string | undefined;
  original: ListedDirection;
  reply: ListedDirection;
  isSeenReply: boolean;
  isAssured: boolean;
  /** The connection mark, unsigned. */
  mark: number;
}

/** The protocols that the list knows by name; every other one is `unknown`, with its number. */
const PROTOCOL_NAMES: Readonly<Record<number, string>> = {
  [IPPROTO_ICMP]: 'icmp',
  [IPPROTO_TCP]: 'tcp',
  [IPPROTO_UDP]: 'udp',
  [IPPROTO_DCCP]: 'dccp',
  [IPPROTO_GRE]: 'gre',
  [IPPROTO_SCTP]: 'sctp',
  [IPPROTO_UDPLITE]: 'udplite',
};

/** The name of PROTOCOL in the list. */
export function protocolName(protocol: number): string {
  return PROTOCOL_NAMES[protocol] ?? 'unknown';
}

/** What tells flows between two addresses apart, as the list writes it, with a space behind; '' where nothing does. */
function formatPorts(protocol: number, ports: number): string {
  const first = swap16(ports);
  const second = swap16(ports >>> 16);
  if (protocol === IPPROTO_ICMP) return `type=${(ports >>> 16) & 0xff} code=${ports >>> 24} id=${first} `;
  if (protocol === IPPROTO_GRE) return `srckey=0x${first.toString(16)} dstkey=0x${second.toString(16)} `;
  return protocol in PROTOCOL_NAMES ? `sport=${first} dport=${second} ` : '';
}

function formatDirection(protocol: number, direction: ListedDirection): string {
  const { source, destination, ports, packets, bytes } = direction;
  const addresses = `src=${formatAddress(source)} dst=${formatAddress(destination)} `;
  return `${addresses}${formatPorts(protocol, ports)}packets=${packets} bytes=${bytes} `;
}

/** CONNECTION as one line of the list, without the line's end. */
export function formatConnection(connection: ListedConnection): string {
  const { protocol, timeoutSeconds, state, original, reply, isSeenReply, isAssured, mark } = connection;
  const head = `ipv4     2 ${protocolName(protocol).padEnd(8)} ${protocol} ${timeoutSeconds} ${state ? `${state} ` : ''}`;
  const there = formatDirection(protocol, original) + (isSeenReply ? '' : '[UNREPLIED] ');
  const back = formatDirection(protocol, reply) + (isAssured ? '[ASSURED] ' : '');
  return `${head}${there}${back}mark=${mark} use=1`;
}
