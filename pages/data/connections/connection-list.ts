/** Which connections are listed, in which order, and in which groups. */
import type { ConnectionColumns } from '../result.js';
import { CONNECTION_VERDICTS, type ConnectionFacts } from './connection-facts.js';

export type ConnectionSort = 'start' | 'duration' | 'count' | 'amount' | 'refused' | 'verdict';

export interface ListOptions {
  readonly sort: ConnectionSort;
  readonly isDescending: boolean;
  /** Connections to the same service, with the same translation and the same deciding rule, stand together. */
  readonly isGrouped: boolean;
  /** Of these connections only; a position in CONNECTION_VERDICTS; -1: of all. */
  readonly verdict: number;
  /** The groups whose connections are listed, by their keys. */
  readonly opened: ReadonlySet<string>;
}

/** What connections come to that have much in common. */
export interface ConnectionGroup {
  readonly key: string;
  /** In the order of the list. */
  readonly rows: readonly number[];
  /** Packets, bytes, and those refused, of all together. */
  readonly count: number;
  readonly amount: number;
  readonly refused: number;
  /** How many have which verdict. */
  readonly verdicts: readonly number[];
}

/** A line of the list: a connection, or the head of a group of them. */
export type ListLine = number | ConnectionGroup;

/** How many of the packets in ROWS each connection has. */
export function chosenPackets({ packets, connections }: ConnectionFacts, rows: Uint32Array): Uint32Array {
  const counts = new Uint32Array(connections.tuple.length);
  for (const row of rows) if (packets.connection[row] >= 0) counts[packets.connection[row]]++;
  return counts;
}

/** How many connections have which verdict. CHOSEN: only of those that have some. */
export function verdictCounts({ connections }: ConnectionFacts, chosen: Uint32Array | undefined): number[] {
  const counts = CONNECTION_VERDICTS.map(() => 0);
  for (let row = 0; row < connections.tuple.length; row++)
    if (chosen === undefined || chosen[row] > 0) counts[connections.verdict[row]]++;
  return counts;
}

export function listLines(facts: ConnectionFacts, chosen: Uint32Array | undefined, options: ListOptions): ListLine[] {
  const { verdict, tuple } = facts.connections;
  const { sort, isDescending, isGrouped, opened } = options;
  const value = SORT_KEYS[sort];
  const rows: number[] = [];
  for (let row = 0; row < tuple.length; row++) {
    const isChosen = chosen === undefined || chosen[row] > 0;
    if (isChosen && (options.verdict < 0 || verdict[row] === options.verdict)) rows.push(row);
  }
  const values = new Float64Array(tuple.length);
  for (const row of rows) values[row] = value(facts.connections, row);
  const sign = isDescending ? -1 : 1;
  rows.sort((a, b) => sign * (values[a] - values[b]) || a - b);
  if (!isGrouped) return rows;
  const groups = groupsOf(facts, rows);
  // By sums where there are some, else by the first connection.
  const groupValue = (group: ConnectionGroup): number =>
    sort === 'count' || sort === 'amount' || sort === 'refused' ? group[sort] : values[group.rows[0]];
  groups.sort((a, b) => sign * (groupValue(a) - groupValue(b)));
  return groups.flatMap((group) => (opened.has(group.key) ? [group, ...group.rows] : [group]));
}

const SORT_KEYS: Readonly<Record<ConnectionSort, (connections: ConnectionColumns, row: number) => number>> = {
  start: ({ firstNs }, row) => firstNs[row],
  duration: ({ firstNs, lastNs }, row) => lastNs[row] - firstNs[row],
  count: ({ packets, replyPackets, errors }, row) => packets[row] + replyPackets[row] + errors[row],
  amount: ({ bytes, replyBytes, errorBytes }, row) => bytes[row] + replyBytes[row] + errorBytes[row],
  refused: ({ refused }, row) => refused[row],
  verdict: ({ verdict }, row) => verdict[row],
};

function groupsOf(facts: ConnectionFacts, rows: readonly number[]): ConnectionGroup[] {
  const groups = new Map<string, number[]>();
  for (const row of rows) {
    const key = serviceOf(facts, row);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return Array.from(groups, ([key, members]) => groupOf(facts, key, members));
}

/** What the connection in ROW has in common with others of the same service. */
function serviceOf({ connections, tuples, traversals }: ConnectionFacts, row: number): string {
  const tuple = connections.tuple[row];
  const reply = connections.reply[row];
  return [
    ...[tuples.protocol[tuple], tuples.destination[tuple], tuples.dport[tuple]],
    ...(reply < 0 ? [] : [tuples.source[reply], tuples.sport[reply]]),
    JSON.stringify(traversals[connections.decided[row]].decider),
  ].join();
}

function groupOf({ connections }: ConnectionFacts, key: string, rows: readonly number[]): ConnectionGroup {
  const sum = (sort: ConnectionSort): number =>
    rows.reduce((total, row) => total + SORT_KEYS[sort](connections, row), 0);
  const verdicts = CONNECTION_VERDICTS.map(() => 0);
  for (const row of rows) verdicts[connections.verdict[row]]++;
  return { key, rows, count: sum('count'), amount: sum('amount'), refused: sum('refused'), verdicts };
}
