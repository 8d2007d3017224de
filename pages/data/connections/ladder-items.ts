/** What a ladder shows of a connection: rungs, and what is folded between them. */
import type { Traversal } from '../../../explain/report/format/model.js';
import type { Verdict } from '../../../explain/story/story.js';
import { packetWords } from '../../words/packet-words.js';
import { duration, secondsSince } from '../../words/times.js';
import type { ConnectionFacts } from './connection-facts.js';

/** A packet of the connection. */
export interface Rung {
  readonly kind: 'rung';
  /** In the list of packets. */
  readonly row: number;
  readonly traversal: Traversal;
  /** 0: original, 1: reply, -1: an ICMP error about it. */
  readonly direction: number;
  /** What there is to say before it: that nothing came for long, and what was changed meanwhile. */
  readonly before: string;
  readonly isInvalid: boolean;
  /** The states of its connection before and after, if they differ. */
  readonly states: string;
  /** Why it is INVALID, and what else happened. */
  readonly notes: readonly string[];
}

/** Packets that are like others before them. */
export interface Fold {
  readonly kind: 'fold';
  /** The first packet of all that could be folded here. */
  readonly first: number;
  readonly rows: readonly number[];
}

export type LadderItem = Rung | Fold;

/** FIN, SYN and RST: segments with other ones of them are of another kind. */
const TELLING_FLAGS = 0b111;
/** How many like the others stay in sight at each end of a fold, and how many have to be between them. */
const SHOWN = 2;
const LEAST_FOLDED = 4;
const LONG_GAP_NS = 1e9;

/** The packets of CONNECTION, in order. */
export function rowsOf({ packets }: ConnectionFacts, connection: number): number[] {
  const column = packets.connection;
  const rows: number[] = [];
  for (let row = column.indexOf(connection); row >= 0; row = column.indexOf(connection, row + 1)) rows.push(row);
  return rows;
}

/** The packets in ROWS as a ladder. OPENED: how many packets are taken out of folds, by the first packets of these. */
export function ladderItems(
  facts: ConnectionFacts,
  rows: readonly number[],
  opened: ReadonlyMap<number, number>,
): LadderItem[] {
  const items: LadderItem[] = [];
  const seen = new Set<string>();
  let dull: number[] = [];
  let lastRow = -1;
  const show = (row: number): void => {
    items.push(rungOf(facts, row, lastRow));
    lastRow = row;
  };
  const settle = (): void => {
    for (const part of folded(dull, opened)) {
      if (typeof part === 'number') show(part);
      else {
        items.push(part);
        lastRow = part.rows[part.rows.length - 1];
      }
    }
    dull = [];
  };
  for (const row of rows) {
    if (isDull(facts, row, seen)) dull.push(row);
    else {
      settle();
      show(row);
    }
  }
  settle();
  return items;
}

/** Whether the packet in ROW is of a kind that SEEN knows. */
function isDull({ packets }: ConnectionFacts, row: number, seen: Set<string>): boolean {
  const kind = `${packets.traversal[row]} ${packets.direction[row]} ${packets.flags[row] & TELLING_FLAGS}`;
  const isKnown = seen.has(kind);
  seen.add(kind);
  return isKnown;
}

/** ROWS, and in place of those in the middle a fold, less as many as OPENED says. */
function folded(rows: readonly number[], opened: ReadonlyMap<number, number>): (number | Fold)[] {
  const middle = rows.slice(SHOWN, -SHOWN);
  if (middle.length < LEAST_FOLDED) return [...rows];
  const [first] = middle;
  const open = opened.get(first) ?? 0;
  const rest = middle.slice(open);
  const fold = rest.length > 0 ? [{ kind: 'fold' as const, first, rows: rest }] : [];
  return [...rows.slice(0, SHOWN), ...middle.slice(0, open), ...fold, ...rows.slice(-SHOWN)];
}

export const isRefusal = (verdict: Verdict): boolean => verdict === 'dropped' || verdict === 'rejected';

function rungOf(facts: ConnectionFacts, row: number, lastRow: number): Rung {
  const { packets, traversals, changes } = facts;
  const traversal = traversals[packets.traversal[row]];
  const steps = traversal.stages.flatMap((stage) => stage.steps);
  const tracked = steps.find((step) => step.kind === 'tracked');
  const said = tracked === undefined ? '' : packetWords(tracked.words, facts, row);
  const isInvalid = tracked?.isInvalid === true;
  const timeNs = packets.timeNs[row];
  const lastNs = lastRow < 0 ? timeNs : packets.timeNs[lastRow];
  const between = changes.filter((change) => change.timeNs > lastNs && change.timeNs <= timeNs);
  return {
    ...{ kind: 'rung', row, traversal, direction: packets.direction[row], isInvalid },
    before: [
      ...(timeNs - lastNs >= LONG_GAP_NS ? [`${duration(timeNs - lastNs)} without a packet`] : []),
      ...between.map((change) => `▲ ${secondsSince(change.timeNs)} ${change.text}`),
    ].join(' · '),
    states: isInvalid ? '' : said,
    notes: [
      ...(isInvalid ? [`INVALID: ${said}`] : []),
      ...steps.flatMap((step) => (step.kind === 'other' ? [packetWords(step.words, facts, row)] : [])),
    ],
  };
}
