/**
 * Compares two result folders of one replay: the expected one (a golden recording, the kernel) and the actual one.
 *
 * Ignores only what the emulator cannot know: the IP identification, and thus the header checksum, of ICMP errors that
 * the host generates (recognised by their precedence, TOS 0xc0); the cookie and the time in the SYN/ACKs of SYNPROXY
 * (window 0, no IP identification); the remaining seconds of connections and of entries of sets, their order, and the
 * initial values of the hashes of sets;
 * comments and the order of tables in rules.v4. Outputs are assigned to their input by its timestamp.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  ICMP_CHECKSUM_AT,
  ICMP_ERROR_TYPES,
  ICMP_LENGTH,
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPV4_CHECKSUM_AT,
  IPV4_ID_AT,
  IPV4_LENGTH,
  IPV4_PROTOCOL_AT,
  IPV4_TOS_AT,
  IPV4_TOTAL_LENGTH_AT,
  TCP_ACK,
  TCP_CHECKSUM_AT,
  TCP_FLAGS_AT,
  TCP_LENGTH,
  TCP_SEQUENCE_AT,
  TCP_SYN,
  TCP_WINDOW_AT,
} from '../codecs/layouts.js';
import type { DropCause } from '../core/drop.js';
import { namesIn } from '../io/path.js';
import { aligned } from './align.js';
import { LOG_FILE, NFLOG_FILE } from './logged.js';
import { IPSET_FILE } from './result-files.js';
import {
  connectionsOf,
  devicesOf,
  framesOf,
  isSavedRule,
  logLinesOf,
  type PassedPacket,
  passedPacketsOf,
  type ResultFrame,
  setLinesOf,
  tablesOf,
} from './result-folder.js';

/** A frame that is missing, unexpected or different. */
export interface FrameDifference {
  kind: 'frame';
  device: string;
  tsNs: bigint;
  wanted: ResultFrame | null;
  got: ResultFrame | null;
  /** Why the packet that is missing was dropped. */
  cause?: DropCause;
  /** Why packets were dropped because of inputs of the same time, if it is not certain that it was one of them. */
  droppedBy?: readonly DropCause[];
}

/** A line of the saved tables that is missing or unexpected, or whose counters are different. */
export interface RuleDifference {
  kind: 'rule';
  file: string;
  table: string;
  wanted: string | null;
  got: string | null;
}

/** A connection that only one of the two has. */
export interface ConnectionDifference {
  kind: 'connection';
  wanted: string | null;
  got: string | null;
}

/** A message, a packet of NFLOG, or a line about a set that only one of the two has. */
export interface LogDifference {
  kind: 'log' | 'set';
  file: string;
  wanted: string | null;
  got: string | null;
}

export type Difference = FrameDifference | RuleDifference | ConnectionDifference | LogDifference;

export interface Comparison {
  /** Frames first, by interface and time; then rules, connections, what was logged, sets. Empty if the two agree. */
  differences: Difference[];
  /** How many frames, rules (without policies and chains) and expected connections were compared. */
  frames: number;
  rules: number;
  connections: number;
}

/** The folder is not the result of a replay. */
export class NotAResultError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NotAResultError';
  }
}

const RESULT_FILES = ['rules.v4', 'conntrack.txt'];

export interface CompareOptions {
  /** Whether the texts and counters of rules are compared. Default true. */
  readonly rules?: boolean;
}

/**
 * Compares the result folders WANTED and GOT. What was logged and the sets are compared if WANTED has the file.
 *
 * @throws {NotAResultError} if either is not a result folder
 * @throws {CaptureError} {FileError} if a file in them is damaged or cannot be read
 */
export function compareResults(wanted: string, got: string, { rules = true }: CompareOptions = {}): Comparison {
  for (const dir of [wanted, got]) {
    const names = existsSync(dir) ? namesIn(dir) : [];
    const missing = RESULT_FILES.find((name) => !names.includes(name));
    if (missing) throw new NotAResultError(`${dir}: not a result folder, ${missing} is missing`);
  }
  const comparison: Comparison = { differences: [], frames: 0, rules: 0, connections: 0 };
  const devices = [...new Set([...devicesOf(wanted), ...devicesOf(got)])].sort();
  for (const device of devices) compareFrames(wanted, got, device, comparison);
  for (const file of rules ? ['rules.v4', 'rules.v6'] : [])
    if ([wanted, got].every((dir) => existsSync(join(dir, file)))) compareTables(wanted, got, file, comparison);
  compareConnections(wanted, got, comparison);
  compareLogs(LOG_FILE, [wanted, got], (dir) => logLinesOf(dir).map(normalLine), comparison);
  compareLogs(NFLOG_FILE, [wanted, got], (dir) => passedPacketsOf(dir).map(normalPassed), comparison);
  compareLogs(IPSET_FILE, [wanted, got], linesOfSets, comparison);
  return comparison;
}

function compareFrames(wantedDir: string, gotDir: string, device: string, comparison: Comparison): void {
  const wanted = framesOf(wantedDir, device);
  const got = framesOf(gotDir, device);
  const times = [...new Set([...wanted.keys(), ...got.keys()])].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  for (const tsNs of times) {
    const wantedHere = wanted.get(tsNs) ?? [];
    const gotHere = got.get(tsNs) ?? [];
    for (const pair of pairsOf(wantedHere, gotHere)) {
      comparison.frames++;
      if (pair.wanted && pair.got && sameFrame(pair.wanted, pair.got)) continue;
      comparison.differences.push({ kind: 'frame', device, tsNs, ...pair });
    }
  }
}

/** The frames that correspond to each other. If one of several is missing, the others are still the same. */
export function pairsOf(
  wanted: readonly ResultFrame[],
  got: readonly ResultFrame[],
): { wanted: ResultFrame | null; got: ResultFrame | null }[] {
  if (wanted.length !== got.length && wanted.length > 0 && got.length > 0) return aligned(wanted, got, sameFrame);
  return Array.from({ length: Math.max(wanted.length, got.length) }, (_, i) => ({
    wanted: wanted[i] ?? null,
    got: got[i] ?? null,
  }));
}

export function sameFrame(a: ResultFrame, b: ResultFrame): boolean {
  return Buffer.compare(normalFrame(a), normalFrame(b)) === 0;
}

const PRECEDENCE_MASK = 0xe0;
const PRECEDENCE_INTERNETCONTROL = 0xc0;

/** FRAME without Ethernet padding and without the fields that each host chooses itself. */
function normalFrame(frame: ResultFrame): Buffer {
  const { ipAt } = frame;
  const bytes = Buffer.from(frame.bytes);
  if (bytes.length < ipAt + IPV4_LENGTH || bytes[ipAt] >> 4 !== 4) return bytes;
  const trimmed = bytes.subarray(0, ipAt + bytes.readUInt16BE(ipAt + IPV4_TOTAL_LENGTH_AT));
  if (trimmed.length < ipAt + IPV4_LENGTH) return trimmed;
  const l4 = ipAt + (trimmed[ipAt] & 15) * 4;
  const isOwnError =
    trimmed[ipAt + IPV4_PROTOCOL_AT] === IPPROTO_ICMP &&
    (trimmed[ipAt + IPV4_TOS_AT] & PRECEDENCE_MASK) === PRECEDENCE_INTERNETCONTROL &&
    ICMP_ERROR_TYPES.includes(trimmed[l4]);
  if (isOwnError) {
    trimmed.writeUInt16BE(0, ipAt + IPV4_ID_AT);
    trimmed.writeUInt16BE(0, ipAt + IPV4_CHECKSUM_AT);
  }
  hideCookie(trimmed, ipAt, l4);
  if (trimmed[ipAt + IPV4_PROTOCOL_AT] === IPPROTO_ICMP && ICMP_ERROR_TYPES.includes(trimmed[l4])) {
    hideQuotedCookie(trimmed, l4);
  }
  return trimmed;
}

/** The same for the packet that the ICMP error at ICMP quotes. */
function hideQuotedCookie(packet: Buffer, icmp: number): void {
  const quoted = icmp + ICMP_LENGTH;
  if (packet.length < quoted + IPV4_LENGTH) return;
  const l4 = quoted + (packet[quoted] & 15) * 4;
  if (hideCookie(packet, quoted, l4)) packet.writeUInt16BE(0, icmp + ICMP_CHECKSUM_AT);
}

const TIMESTAMP_OPTION = 8;

/**
 * Clears what SYNPROXY's SYN/ACK in PACKET, with its IP header AT, holds of the host's secret and clock. Returns
 * whether it is one.
 */
function hideCookie(packet: Buffer, at: number, l4: number): boolean {
  if (packet[at + IPV4_PROTOCOL_AT] !== IPPROTO_TCP || packet.length < l4 + TCP_LENGTH) return false;
  const isSynAck = (packet[l4 + TCP_FLAGS_AT] & (TCP_SYN | TCP_ACK)) === (TCP_SYN | TCP_ACK);
  if (!isSynAck || packet.readUInt16BE(l4 + TCP_WINDOW_AT) !== 0 || packet.readUInt16BE(at + IPV4_ID_AT) !== 0)
    return false;
  packet.writeUInt32BE(0, l4 + TCP_SEQUENCE_AT);
  packet.writeUInt16BE(0, l4 + TCP_CHECKSUM_AT);
  for (let option = l4 + TCP_LENGTH; option + 6 <= packet.length; ) {
    const kind = packet[option];
    if (kind === TIMESTAMP_OPTION) packet.writeUInt32BE(0, option + 2);
    option += kind <= 1 ? 1 : Math.max(packet[option + 1], 2);
  }
  return true;
}

function compareTables(wantedDir: string, gotDir: string, file: string, comparison: Comparison): void {
  const wanted = tablesOf(join(wantedDir, file));
  const got = tablesOf(join(gotDir, file));
  for (const table of [...new Set([...wanted.keys(), ...got.keys()])].sort()) {
    const wantedLines = wanted.get(table) ?? [];
    const gotLines = got.get(table) ?? [];
    for (const pair of aligned(wantedLines, gotLines, sameWords)) {
      if (isSavedRule(pair.wanted ?? pair.got ?? '')) comparison.rules++;
      if (pair.wanted === pair.got) continue;
      comparison.differences.push({ kind: 'rule', file, table, ...pair });
    }
  }
}

/** Whether two lines of a table are the same but for their counters. */
function sameWords(a: string, b: string): boolean {
  return a === b || withoutCounters(a) === withoutCounters(b);
}

function withoutCounters(line: string): string {
  return line.replace(/^\[\d+:\d+\] /, '').replace(/^(:\S+ \S+) \[\d+:\d+\]$/, '$1');
}

function compareConnections(wantedDir: string, gotDir: string, comparison: Comparison): void {
  const wanted = connectionsOf(join(wantedDir, 'conntrack.txt'));
  const got = connectionsOf(join(gotDir, 'conntrack.txt'));
  comparison.connections = wanted.length;
  for (const line of without(wanted, got)) comparison.differences.push({ kind: 'connection', wanted: line, got: null });
  for (const line of without(got, wanted)) comparison.differences.push({ kind: 'connection', wanted: null, got: line });
}

/**
 * Compares what the folders DIRS list in FILE, if the first has that file. Its order is left out: the kernel may handle
 * a packet that comes back over lo after the one that caused it, or before.
 */
function compareLogs(
  file: string,
  dirs: readonly [wanted: string, got: string],
  read: (dir: string) => string[],
  comparison: Comparison,
): void {
  if (!existsSync(join(dirs[0], file))) return;
  const [wanted, got] = dirs.map(read);
  const kind = file === IPSET_FILE ? 'set' : 'log';
  const differences: LogDifference[] = [
    ...without(wanted, got).map((line) => ({ kind, file, wanted: line, got: null }) as const),
    ...without(got, wanted).map((line) => ({ kind, file, wanted: null, got: line }) as const),
  ];
  comparison.differences.push(...differences);
}

/** Without the file there are no sets. */
export function linesOfSets(dir: string): string[] {
  const path = join(dir, IPSET_FILE);
  return existsSync(path) ? setLinesOf(path) : [];
}

/** The identification in a message about an ICMP error that the host itself has sent. */
const OWN_ERROR = /\bID=\d+(?= (?:DF )?PROTO=ICMP TYPE=(?:3|4|5|11|12) )/;

/** The link header of a packet that leaves where it came from: that of a copy made by TEE is not initialized. */
const RETURNED_MAC = /\bIN=(\S+) OUT=\1 (?:MAC=\S* |MACSRC=\S+ MACDST=\S+ MACPROTO=\S+ )?/;

/** LINE without what each host chooses itself, and without the time. */
export function normalLine(line: string): string {
  const message = line
    .replace(/^\[ *\d+\.\d{6}\] /, '')
    .replace(RETURNED_MAC, 'IN=$1 OUT=$1 ')
    .trimEnd();
  return message.includes(' PREC=0xC0 ') ? message.replace(OWN_ERROR, 'ID=…') : message;
}

function normalPassed({ tsNs, group, prefix, bytes }: PassedPacket): string {
  const packet = normalFrame({ bytes, ipAt: 0 }).toString('hex');
  return `${tsNs} group ${group} ${JSON.stringify(prefix)} ${packet}`;
}

/** The multiset difference of LINES and OTHERS. */
function without(lines: readonly string[], others: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const line of others) left.set(line, (left.get(line) ?? 0) + 1);
  return lines.filter((line) => {
    const count = left.get(line) ?? 0;
    left.set(line, count - 1);
    return count <= 0;
  });
}
