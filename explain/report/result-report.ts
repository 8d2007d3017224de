/** One replay as a part of a report, finished or still under way. */

import { deflated } from '../../io/deflate.js';
import type { ReplayProgress } from '../../replay/replay.js';
import { GENERATOR } from '../../replay/result-files.js';
import type { Summary } from '../../replay/summary.js';
import { version } from '../../replay/version.js';
import type { Collector } from './collector.js';
import { type ResultIndex, type SectionKind, TRAVERSAL_COUNT_COLUMNS } from './format/model.js';
import { BYTES_ROWS } from './format/packet-bytes.js';
import { noteGroups } from './notes.js';
import type { ChosenPackets } from './packet-store.js';
import { runDetails, runWords } from './run-words.js';
import { type Chunks, columnSection, jsonSection } from './sections.js';
import { TRAVERSAL_ROWS, type Traversals } from './traversals.js';

/** The program that makes reports. */
export const REPORT_GENERATOR = (): string => `${GENERATOR} ${version()}`;

/** How far the replay has come, and at its end its summary. */
export interface ResultState {
  readonly name: string;
  readonly progress?: ReplayProgress;
  readonly summary?: Summary;
}

const ALL_IN_ONE = { chunks: 1, rows: 0 };

/** What is on the page at once about the replay of COLLECTOR, of whose packets the report has CHOSEN. */
export function resultIndex(
  collector: Collector,
  chosen: ChosenPackets,
  { name, progress, summary }: ResultState,
): ResultIndex {
  const { tuples, traversals, timeline, run } = collector;
  const { rows, details, bytes } = chosen;
  const packets = collector.packetsIndex(chosen);
  const inputs = run.names.inputs.map(({ name: input, files }) => ({ name: input, files }));
  return {
    name,
    isRunning: summary === undefined,
    ...(progress === undefined ? {} : { progress: progressOf(progress) }),
    ...(summary === undefined ? {} : { summary: withoutLists(summary) }),
    start: collector.start ?? { sec: 0, nsec: 0 },
    durationNs: collector.durationNs,
    packets,
    run: { words: runWords(summary, inputs), details: runDetails(summary, inputs) },
    notes: noteGroups(summary, packets),
    host: collector.host,
    inputs,
    names: Object.fromEntries(run.setting.names),
    numberNames: tuples.met.names,
    timeline: timeline.index,
    sections: {
      packets: extentOf(rows),
      bytes: bytes === undefined ? { chunks: 0, rows: BYTES_ROWS } : extentOf(bytes),
      traversals: { chunks: Math.ceil(traversals.all.length / TRAVERSAL_ROWS), rows: TRAVERSAL_ROWS },
      traversalCounts: ALL_IN_ONE,
      tuples: extentOf(tuples.rows),
      rules: ALL_IN_ONE,
      connections: ALL_IN_ONE,
      timeline: ALL_IN_ONE,
      events: ALL_IN_ONE,
      details: extentOf(details),
    },
  };
}

function progressOf({ packets, consumedBytes, totalBytes }: ReplayProgress): Required<ResultIndex>['progress'] {
  return { packets, consumedBytes, totalBytes };
}

/** SUMMARY without the lists that the sections have in full. */
function withoutLists(summary: Summary): Summary {
  const { connections, droppedFlows } = summary;
  return { ...summary, connections: { ...connections, listed: [] }, droppedFlows: { ...droppedFlows, listed: [] } };
}

function extentOf({ chunks, rowsPerChunk }: Chunks): { chunks: number; rows: number } {
  return { chunks, rows: rowsPerChunk };
}

export interface SectionPlace {
  readonly kind: SectionKind;
  /** Its number among those of its kind. */
  readonly number: number;
}

/** The section at a place as it is now; undefined: there is none. */
export function resultSection(
  collector: Collector,
  { rows, details, bytes }: ChosenPackets,
  { kind, number }: SectionPlace,
): Uint8Array | undefined {
  switch (kind) {
    case 'packets':
      return sectionOf(rows, number);
    case 'bytes':
      return bytes && sectionOf(bytes, number);
    case 'details':
      return sectionOf(details, number);
    default:
      return wholeSection(collector, kind, number);
  }
}

function sectionOf(of: Chunks, number: number): Uint8Array | undefined {
  return number < of.chunks ? of.section(number) : undefined;
}

/** The kinds of sections of which only a part may be in the report, and those that are always whole. */
export const CHOSEN_KINDS = ['packets', 'bytes', 'details'] as const satisfies readonly SectionKind[];
export const WHOLE_KINDS = [
  'traversals',
  'traversalCounts',
  'tuples',
  'rules',
  'connections',
  'timeline',
  'events',
] as const satisfies readonly SectionKind[];

function wholeSection(
  collector: Collector,
  kind: (typeof WHOLE_KINDS)[number],
  number: number,
): Uint8Array | undefined {
  const { tuples, traversals, timeline, connections } = collector;
  if (kind === 'tuples') return sectionOf(tuples.rows, number);
  if (kind === 'traversals') return traversalSection(traversals, number);
  if (number > 0) return undefined;
  switch (kind) {
    case 'traversalCounts':
      return columnSection(
        TRAVERSAL_COUNT_COLUMNS,
        traversals.packets.map((count, i) => [count, traversals.bytes[i]]),
      );
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
  }
}

function traversalSection(traversals: Traversals, number: number): Uint8Array | undefined {
  const chunk = traversals.chunk(number);
  return chunk && jsonSection(chunk);
}
