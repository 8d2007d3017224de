/** The part of a replay's report about uncertain packets. */
import { basename } from 'node:path';
import { shown, shownPath } from '../codecs/text.js';
import { columns } from '../explain/text/columns.js';
import type { Style } from '../explain/text/style.js';
import type { UncertainCauseSummary, UncertainSummary } from '../replay/uncertain-summary.js';
import { count } from './number.js';

/** The lines of UNCERTAIN, with at most TOP causes: `4 packets uncertain: filter FORWARD 4 …`. */
export function uncertainLines(
  uncertain: UncertainSummary | undefined,
  { style, top, width }: { style: Style; top: number; width?: number | undefined },
): string[] {
  if (uncertain === undefined) return [];
  const { packets, causes } = uncertain;
  const more = causes.length - top;
  return [
    style.bold(`${count(packets, 'packet')} uncertain: what becomes of them depends on what could not be followed`),
    ...columns(causes.slice(0, top).map(causeRow), ['right', 'left', 'left', 'left'], width).map(style.yellow),
    ...(more > 0 ? [style.dim(`  and ${count(more, 'more cause')}`)] : []),
  ];
}

function causeRow({ packets, reason, table, chain, number, file, line }: UncertainCauseSummary): string[] {
  const where = file === undefined ? '' : `${shownPath(basename(file))}:${line}`;
  const rule = number === undefined ? '' : shown(`${table} ${chain} ${number}`);
  return [count(packets, 'packet'), where, rule, shown(reason)];
}
