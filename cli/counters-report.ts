/** The counters of a replay, compared with those that a host saved: the part of a report. */
import { basename } from 'node:path';
import { shown, shownPath } from '../codecs/text.js';
import { columns, wrapAfter } from '../explain/text/columns.js';
import type { CounterDifference, CountersSummary, PacketsAndBytes } from '../replay/expect-counters.js';
import { count, formatNumber } from './number.js';
import type { ReportOptions } from './report.js';

/** The lines of a report about COUNTERS: how many are the same, and the first that is not. */
export function counterLines(
  { files, same, different, policiesLeftOut = 0, listed }: CountersSummary,
  { style, width = Number.POSITIVE_INFINITY }: Pick<ReportOptions, 'style' | 'width'>,
): string[] {
  const names = files.map((file) => shownPath(basename(file)));
  const source = names.length === 1 ? names[0] : `${names[1]} less ${names[0]}`;
  const rows: [number, string][] = [
    [same, 'rules and policies have the same counters'],
    [different, 'have others'],
    [policiesLeftOut, 'policies were left out: the file has no counters for policies'],
  ];
  const met = rows.filter(([rules], i) => i === 0 || rules > 0).map(([rules, what]) => [formatNumber(rules), what]);
  const lines = [style.bold(`compared with the counters of ${source}`), ...columns(met, ['right', 'left'], width)];
  const [first] = listed;
  if (first === undefined) return lines;
  return [
    ...lines,
    ...differenceLines(first, listed.length > 1).flatMap((line) => wrapAfter('  ', shown(line), width)),
  ];
}

function differenceLines(difference: CounterDifference, isFirst: boolean): string[] {
  const { table, chain, rule, number, file, line, expectedFile, expectedLine, expected, found } = difference;
  const name = rule === undefined ? `policy of ${table} ${chain}` : `${table} ${chain} ${number}  ${rule}`;
  const places = [placeText(file, line), placeText(expectedFile, expectedLine)].filter((place) => place !== '');
  return [
    `${isFirst ? 'first: ' : ''}${name} (${places.join(', ')})`,
    `expected ${countersText(expected)}, found ${countersText(found)}`,
  ];
}

function placeText(file: string | undefined, line: number | undefined): string {
  return file === undefined ? '' : `${shownPath(basename(file))}:${line}`;
}

function countersText(counters: PacketsAndBytes | undefined): string {
  if (counters === undefined) return 'no such rule';
  return `${count(counters.packets, 'packet')} ${count(counters.bytes, 'byte')}`;
}
