/** Which chains of a table the rules of others call. */
import type { Chain, Rule, Table } from './model.js';

/** A rule that calls a chain, and the chain that it is in. */
export interface Call {
  readonly chain: Chain;
  readonly rule: Rule;
}

export class ChainCalls {
  readonly #chains: ReadonlyMap<string, Chain>;

  constructor({ chains }: Table) {
    this.#chains = new Map(chains.map((chain) => [chain.name, chain]));
  }

  chainNamed(name: string): Chain | undefined {
    return this.#chains.get(name);
  }

  /** The chain that RULE calls; undefined if it calls none. */
  calledBy({ target }: Rule): Chain | undefined {
    return target.kind === 'jump' || target.kind === 'goto' ? this.#chains.get(target.chain) : undefined;
  }

  /**
   * STARTS and all chains that they lead to, each after those that it calls. ONCALL is told of every call on the way.
   * No recursion, as chains may be nested deep.
   */
  calleesFirst(starts: readonly Chain[], onCall?: (called: Chain, call: Call) => void): Chain[] {
    const order: Chain[] = [];
    const seen = new Set<Chain>();
    for (const start of starts) {
      if (seen.has(start)) continue;
      seen.add(start);
      const stack = [{ chain: start, at: 0 }];
      while (stack.length > 0) {
        const top = stack[stack.length - 1];
        const rule = top.chain.rules[top.at++];
        if (rule === undefined) {
          order.push(top.chain);
          stack.pop();
          continue;
        }
        const called = this.calledBy(rule);
        if (called === undefined) continue;
        onCall?.(called, { chain: top.chain, rule });
        if (seen.has(called)) continue;
        seen.add(called);
        stack.push({ chain: called, at: 0 });
      }
    }
    return order;
  }
}
