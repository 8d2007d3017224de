/**
 * Rules that matched no packet: whether any came to them follows from the counters of the others, as every packet that
 * enters a chain is counted by what ends its way there. So it costs nothing while packets flow.
 */
import type { TableName } from '../core/hooks.js';
import { Verdict } from '../core/hooks.js';
import { ChainCalls } from '../core/rules/chain-calls.js';
import type { Chain, Rule, SavedCounters, Table } from '../core/rules/model.js';
import type { DropCount } from './drops.js';

/** A rule that matched nothing. */
export interface UnmatchedRule {
  readonly table: TableName;
  readonly rule: Rule;
  /** How many packets came to it; undefined: that does not follow from counters. */
  readonly asked: number | undefined;
}

/** The rules of TABLES that matched nothing, according to COUNTERS. DROPPED: all drops, by cause. */
export function unmatchedRules(
  tables: readonly Table[],
  counters: ReadonlyMap<TableName, SavedCounters>,
  dropped: readonly DropCount[],
): UnmatchedRule[] {
  return tables.flatMap((table) => {
    const counted = counters.get(table.name);
    if (counted === undefined) return [];
    const asked = new AskedRules(table, counted, dropped).asked;
    return table.rules
      .filter(({ index, unsupported }) => counted.rules[index * 2] === 0 && unsupported === undefined)
      .map((rule) => ({ table: table.name, rule, asked: asked[rule.index] }));
  });
}

/** A number of packets; undefined if it is not known. */
type Count = number | undefined;

const plus = (a: Count, b: Count): Count => (a === undefined || b === undefined ? undefined : a + b);
const minus = (a: Count, b: Count): Count => (a === undefined || b === undefined ? undefined : a - b);

/** What became of the packets that entered a chain. */
interface Passage {
  readonly entered: Count;
  readonly returned: Count;
}

class AskedRules {
  /** How many packets came to each rule, by its index. */
  readonly asked: Count[] = [];
  readonly #table: Table;
  readonly #counted: SavedCounters;
  readonly #calls: ChainCalls;
  readonly #passages = new Map<Chain, Passage>();
  /** How many packets were sent to a chain by the rules that call it. */
  readonly #sentTo = new Map<Chain, number>();
  /** How many calls of a chain some packets took. */
  readonly #callsTaken = new Map<Chain, number>();
  /** Packets that a rule dropped although it does not count or end them, by its chain and number. */
  readonly #dropped = new Map<string, number>();

  constructor(table: Table, counted: SavedCounters, dropped: readonly DropCount[]) {
    this.#table = table;
    this.#counted = counted;
    this.#calls = new ChainCalls(table);
    for (const { table: name, chain, number, packets, reason } of dropped)
      if (name === table.name && reason === 'rule-header') this.#dropped.set(`${chain} ${number}`, packets);
    if (dropped.some((cause) => this.#isOdd(cause))) return;
    for (const rule of table.rules) {
      const called = this.#calls.calledBy(rule);
      const matches = this.#matches(rule);
      if (called === undefined || matches === 0) continue;
      this.#callsTaken.set(called, (this.#callsTaken.get(called) ?? 0) + 1);
      this.#sentTo.set(called, (this.#sentTo.get(called) ?? 0) + matches);
    }
    for (const chain of this.#calls.calleesFirst(table.chains)) this.#pass(chain);
  }

  /** A rule that drops nothing by itself has dropped packets: one was malformed, and its rule matched all the same. */
  #isOdd({ table: name, chain: chainName = '', number = 0, reason }: DropCount): boolean {
    if (name !== this.#table.name || reason !== 'rule') return false;
    const target = this.#calls.chainNamed(chainName)?.rules[number - 1]?.target;
    if (target?.kind === 'verdict') return target.verdict === Verdict.RETURN;
    if (target?.kind === 'extension') return !target.extension.terminates && target.extension.mayDrop !== true;
    return true;
  }

  #matches({ index }: Rule): number {
    return this.#counted.rules[index * 2];
  }

  #pass(chain: Chain): void {
    const { rules, hook } = chain;
    const leaving = rules.map((rule) => this.#leaving(rule));
    const early = rules.reduce<Count>((sum, rule) => plus(sum, this.#returnedBy(rule)), 0);
    if (hook === undefined) {
      const entered = this.#sentTo.get(chain) ?? 0;
      let left: Count = entered;
      for (const [i, rule] of rules.entries()) {
        this.asked[rule.index] = left;
        left = minus(left, leaving[i]);
      }
      this.#passages.set(chain, { entered, returned: plus(left, early) });
      return;
    }
    // What enters a base chain is not counted, but what comes to its end is.
    const isCounted = chain.isAbsent !== true && chain.isUncounted !== true;
    let left = isCounted ? minus(this.#counted.policies[hook * 2], early) : undefined;
    for (const [i, rule] of [...rules.entries()].reverse()) {
      left = plus(left, leaving[i]);
      this.asked[rule.index] = left;
    }
  }

  /** How many packets did not go on from RULE to the one behind it. */
  #leaving(rule: Rule): Count {
    const { target, chain, number } = rule;
    const matches = this.#matches(rule);
    const dropped = this.#dropped.get(`${chain} ${number}`) ?? 0;
    if (matches === 0) return dropped;
    switch (target.kind) {
      case 'none':
        return dropped;
      case 'jump':
        return plus(minus(matches, this.#returnedTo(rule)), dropped);
      case 'extension':
        // How many it drops is not told apart from those that others drop.
        if (target.extension.mayDrop === true) return undefined;
        return target.extension.terminates ? matches + dropped : dropped;
      default:
        return matches + dropped;
    }
  }

  /** How many packets RULE itself let go back to the caller of its chain. */
  #returnedBy(rule: Rule): Count {
    const { target } = rule;
    if (this.#matches(rule) === 0) return 0;
    if (target.kind === 'verdict') return target.verdict === Verdict.RETURN ? this.#matches(rule) : 0;
    return target.kind === 'goto' ? this.#returnedTo(rule) : 0;
  }

  /** How many packets came back out of the chain that RULE calls, of those that it sent there. */
  #returnedTo(rule: Rule): Count {
    const called = this.#calls.calledBy(rule)!;
    const { entered, returned } = this.#passages.get(called) ?? { entered: undefined, returned: undefined };
    if (returned === 0 || this.#callsTaken.get(called) === 1) return returned;
    // Of several calls, it is not known which ones came back, unless all or none did.
    return entered !== undefined && returned === entered ? this.#matches(rule) : undefined;
  }
}
