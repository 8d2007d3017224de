/** The packets that a scan sends: a connection's first segment of TCP, and a datagram of UDP, as a client sends them. */
import { toLoaded } from '../../codecs/byte-order.js';
import { internetChecksum, pseudoHeaderSum } from '../../codecs/checksum.js';
import {
  ETHERNET_DESTINATION_AT,
  ETHERNET_LENGTH,
  ETHERNET_SOURCE_AT,
  ETHERNET_TYPE_AT,
  ETHERTYPE_IPV4,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPV4_CHECKSUM_AT,
  IPV4_DF,
  IPV4_LENGTH,
  ipv4,
  TCP_CHECKSUM_AT,
  TCP_LENGTH,
  TCP_SYN,
  tcp,
  UDP_CHECKSUM_AT,
  UDP_LENGTH,
  udp,
} from '../../codecs/layouts.js';
import { Linktype } from '../../codecs/linktypes.js';
import type { Host } from '../../core/host/host.js';
import { Frame } from '../../core/link/frame.js';
import type { OtherPacket } from './other-packets.js';

export const SCANNED_PROTOCOLS = ['tcp', 'udp'] as const;
export type ScannedProtocol = (typeof SCANNED_PROTOCOLS)[number];

export const PROTOCOL_NUMBERS: Readonly<Record<ScannedProtocol, number>> = { tcp: IPPROTO_TCP, udp: IPPROTO_UDP };

/** The source port of all packets: one from which clients send. */
export const CLIENT_PORT = 51515;
export const CLIENT_TTL = 64;
const WINDOW = 64_240;
/** MSS 1460, SACK permitted, timestamps, window scale 7: the options of Linux. */
const TCP_OPTIONS = Uint8Array.from([...[2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0], ...[1, 3, 3, 7]]);

/** One packet of a scan. Addresses are numbers in host order. */
export interface ProbePacket {
  /** The index of the interface that it arrives on. */
  readonly dev: number;
  readonly source: number;
  readonly destination: number;
  readonly protocol: ScannedProtocol;
  readonly sport: number;
  readonly dport: number;
  /** In what else it is not as clients send packets: its source MAC address, TTL, TOS, or length. */
  readonly other: OtherPacket;
}

/** PACKET as a frame that arrives on HOST at TS_SEC, seconds since 1970. */
export function probeFrame(host: Host, packet: ProbePacket, tsSec: number): Frame {
  const { linkLength, mac } = host.interfaces[packet.dev];
  const length = packet.other.get('length') ?? probeLength(packet.protocol);
  const bytes = Buffer.alloc(ETHERNET_LENGTH + Math.max(length, leastLength(packet.protocol)));
  writeIp(bytes.subarray(ETHERNET_LENGTH), packet);
  const isBare = linkLength === 0;
  if (!isBare) {
    bytes.set(mac, ETHERNET_DESTINATION_AT);
    const senderMac = packet.other.get('sourceMac');
    if (senderMac === undefined) host.writeMac(packet.dev, senderHop(host, packet), bytes, ETHERNET_SOURCE_AT);
    else bytes.writeUIntBE(senderMac, ETHERNET_SOURCE_AT, 6);
    bytes.writeUInt16BE(ETHERTYPE_IPV4, ETHERNET_TYPE_AT);
  }
  return new Frame({
    bytes: isBare ? bytes.subarray(ETHERNET_LENGTH) : bytes,
    linktype: isBare ? Linktype.RAW : Linktype.ETHERNET,
    dev: packet.dev,
    tsSec,
  });
}

/** Who sends a frame with a packet of this source: the router towards it, or itself. */
function senderHop(host: Host, { source }: ProbePacket): number {
  const { reason, nextHop } = host.routeOutput(host.routeKey.towards(toLoaded(source)));
  return reason === '' ? nextHop : toLoaded(source);
}

/** The IP header's total length of a packet of PROTOCOL. */
function probeLength(protocol: ScannedProtocol): number {
  return IPV4_LENGTH + headerLength(protocol);
}

function headerLength(protocol: ScannedProtocol): number {
  return protocol === 'tcp' ? TCP_LENGTH + TCP_OPTIONS.length : UDP_LENGTH;
}

/** Without options and data. */
function leastLength(protocol: ScannedProtocol): number {
  return IPV4_LENGTH + (protocol === 'tcp' ? TCP_LENGTH : UDP_LENGTH);
}

function writeIp(bytes: Buffer, { source, destination, protocol, sport, dport, other }: ProbePacket): void {
  const length = bytes.length - IPV4_LENGTH;
  const options = TCP_OPTIONS.subarray(0, length < headerLength(protocol) ? 0 : TCP_OPTIONS.length);
  const number = PROTOCOL_NUMBERS[protocol];
  ipv4.encode(
    {
      versionIhl: 0x45,
      tos: other.get('tos') ?? 0,
      totalLength: bytes.length,
      id: 0,
      fragment: IPV4_DF,
      ttl: other.get('ttl') ?? CLIENT_TTL,
      protocol: number,
      checksum: 0,
      source,
      destination,
    },
    bytes,
  );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  bytes.writeUInt16BE(internetChecksum(view, 0, IPV4_LENGTH), IPV4_CHECKSUM_AT);
  const segment = bytes.subarray(IPV4_LENGTH);
  if (protocol === 'tcp') {
    const dataOffset = ((TCP_LENGTH + options.length) / 4) << 4;
    tcp.encode(
      {
        ...{ sourcePort: sport, destinationPort: dport, sequence: 1, acknowledgment: 0 },
        ...{ dataOffset, flags: TCP_SYN, window: WINDOW, checksum: 0, urgent: 0 },
      },
      segment,
    );
    segment.set(options, TCP_LENGTH);
  } else udp.encode({ sourcePort: sport, destinationPort: dport, length, checksum: 0 }, segment);
  const sum = internetChecksum(view, IPV4_LENGTH, length, pseudoHeaderSum(view, 0, number, length));
  // Of UDP, 0 would mean that there is no checksum.
  segment.writeUInt16BE(sum === 0 ? 0xffff : sum, protocol === 'tcp' ? TCP_CHECKSUM_AT : UDP_CHECKSUM_AT);
}
