/** Small hosts, rules and captures for doctor: each case shows one failure, or comes near to it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TCP_ACK, TCP_PSH, TCP_RST, TCP_SYN } from '../../codecs/layouts.js';
import { Linktype } from '../../codecs/linktypes.js';
import { type Diagnosis, diagnose } from '../../explain/doctor/diagnose.js';
import { createPcapFile } from '../../io/capture-file.js';
import type { ReplayOptions } from '../../replay/replay.js';
import { buildIcmp, buildIpv4, tcpPacket, udpPacket } from '../packets/packets.js';

/** A packet that arrives on an interface, or for `local`, that the host sends. */
export interface Arrival {
  readonly on: string;
  readonly packet: Uint8Array;
  /** Left out: 100 ms after the one before. */
  readonly atMs?: number;
}

export interface ClinicCase {
  readonly host: Readonly<Record<string, unknown>>;
  readonly rules: string;
  readonly traffic?: readonly Arrival[];
  /** Rules that take their place after so many milliseconds. */
  /** A set's commands, as `ipset save` prints them. */
  readonly sets?: string;
  readonly nfqueue?: 'accept' | 'drop';
  /** A command that is carried out after so many milliseconds. */
  readonly laterCommand?: { readonly atMs: number; readonly command: string };
  readonly later?: { readonly atMs: number; readonly rules: string };
  /** As `conntrack -L` prints them. */
  readonly connections?: string;
  readonly lax?: boolean;
  readonly show?: string;
  /** Commands that are carried out before the first packet. */
  readonly apply?: readonly string[];
}

const STEP_MS = 100;
const START_SEC = 1_700_000_000;

export function diagnosed(one: ClinicCase, onStep?: () => void, mostTriedPackets?: number): Diagnosis {
  const dir = mkdtempSync(join(tmpdir(), 'nfreplay-doctor-'));
  try {
    const steps = diagnose(writeCase(dir, one), mostTriedPackets);
    for (;;) {
      const step = steps.next();
      if (step.done) return step.value;
      onStep?.();
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** Writes the files of a case to DIR, and returns what names them. */
function writeCase(
  dir: string,
  { host, rules, traffic = [], later, laterCommand, sets, nfqueue, connections, lax, show, apply }: ClinicCase,
): ReplayOptions {
  const file = (name: string, text: string): string => {
    const path = join(dir, name);
    writeFileSync(path, text);
    return path;
  };
  const changes = [
    ...(laterCommand === undefined ? [] : [`${laterCommand.atMs / 1000}s=${laterCommand.command}`]),
    ...(later === undefined ? [] : [`${later.atMs / 1000}s=${file('later.v4', later.rules)}`]),
  ];
  return {
    hostPath: file('host.json', JSON.stringify(host)),
    rulesPath: file('rules.v4', rules),
    inputs: writeCaptures(dir, traffic),
    ...(changes.length === 0 ? {} : { changes }),
    ...(sets === undefined ? {} : { ipsetPaths: [file('sets.txt', sets)] }),
    ...(nfqueue === undefined ? {} : { nfqueue }),
    ...(connections === undefined ? {} : { conntrackPath: file('conntrack.txt', connections) }),
    ...(lax === undefined ? {} : { lax }),
    ...(show === undefined ? {} : { show }),
    ...(apply === undefined ? {} : { apply }),
  };
}

function writeCaptures(dir: string, traffic: readonly Arrival[]): { iface: string; path: string }[] {
  mkdirSync(join(dir, 'in'));
  let nowMs = -STEP_MS;
  const timed = traffic.map((arrival) => {
    nowMs = arrival.atMs ?? nowMs + STEP_MS;
    return { ...arrival, ms: nowMs };
  });
  return [...new Set(traffic.map(({ on }) => on))].map((iface) => {
    const path = join(dir, 'in', `${iface}.pcap`);
    const writer = createPcapFile(path, Linktype.RAW);
    for (const { packet, ms } of timed.filter(({ on }) => on === iface)) {
      const nsec = (ms % 1000) * 1_000_000;
      writer.write(START_SEC + Math.floor(ms / 1000), nsec, packet, 0, packet.length, packet.length);
    }
    writer.close();
    return { iface, path };
  });
}

/** `203.0.113.7:50000` */
type End = `${string}:${number}`;

function endsOf(from: End, to: End) {
  const [source, sport] = from.split(':');
  const [destination, dport] = to.split(':');
  return { source, destination, sport: Number(sport), dport: Number(dport) };
}

interface SegmentFields {
  readonly seq?: number;
  readonly ack?: number;
  readonly window?: number;
  readonly bytes?: number;
  readonly text?: string;
}

function segment(on: string, from: End, to: End, flags: number, fields: SegmentFields = {}): Arrival {
  const { seq = 0, ack = 0, window = 1000, bytes = 0, text } = fields;
  const data = text === undefined ? new Uint8Array(bytes) : Buffer.from(text);
  const ends = { ...endsOf(from, to), fragment: 0x4000 };
  return { on, packet: tcpPacket({ ...ends, flags, sequence: seq, acknowledgment: ack, window, data }) };
}

export const syn = (on: string, from: End, to: End, seq = 100): Arrival => segment(on, from, to, TCP_SYN, { seq });
export const synAck = (on: string, from: End, to: End, seq = 900, ack = 101): Arrival =>
  segment(on, from, to, TCP_SYN | TCP_ACK, { seq, ack });
export const ack = (on: string, from: End, to: End, seq = 101, acked = 901): Arrival =>
  segment(on, from, to, TCP_ACK, { seq, ack: acked });
export const data = (on: string, from: End, to: End, fields: SegmentFields): Arrival =>
  segment(on, from, to, TCP_ACK | TCP_PSH, fields);
export const rst = (on: string, from: End, to: End, seq = 0, acked = 101): Arrival =>
  segment(on, from, to, TCP_RST | TCP_ACK, { seq, ack: acked });

export function udp(on: string, from: End, to: End, text = 'x'): Arrival {
  return { on, packet: udpPacket({ ...endsOf(from, to), data: Buffer.from(text) }) };
}

/** "Fragmentation needed" for PACKET, from a router. */
export function tooBig(on: string, from: string, to: string, { packet }: Arrival, mtu = 1400): Arrival {
  const message = buildIcmp(3, 4, 0, mtu, packet.subarray(0, 28));
  return { on, packet: buildIpv4({ source: from, destination: to, protocol: 1 }, message) };
}

/** The answer of a host that takes no datagrams like PACKET. */
export function portUnreachable(on: string, { packet }: Arrival): Arrival {
  const [source, destination] = [packet.subarray(16, 20).join('.'), packet.subarray(12, 16).join('.')];
  return { on, packet: buildIpv4({ source, destination, protocol: 1 }, buildIcmp(3, 3, 0, 0, packet.subarray(0, 28))) };
}

/** An IP packet of another PROTOCOL. */
export function other(on: string, from: string, to: string, protocol: number, payload: Uint8Array): Arrival {
  return { on, packet: buildIpv4({ source: from, destination: to, protocol }, payload) };
}

/** The handshake of a connection from FROM to TO, that SERVER, behind the interface BEHIND, answers. */
export function handshake(on: string, from: End, to: End, behind: string, server: End, back: End = from): Arrival[] {
  return [syn(on, from, to), synAck(behind, server, back), ack(on, from, to)];
}

const INTERFACES = { eth0: '192.0.2.10/24', docker0: '172.17.0.1/16' };

/** A host with INTERFACES, whose default route is by eth0. */
export function hostWith(
  interfaces: Readonly<Record<string, string>> = INTERFACES,
  more: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  const addr = Object.entries(interfaces).map(([ifname, cidr], i) => {
    const [local, length] = cidr.split('/');
    const addresses = cidr === '' ? [] : [{ family: 'inet', local, prefixlen: Number(length) }];
    return { ifname, address: `02:00:00:00:00:1${i}`, mtu: 1500, addr_info: addresses };
  });
  return { addr, route: [{ dst: 'default', gateway: '192.0.2.1', dev: 'eth0' }], ...more };
}

/** Rules in iptables-save's form: each of TABLES is `table: rule; rule`, or `table CHAIN POLICY: …`. */
export function rulesOf(tables: Readonly<Record<string, readonly string[]>>): string {
  return Object.entries(tables)
    .map(([name, lines]) => [`*${name}`, ...lines.filter((line) => line !== ''), 'COMMIT', ''].join('\n'))
    .join('');
}
