/** Rows about ports: which, what becomes of them, and why, so that they fit any terminal. */
import { shown } from '../../codecs/text.js';
import { wrap, wrapAfter } from '../text/columns.js';
import type { Style } from '../text/style.js';

export interface PortRow {
  /** Cells before the ports, such as the protocol. */
  readonly head: readonly string[];
  readonly ports: string;
  /** In a few words, and how these are emphasized. */
  readonly verdict: string;
  readonly colour: keyof Style | undefined;
  /** Rules, or a few words: one after the other. */
  readonly reasons: readonly string[];
}

const INDENT = 4;
const GAP = '  ';
/** The share of a line that ports may have before they are wrapped, and at least so many characters. */
const PORTS_SHARE = 0.35;
const LEAST_PORTS = 18;
/** How much farther than the ports a reason is indented that does not fit behind the verdict. */
const REASON_INDENT = 4;

/** Between two reasons. */
export const THEN = ', then ';

/** ROWS as lines of at most WIDTH characters, the cells of all rows in columns. */
export function formatPortRows(rows: readonly PortRow[], style: Style, width: number): string[] {
  const heads = rows[0]?.head.map((_, i) => Math.max(...rows.map(({ head }) => head[i].length))) ?? [];
  const most = Math.max(LEAST_PORTS, Math.floor(width * PORTS_SHARE));
  const ports = rows.map((row) => wrap(row.ports, most));
  const portsWidth = Math.max(0, ...ports.flat().map(({ length }) => length));
  const verdictWidth = Math.max(0, ...rows.map(({ verdict }) => shown(verdict).length));
  return rows.flatMap((row, i) => {
    const head = row.head.map((cell, at) => cell.padEnd(heads[at]) + GAP).join('');
    const start = ' '.repeat(INDENT) + head;
    const verdict = shown(row.verdict);
    const before = start + ports[i][0].padEnd(portsWidth) + GAP;
    const isShort = before.length + verdict.length <= width;
    const colour = row.colour === undefined ? (text: string): string => text : style[row.colour];
    const rest = ports[i].slice(1).map((more) => ' '.repeat(start.length) + more);
    const lines = isShort
      ? [before + colour(verdict), ...rest]
      : [start + ports[i][0], ...rest, ...wrapAfter(' '.repeat(start.length), verdict, width).map(colour)];
    const reasons = row.reasons.map(shown);
    const reason = reasons.join(THEN);
    const room = width - before.length - verdictWidth - GAP.length;
    if (isShort && reason.length <= room) lines[0] += ' '.repeat(verdictWidth - verdict.length) + GAP + reason;
    else
      for (const [i, one] of reasons.entries()) {
        const text = i === 0 ? one : `then ${one}`;
        lines.push(...wrapAfter(' '.repeat(start.length + REASON_INDENT), text, width).map(style.dim));
      }
    return lines;
  });
}
