/** The rows of the table: their workloads, contenders and goals. */

import { formatNumber } from '../cli/number.js';
import type { Est64 } from './est64.js';
import { SIZES_IMIX, settlingPackets } from './est64.js';
import { type Contender, filling, type Goal, type Row } from './measure.js';
import { peersOf, tcpdumpOf } from './peers.js';
import type { ReplayResult } from './replay-result.js';
import { missingRules, PER_PACKET_RULES, PER_SOURCE_RULES, SET_RULES, setsText } from './rulesets.js';
import { type Input, inputsOf, runProgram, sizeOf, type Workspace } from './workspace.js';

/** How large the workloads are. */
export interface Scale {
  /** Packets of established connections, and of new ones. */
  packets: number;
  /** Connections in the row `connections`. */
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
/** In each set of the row `sets`. */
const SET_ENTRIES = 10_000;
/** How many packets to measure per settled connection, with many connections. */
const SETTLED_PACKETS = 4;
/** How many processes to start for one number of the row `start`. */
const STARTS = 3;
const STREAM_LIMIT_MIB = 300;
/** The memory that a connection may take. */
const CONNECTION_BYTES = 256;
const LONG_ROUNDS = 3;

type MedianOf = (key: string) => number | undefined;

const fixed = (key: string, maximum: number, text: string): Goal => ({ key, text, limit: () => maximum });

/** At most FACTOR times the value of OTHER. */
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

/** All rows, with their files in WORKSPACE. */
export function rowsOf(workspace: Workspace, scale: Scale): Row[] {
  const { packets } = scale;
  const est64 = () => workspace.est64(packets, CONNECTIONS);
  /** The workload of est64 with other rules. */
  const withRules = (name: string, lines: readonly string[]): Contender[] => {
    const rulesPath = workspace.rules(name, lines);
    const inputs = inputsOf(est64());
    return filling(sizeOf(inputs), [simple(name, () => workspace.replay(rulesPath, inputs))]);
  };
  return [
    {
      name: 'est64',
      about: `64-byte frames, ${formatNumber(CONNECTIONS)} established connections with NAT, rules of pcaps/docker`,
      needs: [],
      goals: [
        fixed('est64', 120, 'at most 120 ns'),
        times('est64', 1 / 25, 'est64.kernel', 'at most 1/25 of the kernel'),
        times('est64', 1 / 2, 'est64.tcpdump', 'at most half of tcpdump -r -w'),
      ],
      prepare: () =>
        filling(sizeOf(inputsOf(est64())), [
          established('est64', est64(), workspace),
          wholeCommand('est64', est64(), workspace),
          ...peersOf('est64', est64(), workspace),
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
      name: 'per-source',
      about: 'est64 with hashlimit and recent in the way: each packet costs one look-up in each',
      needs: ['est64'],
      goals: [times('per-source', 1.6, 'est64', 'at most 1.6 × est64')],
      prepare: () => withRules('per-source', PER_SOURCE_RULES),
    },
    {
      name: 'sets',
      about: 'est64 with three sets of ipset in the way, of 10,000 entries each',
      needs: ['est64'],
      goals: [times('sets', 1.3, 'est64', 'at most 1.3 × est64')],
      prepare: () => {
        const rulesPath = workspace.rules('sets', SET_RULES);
        const hostPath = workspace.hostWithSets('sets', setsText(SET_ENTRIES));
        const inputs = inputsOf(est64());
        const command = (): number => workspace.replayCommand(inputs, rulesPath, hostPath);
        return filling(sizeOf(inputs), [
          simple('sets', () => workspace.replay(rulesPath, inputs, { hostPath })),
          {
            series: [{ key: 'sets.command', title: '  the whole command', unit: 'ns' }],
            run: async () => [nsOf(command(), packets)],
          },
        ]);
      },
    },
    {
      name: 'imix',
      about: 'as est64, with frames of 64, 594 and 1518 bytes in the ratio 7 : 4 : 1',
      needs: [],
      goals: [times('imix', 1, 'imix.tcpdump', 'no slower than tcpdump -r -w')],
      prepare: () => {
        const work = workspace.est64(packets, CONNECTIONS, SIZES_IMIX);
        const inputs = inputsOf(work);
        return filling(sizeOf(inputs), [
          simple('imix', () => workspace.replay(workspace.rulesPath, inputs)),
          ...peersOf('imix', work, workspace),
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
      prepare: () => tenMillion(workspace.est64(scale.longPackets, CONNECTIONS), workspace),
    },
    {
      name: 'connections',
      about: `${formatNumber(scale.manyConnections)} concurrent connections`,
      needs: ['est64'],
      rounds: LONG_ROUNDS,
      goals: [
        times('connections', 2.5, 'est64.settled', 'at most 2.5 × the cost with 10,000 connections'),
        fixed('connections.bytes', CONNECTION_BYTES, 'at most 256 bytes per connection'),
      ],
      prepare: () => [manyConnections('connections', scale.manyConnections, packets, workspace)],
    },
    {
      name: 'new',
      about: `${formatNumber(packets)} new connections, rules of pcaps/docker`,
      needs: [],
      goals: [fixed('new', 700, 'at most 700 ns')],
      prepare: () => {
        const inputs = [{ iface: 'eth0', path: workspace.newConnections(packets) }];
        const bytes = sizeOf(inputs) + packets * CONNECTION_BYTES;
        return filling(bytes, [simple('new', () => workspace.replay(workspace.rulesPath, inputs))]);
      },
    },
    {
      name: 'classbench',
      about: `${formatNumber(scale.headers)} new connections against 10,000 ClassBench rules, and against 10`,
      needs: [],
      goals: [times('classbench', 1.5, 'classbench.ten', 'at most 1.5 × the cost with 10 rules')],
      prepare: () => {
        const inputs = [{ iface: 'docker0', path: workspace.classbenchHeaders(scale.headers) }];
        const [many, ten] = [10_000, 10].map((count) => workspace.classbenchRules(count));
        return filling(sizeOf(inputs) + scale.headers * CONNECTION_BYTES, [
          simple('classbench', () => workspace.replay(many, inputs), '10,000 rules'),
          simple('classbench.ten', () => workspace.replay(ten, inputs), '10 rules'),
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
        times('stream.peak', 1.1, 'stream.half-way', 'constant: at most 1.1 × the value at half time'),
      ],
      prepare: () => [stream(scale.streamBytes, workspace)],
    },
    {
      name: 'start',
      about: 'nfreplay replay of 10 packets, the whole process, minus `node -e 0`',
      needs: [],
      goals: [fixed('start', 150, 'at most 150 ms more than node -e 0')],
      prepare: () => [start(inputsOf(workspace.est64(10, 2)), workspace)],
    },
    {
      name: 'ready',
      about: 'parse and build a ruleset of 50,000 rules, and forward the first packet',
      needs: [],
      goals: [fixed('ready', 1000, 'under 1 s')],
      prepare: () => {
        const rulesPath = workspace.rules('rules-50000', missingRules(50_000));
        return [
          { series: [{ key: 'ready', title: 'nfreplay', unit: 'ms' }], run: async () => [workspace.ready(rulesPath)] },
        ];
      },
    },
  ];
}

/** Measures only the nanoseconds per packet of a whole replay. */
export function simple(key: string, replay: () => ReplayResult, title = 'nfreplay'): Contender {
  return {
    series: [{ key, title, unit: 'ns' }],
    run: async () => {
      const { durationMs, read } = replay();
      return [nsOf(durationMs, read)];
    },
  };
}

function established(key: string, work: Est64, workspace: Workspace): Contender {
  const settling = settlingPackets(work.connections);
  return {
    series: [
      { key, title: 'nfreplay', unit: 'ns' },
      { key: `${key}.settled`, title: '  once all connections are settled', unit: 'ns' },
      { key: `${key}.cpu`, title: '  CPU time of all threads', unit: 'ns' },
      { key: `${key}.peak`, title: '  peak memory', unit: 'MiB' },
    ],
    run: async () => {
      const result = workspace.replay(workspace.rulesPath, inputsOf(work), { settlingPackets: settling });
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

function wholeCommand(row: string, work: Est64, workspace: Workspace): Contender {
  return {
    series: [{ key: `${row}.command`, title: '  the whole command, including start-up and lists', unit: 'ns' }],
    run: async () => [nsOf(workspace.replayCommand(inputsOf(work)), work.packets)],
  };
}

/** Measures the cost per packet with CONNECTIONS, once all are settled, over at least MIN_PACKETS packets. */
export function manyConnections(key: string, connections: number, minPackets: number, workspace: Workspace): Contender {
  const settling = settlingPackets(connections);
  const packets = settling + Math.max(minPackets, SETTLED_PACKETS * connections);
  const work = workspace.est64(packets, connections);
  return {
    fillsBytes: sizeOf(inputsOf(work)) + connections * CONNECTION_BYTES,
    series: [
      { key, title: 'nfreplay, once all connections are settled', unit: 'ns' },
      { key: `${key}.bytes`, title: '  memory per connection', unit: 'bytes' },
      { key: `${key}.peak`, title: '  peak memory', unit: 'MiB' },
    ],
    run: async () => {
      const result = workspace.replay(workspace.rulesPath, inputsOf(work), { settlingPackets: settling });
      return [nsOf(result.settledMs, packets - settling), result.connectionBytes, result.peakMiB];
    },
  };
}

function tenMillion(work: Est64, workspace: Workspace): Contender[] {
  const inputs = inputsOf(work);
  return filling(sizeOf(inputs), [
    simple('ten-million', () => workspace.replay(workspace.rulesPath, inputs)),
    wholeCommand('ten-million', work, workspace),
    ...tcpdumpOf('ten-million', work, workspace.dir),
  ]);
}

function stream(bytes: number, workspace: Workspace): Contender {
  return {
    series: [
      { key: 'stream', title: 'nfreplay', unit: 'ns' },
      { key: 'stream.half-way', title: '  peak resident memory in the first half', unit: 'MiB' },
      { key: 'stream.peak', title: '  peak resident memory', unit: 'MiB' },
    ],
    run: async () => {
      const { durationMs, read, rssMiB } = workspace.replayStream(bytes);
      const half = rssMiB.slice(0, Math.max(1, rssMiB.length >> 1));
      return [nsOf(durationMs, read), Math.max(...half), Math.max(...rssMiB)];
    },
  };
}

function start(inputs: readonly Input[], workspace: Workspace): Contender {
  return {
    series: [
      { key: 'start', title: 'nfreplay, minus node -e 0', unit: 'ms' },
      { key: 'start.node', title: 'node -e 0', unit: 'ms', isForeign: true },
    ],
    run: async () => {
      let nodeMs = 0;
      let commandMs = 0;
      for (let i = 0; i < STARTS; i++) {
        nodeMs += runProgram(process.execPath, ['-e', '0']).durationMs / STARTS;
        commandMs += workspace.replayCommand(inputs) / STARTS;
      }
      return [commandMs - nodeMs, nodeMs];
    },
  };
}
