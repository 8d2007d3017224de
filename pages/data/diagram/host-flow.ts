/** How many packets went where in the host: what its picture is filled with. */

import {
  type RelatedTraversal,
  type RulesSection,
  type Traversal,
  type TraversalStep,
  VERDICTS,
} from '../../../explain/report/format/model.js';
import type { Place, Station } from '../../../explain/report/format/places.js';
import type { Verdict } from '../../../explain/story/story.js';

/** Packets by what became of them, in the order of VERDICTS; behind these, answers and copies: what the host sent because. */
export type Amounts = Float64Array;
export const STRANDS = [...VERDICTS, 'answers'] as const;
export type Strand = (typeof STRANDS)[number];
export const ANSWERS = VERDICTS.length;

export interface HostFlow {
  /** Of a pair of stations, what went from one to the other. */
  readonly edges: ReadonlyMap<string, Edge>;
  readonly places: ReadonlyMap<Place, PlaceFlow>;
}

export interface Edge {
  readonly from: Station;
  readonly to: Station;
  readonly amounts: Amounts;
}

/** What a station or hook entry saw. */
export interface PlaceFlow {
  readonly amounts: Amounts;
  /** What ended there: packets that were dropped, rejected, held or skipped, and answers of which one was dropped. */
  readonly ended: Amounts;
  /** Why, the most frequent first. */
  readonly causes: readonly Cause[];
  /** How many packets matched each rule there, the most frequent first. */
  readonly rules: readonly (readonly [rule: number, packets: number])[];
  /** How many packets were in each chain there, the most frequent first. */
  readonly chains: readonly (readonly [chain: number, packets: number])[];
  /** What conntrack said there, and how many it was said of. */
  readonly states: ReadonlyMap<string, number>;
  /** Packets of which an end was translated there. */
  readonly translated: number;
}

/** Packets with one verdict that one thing decided about. */
export interface Cause {
  readonly decider: Traversal['decider'];
  readonly verdict: Verdict;
  readonly packets: number;
  /** They are answers and copies. */
  readonly isOfAnswers: boolean;
}

/** All steps of TRAVERSAL, in order. */
export function stepsOf({ stages }: Traversal): TraversalStep[] {
  return stages.flatMap(({ steps }) => steps);
}

/** What PACKETS, how many took each of TRAVERSALS, fill the picture with. */
export function hostFlow(
  traversals: readonly Traversal[],
  packets: Float64Array,
  { rules }: Pick<RulesSection, 'rules'>,
): HostFlow {
  const edges = new Map<string, Edge>();
  const places = new Map<Place, PlaceCount>();
  const placeAt = (place: Place): PlaceCount => {
    let count = places.get(place);
    if (count === undefined) {
      count = {
        ...{ amounts: noAmounts(), ended: noAmounts(), translated: 0 },
        ...{ causes: new Map(), rules: new Map(), chains: new Map(), states: new Map() },
      };
      places.set(place, count);
    }
    return count;
  };
  const countStep = (count: PlaceCount, step: TraversalStep, chains: Set<number>, some: number): void => {
    if (step.kind === 'rule' && step.isMatched) add(count.rules, step.rule, some);
    if (step.kind === 'rule') chains.add(rules[step.rule].chain);
    if (step.kind === 'policy') chains.add(step.chain);
    if (step.kind === 'tracked') add(count.states, step.ctstate, some);
    if (isTranslation(step)) count.translated += some;
  };
  const countAll = (traversal: Traversal | RelatedTraversal, some: number, strand: number): void => {
    const { course } = traversal;
    const steps = stepsOf(traversal);
    const seen = new Set<Place>();
    let before: Station | undefined;
    for (const { station, place, from, to } of course) {
      if (before !== undefined && before !== station) {
        const name = edgeName(before, station);
        if (!edges.has(name)) edges.set(name, { from: before, to: station, amounts: noAmounts() });
        edges.get(name)!.amounts[strand] += some;
      }
      before = station;
      for (const one of [station, place]) {
        if (seen.has(one)) continue;
        seen.add(one);
        placeAt(one).amounts[strand] += some;
      }
      const chains = new Set<number>();
      for (const step of steps.slice(from, to)) countStep(placeAt(place), step, chains, some);
      for (const chain of chains) add(placeAt(place).chains, chain, some);
    }
    const { verdict, decider, related } = traversal;
    if (ENDS.includes(verdict)) {
      const { station, place } = course.at(-1)!;
      const isOfAnswers = strand === ANSWERS;
      const key = `${verdict} ${isOfAnswers} ${JSON.stringify(decider)}`;
      for (const one of new Set([station, place])) {
        const { ended, causes } = placeAt(one);
        ended[strand] += some;
        causes.set(key, { decider, verdict, isOfAnswers, packets: some + (causes.get(key)?.packets ?? 0) });
      }
    }
    for (const one of related) countAll(one, some, ANSWERS);
  };
  for (const [i, traversal] of traversals.entries()) {
    if (packets[i] > 0) countAll(traversal, packets[i], VERDICTS.indexOf(traversal.verdict));
  }
  return { edges, places: new Map([...places].map(([place, count]) => [place, sorted(count)])) };
}

/** What a place has of everything, while it is counted. */
interface PlaceCount {
  readonly amounts: Amounts;
  readonly ended: Amounts;
  readonly causes: Map<string, Cause>;
  readonly rules: Map<number, number>;
  readonly chains: Map<number, number>;
  readonly states: Map<string, number>;
  translated: number;
}

function sorted({ causes, rules, chains, ...rest }: PlaceCount): PlaceFlow {
  const most = (counts: ReadonlyMap<number, number>) => [...counts].sort((a, b) => b[1] - a[1]);
  return {
    ...rest,
    causes: [...causes.values()].sort((a, b) => b.packets - a.packets),
    rules: most(rules),
    chains: most(chains),
  };
}

const noAmounts = (): Amounts => new Float64Array(STRANDS.length);

/** How many packets and answers FLOW saw; it is absent where none came. */
export function seenBy(flow: PlaceFlow | undefined): number {
  return flow ? sumOf(flow.amounts) : 0;
}

export function sumOf(amounts: Amounts): number {
  return amounts.reduce((sum, one) => sum + one, 0);
}

export function edgeName(from: Station, to: Station): string {
  return `${from} > ${to}`;
}

/** Verdicts with which a packet ends inside of the host, instead of leaving or reaching it. */
const ENDS: readonly Verdict[] = ['dropped', 'rejected', 'held', 'skipped'];

function add<Key>(counts: Map<Key, number>, key: Key, packets: number): void {
  counts.set(key, (counts.get(key) ?? 0) + packets);
}

/** By the binding of a connection, or by a rule of nat, all of which do nothing else besides their verdict. */
function isTranslation(step: TraversalStep): boolean {
  return step.kind === 'translated' || (step.kind === 'rule' && step.table === 'nat' && step.effects.length > 0);
}
