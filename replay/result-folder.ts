/**
 * Reads the result folder of a replay: frames by interface and time, the saved tables, the connections. A damaged file
 * is an error: it must not look like a different result.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ETHERNET_LENGTH } from '../codecs/layouts.js';
import { Linktype } from '../codecs/linktypes.js';
import { NflogPacket } from '../codecs/nflog.js';
import { decodeText } from '../codecs/text.js';
import { openCaptureFile } from '../io/capture-file.js';
import { FileError } from '../io/file-error.js';
import { namesIn, nativePath, refuseIrregular } from '../io/path.js';
import { readText } from '../io/text-file.js';
import { LOG_FILE, NFLOG_FILE } from './logged.js';

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
 * Names of the interfaces that have a capture in DIR, and `local`. dropped.pcap is not an output, so it is left out; so
 * is nflog.pcap.
 */
export function devicesOf(dir: string): string[] {
  return namesIn(dir)
    .filter((name) => name.endsWith('.pcap') && name !== 'dropped.pcap' && name !== NFLOG_FILE)
    .map((name) => name.slice(0, -'.pcap'.length));
}

/**
 * The frames that left by DEVICE; none if its file is missing.
 * @throws {CaptureError} if the file is not a capture
 * @throws {FileError} if it is truncated, or not a regular file
 */
export function framesOf(dir: string, device: string): FramesByTime {
  const path = join(dir, `${device}.pcap`);
  const frames: FramesByTime = new Map();
  if (!existsSync(nativePath(path))) return frames;
  refuseIrregular(path);
  const reader = openCaptureFile(path);
  try {
    while (reader.next()) {
      const { bytes, at, caplen, linktype, tsSec, tsNsec } = reader;
      const tsNs = nanosecondsOf(tsSec, tsNsec);
      const frame = { bytes: bytes.slice(at, at + caplen), ipAt: linktype === Linktype.RAW ? 0 : ETHERNET_LENGTH };
      const same = frames.get(tsNs);
      if (same) same.push(frame);
      else frames.set(tsNs, [frame]);
    }
    for (const { message } of reader.cuts) throw new FileError(message);
  } finally {
    reader.close();
  }
  return frames;
}

/**
 * The messages in DIR, in order; none if there is no log.txt.
 * @throws {FileError} if it cannot be read
 */
export function logLinesOf(dir: string): string[] {
  const path = join(dir, LOG_FILE);
  if (!existsSync(nativePath(path))) return [];
  refuseIrregular(path);
  return readText(path)
    .split('\n')
    .filter((line) => line !== '');
}

/** A packet that was passed to a netlink group. */
export interface PassedPacket {
  readonly tsNs: bigint;
  readonly group: number;
  readonly prefix: string;
  readonly bytes: Uint8Array;
}

/**
 * The packets in DIR's nflog.pcap, in order; none if there is no such file.
 * @throws {CaptureError} {FileError} as `framesOf`
 */
export function passedPacketsOf(dir: string): PassedPacket[] {
  const path = join(dir, NFLOG_FILE);
  if (!existsSync(nativePath(path))) return [];
  refuseIrregular(path);
  const reader = openCaptureFile(path);
  const passed: PassedPacket[] = [];
  const record = new NflogPacket();
  try {
    while (reader.next()) {
      const { bytes, view, at, caplen, tsSec, tsNsec } = reader;
      if (!record.read(view, at, caplen)) throw new FileError(`${path}: not a packet of NFLOG; the file is damaged`);
      const { group, prefixAt, prefixBytes, payloadAt, payloadBytes } = record;
      passed.push({
        tsNs: nanosecondsOf(tsSec, tsNsec),
        group,
        prefix: decodeText(bytes.subarray(prefixAt, prefixAt + prefixBytes)),
        bytes: bytes.slice(payloadAt, payloadAt + payloadBytes),
      });
    }
    for (const { message } of reader.cuts) throw new FileError(message);
  } finally {
    reader.close();
  }
  return passed;
}

export const nanosecondsOf = (tsSec: number, tsNsec: number): bigint => BigInt(tsSec) * 1_000_000_000n + BigInt(tsNsec);

/**
 * The lines of each table in `iptables-save -c` text: first the chain declarations, sorted (legacy tables list user
 * chains by name, and the counters of user chains mean nothing), then the rules in order. Comments are left out.
 * @throws {FileError} if it is not such a text or not a regular file, or truncated
 */
export function tablesOf(path: string): Map<string, string[]> {
  const tables = new Map<string, string[]>();
  const add = (table: string, ...lines: string[]): void => {
    tables.set(table, [...(tables.get(table) ?? []), ...lines]);
  };
  let table: string | null = null;
  refuseIrregular(path);
  const lines = readText(path).split('\n');
  let line = '';
  for (const [i, raw] of lines.entries()) {
    line = hasOpenQuote(line) ? `${line}\n${raw}` : raw;
    if (hasOpenQuote(line)) continue;
    line = line.trimEnd();
    if (line === '' || line.startsWith('#')) continue;
    if (table === null && line.startsWith('*')) {
      table = line.slice(1);
      add(table);
    } else if (table !== null && line === 'COMMIT') table = null;
    else if (table !== null && SAVED_LINE.test(line)) {
      add(table, /^:\S+ - /.test(line) ? line.replace(/ \[\d+:\d+\]$/, '') : line);
    } else throw damaged(path, i, line, table === null ? '*TABLE' : ':CHAIN, [PACKETS:BYTES] -A CHAIN or COMMIT');
  }
  if (table !== null) throw damaged(path, lines.length - 1, '', `COMMIT at the end of table ${table}`);
  for (const [name, lines] of tables) tables.set(name, declarationsFirst(lines));
  return tables;
}

/** A line of a table in `iptables-save -c` text. */
const SAVED_LINE = /^(?::.* \S+ \[\d+:\d+\]|\[\d+:\d+\] -A .*)$/s;

/** Whether LINE of a table is a rule; else it declares a chain. */
export const isSavedRule = (line: string): boolean => line.startsWith('[');

/** Whether the rule LINE goes on in the next line, as a comment of several lines does. */
function hasOpenQuote(line: string): boolean {
  return isSavedRule(line) && (line.match(/\\.|"/gs)?.filter((found) => found === '"').length ?? 0) % 2 === 1;
}

/** The error about line number INDEX, from 0, of PATH. */
function damaged(path: string, index: number, found: string, expected: string): FileError {
  const what = found === '' ? 'the file ends here' : `"${found}"`;
  return new FileError(`${path}:${index + 1}: ${what}; expected ${expected}; the file is damaged`);
}

function declarationsFirst(lines: readonly string[]): string[] {
  return [...lines.filter((line) => !isSavedRule(line)).sort(), ...lines.filter(isSavedRule)];
}

/**
 * The connections in `conntrack -L -o extended` text, sorted, without remaining seconds, use, secctx and id.
 * @throws {FileError} if it is not such a text or not a regular file, or truncated
 */
export function connectionsOf(path: string): string[] {
  const connections: string[] = [];
  refuseIrregular(path);
  for (const [i, line] of readText(path).split('\n').entries()) {
    if (line.trim() === '') continue;
    if (!LISTED_CONNECTION.test(line)) throw damaged(path, i, line.trim(), 'a connection as conntrack -L lists it');
    const words = line.split(/\s+/).filter((word) => word !== '');
    const hasTimeout = /^\d+$/.test(words[4]);
    connections.push(
      words.filter((word, i) => !(i === 4 && hasTimeout) && !/^(use=|secctx=|id=)/.test(word)).join(' '),
    );
  }
  return connections.sort();
}

/** A line of `conntrack -L -o extended`: both directions, and the number of users, which is always near the end. */
const LISTED_CONNECTION = /^ipv[46]\s+\d+\s+\S+\s+\d+\s.*\bsrc=\S+ dst=\S+ .*\bsrc=\S+ dst=\S+ .*\buse=\d+/;

/**
 * The lines of what `ipset save` prints in PATH, sorted, without what no two kernels have in common: the initial value
 * of the hash, and the seconds left.
 * @throws {FileError} if it is not such a text or not a regular file
 */
export function setLinesOf(path: string): string[] {
  refuseIrregular(path);
  const lines: string[] = [];
  for (const [i, line] of readText(path).split('\n').entries()) {
    if (line.trim() === '') continue;
    if (!/^(?:create|add) /.test(line)) throw damaged(path, i, line.trim(), 'a line of ipset save');
    lines.push(
      line
        .trimEnd()
        .replace(/^(create .*) initval 0x[0-9a-f]+/, '$1')
        .replace(/^(add [^"]* timeout) [1-9]\d*/, '$1 …'),
    );
  }
  return lines.sort();
}
