/**
 * The kernel's checks of a whole table: loops, and extensions in the wrong table or hook (mark_source_chains,
 * xt_check_…).
 */
import type { Family } from '../../../codecs/address.js';
import type { Word } from '../../../codecs/iptables-save.js';
import { HOOK_NAMES, type Hook, type TableName, type Verdict } from '../../hooks.js';
import { isUnconditional } from '../base-match.js';
import type { Extension, KernelError, RuleSite } from '../extension.js';
import type { RuleDraft } from './command.js';
import { RuleFault } from './error.js';
import type { KernelObjects } from './kernel-objects.js';

export interface ChainDraft {
  readonly name: string;
  readonly hook: Hook | undefined;
  policy: Verdict;
  /** As in `Chain`. */
  line: number;
  file?: string;
  isAbsent?: boolean;
  isUncounted?: boolean;
  readonly rules: RuleDraft[];
}

/** Finds the word of match MATCH of a rule or, if undefined, of its target. */
export type WordFinder = (draft: RuleDraft, match?: number) => Word;

/** What the kernel refuses, with its error. */
export class KernelFault extends RuleFault {
  constructor(
    word: Word,
    { what, expected }: Pick<Refusal, 'what' | 'expected'>,
    readonly error: KernelError,
  ) {
    super(word, what, expected);
  }
}

/** How many chains of a loop an error names. */
const MAX_LOOP_SHOWN = 8;

interface CheckedTable {
  readonly name: TableName;
  readonly family: Family;
  /** Whether its rules are those of nf_tables. */
  readonly isNft: boolean;
}

/** The depth to which nf_tables lets chains jump or go to each other (NFT_JUMP_STACK_SIZE). */
const NFT_DEPTH = 16;

/** Throws a KernelFault if chains are nested too deep for nf_tables, as a loop of them is too (nft_chain_validate). */
function checkNftDepth(drafts: readonly ChainDraft[], wordOf: WordFinder): void {
  const chains = new Map(drafts.map((chain) => [chain.name, chain]));
  /** The greatest depth at which each chain was visited. */
  const visited = new Map<string, number>();
  const visit = (chain: ChainDraft, path: readonly string[]): void => {
    if (path.length <= (visited.get(chain.name) ?? -1)) return;
    visited.set(chain.name, path.length);
    for (const draft of chain.rules) {
      const { target } = draft;
      if (target.kind !== 'jump' && target.kind !== 'goto') continue;
      const next = [...path, target.chain];
      if (next.length >= NFT_DEPTH) {
        const isLoop = new Set(next).size < next.length;
        const what = isLoop
          ? `loop of chains: ${describeLoop(path, target.chain)}`
          : 'chains that call each other too deep';
        const expected = isLoop ? '' : `at most ${NFT_DEPTH - 1} below a base chain, as in nf_tables`;
        throw new KernelFault(wordOf(draft), { what, expected }, 'ELOOP');
      }
      visit(chains.get(target.chain)!, next);
    }
  };
  for (const chain of drafts) if (chain.hook !== undefined) visit(chain, []);
}

/**
 * Throws a RuleFault if the kernel would refuse the table. LOAD_ORDER: its chains in the order in which the kernel
 * looks at them.
 */
export function checkTable(
  { name: table, family, isNft }: CheckedTable,
  loadOrder: readonly ChainDraft[],
  objects: KernelObjects,
  wordOf: WordFinder,
): void {
  if (isNft) checkNftDepth(loadOrder, wordOf);
  const reach = reachableHooks(new Map(loadOrder.map((chain) => [chain.name, chain])), wordOf, isNft);
  for (const chain of loadOrder) {
    const hooks = reach.get(chain.name);
    chain.rules.forEach((draft, i) => {
      const { matches, target, base } = draft;
      if (matches.length === 0 && target.kind !== 'extension') return;
      const reached = hooks?.[i] ?? 0;
      // Extensions of nf_tables rules only see the hook of their own chain.
      const own = isNft ? hookBit(chain) : reached;
      const site: RuleSite = { table, family, hooks: own, base, matches, objects, isNft };
      for (let j = 0; j < matches.length; j++) {
        const refusal = refusalOf(matches[j].extension, matches[j].params, site, reached);
        if (refusal !== undefined) throw new KernelFault(wordOf(draft, j), refusal, refusal.error);
      }
      if (target.kind !== 'extension') return;
      const refusal = refusalOf(target.extension, target.params, site, reached);
      if (refusal !== undefined) throw new KernelFault(wordOf(draft), refusal, refusal.error);
    });
  }
}

function hookBit({ hook }: ChainDraft): number {
  return hook === undefined ? 0 : 1 << hook;
}

interface Refusal {
  readonly what: string;
  readonly expected: string;
  readonly error: KernelError;
}

/** Why the kernel refuses EXTENSION in a rule that can be reached from the hooks REACHED. */
function refusalOf(
  extension: Extension<unknown>,
  params: unknown,
  site: RuleSite,
  reached: number,
): Refusal | undefined {
  const { name, tables, hooks } = extension;
  if (tables !== undefined && !tables.includes(site.table)) {
    const expected = `the table ${tables.join(', ')}`;
    return { what: `${name} cannot be used in the table ${site.table}`, expected, error: 'EINVAL' };
  }
  const wrong = hooks && HOOK_NAMES.find((_, hook) => ((reached >> hook) & 1) !== 0 && !hooks.includes(hook as Hook));
  if (hooks !== undefined && wrong !== undefined) {
    const expected = hooks.map((hook) => HOOK_NAMES[hook]).join(' or ');
    return { what: `${name} cannot be reached from ${wrong}`, expected: `only ${expected}`, error: 'EINVAL' };
  }
  const refusal = extension.refuse?.(params, site);
  if (refusal === undefined) return undefined;
  return typeof refusal === 'string' ? { what: refusal, expected: '', error: 'EINVAL' } : { ...refusal, expected: '' };
}

/**
 * The hooks from which each rule can be reached, as bits, by chain and position. Excludes rules after one that ends the
 * chain for all packets, at which nf_tables does not look.
 */
function reachableHooks(
  chains: ReadonlyMap<string, ChainDraft>,
  wordOf: WordFinder,
  isNft: boolean,
): ReadonlyMap<string, Uint8Array> {
  const reach = new Map([...chains.values()].map((chain) => [chain.name, new Uint8Array(chain.rules.length)]));
  for (const { name, hook } of chains.values()) {
    if (hook === undefined) continue;
    const done = new Set<string>();
    const path = new Set([name]);
    // No recursion, as a file may nest chains deeper than the call stack.
    const stack = [{ name, at: 0 }];
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      const draft = chains.get(top.name)!.rules[top.at];
      if (draft !== undefined) {
        reach.get(top.name)![top.at++] |= 1 << hook;
        const { target } = draft;
        if (target.kind === 'jump' || target.kind === 'goto') {
          if (path.has(target.chain)) {
            const what = `loop of chains: ${describeLoop([...path], target.chain)}`;
            throw new KernelFault(wordOf(draft), { what, expected: '' }, 'ELOOP');
          }
          if (!done.has(target.chain)) {
            path.add(target.chain);
            stack.push({ name: target.chain, at: 0 });
          }
        }
        const endsChain =
          !isNft && target.kind === 'verdict' && draft.matches.length === 0 && isUnconditional(draft.base);
        if (!endsChain) continue;
      }
      done.add(top.name);
      path.delete(top.name);
      stack.pop();
    }
  }
  return reach;
}

/** The chains of PATH from FIRST on, which the last one calls; those in the middle are left out if there are many. */
function describeLoop(path: readonly string[], first: string): string {
  const loop = [...path.slice(path.indexOf(first)), first];
  const left = loop.length - MAX_LOOP_SHOWN;
  const shown = left <= 0 ? loop : [...loop.slice(0, 4), `… (${left} more)`, ...loop.slice(4 + left)];
  return shown.join(' → ');
}
