/** A table of a ruleset that a command changes: its chains and rules with their counters, and where each rule was. */
import type { Family } from '../../../codecs/address.js';
import { compareBytes } from '../../../codecs/text.js';
import { HOOK_NAMES, type Hook, TABLE_HOOKS, type TableName, Verdict } from '../../hooks.js';
import type { Backend, SavedCounters, Table } from '../model.js';
import type { ChainDraft } from '../parse/check-table.js';
import type { RuleDraft } from '../parse/command.js';
import { finishedTable } from '../parse/finished-table.js';

export interface EditedRule {
  readonly draft: RuleDraft;
  /** The rule's index in the table before the command; -1: it is new. */
  readonly origin: number;
  readonly packets: number;
  readonly bytes: number;
}

export interface EditedChain {
  readonly name: string;
  readonly hook: Hook | undefined;
  policy: Verdict;
  file: string;
  line: number;
  isAbsent: boolean;
  /** As in `Chain`. */
  isUncounted: boolean;
  packets: number;
  bytes: number;
  rules: EditedRule[];
}

/** A table after a command. */
export interface TableEdit {
  readonly table: Table;
  readonly counters: SavedCounters;
  /** For each of its rules, the index of the same rule before the command, or -1. */
  readonly origins: Int32Array;
}

const NEW = -1;

export class EditedTable {
  readonly name: TableName;
  readonly family: Family;
  readonly chains = new Map<string, EditedChain>();
  readonly isNft: boolean;
  /** Whether the kernel had no such table before. */
  readonly isNew: boolean;
  /** Whether there is something to tell the kernel. */
  isChanged = false;

  /** BEFORE undefined: the kernel has no such table yet. */
  constructor(
    name: TableName,
    family: Family,
    backend: Backend,
    before?: { table: Table; counters: SavedCounters | undefined },
  ) {
    this.name = name;
    this.family = family;
    this.isNft = backend === 'nft';
    this.isNew = before === undefined;
    if (before === undefined) {
      for (const hook of TABLE_HOOKS[name]) this.#add(HOOK_NAMES[hook], hook, backend === 'nft');
      return;
    }
    const { table, counters } = before;
    for (const chain of table.chains) {
      const { hook, policy, file, line, rules } = chain;
      const at = hook === undefined ? undefined : hook * 2;
      this.chains.set(chain.name, {
        name: chain.name,
        hook,
        policy,
        file,
        line,
        isAbsent: chain.isAbsent === true || (table.isUnhooked === true && hook !== undefined),
        isUncounted: chain.isUncounted === true,
        packets: at === undefined ? 0 : (counters?.policies[at] ?? 0),
        bytes: at === undefined ? 0 : (counters?.policies[at + 1] ?? 0),
        rules: rules.map((rule) => ({
          draft: rule,
          origin: rule.index,
          packets: counters?.rules[rule.index * 2] ?? 0,
          bytes: counters?.rules[rule.index * 2 + 1] ?? 0,
        })),
      });
    }
  }

  /** Adds a user chain that stands at LINE of FILE. */
  addChain(name: string, file: string, line: number): void {
    const chain = this.#add(name, undefined, false);
    chain.file = file;
    chain.line = line;
  }

  #add(name: string, hook: Hook | undefined, isAbsent: boolean): EditedChain {
    const chain: EditedChain = {
      name,
      hook,
      policy: Verdict.ACCEPT,
      file: '',
      line: 0,
      isAbsent,
      isUncounted: false,
      packets: 0,
      bytes: 0,
      rules: [],
    };
    this.chains.set(name, chain);
    return chain;
  }

  rename(chain: EditedChain, name: string): void {
    this.chains.delete(chain.name);
    this.chains.set(name, { ...chain, name });
    for (const { rules } of this.chains.values()) {
      rules.forEach((rule, i) => {
        const { target } = rule.draft;
        if (!('chain' in target) || target.chain !== chain.name) return;
        rules[i] = { ...rule, draft: { ...rule.draft, target: { ...target, chain: name } } };
      });
    }
  }

  /** How many rules jump or go to CHAIN. */
  references({ name }: EditedChain): number {
    let count = 0;
    for (const { rules } of this.chains.values()) {
      for (const { draft } of rules) if ('chain' in draft.target && draft.target.chain === name) count++;
    }
    return count;
  }

  /** The chains in the order of `Table.chains`. */
  get sortedChains(): EditedChain[] {
    const all = [...this.chains.values()];
    const builtIn = all.filter(({ hook }) => hook !== undefined).sort((a, b) => a.hook! - b.hook!);
    const user = all.filter(({ hook }) => hook === undefined).sort((a, b) => compareBytes(a.name, b.name));
    return [...builtIn, ...user];
  }

  drafts(): ChainDraft[] {
    return this.sortedChains.map(({ name, hook, policy, file, line, isAbsent, isUncounted, rules }) => {
      return { name, hook, policy, file, line, isAbsent, isUncounted, rules: rules.map(({ draft }) => draft) };
    });
  }

  /** The table as it is now. FILE: what new rules without a file are from. */
  finish(file: string): TableEdit {
    const table = finishedTable(this, this.drafts(), file);
    const all = this.sortedChains.flatMap(({ rules }) => rules);
    const counts = new Float64Array(all.length * 2);
    const origins = new Int32Array(all.length);
    all.forEach(({ packets, bytes, origin }, i) => {
      counts[i * 2] = packets;
      counts[i * 2 + 1] = bytes;
      origins[i] = origin;
    });
    const policies = new Float64Array(HOOK_NAMES.length * 2);
    for (const { hook, packets, bytes } of this.chains.values()) {
      if (hook !== undefined) policies.set([packets, bytes], hook * 2);
    }
    return { table, counters: { rules: counts, policies }, origins };
  }
}

/** A rule that a command adds, with the counters that `-c` gives. */
export function newRule(draft: RuleDraft, [packets, bytes]: readonly [number, number]): EditedRule {
  return { draft, origin: NEW, packets, bytes };
}
