/** Which packets of a scan share a packet's fate. */

import type { FieldName } from '../../core/fields.js';
import type { Traversal } from '../../core/flow/traversal.js';
import { type FieldCondition, holdsFor } from '../../core/rules/condition.js';
import type { RuleContext } from '../../core/rules/context.js';
import type { Rule } from '../../core/rules/model.js';
import { commonRanges, type ValueRange } from '../../core/rules/ranges.js';
import { LAST_ADDRESS, LAST_PORT, type Outcome } from './model.js';
import type { LookedAt } from './other-packets.js';
import { portsFor } from './port-tests.js';
import { PROTOCOL_NUMBERS, type ProbePacket } from './probe-packet.js';
import { type Ends, type SetTest, setTestOf } from './set-test.js';
import { asksSets } from './stateful-results.js';

export const ANY_ADDRESS: readonly ValueRange[] = [{ min: 0, max: LAST_ADDRESS }];
export const ANY_PORT: readonly ValueRange[] = [{ min: 0, max: LAST_PORT }];

/** Packets that arrive on one interface, of one protocol, and all have the same outcome. */
export interface PacketClass {
  readonly outcome: Outcome;
  /** Any combination of these. Ascending and disjoint, in host order. */
  readonly sources: readonly ValueRange[];
  readonly destinations: readonly ValueRange[];
  readonly dports: readonly ValueRange[];
  /** In what others differ that are not told by their ends. */
  readonly lookedAt: readonly LookedAt[];
  /** The rules that look at more of them than fields: of packets from other senders, or with data, they may think otherwise. */
  readonly byContent: readonly Rule[];
  /** Nothing is known about any other packet. */
  readonly isAlone: boolean;
}

type End = keyof Ends;

/** What follows from the ends of a packet that opens a connection. */
const END_OF: Partial<Record<FieldName, readonly End[]>> = {
  source: ['source'],
  sourceMac: ['source'],
  bridgePort: ['source'],
  ctOriginalSource: ['source'],
  destination: ['destination'],
  sport: ['sport'],
  dport: ['dport'],
  content: ['source', 'destination', 'sport', 'dport'],
  socket: ['source', 'destination', 'sport', 'dport'],
};

/** The class of PACKET, of which TRAVERSAL was learned. CONTEXT: what the rules saw. LOOKED_AT: by rules. */
export function packetClass(
  packet: ProbePacket,
  outcome: Outcome,
  traversal: Traversal | undefined,
  context: RuleContext,
  lookedAt: readonly LookedAt[],
): PacketClass {
  const ends = new ClassEnds(packet);
  if (traversal === undefined || traversal.alone !== undefined) ends.pinAll();
  else {
    for (const name of ENDS) {
      const values = traversal.fields.get(name);
      if (values !== undefined) ends.narrow(name, values.ranges);
    }
    for (const condition of traversal.conditions) ends.meet(condition);
    for (const { test, asArrived } of setTestsOf(traversal, context)) ends.narrowBy(test, asArrived);
  }
  return {
    outcome,
    sources: ends.ranges('source'),
    destinations: ends.ranges('destination'),
    dports: ends.ranges('dport'),
    lookedAt,
    byContent: (traversal?.givenResults ?? [])
      .filter(({ native }) => native.check !== undefined && native.reads.some((name) => OF_SENDERS.has(name)))
      .map(({ rule }) => rule),
    isAlone: traversal?.alone !== undefined,
  };
}

/** What tests read of packets that differs by sender, or with data. */
const OF_SENDERS: ReadonlySet<FieldName> = new Set(['source', 'content', 'socket', 'ctOriginalSource'] as const);

const ENDS: readonly End[] = ['source', 'destination', 'sport', 'dport'];

/** The ends that the packets of a class may have. */
class ClassEnds {
  readonly #own: Ends;
  readonly #protocol: number;
  readonly #ranges = new Map<End, readonly ValueRange[]>();

  constructor({ source, destination, sport, dport, protocol }: ProbePacket) {
    this.#own = { source, destination, sport, dport };
    this.#protocol = PROTOCOL_NUMBERS[protocol];
  }

  ranges(name: End): readonly ValueRange[] {
    return this.#ranges.get(name) ?? (name.endsWith('port') ? ANY_PORT : ANY_ADDRESS);
  }

  narrow(name: End, ranges: readonly ValueRange[]): void {
    this.#ranges.set(name, commonRanges(this.ranges(name), ranges));
  }

  pin(name: End): void {
    const value = this.#own[name];
    this.narrow(name, [{ min: value, max: value }]);
  }

  pinAll(): void {
    for (const name of ENDS) this.pin(name);
  }

  pinRead(reads: readonly FieldName[]): void {
    for (const field of reads) for (const name of END_OF[field] ?? []) this.pin(name);
  }

  /** Keeps what meets CONDITION, which has a mask. */
  meet(condition: FieldCondition): void {
    const { field } = condition;
    if (field === 'dport')
      this.narrow(
        field,
        portsFor((port) => holdsFor(condition, port)),
      );
    else this.pinRead([field]);
  }

  narrowBy(test: SetTest, asArrived: readonly End[]): void {
    for (const [name, ranges] of test.same(this.#own, this.#protocol, asArrived)) this.narrow(name, ranges);
  }
}

interface AskedSet {
  readonly test: SetTest;
  /** The ends of the packet that it looked at as they had arrived. */
  readonly asArrived: readonly End[];
}

/** The look-ups in sets of which TRAVERSAL has the results. */
function setTestsOf({ givenResults }: Traversal, context: RuleContext): AskedSet[] {
  return givenResults.flatMap(({ rule, native, asArrived }) => {
    if (!native.reads.includes('sets')) return [];
    // Those of a rule with several are all kept to: that may say less of others than is possible.
    return rule.matches.filter(asksSets).map((match) => ({ test: setTestOf(match, context), asArrived }));
  });
}
