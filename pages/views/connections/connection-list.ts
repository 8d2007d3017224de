/** Which connections are listed, in which order, and in which groups. */
import { CONNECTION_VERDICTS, type ConnectionFacts } from './connection-facts.js';

export const CONNECTION_SORTS = ['start', 'duration', 'count', 'bytes', 'refused', 'verdict'] as const;
export type ConnectionSort = (typeof CONNECTION_SORTS)[number];

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
  /** As in the columns, of all together. */
  readonly count: number;
  readonly bytes: number;
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
  const rows = chosenRows(facts, chosen, options.verdict);
  const key = keyOf(facts, options.sort);
  const values = new Float64Array(facts.connections.tuple.length);
  for (const row of rows) values[row] = key(row);
  const sign = options.isDescending ? -1 : 1;
  rows.sort((a, b) => sign * (values[a] - values[b]) || a - b);
  if (!options.isGrouped) return rows;
  const groups = groupsOf(facts, rows);
  const value = (group: ConnectionGroup): number => groupValue(facts, group, options.sort);
  groups.sort((a, b) => sign * (value(a) - value(b)));
  return groups.flatMap((group) => (options.opened.has(group.key) ? [group, ...group.rows] : [group]));
}

function chosenRows({ connections }: ConnectionFacts, chosen: Uint32Array | undefined, verdict: number): number[] {
  const rows: number[] = [];
  for (let row = 0; row < connections.tuple.length; row++) {
    if (chosen !== undefined && chosen[row] === 0) continue;
    if (verdict < 0 || connections.verdict[row] === verdict) rows.push(row);
  }
  return rows;
}

function keyOf({ connections }: ConnectionFacts, sort: ConnectionSort): (row: number) => number {
  const { firstNs, lastNs, packets, replyPackets, errors, bytes, replyBytes, errorBytes, refused, verdict } =
    connections;
  const keys: Record<ConnectionSort, (row: number) => number> = {
    start: (row) => firstNs[row],
    duration: (row) => lastNs[row] - firstNs[row],
    count: (row) => packets[row] + replyPackets[row] + errors[row],
    bytes: (row) => bytes[row] + replyBytes[row] + errorBytes[row],
    refused: (row) => refused[row],
    verdict: (row) => verdict[row],
  };
  return keys[sort];
}

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
  const to = reply < 0 ? '' : `${tuples.source[reply]} ${tuples.sport[reply]}`;
  const { decider } = traversals[connections.decided[row]];
  const by =
    decider.kind === 'rule'
      ? `rule ${decider.rule}`
      : decider.kind === 'policy'
        ? decider.chain
        : 'words' in decider && decider.words;
  return `${tuples.protocol[tuple]} ${tuples.destination[tuple]} ${tuples.dport[tuple]} | ${to} | ${by}`;
}

function groupOf(facts: ConnectionFacts, key: string, rows: readonly number[]): ConnectionGroup {
  const sum = (sort: ConnectionSort): number => {
    const value = keyOf(facts, sort);
    return rows.reduce((total, row) => total + value(row), 0);
  };
  const verdicts = CONNECTION_VERDICTS.map(() => 0);
  for (const row of rows) verdicts[facts.connections.verdict[row]]++;
  return { key, rows, count: sum('count'), bytes: sum('bytes'), refused: sum('refused'), verdicts };
}

/** What GROUP is sorted by: sums where there are some, else its first connection. */
function groupValue(facts: ConnectionFacts, group: ConnectionGroup, sort: ConnectionSort): number {
  if (sort === 'count' || sort === 'bytes' || sort === 'refused') return group[sort];
  return keyOf(facts, sort)(group.rows[0]);
}
