/** Reads the result folder of a replay: frames by interface and time, the saved tables, the connections. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ETHERNET_LENGTH } from '../codecs/layouts.js';
import { Linktype } from '../codecs/linktypes.js';
import { PCAP_FILE_HEADER_BYTES } from '../codecs/pcap.js';
import { openCaptureFile } from '../io/capture-file.js';
import { namesIn, nativePath } from '../io/path.js';
import { readText } from '../io/text-file.js';

export interface ResultFrame {
  bytes: Uint8Array;
  /** Where the IP header starts: at 14 after an Ethernet header, at 0 in a RAW capture. */
  ipAt: number;
}

/**
 * Frames of one interface, by the timestamp (ns) of the input that caused them, in the order in which they were sent.
 */
export type FramesByTime = Map<bigint, ResultFrame[]>;

/**
 * Names of the interfaces that have a capture in DIR, and `local`. dropped.pcap is not an output, so it is left out.
 */
export function devicesOf(dir: string): string[] {
  return namesIn(dir)
    .filter((name) => name.endsWith('.pcap') && name !== 'dropped.pcap')
    .map((name) => name.slice(0, -'.pcap'.length));
}

/**
 * The frames that left by DEVICE; none if its file is missing or too short for a header.
 * @throws {CaptureError} if the file is not a capture
 */
export function framesOf(dir: string, device: string): FramesByTime {
  const path = join(dir, `${device}.pcap`);
  const frames: FramesByTime = new Map();
  if (!existsSync(nativePath(path)) || statSync(nativePath(path)).size < PCAP_FILE_HEADER_BYTES) return frames;
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
 * The lines of each table in `iptables-save -c` text: first the chain declarations, sorted (legacy tables list user
 * chains by name, and the counters of user chains mean nothing), then the rules in order. Comments are left out.
 */
export function tablesOf(path: string): Map<string, string[]> {
  const tables = new Map<string, string[]>();
  const add = (table: string, ...lines: string[]): void => {
    tables.set(table, [...(tables.get(table) ?? []), ...lines]);
  };
  let table: string | null = null;
  for (const raw of readText(path).split('\n')) {
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

/** The connections in `conntrack -L -o extended` text, sorted, without remaining seconds, use, secctx and id. */
export function connectionsOf(path: string): string[] {
  const connections: string[] = [];
  for (const line of readText(path).split('\n')) {
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
