/**
 * Rules and headers in the style of ClassBench (Taylor and Turner, 2007): filters generated from the statistics of a
 * real firewall, repeated with shifted addresses to get the required number, and headers that match them.
 */
import { join } from 'node:path';
import { IPPROTO_TCP, IPPROTO_UDP, TCP_SYN } from '../codecs/layouts.js';
import { Linktype } from '../codecs/linktypes.js';
import { createPcapFile } from '../io/capture-file.js';
import { CONTAINER_TO_HOST, FrameBuilder } from './frame-builder.js';
import { Draw } from './random.js';

/** The range of first octets for shifted addresses: all can be routed, and none is in the host's own networks. */
const FIRST_OCTET = 11;
const OCTETS = 100;
/** Coprime to OCTETS, so that every copy has different addresses. */
const SHIFT = 37;
const MAX_TRIES = 50;
const SEED = 2;

/** Addresses are in host order; ranges include both ends. */
export interface Filter {
  readonly source: Prefix;
  readonly destination: Prefix;
  readonly sport: PortSpan;
  readonly dport: PortSpan;
  /** 0: any. */
  readonly protocol: number;
}

interface Prefix {
  readonly address: number;
  readonly bits: number;
}

interface PortSpan {
  readonly from: number;
  readonly to: number;
}

const PREFIX = String.raw`(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)`;
const PORTS = String.raw`(\d+) : (\d+)`;
const LINE = new RegExp(String.raw`^@${PREFIX}\s+${PREFIX}\s+${PORTS}\s+${PORTS}\s+0x([0-9a-f]+)\/0x([0-9a-f]+)`, 'i');

/** Parses TEXT, one filter per line, as ClassBench prints them. */
export function parseFilters(text: string): Filter[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line, index) => {
    const found = LINE.exec(line);
    if (found === null) throw new Error(`line ${index + 1} is not a ClassBench filter: ${line}`);
    const [a, b, c, d, sourceBits, e, f, g, h, destinationBits, sportFrom, sportTo, dportFrom, dportTo] = found
      .slice(1, 15)
      .map(Number);
    return {
      source: prefix([a, b, c, d], sourceBits),
      destination: prefix([e, f, g, h], destinationBits),
      sport: { from: sportFrom, to: sportTo },
      dport: { from: dportFrom, to: dportTo },
      protocol: Number.parseInt(found[16], 16) === 0 ? 0 : Number.parseInt(found[15], 16),
    };
  });
}

function prefix(octets: readonly number[], bits: number): Prefix {
  return { address: octets.reduce((sum, octet) => sum * 256 + octet, 0), bits };
}

/** COUNT different filters that TCP or UDP can match: FILTERS, repeated with shifted addresses. */
export function repeatFilters(filters: readonly Filter[], count: number): Filter[] {
  const usable = filters.filter(({ protocol }) => [0, IPPROTO_TCP, IPPROTO_UDP].includes(protocol));
  const found = new Map<string, Filter>();
  for (let copy = 0; found.size < count; copy++) {
    if (copy === OCTETS) throw new Error(`cannot make ${count} different filters from ${usable.length}`);
    for (const filter of usable) {
      if (found.size === count) break;
      const shifted = {
        ...filter,
        source: shift(filter.source, copy),
        destination: shift(filter.destination, copy),
      };
      found.set(ruleOf(shifted), shifted);
    }
  }
  return [...found.values()];
}

function shift({ address, bits }: Prefix, copy: number): Prefix {
  if (bits === 0) return { address: 0, bits };
  const first = FIRST_OCTET + ((Math.floor(address / 2 ** 24) + copy * SHIFT) % OCTETS);
  const shifted = first * 2 ** 24 + (address % 2 ** 24);
  return { address: shifted - (shifted % 2 ** (32 - bits)), bits };
}

/** FILTER as a rule with target ACCEPT, without `-A chain`. */
export function ruleOf({ source, destination, sport, dport, protocol }: Filter): string {
  const words: string[] = [];
  if (source.bits > 0) words.push(`-s ${formatPrefix(source)}`);
  if (destination.bits > 0) words.push(`-d ${formatPrefix(destination)}`);
  if (protocol !== 0) {
    const name = protocol === IPPROTO_TCP ? 'tcp' : 'udp';
    words.push(`-p ${name}`);
    const ports = [...formatPorts('--sport', sport), ...formatPorts('--dport', dport)];
    if (ports.length > 0) words.push(`-m ${name}`, ...ports);
  }
  return [...words, '-j ACCEPT'].join(' ');
}

function formatPrefix({ address, bits }: Prefix): string {
  const octets = [24, 16, 8, 0].map((by) => Math.floor(address / 2 ** by) % 256);
  return `${octets.join('.')}/${bits}`;
}

function formatPorts(option: string, { from, to }: PortSpan): string[] {
  if (from === 0 && to === 65_535) return [];
  return [option, from === to ? `${from}` : `${from}:${to}`];
}

/** The addresses, ports and protocol of a packet. */
export interface Header {
  readonly source: number;
  readonly destination: number;
  readonly sport: number;
  readonly dport: number;
  readonly protocol: number;
}

/** COUNT different headers, each matching one of FILTERS, which are chosen at random with equal probability. */
export function headersOf(filters: readonly Filter[], count: number): Header[] {
  const draw = new Draw(SEED);
  const seen = new Set<string>();
  const headers: Header[] = [];
  while (headers.length < count) {
    const header = newHeader(filters, draw, seen);
    if (header === undefined) throw new Error(`cannot find ${count} different headers that match the filters`);
    headers.push(header);
  }
  return headers;
}

function newHeader(filters: readonly Filter[], draw: Draw, seen: Set<string>): Header | undefined {
  for (let tried = 0; tried < MAX_TRIES; tried++) {
    const { source, destination, sport, dport, protocol } = draw.of(filters);
    const header = {
      source: addressIn(source, draw),
      destination: addressIn(destination, draw),
      sport: portIn(sport, draw),
      dport: portIn(dport, draw),
      protocol: protocol === 0 ? IPPROTO_TCP : protocol,
    };
    // In either direction: a reply does not open a connection of its own.
    const ends = [`${header.source}:${header.sport}`, `${header.destination}:${header.dport}`].sort();
    const key = `${header.protocol} ${ends.join(' ')}`;
    if (seen.has(key)) continue;
    seen.add(key);
    return header;
  }
  return undefined;
}

function addressIn({ address, bits }: Prefix, draw: Draw): number {
  if (bits < 8) return (FIRST_OCTET + draw.below(OCTETS)) * 2 ** 24 + draw.below(2 ** 24);
  return address + draw.below(2 ** (32 - bits));
}

function portIn({ from, to }: PortSpan, draw: Draw): number {
  return Math.max(1, from + draw.below(to - from + 1));
}

/** Writes a packet for each of HEADERS to PATH: a SYN or a UDP datagram that arrives on docker0. */
export function writeHeaders(path: string, headers: readonly Header[]): void {
  const writer = createPcapFile(path, Linktype.ETHERNET);
  const frame = new FrameBuilder();
  headers.forEach((header, n) => {
    const ends = { ...header, macs: CONTAINER_TO_HOST };
    if (header.protocol === IPPROTO_TCP) frame.tcp(ends, n & 0xffff, TCP_SYN, n, 0, 0);
    else frame.udp(ends, n & 0xffff, 18);
    frame.writeTo(writer, n);
  });
  writer.close();
}

/** The path in DIR for the frames of `writeHeaders`. */
export function headersPath(dir: string, count: number): string {
  return join(dir, `classbench-${count}-docker0.pcap`);
}
