/** Connections as `conntrack -L -o extended` prints them (conntrack-tools 1.4.7). */
import { AsciiWriter } from './ascii-writer.js';
import type { LoadedAddress } from './byte-order.js';

/** How the list prints `ports`: as ports, as an ICMP query, as GRE keys, or not at all. */
export type ListedTuple = 'ports' | 'query' | 'keys' | 'none';

/** One direction of a connection. */
export interface ListedDirection {
  /** As loaded little-endian: `formatLoaded` prints them. */
  source: LoadedAddress;
  destination: LoadedAddress;
  /**
   * The four bytes of both ports (GRE: of both keys), loaded little-endian. ICMP: the id in the lower half (network
   * order), type << 16, code << 24.
   */
  ports: number;
  packets: number;
  bytes: number;
}

/** The parts of a connection that the list shows. */
export interface ListedConnection {
  protocol: number;
  /** `tcp`, `udp` …, or `unknown`. */
  protocolName: string;
  tuple: ListedTuple;
  /** Time left, in whole seconds. */
  timeoutSeconds: number;
  /** The protocol's own state (TCP: `ESTABLISHED` …); undefined if it has none. */
  state: string | undefined;
  original: ListedDirection;
  reply: ListedDirection;
  isSeenReply: boolean;
  isAssured: boolean;
  /** Whether packets and bytes are listed (nf_conntrack_acct). */
  isAccounted: boolean;
  /** The connection mark, unsigned. */
  mark: number;
}

/** Writes what distinguishes flows between two addresses, followed by a space; nothing if the protocol has nothing. */
function writePorts(writer: AsciiWriter, tuple: ListedTuple, ports: number): void {
  switch (tuple) {
    case 'ports':
      writer.text('sport=');
      writer.wire16(ports);
      writer.text(' dport=');
      writer.wire16(ports >>> 16);
      break;
    case 'query':
      writer.text('type=');
      writer.decimal((ports >>> 16) & 0xff);
      writer.text(' code=');
      writer.decimal(ports >>> 24);
      writer.text(' id=');
      writer.wire16(ports);
      break;
    case 'keys':
      writer.text('srckey=0x');
      writer.wireHex16(ports);
      writer.text(' dstkey=0x');
      writer.wireHex16(ports >>> 16);
      break;
    case 'none':
      return;
  }
  writer.text(' ');
}

function writeDirection(
  writer: AsciiWriter,
  { tuple, isAccounted }: ListedConnection,
  direction: ListedDirection,
): void {
  writer.text('src=');
  writer.address(direction.source);
  writer.text(' dst=');
  writer.address(direction.destination);
  writer.text(' ');
  writePorts(writer, tuple, direction.ports);
  if (!isAccounted) return;
  writer.text('packets=');
  writer.decimal(direction.packets);
  writer.text(' bytes=');
  writer.decimal(direction.bytes);
  writer.text(' ');
}

/** Writes CONNECTION as one line of the list, without the newline. */
export function writeConnection(writer: AsciiWriter, connection: ListedConnection): void {
  const { protocol, protocolName, timeoutSeconds, state, original, reply, isSeenReply, isAssured, mark } = connection;
  writer.text('ipv4     2 ');
  writer.text(protocolName.padEnd(8));
  writer.text(' ');
  writer.decimal(protocol);
  writer.text(' ');
  writer.decimal(timeoutSeconds);
  writer.text(' ');
  if (state !== undefined) {
    writer.text(state);
    writer.text(' ');
  }
  writeDirection(writer, connection, original);
  if (!isSeenReply) writer.text('[UNREPLIED] ');
  writeDirection(writer, connection, reply);
  if (isAssured) writer.text('[ASSURED] ');
  writer.text('mark=');
  writer.decimal(mark);
  writer.text(' use=1');
}

/** CONNECTION as one line of the list, without the newline. */
export function formatConnection(connection: ListedConnection): string {
  const writer = new AsciiWriter();
  writeConnection(writer, connection);
  return new TextDecoder('latin1').decode(writer.bytes);
}
