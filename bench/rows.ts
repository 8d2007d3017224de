/** The rows of the table: what is done, and how fast it has to be. */

import { formatNumber } from '../cli/number.js';
import type { Est64 } from './est64.js';
import { SIZES_IMIX, settlingPackets } from './est64.js';
import { type Contender, filling, type Goal, type Row } from './measure.js';
import { peersOf, tcpdumpOf } from './peers.js';
import type { ReplayResult } from './replay-result.js';
import { missingRules, PER_PACKET_RULES } from './rulesets.js';
import { type Input, inputsOf, runProgram, sizeOf, type Workspace } from './workspace.js';

/** How large the workloads are. */
export interface Scale {
  /** Packets of established connections, and of new ones. */
  packets: number;
  /** What "a million" connections are. */
  manyConnections: number;
  /** Packets of the row `ten-million`. */
  longPackets: number;
  /** New connections against ClassBench rules. */
  headers: number;
  streamBytes: number;
}

export const FULL: Scale = {
  packets: 1_000_000,
  manyConnections: 1_000_000,
  longPackets: 10_000_000,
  headers: 200_000,
  streamBytes: 2_000_000_000,
};

export const QUICK: Scale = {
  packets: 200_000,
  manyConnections: 50_000,
  longPackets: 500_000,
  headers: 20_000,
  streamBytes: 200_000_000,
};

const CONNECTIONS = 10_000;
/** How many packets of each connection are measured once it is settled, with many connections. */
const SETTLED_PACKETS = 4;
/** How often a process is started for one number of the row `start`. */
const STARTS = 3;
const STREAM_LIMIT_MIB = 300;
/** What a connection is allowed to take. */
const CONNECTION_BYTES = 256;
const LONG_ROUNDS = 3;

type MedianOf = (key: string) => number | undefined;

const fixed = (key: string, most: number, text: string): Goal => ({ key, text, limit: () => most });

/** At most FACTOR times what OTHER takes. */
function times(key: string, factor: number, other: string, text: string): Goal {
  return {
    key,
    text,
    limit: (medianOf: MedianOf) => {
      const value = medianOf(other);
      return value === undefined ? undefined : value * factor;
    },
  };
}

const nsOf = (durationMs: number, packets: number) => (durationMs * 1e6) / packets;

/** Every row, its files in SHOP. */
export function rowsOf(shop: Workspace, scale: Scale): Row[] {
  const { packets } = scale;
  const est64 = () => shop.est64(packets, CONNECTIONS);
  /** The work of est64 with other rules. */
  const withRules = (name: string, lines: readonly string[]): Contender[] => {
    const rulesPath = shop.rules(name, lines);
    const inputs = inputsOf(est64());
    return filling(sizeOf(inputs), [simple(name, () => shop.replay(rulesPath, inputs))]);
  };
  return [
    {
      name: 'est64',
      about: `64-byte frames, ${formatNumber(CONNECTIONS)} established NATed connections, the Docker example's rules`,
      needs: [],
      goals: [
        fixed('est64', 120, 'at most 120 ns'),
        times('est64', 1 / 25, 'est64.kernel', "at most 1/25 of the kernel's way"),
        times('est64', 1 / 2, 'est64.tcpdump', 'at most half of tcpdump -r -w'),
      ],
      prepare: () =>
        filling(sizeOf(inputsOf(est64())), [
          established('est64', est64(), shop),
          wholeCommand('est64', est64(), shop),
          ...peersOf('est64', est64(), shop),
        ]),
    },
    ...[1000, 10_000].map((count) => ({
      name: `rules-${count}`,
      about: `est64 with ${formatNumber(count)} more rules before the matching one`,
      needs: ['est64'],
      goals: [times(`rules-${count}`, 1.2, 'est64', 'at most 1.2 × est64')],
      prepare: () => withRules(`rules-${count}`, missingRules(count)),
    })),
    {
      name: 'per-packet',
      about: 'est64 with rules that read each packet: --tcp-flags, length, ttl, limit, statistic nth',
      needs: ['est64'],
      goals: [times('per-packet', 1.6, 'est64', 'at most 1.6 × est64')],
      prepare: () => withRules('per-packet', PER_PACKET_RULES),
    },
    {
      name: 'imix',
      about: 'as est64, sizes mixed: 64, 594 and 1518 bytes as 7 : 4 : 1',
      needs: [],
      goals: [times('imix', 1, 'imix.tcpdump', 'no slower than tcpdump -r -w')],
      prepare: () => {
        const work = shop.est64(packets, CONNECTIONS, SIZES_IMIX);
        const inputs = inputsOf(work);
        return filling(sizeOf(inputs), [
          simple('imix', () => shop.replay(shop.rulesPath, inputs)),
          ...peersOf('imix', work, shop),
        ]);
      },
    },
    {
      name: 'ten-million',
      about: `est64 with ${formatNumber(scale.longPackets)} packets`,
      needs: [],
      isLong: true,
      goals: [
        times('ten-million.command', 1, 'ten-million.tcpdump', 'the whole command: no slower than tcpdump -r -w'),
      ],
      prepare: () => tenMillion(shop.est64(scale.longPackets, CONNECTIONS), shop),
    },
    {
      name: 'connections',
      about: `${formatNumber(scale.manyConnections)} connections established at once`,
      needs: ['est64'],
      rounds: LONG_ROUNDS,
      goals: [
        times('connections', 2.5, 'est64.settled', 'at most 2.5 × of 10,000 connections'),
        fixed('connections.bytes', CONNECTION_BYTES, 'at most 256 bytes a connection'),
      ],
      prepare: () => [manyConnections('connections', scale.manyConnections, packets, shop)],
    },
    {
      name: 'new',
      about: `${formatNumber(packets)} new connections, the Docker example's rules`,
      needs: [],
      goals: [fixed('new', 700, 'at most 700 ns')],
      prepare: () => {
        const inputs = [{ iface: 'eth0', path: shop.newConnections(packets) }];
        const bytes = sizeOf(inputs) + packets * CONNECTION_BYTES;
        return filling(bytes, [simple('new', () => shop.replay(shop.rulesPath, inputs))]);
      },
    },
    {
      name: 'classbench',
      about: `${formatNumber(scale.headers)} new connections against 10,000 ClassBench rules, and against 10`,
      needs: [],
      goals: [times('classbench', 1.5, 'classbench.ten', 'at most 1.5 × of 10 rules')],
      prepare: () => {
        const inputs = [{ iface: 'docker0', path: shop.classbenchHeaders(scale.headers) }];
        const [many, ten] = [10_000, 10].map((count) => shop.classbenchRules(count));
        return filling(sizeOf(inputs) + scale.headers * CONNECTION_BYTES, [
          simple('classbench', () => shop.replay(many, inputs), '10,000 rules'),
          simple('classbench.ten', () => shop.replay(ten, inputs), '10 rules'),
        ]);
      },
    },
    {
      name: 'stream',
      about: `a stream of ${formatNumber(scale.streamBytes / 1e9)} GB through a pipe, 1514-byte frames`,
      needs: [],
      rounds: LONG_ROUNDS,
      goals: [
        fixed('stream.peak', STREAM_LIMIT_MIB, `resident memory under ${STREAM_LIMIT_MIB} MiB`),
        times('stream.peak', 1.1, 'stream.half-way', 'flat: at most 1.1 × what it was half way'),
      ],
      prepare: () => [stream(scale.streamBytes, shop)],
    },
    {
      name: 'start',
      about: 'nfreplay replay of 10 packets, from the start of the process to its end, above `node -e 0`',
      needs: [],
      goals: [fixed('start', 150, 'at most 150 ms more than node -e 0')],
      prepare: () => [start(inputsOf(shop.est64(10, 2)), shop)],
    },
    {
      name: 'ready',
      about: 'a ruleset of 50,000 rules parsed and built, and its first packet',
      needs: [],
      goals: [fixed('ready', 1000, 'under 1 s')],
      prepare: () => {
        const rulesPath = shop.rules('rules-50000', missingRules(50_000));
        return [
          { series: [{ key: 'ready', title: 'nfreplay', unit: 'ms' }], run: async () => [shop.ready(rulesPath)] },
        ];
      },
    },
  ];
}

/** Nanoseconds a packet of a whole replay, and no more. */
export function simple(key: string, replay: () => ReplayResult, title = 'nfreplay'): Contender {
  return {
    series: [{ key, title, unit: 'ns' }],
    run: async () => {
      const { durationMs, read } = replay();
      return [nsOf(durationMs, read)];
    },
  };
}

function established(key: string, work: Est64, shop: Workspace): Contender {
  const settling = settlingPackets(work.connections);
  return {
    series: [
      { key, title: 'nfreplay', unit: 'ns' },
      { key: `${key}.settled`, title: '  once all connections are settled', unit: 'ns' },
      { key: `${key}.cpu`, title: '  CPU time of all threads', unit: 'ns' },
      { key: `${key}.peak`, title: '  peak memory', unit: 'MiB' },
    ],
    run: async () => {
      const result = shop.replay(shop.rulesPath, inputsOf(work), { settlingPackets: settling });
      const { read } = result;
      return [
        nsOf(result.durationMs, read),
        nsOf(result.settledMs, Math.max(1, read - settling)),
        nsOf(result.cpuMs, read),
        result.peakMiB,
      ];
    },
  };
}

function wholeCommand(row: string, work: Est64, shop: Workspace): Contender {
  return {
    series: [{ key: `${row}.command`, title: '  the whole command, start and lists included', unit: 'ns' }],
    run: async () => [nsOf(shop.replayCommand(inputsOf(work)), work.packets)],
  };
}

/** What a packet costs among so many CONNECTIONS, once all are settled: of at least so many LEAST packets. */
export function manyConnections(key: string, connections: number, least: number, shop: Workspace): Contender {
  const settling = settlingPackets(connections);
  const packets = settling + Math.max(least, SETTLED_PACKETS * connections);
  const work = shop.est64(packets, connections);
  return {
    fillsBytes: sizeOf(inputsOf(work)) + connections * CONNECTION_BYTES,
    series: [
      { key, title: 'nfreplay, once all are settled', unit: 'ns' },
      { key: `${key}.bytes`, title: '  memory a connection', unit: 'bytes' },
      { key: `${key}.peak`, title: '  peak memory', unit: 'MiB' },
    ],
    run: async () => {
      const result = shop.replay(shop.rulesPath, inputsOf(work), { settlingPackets: settling });
      return [nsOf(result.settledMs, packets - settling), result.connectionBytes, result.peakMiB];
    },
  };
}

function tenMillion(work: Est64, shop: Workspace): Contender[] {
  const inputs = inputsOf(work);
  return filling(sizeOf(inputs), [
    simple('ten-million', () => shop.replay(shop.rulesPath, inputs)),
    wholeCommand('ten-million', work, shop),
    ...tcpdumpOf('ten-million', work, shop.dir),
  ]);
}

function stream(bytes: number, shop: Workspace): Contender {
  return {
    series: [
      { key: 'stream', title: 'nfreplay', unit: 'ns' },
      { key: 'stream.half-way', title: '  resident memory at most, up to half way', unit: 'MiB' },
      { key: 'stream.peak', title: '  resident memory at most', unit: 'MiB' },
    ],
    run: async () => {
      const { durationMs, read, rssMiB } = shop.replayStream(bytes);
      const half = rssMiB.slice(0, Math.max(1, rssMiB.length >> 1));
      return [nsOf(durationMs, read), Math.max(...half), Math.max(...rssMiB)];
    },
  };
}

function start(inputs: readonly Input[], shop: Workspace): Contender {
  return {
    series: [
      { key: 'start', title: 'nfreplay, above node -e 0', unit: 'ms' },
      { key: 'start.node', title: 'node -e 0', unit: 'ms', isForeign: true },
    ],
    run: async () => {
      let nodeMs = 0;
      let commandMs = 0;
      for (let i = 0; i < STARTS; i++) {
        nodeMs += runProgram(process.execPath, ['-e', '0']).durationMs / STARTS;
        commandMs += shop.replayCommand(inputs) / STARTS;
      }
      return [commandMs - nodeMs, nodeMs];
    },
  };
}
