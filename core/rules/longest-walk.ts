/** How long a packet can be on its way through a ruleset. */
import type { Chain, Ruleset, Table } from './model.js';

/**
 * The number of rules that one packet can meet in all tables together, at most. A chain counts as often as it is
 * entered, so that a few dozen chains can make billions, as in the kernel.
 */
export function mostRulesMet({ tables }: Ruleset): number {
  return tables.reduce((sum, table) => sum + mostInTable(table), 0);
}

function mostInTable(table: Table): number {
  const chains = new Map(table.chains.map((chain) => [chain.name, chain]));
  const found = new Map<Chain, number>();
  let sum = 0;
  for (const chain of table.chains) if (chain.hook !== undefined) sum += mostInChain(chain, chains, found);
  return sum;
}

/** FOUND has the results of other chains. No recursion, as chains may be nested deeper than the call stack. */
function mostInChain(first: Chain, chains: ReadonlyMap<string, Chain>, found: Map<Chain, number>): number {
  const stack = [{ chain: first, at: 0, sum: 0 }];
  for (;;) {
    const top = stack[stack.length - 1];
    const { rules } = top.chain;
    let entered: Chain | undefined;
    let { at } = top;
    while (entered === undefined && at < rules.length) {
      const { target } = rules[at++];
      if (target.kind !== 'jump' && target.kind !== 'goto') continue;
      const chain = chains.get(target.chain)!;
      const most = found.get(chain);
      if (most === undefined) entered = chain;
      else top.sum += most;
    }
    top.sum += at - top.at;
    top.at = at;
    if (entered !== undefined) {
      stack.push({ chain: entered, at: 0, sum: 0 });
      continue;
    }
    found.set(top.chain, top.sum);
    stack.pop();
    if (stack.length === 0) return top.sum;
    stack[stack.length - 1].sum += top.sum;
  }
}
