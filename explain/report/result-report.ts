/** One replay as a part of a report, finished or still under way. */

import { deflated } from '../../io/deflate.js';
import type { ReplayProgress } from '../../replay/replay.js';
import { GENERATOR } from '../../replay/result-files.js';
import type { Summary } from '../../replay/summary.js';
import { version } from '../../replay/version.js';
import { type Collector, DETAIL_ROWS } from './collector.js';
import { PACKET_ROWS, type ResultIndex, type SectionKind, TRAVERSAL_COUNT_COLUMNS } from './format/model.js';
import { columnSection, jsonSection } from './sections.js';
import { TRAVERSAL_ROWS } from './traversals.js';

/** The program that makes reports. */
export const REPORT_GENERATOR = (): string => `${GENERATOR} ${version()}`;

/** How far the replay has come, and at its end its summary. */
export interface ResultState {
  readonly name: string;
  readonly progress?: ReplayProgress;
  readonly summary?: Summary;
}

const ALL_IN_ONE = { chunks: 1, rows: 0 };

/** What is on the page at once about the replay of COLLECTOR. */
export function resultIndex(collector: Collector, { name, progress, summary }: ResultState): ResultIndex {
  const { packets, tuples, traversals, details, timeline, run } = collector;
  return {
    name,
    isRunning: summary === undefined,
    ...(progress === undefined ? {} : { progress: progressOf(progress) }),
    ...(summary === undefined ? {} : { summary }),
    start: collector.start ?? { sec: 0, nsec: 0 },
    durationNs: collector.durationNs,
    packets: collector.packetsIndex,
    host: collector.host,
    inputs: run.names.inputs.map(({ name: input, files }) => ({ name: input, files })),
    names: Object.fromEntries(run.setting.names),
    timeline: timeline.index,
    sections: {
      packets: { chunks: packets.chunks, rows: PACKET_ROWS },
      bytes: { chunks: 0, rows: 0 },
      traversals: { chunks: Math.ceil(traversals.all.length / TRAVERSAL_ROWS), rows: TRAVERSAL_ROWS },
      traversalCounts: ALL_IN_ONE,
      tuples: { chunks: tuples.rows.chunks, rows: tuples.rows.rowsPerChunk },
      rules: ALL_IN_ONE,
      connections: ALL_IN_ONE,
      timeline: ALL_IN_ONE,
      events: ALL_IN_ONE,
      details: { chunks: Math.ceil(details.length / DETAIL_ROWS), rows: DETAIL_ROWS },
    },
  };
}

function progressOf({ packets, consumedBytes, totalBytes }: ReplayProgress): Required<ResultIndex>['progress'] {
  return { packets, consumedBytes, totalBytes };
}

/** Section NUMBER of a KIND, as it is now. */
export function resultSection(collector: Collector, kind: SectionKind, number: number): Uint8Array {
  const { packets, tuples, traversals, details, timeline, connections } = collector;
  switch (kind) {
    case 'packets':
      return packets.section(number);
    case 'bytes':
      throw new RangeError('no bytes');
    case 'traversals':
      return jsonSection(traversals.all.slice(number * TRAVERSAL_ROWS, (number + 1) * TRAVERSAL_ROWS));
    case 'traversalCounts':
      return columnSection(
        TRAVERSAL_COUNT_COLUMNS,
        traversals.packets.map((count, i) => [count, traversals.bytes[i]]),
      );
    case 'tuples':
      return tuples.rows.section(number);
    case 'connections':
      return connections.section();
    case 'rules':
      return jsonSection({
        ...collector.rulesNow(),
        ...{ connectionStates: connections.states, connectionTimeouts: connections.timeouts },
      });
    case 'timeline':
      timeline.settle();
      return deflated(timeline.bytes());
    case 'events':
      return jsonSection(timeline.events());
    case 'details':
      return jsonSection(details.slice(number * DETAIL_ROWS, (number + 1) * DETAIL_ROWS));
  }
}
