/** What matches keep from packet to packet: limit's credit, statistic's counter. */
import type { Packet } from '../../packet.js';
import type { RuleContext } from '../context.js';
import type { Match, Rule, Table } from '../model.js';

/**
 * One match of one rule, with what it has seen. Each `ask` changes it, so a packet that comes by asks exactly once: in
 * a chain that a packet passes twice, twice, as in the kernel.
 *
 * Whoever wants to know an answer before the rules are run calls `predict`. That answer stands: it is given again to
 * whoever wants to know, and when the rules of the same packet come to this match they get it, and nothing changes
 * again. So a way that is given up half-way, and taken again from its start, asks nothing twice. But asked it was:
 * predict only where the rules, if they are run, come here as well.
 */
export interface MatchState {
  /** Does PACKET match? */
  ask(packet: Packet): boolean;
  /** What `ask` will say when it comes to that, if it does, while the same packet is dealt with. */
  predict(packet: Packet): boolean;
  /** Where in the memory of the connections the state is, if it is there (flat-state.ts). */
  readonly at?: number;
}

/**
 * A state that is kept in a function: ANSWER says whether a packet matches, and changes what the next one will be told.
 */
export class FunctionState implements MatchState {
  readonly #context: RuleContext;
  readonly #answer: (packet: Packet) => boolean;
  /** The packet of which an answer was predicted, and which; null: none, or taken. */
  #packetNumber = -1;
  #predicted: boolean | null = null;

  constructor(context: RuleContext, answer: (packet: Packet) => boolean) {
    this.#context = context;
    this.#answer = answer;
  }

  ask(packet: Packet): boolean {
    const predicted = this.#predicted;
    if (predicted === null || this.#packetNumber !== this.#context.packetNumber) return this.#answer(packet);
    this.#predicted = null;
    return predicted;
  }

  predict(packet: Packet): boolean {
    const { packetNumber } = this.#context;
    if (this.#predicted === null || this.#packetNumber !== packetNumber) this.#predicted = this.#answer(packet);
    this.#packetNumber = packetNumber;
    return this.#predicted;
  }
}

/**
 * TABLE with the states of its matches, as they are before the first packet: for one host, in whatever way it is run
 * there.
 */
export function withStates(table: Table, context: RuleContext): Table {
  const hasState = ({ matches }: Rule): boolean => matches.some(({ extension }) => extension.createState !== undefined);
  if (!table.rules.some(hasState)) return table;
  const rules = table.rules.map((rule) => {
    if (!hasState(rule)) return rule;
    const matches = rule.matches.map((match): Match => {
      const state = match.extension.createState?.(match.params, context);
      return state === undefined ? match : { ...match, state };
    });
    return { ...rule, matches };
  });
  const chains = table.chains.map((chain) => ({ ...chain, rules: chain.rules.map(({ index }) => rules[index]) }));
  return { ...table, chains, rules };
}
