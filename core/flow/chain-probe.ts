/**
 * Long chains, written down for wasm/flow/probe.ts: which of their rules is the first that a packet matches. Where that
 * rule ends the packet's way through the chain, a megaflow need not be narrowed by all the others: it probes the chain.
 */
import type { Memory } from '../memory.js';
import type { RuleContext } from '../rules/context.js';
import { indexChain } from '../rules/index/index-fields.js';
import { LAST_WORD, type PackedRules, packedRulesOf, RULE_SHIFT } from '../rules/index/packed-rules.js';
import type { Chain } from '../rules/model.js';
import { PROBE_CHAIN, PROBE_LIST } from './records.js';

export { ENTRY_WORDS } from '../rules/index/interval-lists.js';
// What the code in wasm/ needs of these.
export { FIELD_WORDS, LAST_WORD, RULE_SHIFT, STATES } from '../rules/index/packed-rules.js';

/** Shorter chains narrow a megaflow little. */
const LEAST_RULES = 200;

/** The `field` of a PROBE_LIST (records.ts) of all packets. */
export const PROBE_ANY_FIELD = -1;

/** How packets of a megaflow probe a long chain: the chain in memory, and what rules see of the packets there. */
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
      at = this.#write(packedRulesOf(chain.rules, this.#context));
      this.#known.set(chain, at);
    }
    return at;
  }

  #write(rules: PackedRules): number {
    const words = rules.words.slice();
    for (let i = 0; i < rules.length; i++)
      words[(i << RULE_SHIFT) + LAST_WORD] = rules.leftToCheck[i] === undefined ? 0 : 1;
    const { byField, unindexed, unindexedSecond } = indexChain(rules);
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
      second: unindexedSecond,
      blocks: unindexed.length,
      data: memory.storeWords(unindexed),
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
