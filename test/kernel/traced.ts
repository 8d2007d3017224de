/**
 * What TRACE tells. In the namespaces of the tests, the kernel tells it to the program that listens to NFLOG, as the
 * log is shared by all. So only the rules are compared, not the rest of the message.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LOG_FILE } from '../../replay/logged.js';

export const TRACE_FILE = 'trace.txt';

const TRACED = /^\[ *(\d+)\.(\d{6})\] (TRACE: .*?) IN=/;
const NANOSECONDS_PER_SECOND = 1_000_000_000n;

/** `[1700000000.001000] TRACE: raw:PREROUTING:policy:2` of PREFIX at TS_NS. */
export function formatTraced(prefix: string, tsNs: bigint): string {
  const micros = String((tsNs % NANOSECONDS_PER_SECOND) / 1000n).padStart(6, '0');
  return `[${tsNs / NANOSECONDS_PER_SECOND}.${micros}] ${prefix.trimEnd()}`;
}

/** Moves what TRACE told in DIR from log.txt, whose lines have times, to trace.txt. */
export function moveTraced(dir: string): void {
  const path = join(dir, LOG_FILE);
  if (!existsSync(path)) return;
  const lines = readFileSync(path, 'utf8').split('\n');
  const traced = lines.flatMap((line) => {
    const [, seconds, micros, text] = TRACED.exec(line) ?? [];
    return text === undefined ? [] : [`[${seconds}.${micros}] ${text}\n`];
  });
  writeFileSync(path, lines.filter((line) => !TRACED.test(line)).join('\n'));
  writeFileSync(join(dir, TRACE_FILE), traced.join(''));
}

/** A line of what TRACE told that only one of WANTED and GOT has; undefined if there is none. */
export function tracedDifference(wanted: string, got: string): { wanted: string; got: string } | undefined {
  // What comes back over lo may be handled sooner or later.
  const read = (dir: string): string[] =>
    existsSync(join(dir, TRACE_FILE)) ? readFileSync(join(dir, TRACE_FILE), 'utf8').split('\n').sort() : [''];
  const [left, right] = [read(wanted), read(got)];
  const at = Array.from({ length: Math.max(left.length, right.length) }, (_, i) => i).find((i) => left[i] !== right[i]);
  return at === undefined ? undefined : { wanted: left[at] ?? 'nothing', got: right[at] ?? 'nothing' };
}
