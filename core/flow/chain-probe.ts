/**
 * Long chains in a form for wasm/flow/probe.ts, which finds the first rule that a packet matches. If that rule ends the
 * traversal of the chain, a megaflow does not have to be narrowed by all other rules: it probes the chain.
 */
import type { MemoryArena } from '../memory-arena.js';
import type { RuleContext } from '../rules/context.js';
import { indexChain } from '../rules/index/index-fields.js';
import { LAST_WORD, type PackedRules, packedRulesOf, RULE_SHIFT } from '../rules/index/packed-rules.js';
import type { Chain } from '../rules/model.js';
import { PROBE_CHAIN, PROBE_LIST } from './records.js';

export { ENTRY_WORDS } from '../rules/index/interval-lists.js';
// Needed by the code in wasm/.
export { FIELD_WORDS, LAST_WORD, RULE_SHIFT, STATES } from '../rules/index/packed-rules.js';

/** Shorter chains hardly narrow a megaflow. */
const MIN_RULES = 200;

/** The `field` of the PROBE_LIST (records.ts) for all packets. */
export const PROBE_ANY_FIELD = -1;

/** How packets of a megaflow probe a long chain: the chain in memory, and what rules see of the packets there. */
export interface Probe {
  readonly chain: number;
  /** The number of its rules, and the trace ID of the first one. */
  readonly rules: number;
  readonly firstId: number;
  /** The packets are routed, and their destination is translated. */
  readonly isAfterRouting: boolean;
  /** The egress interface, if visible to rules at this point. */
  readonly outDev: number;
  /** The packets' state, as a bit 1 << CtInfo. */
  readonly state: number;
  /** The rule that the first packet matched: its position, or `rules` if none. */
  readonly result: number;
}

/** Whether CHAIN is long enough to probe. */
export function isLong(chain: Chain): boolean {
  return chain.rules.length >= MIN_RULES;
}

export class ChainProbes {
  readonly #arena: MemoryArena;
  readonly #context: RuleContext;
  readonly #known = new Map<Chain, number>();

  constructor(arena: MemoryArena, context: RuleContext) {
    this.#arena = arena;
    this.#context = context;
  }

  /** Forgets all chains, whose memory is taken back. */
  clear(): void {
    this.#known.clear();
  }

  /** The address of CHAIN, written to memory on first use. */
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
    const arena = this.#arena;
    const lists = arena.allocateRecords(PROBE_LIST, byField.length + 1);
    for (const [
      index,
      {
        field,
        second,
        lists: { data, layout },
      },
    ] of byField.entries()) {
      const { lowest, shift, blocks, startsAt, offsetsAt } = layout;
      lists.assign(index, { field, second, lowest, shift, blocks, startsAt, offsetsAt, data: arena.storeWords(data) });
    }
    lists.assign(byField.length, {
      field: PROBE_ANY_FIELD,
      second: unindexedSecond,
      blocks: unindexed.length,
      data: arena.storeWords(unindexed),
    });
    const chain = arena.allocateRecords(PROBE_CHAIN, 1);
    chain.assign(0, {
      rules: rules.length,
      lists: lists.count,
      listsAt: lists.start,
      ruleWords: arena.storeWords(words),
    });
    return chain.start;
  }
}
