/** How deeply the chains of a table are nested. */
import type { Chain, Table } from '../model.js';

/** Generated code calls a chain from a chain. The call stack has room for several thousands of such calls. */
const MAX_DEPTH = 250;

/** Whether a packet may be in more than MAX_DEPTH chains of TABLE at once, or reach one by as many `-g` in a row. */
export function isDeep(table: Table): boolean {
  if (table.chains.length <= MAX_DEPTH) return false;
  const chains = new Map(table.chains.map((chain) => [chain.name, chain]));
  /** By chain: how many chains deep it is, itself included. */
  const depths = new Map<Chain, number>();
  for (const chain of table.chains) {
    if (chain.hook !== undefined && depthOf(chain, chains, depths) > MAX_DEPTH) return true;
  }
  return false;
}

function depthOf(top: Chain, chains: ReadonlyMap<string, Chain>, depths: Map<Chain, number>): number {
  const stack = [{ chain: top, at: 0, depth: 1 }];
  for (;;) {
    const frame = stack[stack.length - 1];
    const { chain } = frame;
    let called: Chain | undefined;
    while (called === undefined && frame.at < chain.rules.length) {
      const { target } = chain.rules[frame.at++];
      if (target.kind !== 'jump' && target.kind !== 'goto') continue;
      const next = chains.get(target.chain)!;
      const known = depths.get(next);
      if (known === undefined) called = next;
      else frame.depth = Math.max(frame.depth, known + 1);
    }
    if (called !== undefined) {
      stack.push({ chain: called, at: 0, depth: 1 });
      continue;
    }
    depths.set(chain, frame.depth);
    stack.pop();
    const caller = stack[stack.length - 1];
    if (caller === undefined) return frame.depth;
    caller.depth = Math.max(caller.depth, frame.depth + 1);
  }
}
