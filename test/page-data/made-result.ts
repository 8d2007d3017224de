/** Results for tests of the page, made of a few packets. */
import type { Column } from '../../explain/report/format/columns.js';
import {
  type NumberNames,
  PACKET_COLUMNS,
  type ResultIndex,
  type RulesSection,
  type Traversal,
  TUPLE_COLUMNS,
} from '../../explain/report/format/model.js';
import type { PacketColumns, Result, TupleColumns } from '../../pages/data/result.js';

/** A packet, as far as it is not the plainest one. Tuples are positions. */
export type MadePacket = Partial<Record<(typeof PACKET_COLUMNS)[number], number>>;
/** Protocol, source, destination, and ports, or type and code. */
export type MadeTuple = readonly [
  protocol: number,
  source: string,
  destination: string,
  sport?: number,
  dport?: number,
];

export interface Made {
  readonly interfaces: readonly string[];
  readonly names?: Readonly<Record<string, string>>;
  readonly tuples: readonly MadeTuple[];
  readonly traversals: readonly Traversal[];
  readonly rules?: RulesSection;
  readonly packets: readonly MadePacket[];
}

const NUMBER_NAMES: NumberNames = {
  protocols: { icmp: 1, tcp: 6, udp: 17, gre: 47, esp: 50 },
  icmp: { 'echo-reply': '0', 'host-unreachable': '3/1', 'echo-request': '8', 'time-exceeded': '11' },
  services: { domain: 53, http: 80 },
};
const NO_RULES: RulesSection = { rulesets: [], chains: [], rules: [], connectionStates: [], connectionTimeouts: [] };
const PLAIN: Readonly<Record<(typeof PACKET_COLUMNS)[number], number>> = {
  ...(Object.fromEntries(PACKET_COLUMNS.map((name) => [name, 0])) as Record<(typeof PACKET_COLUMNS)[number], number>),
  ...{ input: 0, frame: 1, length: 60, outDev: -1, after: -1, connection: -1, direction: -1, flags: -1 },
};

/** 10.0.0.1 as a number. */
function addressNumber(text: string): number {
  return text.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
}

/** A result with what MADE has; everything else of a result is missing. */
export function madeResult({ interfaces, names = {}, tuples, traversals, rules = NO_RULES, packets }: Made): Result {
  const host = { interfaces: interfaces.map((name) => ({ name })) };
  const [ofPackets, ofTuples] = [packetColumns(packets), tupleColumns(tuples)];
  return {
    index: { names, numberNames: NUMBER_NAMES, host } as unknown as ResultIndex,
    packets: async () => ofPackets,
    tuples: async () => ofTuples,
    traversals: async () => traversals,
    rules: async () => rules,
    details: async () => [],
  } as unknown as Result;
}

function packetColumns(packets: readonly MadePacket[]): PacketColumns {
  const column = (name: (typeof PACKET_COLUMNS)[number]): Column =>
    Float64Array.from(packets, (packet) => packet[name] ?? PLAIN[name]);
  return Object.fromEntries(PACKET_COLUMNS.map((name) => [name, column(name)])) as unknown as PacketColumns;
}

function tupleColumns(tuples: readonly MadeTuple[]): TupleColumns {
  const rows = tuples.map(([protocol, source, destination, sport = -1, dport = -1]) => [
    protocol,
    addressNumber(source),
    addressNumber(destination),
    sport,
    dport,
    -1,
  ]);
  const columns = TUPLE_COLUMNS.map((name, i) => [name, Float64Array.from(rows, (row) => row[i])]);
  return Object.fromEntries(columns) as unknown as TupleColumns;
}

/** A traversal that no rule decided. */
export function plainTraversal(change: Partial<Traversal> = {}): Traversal {
  return {
    verdict: 'forwarded',
    decider: { kind: 'none' },
    inDev: 0,
    stages: [],
    related: [],
    course: [],
    uncertain: [],
    ...change,
  };
}
