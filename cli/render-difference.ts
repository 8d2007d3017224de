/** Differences between two results as text: packets side by side, rule counters, connections. */
import { shown } from '../codecs/text.js';
import type { ConnectionDifference, Difference, FrameDifference, RuleDifference } from '../replay/compare.js';
import type { ResultFrame } from '../replay/result-folder.js';
import { dissect } from './dissect.js';
import { PLAIN, type Style } from './style.js';

/** DIFFERENCE as lines of text. */
export function renderDifference(difference: Difference, style: Style = PLAIN): string[] {
  switch (difference.kind) {
    case 'frame':
      return renderFrame(difference, style);
    case 'rule':
      return renderRule(difference);
    case 'connection':
      return renderConnection(difference);
  }
}

const NAME_WIDTH = 26;
const VALUE_WIDTH = 34;

function renderFrame({ device, tsNs, wanted, got, droppedBy = [] }: FrameDifference, style: Style): string[] {
  const lines = [`${shown(device)}, caused by the input of ${secondsText(tsNs)}:`];
  for (const cause of droppedBy) lines.push(`  dropped by ${shown(cause)}`);
  lines.push('');
  const wantedFields = wanted ? dissect(wanted.bytes, wanted.ipAt) : [];
  const gotFields = got ? dissect(got.bytes, got.ipAt) : [];
  lines.push(row(' ', '', wanted ? 'expected' : 'expected: nothing', got ? 'got' : 'got: nothing'));
  const names = [...new Set([...wantedFields, ...gotFields].map((field) => field.name))];
  for (const name of names) {
    const left = wantedFields.find((field) => field.name === name)?.value ?? '';
    const right = gotFields.find((field) => field.name === name)?.value ?? '';
    const isMarked = wanted !== null && got !== null && left !== right;
    lines.push(isMarked ? style.red(row('*', name, left, right)) : row(' ', name, left, right));
  }
  if (wanted && got) lines.push('', ...hexDifference(wanted, got, style));
  return lines;
}

const row = (mark: string, name: string, left: string, right: string): string =>
  `${mark} ${name.padEnd(NAME_WIDTH)}${left.padEnd(VALUE_WIDTH)} ${right}`.trimEnd();

const ROW_BYTES = 16;

/** The rows of bytes that differ, counted from the start of the IP header. */
function hexDifference(wanted: ResultFrame, got: ResultFrame, style: Style): string[] {
  const left = wanted.bytes.subarray(wanted.ipAt);
  const right = got.bytes.subarray(got.ipAt);
  const lines: string[] = [];
  for (let at = 0; at < Math.max(left.length, right.length); at += ROW_BYTES) {
    const marks = Array.from({ length: ROW_BYTES }, (_, i) => (left[at + i] === right[at + i] ? '  ' : '^^'));
    if (!marks.includes('^^')) continue;
    const offset = `${at.toString(16).padStart(4, '0')}  `;
    lines.push(`  expected ${offset}${hexRow(left, at)}`, `  got      ${offset}${hexRow(right, at)}`);
    lines.push(style.red(`           ${' '.repeat(offset.length)}${marks.join(' ')}`.trimEnd()));
  }
  return lines;
}

function hexRow(bytes: Uint8Array, at: number): string {
  return Array.from(bytes.subarray(at, at + ROW_BYTES), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

function secondsText(tsNs: bigint): string {
  return `${tsNs / 1_000_000_000n}.${(tsNs % 1_000_000_000n).toString().padStart(9, '0')} s`;
}

const COUNTED_RULE = /^\[(\d+):(\d+)\] (.*)$/;
const COUNTED_POLICY = /^:(\S+) (\S+) \[(\d+):(\d+)\]$/;

function renderRule({ file, table, wanted, got }: RuleDifference): string[] {
  const left = countersOf(wanted);
  const right = countersOf(got);
  if (left && right && left.text === right.text)
    return [shown(`${file}, table ${table}: ${left.text}`), `  expected ${left.counters}, got ${right.counters}`];
  const texts = [`${file}, table ${table}:`, `  expected ${wanted ?? 'nothing'}`, `  got      ${got ?? 'nothing'}`];
  return texts.map(shown);
}

/** The counters of a line of iptables-save -c, and the rest of the line. */
function countersOf(line: string | null): { text: string; counters: string } | null {
  const rule = COUNTED_RULE.exec(line ?? '');
  if (rule) return { text: rule[3], counters: countersText(rule[1], rule[2]) };
  const policy = COUNTED_POLICY.exec(line ?? '');
  return policy && { text: `policy ${policy[2]} of ${policy[1]}`, counters: countersText(policy[3], policy[4]) };
}

const countersText = (packets: string, bytes: string): string => `${packets} packets ${bytes} bytes`;

function renderConnection({ wanted, got }: ConnectionDifference): string[] {
  if (wanted !== null) return ['conntrack: expected, but missing:', `  ${shown(wanted)}`];
  return ['conntrack: not expected:', `  ${shown(got ?? '')}`];
}
