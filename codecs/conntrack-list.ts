/** Connections as `conntrack -L -o extended` prints them (conntrack-tools 1.4.7), with accounting on. */
import { AsciiWriter } from './ascii-writer.js';
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

/** What tells flows between two addresses apart, as the list writes it, with a space behind; nothing where nothing does. */
function writePorts(writer: AsciiWriter, protocol: number, ports: number): void {
  if (protocol === IPPROTO_ICMP) {
    writer.text('type=');
    writer.decimal((ports >>> 16) & 0xff);
    writer.text(' code=');
    writer.decimal(ports >>> 24);
    writer.text(' id=');
    writer.wire16(ports);
    writer.text(' ');
  } else if (protocol === IPPROTO_GRE) {
    writer.text('srckey=0x');
    writer.wireHex16(ports);
    writer.text(' dstkey=0x');
    writer.wireHex16(ports >>> 16);
    writer.text(' ');
  } else if (protocol in PROTOCOL_NAMES) {
    writer.text('sport=');
    writer.wire16(ports);
    writer.text(' dport=');
    writer.wire16(ports >>> 16);
    writer.text(' ');
  }
}

function writeDirection(writer: AsciiWriter, protocol: number, direction: ListedDirection): void {
  writer.text('src=');
  writer.address(direction.source);
  writer.text(' dst=');
  writer.address(direction.destination);
  writer.text(' ');
  writePorts(writer, protocol, direction.ports);
  writer.text('packets=');
  writer.decimal(direction.packets);
  writer.text(' bytes=');
  writer.decimal(direction.bytes);
  writer.text(' ');
}

/** Write CONNECTION as one line of the list, without the line's end. */
export function writeConnection(writer: AsciiWriter, connection: ListedConnection): void {
  const { protocol, timeoutSeconds, state, original, reply, isSeenReply, isAssured, mark } = connection;
  writer.text('ipv4     2 ');
  writer.text(protocolName(protocol).padEnd(8));
  writer.text(' ');
  writer.decimal(protocol);
  writer.text(' ');
  writer.decimal(timeoutSeconds);
  writer.text(' ');
  if (state !== undefined) {
    writer.text(state);
    writer.text(' ');
  }
  writeDirection(writer, protocol, original);
  if (!isSeenReply) writer.text('[UNREPLIED] ');
  writeDirection(writer, protocol, reply);
  if (isAssured) writer.text('[ASSURED] ');
  writer.text('mark=');
  writer.decimal(mark);
  writer.text(' use=1');
}

/** CONNECTION as one line of the list, without the line's end. */
export function formatConnection(connection: ListedConnection): string {
  const writer = new AsciiWriter();
  writeConnection(writer, connection);
  return new TextDecoder('latin1').decode(writer.bytes);
}
