/** What two hosts treat differently, as data: the content of `nfreplay diff --json` (docs/schema/diff.schema.json). */
import { formatLoaded } from '../../codecs/byte-order.js';
import { HOOK_NAMES, type HookName } from '../../core/hooks.js';
import { OUTCOME_NAMES } from '../../core/outcome.js';
import { listPaths } from '../../io/capture-file.js';
import { inputName, recordCaptures } from '../../replay/captures.js';
import type { Names } from '../../replay/names.js';
import type { ReplayOptions, ReplayProgress } from '../../replay/replay.js';
import { GENERATOR } from '../../replay/result-files.js';
import { assumedBy, packetCounts, warningsOf } from '../../replay/run-notes.js';
import { recordRun } from '../../replay/run-record.js';
import type { PacketCounts, RunRecord } from '../../replay/summary.js';
import { summarizeUncertain, type UncertainSummary } from '../../replay/uncertain-summary.js';
import { version } from '../../replay/version.js';
import { deciderOfDrop } from '../story/decider.js';
import type { Decider, Story, Verdict } from '../story/story.js';
import { type ComparedRuns, compareRuns, type SideRun } from './compare-runs.js';
import type { DifferenceGroup, FrameExample, GroupSide, ServiceDifference } from './differences.js';
import { storiesOf } from './examples.js';
import { type DifferenceKind, KIND_NAMES } from './kinds.js';

export const DIFF_SCHEMA = 1;
/** Services of a difference that are listed. */
const MOST_LISTED = 100;

export interface DiffSummary {
  readonly schema: typeof DIFF_SCHEMA;
  readonly generator: string;
  readonly old: DiffSideSummary;
  readonly new: DiffSideSummary;
  /** Packets read, those that arrive on either side, and those of the differences below; the connections of these. */
  readonly packets: { readonly read: number; readonly compared: number; readonly different: number };
  readonly connections: { readonly different: number };
  /** The most serious kinds first, within a kind those of the most connections. */
  readonly differences: readonly DifferenceSummary[];
  readonly names: Names;
}

export interface DiffSideSummary {
  readonly run: RunRecord;
  readonly packets: PacketCounts;
  /** Skipped packets by reason. */
  readonly skipped: Record<string, number>;
  readonly uncertain?: UncertainSummary;
  readonly assumed: string[];
  readonly warnings: string[];
}

/** Connections whose first packets that differ do so in the same way, because of the same rules. */
export interface DifferenceSummary {
  readonly kind: DifferenceKind;
  readonly isReply: boolean;
  readonly connections: number;
  readonly packets: number;
  /** Of these packets: those after the first one of their connection, and those that are uncertain. */
  readonly following: number;
  readonly uncertain: number;
  readonly old: DifferenceSide;
  readonly new: DifferenceSide;
  readonly services: { readonly count: number; readonly listed: readonly ServiceSummary[] };
  readonly example: ExampleSummary;
}

export interface DifferenceSide {
  readonly verdict: Verdict;
  readonly decider: Decider;
}

export interface ServiceSummary {
  readonly protocol: number;
  readonly port?: number;
  readonly icmp?: { readonly type: number; readonly code: number };
  readonly connections: number;
  readonly packets: number;
  /** How many different addresses; the first of each. */
  readonly sources: number;
  readonly destinations: number;
  readonly source: string;
  readonly destination: string;
}

/** The first packet of a difference. */
export interface ExampleSummary {
  /** The interface of its capture, or what stands for it, and its file. */
  readonly interface: string;
  readonly file: string;
  /** The frame's number in that file, from 1. */
  readonly number: number;
  readonly frame: FrameExample;
  /** What became of it; undefined: it does not arrive, or was not traced. */
  readonly old: Story | undefined;
  readonly new: Story | undefined;
}

export interface DiffOptions {
  /** Only these kinds. Undefined: all but decided-differently. */
  readonly only?: readonly DifferenceKind[];
  /** How many examples are traced. */
  readonly traced: number;
}

/**
 * Compares what two hosts, as OLD and OTHER say, do with the same captures, in short steps.
 * @throws as `replay` does
 */
export function* diffSteps(
  old: ReplayOptions,
  other: ReplayOptions,
  { only, traced }: DiffOptions,
): Generator<ReplayProgress, DiffSummary, void> {
  const comparesDecisions = only?.includes('decided-differently') ?? false;
  const runs = yield* compareRuns(old, other, { comparesDecisions });
  const isWanted = ({ kind }: DifferenceGroup): boolean => only === undefined || only.includes(kind);
  const groups = runs.differences.groups.filter(isWanted).sort(bySeriousness);
  const keys = groups.slice(0, traced).map(({ example }) => example.key);
  const stories = [yield* storiesOf(old, keys), yield* storiesOf(other, keys)] as const;
  const captures = recordCaptures(runs.old.prepared.inputs, runs.old.prepared.setting.host);
  return {
    schema: DIFF_SCHEMA,
    generator: `${GENERATOR} ${version()}`,
    old: sideSummary(runs.old, captures),
    new: sideSummary(runs.new, captures),
    packets: {
      read: runs.old.run.read,
      compared: runs.differences.compared,
      different: sum(groups, ({ packets }) => packets),
    },
    connections: { different: sum(groups, ({ connections }) => connections) },
    differences: groups.map((group) => summarize(group, runs, stories)),
    names: new Map([...runs.old.prepared.setting.names, ...runs.new.prepared.setting.names]),
  };
}

function bySeriousness(a: DifferenceGroup, b: DifferenceGroup): number {
  return (
    KIND_NAMES.indexOf(a.kind) - KIND_NAMES.indexOf(b.kind) ||
    b.connections - a.connections ||
    b.packets - a.packets ||
    a.example.key - b.example.key
  );
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

function sideSummary({ prepared, run }: SideRun, captures: ReturnType<typeof recordCaptures>): DiffSideSummary {
  const { options, setting, notes } = prepared;
  const uncertain = summarizeUncertain(run.emulator.uncertain, run.uncertainFrames);
  return {
    run: recordRun(options, setting, captures),
    packets: packetCounts(run),
    skipped: Object.fromEntries([...run.skipped].sort()),
    ...(uncertain === undefined ? {} : { uncertain }),
    assumed: [...assumedBy(run, setting), ...notes],
    warnings: warningsOf(run, setting, options),
  };
}

function summarize(
  group: DifferenceGroup,
  runs: ComparedRuns,
  [old, other]: readonly [ReadonlyMap<number, Story>, ReadonlyMap<number, Story>],
): DifferenceSummary {
  const { kind, isReply, connections, packets, following, uncertain, example } = group;
  const services = [...group.services.values()].sort((a, b) => b.connections - a.connections || b.packets - a.packets);
  return {
    ...{ kind, isReply, connections, packets, following, uncertain },
    old: sideOf(group.old),
    new: sideOf(group.new),
    services: { count: services.length, listed: services.slice(0, MOST_LISTED).map(serviceSummary) },
    example: { ...placeOf(example, runs.old), frame: example, old: old.get(example.key), new: other.get(example.key) },
  };
}

function serviceSummary(service: ServiceDifference): ServiceSummary {
  const { protocol, port, icmp, connections, packets, sources, destinations } = service;
  const [source] = sources;
  const [destination] = destinations;
  return {
    protocol,
    ...(port === undefined ? {} : { port }),
    ...(icmp === undefined ? {} : { icmp }),
    ...{ connections, packets, sources: sources.size, destinations: destinations.size },
    ...{ source: formatLoaded(source), destination: formatLoaded(destination) },
  };
}

function placeOf(
  { input, number }: FrameExample,
  { prepared, run }: SideRun,
): Pick<ExampleSummary, 'interface' | 'file' | 'number'> {
  const { dev, path } = prepared.inputs[input];
  let before = 0;
  for (const file of run.filesOf(input)) {
    if (number <= before + file.packets)
      return { interface: inputName(dev, prepared.setting.host), file: file.path, number: number - before };
    before += file.packets;
  }
  return { interface: inputName(dev, prepared.setting.host), file: listPaths(path)[0], number };
}

/** The last hook with a filter table of packets that were let through. */
const LAST_FILTER: Partial<Record<Verdict, HookName>> = { forwarded: 'FORWARD', sent: 'OUTPUT', delivered: 'INPUT' };

function sideOf({ outcome, decidedBy }: GroupSide): DifferenceSide {
  const verdict = outcome === undefined ? 'skipped' : OUTCOME_NAMES[outcome];
  if (decidedBy === undefined) return { verdict, decider: { kind: 'none' } };
  if ('reason' in decidedBy) return { verdict, decider: deciderOfDrop(decidedBy) };
  const { table, rule, policy } = decidedBy;
  const hook = LAST_FILTER[verdict] ?? (policy?.hook === undefined ? 'FORWARD' : HOOK_NAMES[policy.hook]);
  if (rule !== undefined) return { verdict, decider: { kind: 'rule', hook, table, rule } };
  return { verdict, decider: policy === undefined ? { kind: 'none' } : { kind: 'policy', hook, table, chain: policy } };
}
