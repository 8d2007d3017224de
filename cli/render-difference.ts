/** Differences between two results as text: packets side by side, rule counters, connections. */
import { shown } from '../codecs/text.js';
import { wrap, wrapAfter } from '../explain/text/columns.js';
import { PLAIN, type Style } from '../explain/text/style.js';
import type {
  ConnectionDifference,
  Difference,
  FrameDifference,
  LogDifference,
  RuleDifference,
} from '../replay/compare.js';
import type { Names } from '../replay/names.js';
import type { ResultFrame } from '../replay/result-folder.js';
import { causeText } from './check/difference-groups.js';
import { dissect, type Field } from './dissect.js';
import { NO_NAMES, namedAddress } from './named-address.js';

/** DIFFERENCE as lines of text, with NAMES of addresses. Packets side by side take at most WIDTH characters. */
export function renderDifference(
  difference: Difference,
  style: Style = PLAIN,
  width = Number.POSITIVE_INFINITY,
  names: Names = NO_NAMES,
): string[] {
  switch (difference.kind) {
    case 'frame':
      return renderFrame(difference, style, width, names);
    case 'rule':
      return renderRule(difference);
    case 'connection':
      return renderConnection(difference, names);
    case 'log':
    case 'set':
      return renderLog(difference);
  }
}

const GAP = 2;

function renderFrame(
  { device, tsNs, wanted, got, cause, droppedBy = [] }: FrameDifference,
  style: Style,
  width: number,
  names: Names,
): string[] {
  const lines = [`${shown(device)}, caused by the input of ${secondsText(tsNs)}:`];
  for (const one of cause === undefined ? droppedBy : [cause])
    lines.push(...wrapAfter('  ', `dropped by ${causeText(one)}`, width));
  lines.push('', ...renderPackets(wanted, got, { wanted: 'expected', got: 'got', names }, style, width));
  if (wanted && got) lines.push('', ...hexDifference(wanted, got, style, width));
  return lines;
}

/** What stands above two packets, and the names of their addresses. */
export interface PacketTitles {
  wanted: string;
  got: string;
  names: Names;
}

/** The fields of two packets side by side; those that differ are marked. Null: there is no such packet. */
export function renderPackets(
  wanted: ResultFrame | null,
  got: ResultFrame | null,
  titles: PacketTitles,
  style: Style,
  width: number,
): string[] {
  const wantedFields = wanted ? namedFields(wanted, titles.names) : [];
  const gotFields = got ? namedFields(got, titles.names) : [];
  const fields = [...new Set([...wantedFields, ...gotFields].map((field) => field.name))];
  const rows = [
    ['', wanted ? titles.wanted : `${titles.wanted}: nothing`, got ? titles.got : `${titles.got}: nothing`],
    ...fields.map((name) => [
      name,
      wantedFields.find((field) => field.name === name)?.value ?? '',
      gotFields.find((field) => field.name === name)?.value ?? '',
    ]),
  ];
  return sideBySide(rows, width).map(({ text, isEqual }, i) =>
    i > 0 && wanted !== null && got !== null && !isEqual ? style.red(`* ${text}`) : `  ${text}`,
  );
}

function namedFields({ bytes, ipAt }: ResultFrame, names: Names): Field[] {
  return dissect(bytes, ipAt).map(({ name, value }) => ({
    name,
    value: /ip\.(?:source|destination)$/.test(name) ? namedAddress(value, names) : value,
  }));
}

/** ROWS of a name and two values as lines, each with whether its values are equal. Long values are wrapped. */
function sideBySide(rows: readonly string[][], width: number): { text: string; isEqual: boolean }[] {
  const [nameWidth, leftWidth] = [0, 1].map((column) => Math.max(...rows.map((row) => row[column].length)));
  const room = width - '* '.length - nameWidth - 2 * GAP;
  const left = Math.min(leftWidth, Math.max(1, Math.floor(room / 2)));
  return rows.flatMap(([name, wanted, got]) => {
    const wantedLines = wrap(wanted, left);
    const gotLines = wrap(got, Math.max(1, room - left));
    return Array.from({ length: Math.max(wantedLines.length, gotLines.length) }, (_, i) => ({
      text: [
        (i === 0 ? name : '').padEnd(nameWidth + GAP),
        (wantedLines[i] ?? '').padEnd(left + GAP),
        gotLines[i] ?? '',
      ]
        .join('')
        .trimEnd(),
      isEqual: wanted === got,
    }));
  });
}

/** Bytes in a row of hexadecimal digits, if there is room for that many. */
const ROW_BYTES = 16;
/** The characters of a row besides its bytes, of three characters each. */
const ROW_HEAD = '  expected 0000  '.length;

/** The rows of bytes that differ, counted from the start of the IP header. */
function hexDifference(wanted: ResultFrame, got: ResultFrame, style: Style, width: number): string[] {
  const rowBytes = ROW_HEAD + 3 * ROW_BYTES - 1 <= width ? ROW_BYTES : ROW_BYTES / 2;
  const left = wanted.bytes.subarray(wanted.ipAt);
  const right = got.bytes.subarray(got.ipAt);
  const lines: string[] = [];
  for (let at = 0; at < Math.max(left.length, right.length); at += rowBytes) {
    const marks = Array.from({ length: rowBytes }, (_, i) => (left[at + i] === right[at + i] ? '  ' : '^^'));
    if (!marks.includes('^^')) continue;
    const offset = `${at.toString(16).padStart(4, '0')}  `;
    lines.push(
      `  expected ${offset}${hexRow(left.subarray(at, at + rowBytes))}`,
      `  got      ${offset}${hexRow(right.subarray(at, at + rowBytes))}`,
    );
    lines.push(style.red(`           ${' '.repeat(offset.length)}${marks.join(' ')}`.trimEnd()));
  }
  return lines;
}

function hexRow(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

export function secondsText(tsNs: bigint): string {
  return `${tsNs / 1_000_000_000n}.${(tsNs % 1_000_000_000n).toString().padStart(9, '0')} s`;
}

function renderLog({ file, wanted, got }: LogDifference): string[] {
  return [`${file}:`, `  expected  ${shown(wanted ?? 'nothing')}`, `  got       ${shown(got ?? 'nothing')}`];
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

function renderConnection({ wanted, got }: ConnectionDifference, names: Names): string[] {
  const line = wanted ?? got ?? '';
  const addresses = new Set([...line.matchAll(/\b(?:src|dst)=(\S+)/g)].map(([, address]) => address));
  const named = [...addresses].filter((address) => names.has(address)).map((address) => namedAddress(address, names));
  return [
    wanted === null ? 'conntrack: not expected:' : 'conntrack: expected, but missing:',
    `  ${shown(line)}`,
    ...(named.length > 0 ? [`  ${named.join(', ')}`] : []),
  ];
}
