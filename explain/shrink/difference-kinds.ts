/** What kind of difference there is between what is wanted of a case and what comes of a smaller one. */
import { isThere } from '../../io/path.js';
import {
  type ConnectionDifference,
  type Difference,
  type FrameDifference,
  type LogDifference,
  linesOfSets,
  normalLine,
  pairsOf,
  type RuleDifference,
  sameFrame,
} from '../../replay/compare.js';
import { LOG_FILE } from '../../replay/logged.js';
import { connectionsOf, framesOf, logLinesOf, type ResultFrame, tablesOf } from '../../replay/result-folder.js';
import { howDifferent } from './frame-fields.js';
import type { Observed } from './observed.js';

/** Tells differences of one kind from others: equal for those of the same kind; undefined: there is none. */
export type KindOf = (observed: Observed) => string | undefined;

/** How DIFFERENCE is recognized in a smaller case. WANTED: the frames of its device at its time. */
export function kindFinder(difference: Difference, wanted: readonly ResultFrame[]): KindOf {
  switch (difference.kind) {
    case 'frame':
      return (observed) => frameKind(difference, wanted, observed);
    case 'connection':
      return ({ dir }) => connectionKind(difference, connectionsOf(`${dir}/conntrack.txt`));
    case 'rule':
      return ({ dir }) => ruleKind(difference, dir);
    default:
      return ({ dir }) => lineKind(difference, dir);
  }
}

/** The first of the frames at that time that is not as it should be, how it is, and what became of the packets then. */
function frameKind(
  { device, tsNs }: FrameDifference,
  wanted: readonly ResultFrame[],
  { dir, fates }: Observed,
): string | undefined {
  const got = framesOf(dir, device).get(tsNs) ?? [];
  const pair = pairsOf(wanted, got).find(({ wanted, got }) => !wanted || !got || !sameFrame(wanted, got));
  if (pair === undefined) return undefined;
  return JSON.stringify([device, howDifferent(pair.wanted, pair.got), fates]);
}

/** The ends of the connection LINE as it was opened. */
export function tupleOf(line: string): string {
  const [protocol = ''] = /^\S+\s+\d+\s+\S+/.exec(line) ?? [];
  return `${protocol} ${/src=.*?(?=\s+(?:packets=|src=|\[))/.exec(line)?.[0] ?? line}`;
}

function connectionKind({ wanted, got }: ConnectionDifference, connections: readonly string[]): string | undefined {
  const line = wanted ?? got ?? '';
  const isThere = connections.includes(line);
  if (isThere === (wanted !== null)) return undefined;
  // What there is in its place.
  const others = connections.filter((other) => other !== line && tupleOf(other) === tupleOf(line));
  return JSON.stringify([line, others]);
}

const COUNTERS = /^\[\d+:\d+\] | \[\d+:\d+\]$/;

/** LINE of a saved table without its counters. */
export const withoutCounters = (line: string): string => line.replace(COUNTERS, '');

/** Whether only the counters of DIFFERENCE differ. */
export function isOfCounters({ wanted, got }: RuleDifference): boolean {
  return wanted !== null && got !== null && withoutCounters(wanted) === withoutCounters(got);
}

function ruleKind(difference: RuleDifference, dir: string): string | undefined {
  const { file, table, wanted, got } = difference;
  const path = `${dir}/${file}`;
  const lines = isThere(path) ? (tablesOf(path).get(table) ?? []) : [];
  // What is wanted of counters is so for all packets and no others: they have to come out as they did.
  if (isOfCounters(difference)) return lines.includes(got!) && !lines.includes(wanted!) ? 'counters' : undefined;
  const texts = lines.map(withoutCounters);
  const isGot = got === null || texts.includes(withoutCounters(got));
  const isWanted = wanted !== null && texts.includes(withoutCounters(wanted));
  return isGot && !isWanted ? 'text' : undefined;
}

function lineKind({ file, wanted, got, kind }: LogDifference, dir: string): string | undefined {
  const lines = kind === 'set' ? linesOfSets(dir) : file === LOG_FILE ? logLinesOf(dir).map(normalLine) : [];
  const isThere = lines.includes(wanted ?? got ?? '');
  return isThere === (got !== null) ? 'line' : undefined;
}
