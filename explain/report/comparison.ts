/** What two replays did differently, for a page to show. */
import { saveRule } from '../../core/rules/save.js';
import type { Names } from '../../replay/names.js';
import type { ReplayOptions, ReplayProgress } from '../../replay/replay.js';
import {
  type DifferenceSide,
  type DifferenceSummary,
  type DiffSummary,
  diffSteps,
  type ExampleSummary,
} from '../diff/diff-summary.js';
import { DIFFERENCE_KINDS } from '../diff/kinds.js';
import { mergedRows, type SideRow } from '../diff/merged-rows.js';
import { destinationsOf, serviceName, sourcesOf } from '../diff/service-words.js';
import { formatDecider } from '../story/decider.js';
import { packetWords } from '../story/packet-words.js';
import { type Row, rowsOf } from '../story/rows.js';
import { sentWords } from '../story/sent-words.js';
import type {
  ComparedExample,
  ComparedGroup,
  ComparedRow,
  ComparedSide,
  ComparedSteps,
  Comparison,
} from './format/comparison.js';

/** Groups whose examples are traced, and groups that are listed at all; services of each. */
const TRACED = 40;
const MOST_GROUPS = 400;
const MOST_SERVICES = 20;

/**
 * Compares what two hosts, as OLD and OTHER say, do with the same captures, in short steps.
 * @throws what `replay` throws
 */
export function* comparisonSteps(
  old: ReplayOptions,
  other: ReplayOptions,
): Generator<ReplayProgress, Comparison, void> {
  return comparisonOf(yield* diffSteps(old, other, { traced: TRACED }));
}

function comparisonOf({ packets, connections, differences, names }: DiffSummary): Comparison {
  const hidden = differences.slice(MOST_GROUPS);
  return {
    compared: packets.compared,
    different: packets.different,
    connections: connections.different,
    differences: differences.slice(0, MOST_GROUPS).map((difference) => groupOf(difference, names)),
    leftOut: { groups: hidden.length, connections: hidden.reduce((sum, one) => sum + one.connections, 0) },
  };
}

function groupOf(difference: DifferenceSummary, names: Names): ComparedGroup {
  const { kind, isReply, connections, packets, following, uncertain, services } = difference;
  const listed = services.listed.slice(0, MOST_SERVICES);
  return {
    what: DIFFERENCE_KINDS[kind],
    ...{ kind, isReply, connections, packets, following, uncertain },
    old: sideOf(difference.old),
    new: sideOf(difference.new),
    services: listed.map((service) => ({
      name: serviceName(service),
      connections: service.connections,
      packets: service.packets,
      from: sourcesOf(service, names),
      to: destinationsOf(service, names),
    })),
    moreServices: services.count - listed.length,
    example: exampleOf(difference.example, names),
  };
}

function sideOf({ verdict, decider }: DifferenceSide): ComparedSide {
  const words = verdict === 'skipped' ? 'the packet does not arrive' : formatDecider(decider);
  if (decider.kind !== 'rule') return { verdict, decider: words };
  const { table, rule } = decider;
  const { chain, number, file, line } = rule;
  return { verdict, decider: words, rule: { table, chain, number, file, line, text: saveRule(rule).trim() } };
}

function exampleOf({ frame, number, file, ...example }: ExampleSummary, names: Names): ComparedExample {
  const { interface: dev, old, new: other } = example;
  const story = old ?? other;
  const [before, now] = [old, other].map((one) => (one === undefined ? [] : rowsOf(one, { names })));
  return {
    input: frame.input,
    frame: frame.number,
    place: `frame ${number} of ${file} (${dev})`,
    ...(story?.packet && { packet: packetWords(story.packet, { inDev: story.inDev }, names) }),
    steps: stepsOf(mergedRows(before, now)),
    ...(old && { oldSends: sentWords(old, names) }),
    ...(other && { newSends: sentWords(other, names) }),
  };
}

function stepsOf(rows: readonly SideRow[]): ComparedSteps[] {
  const steps: {
    hook?: NonNullable<ComparedSteps['hook']>;
    both: ComparedRow[];
    old: ComparedRow[];
    new: ComparedRow[];
  }[] = [];
  for (const { side, row } of rows) {
    const { hook } = row;
    const last = steps[steps.length - 1];
    const isNext = last === undefined || hook !== undefined || (side === 'both') !== last.both.length > 0;
    const step = isNext ? { ...(hook && { hook }), both: [], old: [], new: [] } : last;
    if (isNext) steps.push(step);
    step[side].push(rowOf(row));
  }
  return steps;
}

function rowOf({ label, text, right, tone }: Row): ComparedRow {
  const words = typeof text === 'string' ? text : [...text.tests, text.target].join(' ').trim();
  return { label, text: words, result: right, tone };
}
