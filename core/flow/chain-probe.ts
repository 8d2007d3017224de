/**
 * Long chains, written down for wasm/flow/probe.ts: which of their rules is the first that a packet matches. Where that rule ends the
 * packet's way through the chain, a class need not be narrowed by all the others: it asks.
 */
import type { Memory } from '../memory.js';
import type { RuleContext } from '../rules/context.js';
import { indexChain } from '../rules/index/index-fields.js';
import { LAST_WORD, RULE_SHIFT, type RuleWords, ruleWordsOf } from '../rules/index/rule-words.js';
import type { Chain } from '../rules/model.js';
import { PROBE_CHAIN, PROBE_LIST } from './records.js';

export { PLACE_WORDS } from '../rules/index/interval-lists.js';
// What the code in wasm/ needs of these.
export { FIELD_WORDS, LAST_WORD, RULE_SHIFT, STATES } from '../rules/index/rule-words.js';

/** Shorter chains narrow a class little. */
const LEAST_RULES = 200;

/** The `field` of a PROBE_LIST (records.ts) of all packets. */
export const PROBE_ANY_FIELD = -1;

/** What a class asks of a long chain: the chain as written down, and its packets as they are when they come to it. */
export interface Probe {
  readonly chain: number;
  /** How many rules it has, and the id of the first one in traces. */
  readonly rules: number;
  readonly firstId: number;
  /** The destination is translated already. */
  readonly isLater: boolean;
  /** The interface that packets leave by, as far as rules see it there. */
  readonly outDev: number;
  /** The state of the packets, as a bit 1 << CtInfo. */
  readonly state: number;
  /** The rule that the first packet matched: its position, or `rules`. */
  readonly result: number;
}

/** Whether CHAIN is worth being asked. */
export function isLong(chain: Chain): boolean {
  return chain.rules.length >= LEAST_RULES;
}

export class ChainProbes {
  readonly #memory: Memory;
  readonly #context: RuleContext;
  readonly #known = new Map<Chain, number>();

  constructor(memory: Memory, context: RuleContext) {
    this.#memory = memory;
    this.#context = context;
  }

  /** Where CHAIN is written down. */
  of(chain: Chain): number {
    let at = this.#known.get(chain);
    if (at === undefined) {
      at = this.#write(ruleWordsOf(chain.rules, this.#context));
      this.#known.set(chain, at);
    }
    return at;
  }

  #write(rules: RuleWords): number {
    const words = rules.words.slice();
    for (let i = 0; i < rules.length; i++) words[(i << RULE_SHIFT) + LAST_WORD] = rules.rest[i] === undefined ? 0 : 1;
    const { byField, anyway, anywaySecond } = indexChain(rules);
    const memory = this.#memory;
    const lists = memory.allocateRecords(PROBE_LIST, byField.length + 1);
    for (const [
      index,
      {
        field,
        second,
        lists: { data, layout },
      },
    ] of byField.entries()) {
      const { lowest, shift, blocks, startsAt, offsetsAt } = layout;
      lists.assign(index, { field, second, lowest, shift, blocks, startsAt, offsetsAt, data: memory.storeWords(data) });
    }
    lists.assign(byField.length, {
      field: PROBE_ANY_FIELD,
      second: anywaySecond,
      blocks: anyway.length,
      data: memory.storeWords(anyway),
    });
    const chain = memory.allocateRecords(PROBE_CHAIN, 1);
    chain.assign(0, {
      rules: rules.length,
      lists: lists.count,
      listsAt: lists.start,
      ruleWords: memory.storeWords(words),
    });
    return chain.start;
  }
}
