/**
 * Frames to layers with their fields: Ethernet, VLAN tags, Linux cooked captures, PPPoE, ARP, IPv4 with what is in it,
 * and what errors of ICMP quote. Whatever a frame has not as a whole is left out.
 */
import {
  ETHERTYPE_8021AD,
  ETHERTYPE_8021Q,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ETHERTYPE_PPPOE_SESSION,
  ETHERTYPE_QINQ_OLD,
  ICMP_ERROR_TYPES,
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPPROTO_UDP,
} from '../../../codecs/assigned-numbers.js';
import { hasPorts } from '../../../codecs/sentence/sentence.js';
import { protocolName } from '../../words/ends.js';
import { withChecksums } from './checksums.js';
import * as headers from './headers.js';
import { type DecodedField, type FieldRow, hexBytes, type Layer, type Part, readBits, readRows } from './layer.js';

const [LINKTYPE_NULL, LINKTYPE_ETHERNET, LINKTYPE_LOOP] = [0, 1, 108];
const [LINKTYPE_SLL, LINKTYPE_SLL2] = [113, 276];
/** IPv4 or IPv6 without anything before it. */
const LINKTYPES_RAW: readonly number[] = [12, 14, 101, 228, 229];

/** The layers of a frame of LINKTYPE (as in capture files), the outermost first. */
export function decodeFrame(linktype: number, bytes: Uint8Array): Layer[] {
  const layers: Layer[] = [];
  const frame: Part = { bytes, at: 0, end: bytes.length };
  if (linktype === LINKTYPE_ETHERNET) readLink(layers, frame, 'Ethernet', headers.ETHERNET, 96);
  else if (linktype === LINKTYPE_SLL) readLink(layers, frame, 'Linux cooked capture', headers.SLL, 112);
  else if (linktype === LINKTYPE_SLL2) readLink(layers, frame, 'Linux cooked capture v2', headers.SLL2, 0);
  else if (linktype === LINKTYPE_NULL || linktype === LINKTYPE_LOOP) readIp(layers, behind(frame, 4));
  else if (LINKTYPES_RAW.includes(linktype)) readIp(layers, frame);
  else readData(layers, frame);
  return withChecksums(layers, bytes);
}

const behind = (part: Part, length: number): Part => ({ ...part, at: part.at + length });

/** Adds the layer NAME of ROWS, with MORE fields behind. Returns its length. */
function add(layers: Layer[], part: Part, name: string, rows: readonly FieldRow[], more: DecodedField[] = []): number {
  const fields = [...readRows(part, rows), ...more];
  const bits = rows.reduce((sum, row) => sum + row[1], 0);
  const last = more.at(-1);
  const length = Math.min(last ? last.at + last.length - part.at : bits / 8, Math.max(0, part.end - part.at));
  if (fields.length > 0) layers.push({ name, at: part.at, length, fields });
  return bits / 8;
}

/** A header with an EtherType in TYPE_BIT. */
function readLink(layers: Layer[], part: Part, name: string, rows: readonly FieldRow[], typeBit: number): void {
  const rest = behind(part, add(layers, part, name, rows));
  if (rest.at <= part.end) readEtherType(layers, rest, readBits(part, typeBit, 16));
}

const VLAN_TYPES: readonly number[] = [ETHERTYPE_8021Q, ETHERTYPE_8021AD, ETHERTYPE_QINQ_OLD];

function readEtherType(layers: Layer[], part: Part, etherType: number): void {
  if (VLAN_TYPES.includes(etherType)) readLink(layers, part, 'VLAN', headers.VLAN, 16);
  else if (etherType === ETHERTYPE_IPV4 || etherType === ETHERTYPE_IPV6) readIp(layers, part);
  else if (etherType === ETHERTYPE_ARP)
    readData(layers, behind(part, add(layers, part, 'ARP', headers.ARP)), 'Padding');
  else if (etherType === ETHERTYPE_PPPOE_SESSION) {
    const ppp = behind(part, add(layers, part, 'PPPoE', headers.PPPOE));
    readIp(layers, behind(ppp, add(layers, ppp, 'PPP', headers.PPP)));
  } else readData(layers, part);
}

function readIp(layers: Layer[], part: Part): void {
  const version = readBits(part, 0, 4);
  if (version === 6) readData(layers, behind(part, add(layers, part, 'IPv6', headers.IPV6)));
  else if (version === 4) readIpv4(layers, part, false);
  else readData(layers, part);
}

/** IS_QUOTED: an error of ICMP quotes it; the rest of the packet is missing. */
function readIpv4(layers: Layer[], part: Part, isQuoted: boolean): void {
  const length = readBits(part, 4, 4) * 4;
  const totalLength = readBits(part, 16, 16);
  const options = Math.max(0, Math.min(length, part.end - part.at) - 20);
  const field = {
    name: 'Options',
    at: part.at + 20,
    length: options,
    value: hexBytes(part.bytes, part.at + 20, options, ' '),
  };
  add(layers, part, isQuoted ? 'IPv4 (quoted)' : 'IPv4', headers.IPV4, options > 0 ? [field] : []);
  // A length of 0 is that of a packet that a network card has yet to cut.
  const start = part.at + Math.max(20, length);
  const end = isQuoted || totalLength === 0 ? part.end : Math.min(part.end, Math.max(start, part.at + totalLength));
  const payload: Part = { ...part, at: start, end };
  const isFirst = readBits(part, 51, 13) === 0;
  if (isFirst) readTransport(layers, payload, readBits(part, 72, 8));
  else readData(layers, payload, 'Later part of a packet');
  if (end < part.end) readData(layers, { ...part, at: end }, 'Padding');
}

function readTransport(layers: Layer[], part: Part, protocol: number): void {
  if (protocol === IPPROTO_ICMP) readIcmp(layers, part);
  else if (protocol === IPPROTO_TCP) readTcp(layers, part);
  else if (protocol === IPPROTO_UDP) readData(layers, behind(part, add(layers, part, 'UDP', headers.UDP)));
  else {
    const name = protocolName(protocol);
    if (!hasPorts(protocol)) readData(layers, part, name);
    else readData(layers, behind(part, add(layers, part, name, headers.PORTS)));
  }
}

function readTcp(layers: Layer[], part: Part): void {
  const end = Math.min(part.end, part.at + readBits(part, 96, 4) * 4);
  const options: DecodedField[] = [];
  for (let at = part.at + 20; at < end; ) {
    const kind = part.bytes[at];
    const length = kind < 2 ? 1 : Math.max(2, part.bytes[at + 1] ?? 2);
    const [name, ...numbers] = headers.TCP_OPTIONS[kind] ?? [`Option ${kind}`];
    const whole: Part = { bytes: part.bytes, at, end: Math.min(end, at + length) };
    const rows = numbers.map((bits): FieldRow => ['number', bits]);
    const value = readRows(whole, rows, 16)
      .map((field) => field.value)
      .join(' ');
    options.push({ name, at, length: whole.end - at, value });
    at += length;
  }
  add(layers, part, 'TCP', headers.TCP, options);
  readData(layers, behind(part, Math.max(20, readBits(part, 96, 4) * 4)));
}

function readIcmp(layers: Layer[], part: Part): void {
  const [type, code] = [readBits(part, 0, 8), readBits(part, 8, 8)];
  const isError = ICMP_ERROR_TYPES.includes(type);
  const rest = isError
    ? type === 5
      ? headers.ICMP_REDIRECT
      : type === 3 && code === 4
        ? headers.ICMP_UNREACHABLE
        : []
    : headers.ICMP_QUERY;
  add(layers, part, 'ICMP', [...headers.ICMP, ...rest]);
  if (isError && readBits(behind(part, 8), 0, 4) === 4) readIpv4(layers, behind(part, 8), true);
  else readData(layers, behind(part, 8));
}

function readData(layers: Layer[], { bytes, at, end }: Part, name = 'Data'): void {
  const length = end - at;
  if (length > 0)
    layers.push({ name, at, length, fields: [{ name: 'Bytes', at, length, value: preview(bytes.subarray(at, end)) }] });
}

/** What is readable of BYTES. */
function preview(bytes: Uint8Array): string {
  const text = Array.from(bytes.subarray(0, 48), (byte) =>
    byte > 31 && byte < 127 ? String.fromCharCode(byte) : '.',
  ).join('');
  return `${bytes.length} × ${text}${bytes.length > 48 ? '…' : ''}`;
}
