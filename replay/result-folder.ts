/** Reads what a replay left in its folder: frames by interface and time, the saved tables, the connections. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ETHERNET_LENGTH } from '../codecs/layouts.js';
import { Linktype } from '../codecs/linktypes.js';
import { PCAP_FILE_HEADER_BYTES } from '../codecs/pcap.js';
import { openCaptureFile } from '../io/capture-file.js';

export interface ResultFrame {
  bytes: Uint8Array;
  /** Where the IP header starts: 14 behind Ethernet, 0 in a RAW capture. */
  ipAt: number;
}

/**
 * Frames of one interface by the timestamp (ns) of the input that caused them, in the order in which they were made.
 */
export type FramesByTime = Map<bigint, ResultFrame[]>;

/**
 * Names of the interfaces that DIR has frames of. What was dropped (dropped.pcap) did not come out, so it is not one.
 */
export function devicesOf(dir: string): string[] {
  return readdirSync(dir)
    .filter((name) => name.endsWith('.pcap') && name !== 'dropped.pcap')
    .map((name) => name.slice(0, -'.pcap'.length));
}

/**
 * The frames that left through DEVICE; none where DIR has no such file, or one without even a header.
 * @throws {CaptureError} where the file is no capture
 */
export function framesOf(dir: string, device: string): FramesByTime {
  const path = join(dir, `${device}.pcap`);
  const frames: FramesByTime = new Map();
  if (!existsSync(path) || statSync(path).size < PCAP_FILE_HEADER_BYTES) return frames;
  const reader = openCaptureFile(path);
  try {
    while (reader.next()) {
      const { bytes, at, caplen, linktype, tsSec, tsNsec } = reader;
      const tsNs = BigInt(tsSec) * 1_000_000_000n + BigInt(tsNsec);
      const frame = { bytes: bytes.slice(at, at + caplen), ipAt: linktype === Linktype.RAW ? 0 : ETHERNET_LENGTH };
      const same = frames.get(tsNs);
      if (same) same.push(frame);
      else frames.set(tsNs, [frame]);
    }
  } finally {
    reader.close();
  }
  return frames;
}

/**
 * The lines of each table of an `iptables-save -c` text: declarations of chains first, sorted (legacy tables list user
 * chains by name, and their counters mean nothing), then the rules in their order. Comments are left out.
 */
export function tablesOf(path: string): Map<string, string[]> {
  const tables = new Map<string, string[]>();
  const add = (table: string, ...lines: string[]): void => {
    tables.set(table, [...(tables.get(table) ?? []), ...lines]);
  };
  let table: string | null = null;
  for (const raw of readFileSync(path, 'utf8').split('\n')) {
    const line = raw.trimEnd();
    if (line === '' || line.startsWith('#')) continue;
    if (line.startsWith('*')) {
      table = line.slice(1);
      add(table);
    } else if (line === 'COMMIT') table = null;
    else if (table === null) add('outside any table', line);
    else add(table, /^:\S+ - /.test(line) ? line.replace(/ \[\d+:\d+\]$/, '') : line);
  }
  for (const [name, lines] of tables) tables.set(name, declarationsFirst(lines));
  return tables;
}

function declarationsFirst(lines: readonly string[]): string[] {
  const isDeclaration = (line: string): boolean => line.startsWith(':');
  return [...lines.filter(isDeclaration).sort(), ...lines.filter((line) => !isDeclaration(line))];
}

/** The connections of a `conntrack -L -o extended` text, sorted, without remaining seconds, use, secctx and id. */
export function connectionsOf(path: string): string[] {
  const connections: string[] = [];
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const words = line.split(/\s+/).filter((word) => word !== '');
    if (words.length === 0) continue;
    if (words.length < 6 || !words[0].startsWith('ipv')) {
      connections.push(`not a conntrack line: ${line.trim()}`);
      continue;
    }
    const hasTimeout = /^\d+$/.test(words[4]);
    connections.push(
      words.filter((word, i) => !(i === 4 && hasTimeout) && !/^(use=|secctx=|id=)/.test(word)).join(' '),
    );
  }
  return connections.sort();
}
