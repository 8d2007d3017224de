/** A packet as a list of fields, to show differences between two packets. */
import { formatLoaded } from '../codecs/byte-order.js';
import {
  ETHERNET_LENGTH,
  ethernet,
  ICMP_LENGTH,
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  IPV4_DESTINATION_AT,
  IPV4_DF,
  IPV4_LENGTH,
  IPV4_MF,
  IPV4_OFFSET_MASK,
  IPV4_SOURCE_AT,
  icmp,
  ipv4,
  TCP_LENGTH,
  tcp,
  UDP_LENGTH,
  udp,
} from '../codecs/layouts.js';

export interface Field {
  /** Layer and name, such as `ip.ttl`. */
  name: string;
  value: string;
}

const FLAG_NAMES = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR'];
const ICMP_ERROR_TYPES = [3, 4, 5, 11, 12];

/** The fields of the packet whose IP header starts at IP_AT. A truncated packet has those fields that are there. */
export function dissect(bytes: Uint8Array, ipAt: number): Field[] {
  const fields: Field[] = [];
  const packet = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (ipAt >= ETHERNET_LENGTH && packet.length >= ETHERNET_LENGTH) {
    const header = ethernet.decode(packet);
    fields.push({ name: 'eth.destination', value: macText(header.destination) });
    fields.push({ name: 'eth.source', value: macText(header.source) });
    fields.push({ name: 'eth.type', value: hex(header.etherType, 4) });
  }
  dissectIpv4(packet.subarray(ipAt), '', fields);
  return fields;
}

function dissectIpv4(packet: Buffer, prefix: string, fields: Field[]): void {
  const add = (name: string, value: string | number): void => {
    fields.push({ name: `${prefix}${name}`, value: String(value) });
  };
  if (packet.length < IPV4_LENGTH || packet[0] >> 4 !== 4) {
    add('bytes', packet.toString('hex'));
    return;
  }
  const header = ipv4.decode(packet);
  const headerLength = Math.max(IPV4_LENGTH, (header.versionIhl & 15) * 4);
  add('ip.header', `${(header.versionIhl & 15) * 4} bytes`);
  add('ip.tos', hex(header.tos, 2));
  add('ip.length', header.totalLength);
  add('ip.id', hex(header.id, 4));
  add('ip.fragment', fragmentText(header.fragment));
  add('ip.ttl', header.ttl);
  add('ip.protocol', header.protocol);
  add('ip.checksum', hex(header.checksum, 4));
  add('ip.source', formatLoaded(packet.readInt32LE(IPV4_SOURCE_AT)));
  add('ip.destination', formatLoaded(packet.readInt32LE(IPV4_DESTINATION_AT)));
  if (headerLength > IPV4_LENGTH) add('ip.options', packet.subarray(IPV4_LENGTH, headerLength).toString('hex'));
  const payload = packet.subarray(headerLength);
  if (header.fragment & IPV4_OFFSET_MASK) add('data', dataText(payload));
  else dissectL4(header.protocol, payload, prefix, fields);
}

function dissectL4(protocol: number, payload: Buffer, prefix: string, fields: Field[]): void {
  const add = (name: string, value: string | number): void => {
    fields.push({ name: `${prefix}${name}`, value: String(value) });
  };
  if (protocol === IPPROTO_TCP && payload.length >= TCP_LENGTH) {
    const header = tcp.decode(payload);
    const headerLength = Math.max(TCP_LENGTH, (header.dataOffset >> 4) * 4);
    add('tcp.sport', header.sourcePort);
    add('tcp.dport', header.destinationPort);
    add('tcp.sequence', header.sequence);
    add('tcp.acknowledgment', header.acknowledgment);
    add('tcp.header', `${(header.dataOffset >> 4) * 4} bytes`);
    add('tcp.flags', FLAG_NAMES.filter((_, bit) => header.flags & (1 << bit)).join(' ') || 'none');
    add('tcp.window', header.window);
    add('tcp.checksum', hex(header.checksum, 4));
    if (header.urgent) add('tcp.urgent', header.urgent);
    if (headerLength > TCP_LENGTH) add('tcp.options', payload.subarray(TCP_LENGTH, headerLength).toString('hex'));
    add('data', dataText(payload.subarray(headerLength)));
  } else if ((protocol === IPPROTO_UDP || protocol === IPPROTO_UDPLITE) && payload.length >= UDP_LENGTH) {
    const header = udp.decode(payload);
    add('udp.sport', header.sourcePort);
    add('udp.dport', header.destinationPort);
    add('udp.length', header.length);
    add('udp.checksum', hex(header.checksum, 4));
    add('data', dataText(payload.subarray(UDP_LENGTH)));
  } else if (protocol === IPPROTO_ICMP && payload.length >= ICMP_LENGTH) {
    const header = icmp.decode(payload);
    add('icmp.type', header.type);
    add('icmp.code', header.code);
    add('icmp.checksum', hex(header.checksum, 4));
    add('icmp.id', header.id);
    add('icmp.sequence', header.sequence);
    const data = payload.subarray(ICMP_LENGTH);
    if (ICMP_ERROR_TYPES.includes(header.type) && prefix === '') dissectIpv4(data, 'quoted ', fields);
    else add('data', dataText(data));
  } else add('data', dataText(payload));
}

function fragmentText(word: number): string {
  const flags = [word & 0x8000 ? 'reserved' : '', word & IPV4_DF ? 'DF' : '', word & IPV4_MF ? 'MF' : ''];
  return [...flags, `offset ${(word & IPV4_OFFSET_MASK) * 8}`].filter((text) => text !== '').join(' ');
}

const macText = (mac: Uint8Array): string => Array.from(mac, (byte) => byte.toString(16).padStart(2, '0')).join(':');
const hex = (value: number, digits: number): string => `0x${value.toString(16).padStart(digits, '0')}`;

const SHOWN_BYTES = 12;

function dataText(data: Buffer): string {
  const start = data.subarray(0, SHOWN_BYTES).toString('hex');
  return data.length === 0 ? 'none' : `${data.length} bytes ${start}${data.length > SHOWN_BYTES ? '…' : ''}`;
}
