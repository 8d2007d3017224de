/** The headers that are decoded, in the order of their fields. */
import { flagNames } from '../../../codecs/sentence/tcp-flags.js';
import { address, protocolName } from '../../words/ends.js';
import { type FieldRow, hex, named } from './layer.js';

const ETHER_TYPES: Readonly<Record<number, string>> = {
  2048: 'IPv4',
  2054: 'ARP',
  33024: 'VLAN',
  34525: 'IPv6',
  34915: 'PPPoE discovery',
  34916: 'PPPoE session',
  34984: 'VLAN (802.1ad)',
};
const etherType = named(ETHER_TYPES, hex(4));

/** IEEE 802.3, clause 3.1.1. */
export const ETHERNET: readonly FieldRow[] = [
  ['Destination', 48],
  ['Source', 48],
  ['Type', 16, etherType],
];

/** IEEE 802.1Q, clause 9.6. */
export const VLAN: readonly FieldRow[] = [
  ['Priority', 3],
  ['Drop eligible', 1],
  ['VLAN ID', 12],
  ['Type', 16, etherType],
];

const packetType = named({ 0: 'to us', 1: 'broadcast', 2: 'multicast', 3: 'to another host', 4: 'from us' });

/** https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html */
export const SLL: readonly FieldRow[] = [
  ['Packet type', 16, packetType],
  ['Hardware type', 16],
  ['Address length', 16],
  ['Address', 64],
  ['Protocol', 16, etherType],
];

/** https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html */
export const SLL2: readonly FieldRow[] = [
  ['Protocol', 16, etherType],
  ['', 16],
  ['Interface index', 32],
  ['Hardware type', 16],
  ['Packet type', 8, packetType],
  ['Address length', 8],
  ['Address', 64],
];

const operation = named({ 1: 'request', 2: 'reply' });

/** RFC 826, for IPv4 over Ethernet. */
export const ARP: readonly FieldRow[] = [
  ['Hardware type', 16],
  ['Protocol type', 16, etherType],
  ['Hardware size', 8],
  ['Protocol size', 8],
  ['Operation', 16, operation],
  ['Sender MAC', 48],
  ['Sender IP', 32, address],
  ['Target MAC', 48],
  ['Target IP', 32, address],
];

/** RFC 2516, section 4, and the protocol of RFC 1661 behind it. */
export const PPPOE: readonly FieldRow[] = [
  ['Version', 4],
  ['Type', 4],
  ['Code', 8, hex(2)],
  ['Session ID', 16, hex(4)],
  ['Payload length', 16],
];
export const PPP: readonly FieldRow[] = [['Protocol', 16, named({ 33: 'IPv4', 87: 'IPv6' }, hex(4))]];

/** RFC 791, section 3.1. */
export const IPV4: readonly FieldRow[] = [
  ['Version', 4],
  ['Header length', 4, (words) => `${words * 4} bytes`],
  ['DSCP', 6],
  ['ECN', 2, named({ 1: 'ECT(1)', 2: 'ECT(0)', 3: 'CE' })],
  ['Total length', 16],
  ['Identification', 16, hex(4)],
  ['Flags', 3, (flags) => ['reserved', 'DF', 'MF'].filter((_, i) => flags & (4 >> i)).join(', ') || 'none'],
  ['Fragment offset', 13, (units) => String(units * 8)],
  ['TTL', 8],
  ['Protocol', 8, (number) => `${protocolName(number)} (${number})`],
  ['Checksum', 16, hex(4)],
  ['Source', 32, address],
  ['Destination', 32, address],
];

/** RFC 8200, section 3. */
export const IPV6: readonly FieldRow[] = [
  ['Version', 4],
  ['Traffic class', 8, hex(2)],
  ['Flow label', 20, hex(5)],
  ['Payload length', 16],
  ['Next header', 8, (number) => `${protocolName(number)} (${number})`],
  ['Hop limit', 8],
  ['Source', 128],
  ['Destination', 128],
];

/** RFC 9293, section 3.1. */
export const TCP: readonly FieldRow[] = [
  ['Source port', 16],
  ['Destination port', 16],
  ['Sequence number', 32],
  ['Acknowledgment number', 32],
  ['Header length', 4, (words) => `${words * 4} bytes`],
  ['', 4],
  ['Flags', 8, flagNames],
  ['Window', 16],
  ['Checksum', 16, hex(4)],
  ['Urgent pointer', 16],
];

/** Options of TCP by kind: their name, and the bits of the numbers behind kind and length. */
export const TCP_OPTIONS: Readonly<Record<number, readonly [name: string, ...bits: number[]]>> = {
  0: ['End of options'],
  1: ['No operation'],
  2: ['Maximum segment size', 16],
  3: ['Window scale', 8],
  4: ['SACK permitted'],
  5: ['SACK', ...Array<number>(8).fill(32)],
  8: ['Timestamps', 32, 32],
};

/** RFC 768. */
export const UDP: readonly FieldRow[] = [
  ['Source port', 16],
  ['Destination port', 16],
  ['Length', 16],
  ['Checksum', 16, hex(4)],
];

/** Of other protocols that start with them. */
export const PORTS: readonly FieldRow[] = UDP.slice(0, 2);

const ICMP_TYPES: Readonly<Record<number, string>> = {
  0: 'echo reply',
  3: 'unreachable',
  5: 'redirect',
  8: 'echo request',
  11: 'time exceeded',
  12: 'parameter problem',
};

/** RFC 792; how the second word is read depends on the type. */
export const ICMP: readonly FieldRow[] = [
  ['Type', 8, named(ICMP_TYPES)],
  ['Code', 8],
  ['Checksum', 16, hex(4)],
];
export const ICMP_QUERY: readonly FieldRow[] = [
  ['Identifier', 16],
  ['Sequence number', 16],
];
export const ICMP_UNREACHABLE: readonly FieldRow[] = [
  ['', 16],
  ['Next-hop MTU', 16],
];
export const ICMP_REDIRECT: readonly FieldRow[] = [['Gateway', 32, address]];
