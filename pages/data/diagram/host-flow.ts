/** How many packets went where in the host: what its picture is filled with. */
import type { TableName } from '../../../core/hooks.js';
import { courseOf, type Place, type Station, type Stop, type Tables } from '../../../explain/report/format/course.js';
import {
  type HostPicture,
  type RelatedTraversal,
  type RulesSection,
  type Traversal,
  type TraversalStep,
  VERDICTS,
} from '../../../explain/report/format/model.js';
import type { Verdict } from '../../../explain/story/story.js';

/** Packets by what became of them, in the order of VERDICTS; behind these, answers and copies: what the host sent because. */
export type Amounts = Float64Array;
export const STRANDS = [...VERDICTS, 'answers'] as const;
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

/** What a station or room saw. */
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

/** What `courseOf` and `hostFlow` ask about rules. */
export interface ChainTables extends Tables {
  readonly chainOf: (rule: number) => number;
}

export function tablesOf({ rules, chains }: RulesSection): ChainTables {
  const chainOf = (rule: number): number => rules[rule].chain;
  const ofChain = (chain: number): TableName => chains[chain].table;
  return { chainOf, ofChain, ofRule: (rule) => ofChain(chainOf(rule)) };
}

/** The number of lo. */
export function loopbackOf({ interfaces }: HostPicture): number {
  return Math.max(
    0,
    interfaces.findIndex(({ isLoopback }) => isLoopback),
  );
}

/** What PACKETS, how many took each of TRAVERSALS, fill the picture with. LOOPBACK: the number of lo. */
export function hostFlow(
  traversals: readonly Traversal[],
  packets: Float64Array,
  tables: ChainTables,
  loopback: number,
): HostFlow {
  const counter = new FlowCounter(tables, loopback);
  for (const [i, traversal] of traversals.entries()) {
    if (packets[i] > 0) counter.count(traversal, packets[i], VERDICTS.indexOf(traversal.verdict));
  }
  return counter.flow();
}

export function sumOf(amounts: Amounts): number {
  return amounts.reduce((sum, one) => sum + one, 0);
}

export function edgeName(from: Station, to: Station): string {
  return `${from} > ${to}`;
}

/** Verdicts with which a packet ends inside of the host, instead of leaving or reaching it. */
const ENDS: readonly Verdict[] = ['dropped', 'rejected', 'held', 'skipped'];

interface PlaceCount extends PlaceFlow {
  readonly causeCounts: Map<string, Cause>;
  readonly ruleCounts: Map<number, number>;
  readonly chainCounts: Map<number, number>;
  readonly states: Map<string, number>;
  translated: number;
}

class FlowCounter {
  readonly #tables: ChainTables;
  readonly #loopback: number;
  readonly #edges = new Map<string, Edge>();
  readonly #places = new Map<Place, PlaceCount>();

  constructor(tables: ChainTables, loopback: number) {
    this.#tables = tables;
    this.#loopback = loopback;
  }

  count(traversal: Traversal | RelatedTraversal, packets: number, strand: number): void {
    const course = courseOf(traversal, this.#tables, this.#loopback);
    const seen = new Set<Place>();
    for (const [i, stop] of course.entries()) {
      const before = course[i - 1]?.station;
      if (before !== undefined && before !== stop.station) this.#edge(before, stop.station)[strand] += packets;
      for (const place of new Set<Place>([stop.station, stop.place])) {
        if (seen.has(place)) continue;
        seen.add(place);
        this.#place(place).amounts[strand] += packets;
      }
      this.#countSteps(stop, traversal, packets);
    }
    if (ENDS.includes(traversal.verdict)) this.#end(course.at(-1)!, traversal, packets, strand);
    for (const related of traversal.related) this.count(related, packets, ANSWERS);
  }

  flow(): HostFlow {
    const places = [...this.#places].map(
      ([place, { causeCounts, ruleCounts, chainCounts, ...rest }]): [Place, PlaceFlow] => [
        place,
        {
          ...rest,
          causes: [...causeCounts.values()].sort((a, b) => b.packets - a.packets),
          rules: mostFirst(ruleCounts),
          chains: mostFirst(chainCounts),
        },
      ],
    );
    return { edges: this.#edges, places: new Map(places) };
  }

  #countSteps({ place, stage, from, to }: Stop, traversal: Traversal, packets: number): void {
    if (stage < 0) return;
    const count = this.#place(place);
    const chains = new Set<number>();
    for (const step of traversal.stages[stage].steps.slice(from, to)) {
      if (step.kind === 'rule' && step.isMatched) add(count.ruleCounts, step.rule, packets);
      else if (step.kind === 'tracked') add(count.states, step.ctstate, packets);
      if (step.kind === 'rule') chains.add(this.#tables.chainOf(step.rule));
      else if (step.kind === 'policy') chains.add(step.chain);
      if (isTranslation(step)) count.translated += packets;
    }
    for (const chain of chains) add(count.chainCounts, chain, packets);
  }

  #end({ station, place }: Stop, { verdict, decider }: Traversal, packets: number, strand: number): void {
    for (const one of new Set<Place>([station, place])) {
      const { ended, causeCounts } = this.#place(one);
      ended[strand] += packets;
      const key = `${verdict} ${strand === ANSWERS} ${JSON.stringify(decider)}`;
      const before = causeCounts.get(key)?.packets ?? 0;
      causeCounts.set(key, { decider, verdict, isOfAnswers: strand === ANSWERS, packets: before + packets });
    }
  }

  #edge(from: Station, to: Station): Amounts {
    const name = edgeName(from, to);
    let edge = this.#edges.get(name);
    if (edge === undefined) {
      edge = { from, to, amounts: new Float64Array(STRANDS.length) };
      this.#edges.set(name, edge);
    }
    return edge.amounts;
  }

  #place(place: Place): PlaceCount {
    let count = this.#places.get(place);
    if (count === undefined) {
      const amounts = () => new Float64Array(STRANDS.length);
      count = {
        ...{ amounts: amounts(), ended: amounts(), translated: 0, causes: [], rules: [], chains: [] },
        ...{ causeCounts: new Map(), ruleCounts: new Map(), chainCounts: new Map(), states: new Map() },
      };
      this.#places.set(place, count);
    }
    return count;
  }
}

function add<Key>(counts: Map<Key, number>, key: Key, packets: number): void {
  counts.set(key, (counts.get(key) ?? 0) + packets);
}

function mostFirst(counts: ReadonlyMap<number, number>): [number, number][] {
  return [...counts].sort((a, b) => b[1] - a[1]);
}

/** By the binding of a connection, or by a rule of nat, all of which do nothing else besides their verdict. */
function isTranslation(step: TraversalStep): boolean {
  return step.kind === 'translated' || (step.kind === 'rule' && step.table === 'nat' && step.effects.length > 0);
}
