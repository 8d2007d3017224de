/** State that matches keep between packets: limit's credit, statistic's counter. */
import type { Packet } from '../../packet.js';
import type { RuleContext } from '../context.js';
import { askedMatches } from '../lower.js';
import type { Match, Rule, Table } from '../model.js';
import { unaskedState } from './unasked.js';

/**
 * The state of one match in one rule. Every call of `matches` changes it, so it is called once each time a packet
 * reaches the match (twice in a chain that the packet traverses twice, as in the kernel).
 *
 * `predict` returns the result before the rules are run. It is idempotent for the same packet, and when the rules then
 * reach the match, `matches` returns the predicted result without changing the state again. So an abandoned attempt on
 * the fast path does not count twice. However, predicting does change the state: only predict if the rules, when run,
 * are sure to reach the match.
 */
export interface MatchState {
  /** Whether PACKET matches. Changes the state. */
  matches(packet: Packet): boolean;
  /** What `matches` will return for the same packet, if it is called. */
  predict(packet: Packet): boolean;
  /** Address of the state in the connections' memory, if it is there (flat-state.ts). */
  readonly at?: number;
  /** Takes back its memory. Called when its rule is gone. */
  release?(): void;
  /** Present if it looks packets up in sets. */
  readonly lookup?: Lookup;
}

/** How a match looks packets up in a set. */
export interface Lookup {
  /** The name of the set. */
  readonly set: string;
  /**
   * Whether the answer is the same for all packets of a connection until the set changes, and asking changes nothing.
   * It is not if it counts packets, compares such counts, or looks at more than the connection fixes. May change when
   * the set does.
   */
  readonly isPure: boolean;
  /** Whether the answer is known before the rules are run. It is not if it depends on the mark. May change, too. */
  readonly isPredictable: boolean;
  /** The answer about PACKET, if it is pure and predictable. */
  answer(packet: Packet): boolean;
}

/** A state kept in a closure: MATCHES returns whether a packet matches, and updates the state. */
export class FunctionState implements MatchState {
  readonly #context: RuleContext;
  readonly #matches: (packet: Packet) => boolean;
  /** The packet whose result was predicted, and the result; null if there is none or it was used. */
  #packetNumber = -1;
  #predicted: boolean | null = null;

  constructor(context: RuleContext, matches: (packet: Packet) => boolean) {
    this.#context = context;
    this.#matches = matches;
  }

  matches(packet: Packet): boolean {
    const predicted = this.#predicted;
    if (predicted === null || this.#packetNumber !== this.#context.packetNumber) return this.#matches(packet);
    this.#predicted = null;
    return predicted;
  }

  predict(packet: Packet): boolean {
    const { packetNumber } = this.#context;
    if (this.#predicted === null || this.#packetNumber !== packetNumber) this.#predicted = this.#matches(packet);
    this.#packetNumber = packetNumber;
    return this.#predicted;
  }
}

/**
 * TABLE with match states, for one host: those of the rule in force that KEPT returns for one of its rules, otherwise
 * fresh ones.
 */
export function withStates(table: Table, context: RuleContext, kept?: (rule: Rule) => Rule | undefined): Table {
  const hasState = ({ matches, unsupported }: Rule): boolean =>
    unsupported !== undefined || matches.some(({ extension }) => extension.createState !== undefined);
  if (!table.rules.some(hasState)) return table;
  const rules = table.rules.map((rule) => {
    if (!hasState(rule)) return rule;
    const asked = askedMatches(rule);
    const old = kept?.(rule)?.matches;
    context.createsFor?.(rule);
    const matches = rule.matches.map((match, i): Match => {
      const create = i < asked ? match.extension.createState : undefined;
      const state = create && (old?.[i]?.state ?? create.call(match.extension, match.params, context));
      return state === undefined ? match : { ...match, state };
    });
    const unasked = unaskedState(rule, table, context);
    return unasked === undefined ? { ...rule, matches } : { ...rule, matches, unasked };
  });
  const chains = table.chains.map((chain) => ({ ...chain, rules: chain.rules.map(({ index }) => rules[index]) }));
  return { ...table, chains, rules };
}

/** Creates what the rules of a table, in the order in which they are loaded, share by name. */
export function shareStates({ rules }: Table, context: RuleContext): void {
  for (const { matches } of rules) {
    for (const { extension, params } of matches) extension.share?.(params, context);
  }
}

/** Takes back the memory of the match states of BEFORE that AFTER, which takes its place, does not have. */
export function releaseStates(before: Table, after: Table | undefined): void {
  const kept = new Set(after?.rules.flatMap(({ matches }) => matches.map(({ state }) => state)));
  for (const { matches } of before.rules) {
    for (const { state } of matches) if (state !== undefined && !kept.has(state)) state.release?.();
  }
}
