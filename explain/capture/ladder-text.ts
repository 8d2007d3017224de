/** A ladder as text: a line a packet, and lines where the connection had timed out. */
import type { Names } from '../../replay/names.js';
import { arrivalWords } from '../story/packet-words.js';
import { isAccepted } from '../story/story.js';
import { linesOfRows, wrapAfter } from '../text/columns.js';
import type { Style } from '../text/style.js';
import type { Between, LadderEnd } from './entry-course.js';
import { betweenWords, endWords } from './entry-words.js';
import type { Ladder } from './ladder.js';
import type { Rung } from './rung.js';

export interface LadderTextOptions {
  readonly width: number;
  readonly style: Style;
  readonly names: Names;
}

const ARROWS = { original: '→', reply: '←' } as const;
/** Narrower terminals have no room for the times, or even for the rules of packets like the ones before. */
const TIMES_WIDTH = 96;
const RULES_WIDTH = 72;
const ALIGNS = ['right', 'left', 'left', 'left', 'left', 'left', 'left'] as const;
const STATE_COLUMN = 3;
const VERDICT_COLUMN = 4;
/** Begins the lines that are no packets, so that the columns of others do not depend on them. */
const GAP = '    ⋮  ';

/** LADDER, which is at END, as lines. */
export function ladderLines(ladder: Ladder, end: LadderEnd, options: LadderTextOptions): string[] {
  const { width, style } = options;
  const { rungs, omitted } = ladder;
  const [first] = rungs;
  const rows = rungs.map(({ rung }, i) => rowOf(rung, lastLike(ladder, i), first.rung, width));
  const table = linesOfRows(rows, ALIGNS, width, undefined, (text, i, column) =>
    painted(text, column, rungs[i].rung, style),
  );
  const last = omitted === 0 ? [] : wrapAfter(GAP, `${omitted} more packets`, width).map(style.yellow);
  return [
    ...headline(ladder, end, options),
    '',
    ...table.flatMap((lines, i) => [...linesBetween(rungs[i].before, options), ...lines]),
    ...last,
    ...wrapAfter(GAP, endWords(end), width).map((line) => (end.kind === 'timed-out' ? style.yellow(line) : line)),
  ];
}

/** TEXT, in this column of the row of RUNG. */
function painted(text: string, column: number, { verdict, state, story }: Rung, style: Style): string {
  if (column === STATE_COLUMN && state === 'INVALID') return style.red(text);
  if (column !== VERDICT_COLUMN) return text;
  if (isAccepted(story)) return style.green(text);
  return verdict.startsWith('dropped') || verdict.startsWith('rejected') ? style.red(text) : text;
}

/** What the connection is, and what became of its packets. */
function headline({ rungs, omitted }: Ladder, end: LadderEnd, { width, style, names }: LadderTextOptions): string[] {
  const counts = new Map<string, number>();
  for (const { rung } of rungs) counts.set(rung.verdict, (counts.get(rung.verdict) ?? 0) + 1);
  const invalid = rungs.filter(({ rung }) => rung.state === 'INVALID').length;
  const packets = [...counts].map(([verdict, count]) => `${count} ${verdict}`).join(', ');
  const stopped = ['rejected', 'dropped'].find((verdict) => counts.has(verdict));
  const verdict = end.kind === 'timed-out' ? 'expired' : (stopped ?? rungs[0].rung.verdict);
  const words = `${verdict}  `;
  const emphasize = end.kind === 'timed-out' ? style.yellow : stopped === undefined ? style.green : style.red;
  const what = `${packets}${invalid === 0 ? '' : `, ${invalid} of them INVALID`}${omitted === 0 ? '' : ', and more'}`;
  const about = arrivalWords(rungs[0].rung.story, names);
  const [start, ...rest] = [...wrapAfter(words, what, width), ...wrapAfter(' '.repeat(words.length), about, width)];
  return [style.bold(emphasize(start.slice(0, words.length))) + start.slice(words.length), ...rest];
}

/** The last packet before the one NUMBER that went in its direction. */
function lastLike({ rungs }: Ladder, number: number): Rung | undefined {
  const { direction } = rungs[number].rung;
  return rungs.slice(0, number).findLast(({ rung }) => rung.direction === direction)?.rung;
}

/** The cells of RUNG. BEFORE: the last one of its direction. */
function rowOf(rung: Rung, before: Rung | undefined, first: Rung, width: number): string[] {
  const { name, direction, what, verdict, decider, story, notes } = rung;
  const since = story.tsSec - first.story.tsSec + (story.tsNsec - first.story.tsNsec) / 1e9;
  const isNarrow = width < RULES_WIDTH;
  const by = isNarrow && decider !== before?.decider ? [`by ${decider}`] : [];
  return [
    width < TIMES_WIDTH ? '' : since.toFixed(6),
    name,
    `${direction === undefined ? ' ' : ARROWS[direction]} ${what}`,
    stateOf(rung, width),
    verdict,
    isNarrow ? '' : decider,
    [...by, ...notes].join('; '),
  ];
}

/** What conntrack takes the packet of RUNG for, and the state of its connection, if that says more. */
function stateOf({ state, connectionState }: Rung, width: number): string {
  if (connectionState === '' || connectionState === state) return state;
  return width < TIMES_WIDTH && state === 'ESTABLISHED' ? connectionState : `${state} ${connectionState}`;
}

/** What is said of what is BETWEEN two packets. */
function linesBetween(between: Between | undefined, { width, style }: LadderTextOptions): string[] {
  return between === undefined ? [] : wrapAfter(GAP, betweenWords(between), width).map(style.yellow);
}
