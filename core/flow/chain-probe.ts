/**
 * Long chains, written down for wasm/flow/probe.ts: which of their rules is the first that a packet matches. Where that rule ends the
 * packet's way through the chain, a class need not be narrowed by all the others: it asks.
 */
import type { Memory } from '../memory.js';
import type { RuleContext } from '../rules/context.js';
import { indexChain } from '../rules/index/index-fields.js';
import { LAST_WORD, RULE_SHIFT, type RuleWords, ruleWordsOf } from '../rules/index/rule-words.js';
import type { Chain } from '../rules/model.js';

export { PLACE_WORDS } from '../rules/index/interval-lists.js';
// What the code in wasm/ needs of these; a connection's record has a PROTOCOL as well.
export {
  DESTINATION,
  DPORT,
  IN_DEV,
  LAST_WORD,
  OUT_DEV,
  PROTOCOL as PROTOCOL_FIELD,
  RULE_SHIFT,
  SOURCE,
  SPORT,
  STATES,
} from '../rules/index/rule-words.js';

/** Shorter chains narrow a class little. */
const LEAST_RULES = 200;

/**
 * A chain in memory, in words: how many rules and lists it has, and where the words of its rules are (LAST_WORD: 1 where more
 * than words is to be asked); then its lists. A list: the field that it is of, -1: all packets; the field that its places say
 * something about; how to find a value's part of it (see IntervalLists: lowest, shift, blocks, starts, offsets); where its data is.
 */
export const PROBE_RULES = 0;
export const PROBE_LISTS = 1;
export const PROBE_WORDS_AT = 2;
export const PROBE_HEADER_WORDS = 4;
export const PROBE_LIST_WORDS = 8;
export const PROBE_FIELD = 0;
export const PROBE_SECOND = 1;
export const PROBE_LOWEST = 2;
export const PROBE_SHIFT = 3;
export const PROBE_BLOCKS = 4;
export const PROBE_STARTS = 5;
export const PROBE_OFFSETS = 6;
export const PROBE_DATA_AT = 7;

/** Instead of a field: a list of all packets; PROBE_BLOCKS is then how many words its data has. */
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
    const lists = byField.flatMap(({ field, second, lists: { data, layout } }) => [
      field,
      second,
      layout.lowest,
      layout.shift,
      layout.blocks,
      layout.startsAt,
      layout.offsetsAt,
      this.#store(data),
    ]);
    const anyList = [PROBE_ANY_FIELD, anywaySecond, 0, 0, anyway.length, 0, 0, this.#store(anyway)];
    const header = [rules.length, byField.length + 1, this.#store(words), 0];
    return this.#store(Int32Array.from([...header, ...lists, ...anyList]));
  }

  #store(words: Int32Array): number {
    const at = this.#memory.allocateSmall(Math.ceil(words.length / 2) * 8);
    new Int32Array(this.#memory.buffer, at, words.length).set(words);
    return at;
  }
}
