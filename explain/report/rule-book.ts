/**
 * The rules that were in force while captures were replayed, with numbers for chains and rules. A rule that a change
 * leaves alone keeps its number, and a chain as long as it has the same rules.
 */
import type { Hook, TableName } from '../../core/hooks.js';
import type { Chain, Rule, Ruleset, SavedCounters, Table } from '../../core/rules/model.js';
import type { ChangeUnderWay, ReplacedRules } from '../../replay/changes/changed-rules.js';
import type { Time } from '../../replay/time.js';

/** What iptables shows of something that counts. */
export interface Counted {
  readonly packets: number;
  readonly bytes: number;
}

export interface BookedRule {
  readonly table: TableName;
  /** As it is in force, or was at last. */
  rule: Rule;
  chain: number;
  /** How many tables of the book it is in. */
  tables: number;
  /** What it showed when it went, and the change that ended it. Undefined: it is in force. */
  gone?: Counted & { readonly until: number };
}

export interface BookedChain {
  readonly table: TableName;
  chain: Chain;
  readonly rules: readonly number[];
  tables: number;
  gone?: Counted;
}

export interface BookedRuleset {
  readonly ruleset: Ruleset;
  /** Undefined: from the beginning, or after the last packet. */
  readonly since: Time | undefined;
  /** The change that brought it. */
  readonly under: ChangeUnderWay | undefined;
  /** The chains of its tables, by number. */
  readonly chains: ReadonlyMap<Table, readonly number[]>;
}

type Counters = ReadonlyMap<TableName, SavedCounters>;

export class RuleBook {
  readonly rules: BookedRule[] = [];
  readonly chains: BookedChain[] = [];
  readonly rulesets: BookedRuleset[] = [];
  readonly #rules = new Map<Rule, number>();
  readonly #chains = new Map<Chain, number>();
  readonly #tables = new Map<Table, readonly number[]>();
  /** In force, but in the book only when packets meet it, or when it is the last. */
  #pending: Omit<BookedRuleset, 'chains'> | undefined;

  /** FIRST: what is in force before the first packet. */
  constructor(first: Ruleset) {
    this.#pending = { ruleset: first, since: undefined, under: undefined };
  }

  /** Call it for each packet: it meets the rules that are in force. */
  meet(): void {
    if (this.#pending !== undefined) this.#enter(this.#pending);
  }

  /** The number of CHAIN; -1: it is in no ruleset that a packet has met. */
  ofChain(chain: Chain): number {
    return this.#chains.get(chain) ?? -1;
  }

  ofRule(rule: Rule): number {
    return this.#rules.get(rule) ?? -1;
  }

  /** As `rulesReplaced` of a PacketWatch. */
  replaced({ under, before, change, after, counters, shown }: ReplacedRules): void {
    const pending = this.#pending;
    if (pending !== undefined && isEarlier(pending, under)) this.#enter(pending);
    for (const table of before.tables) {
      if (after.tables.includes(table)) continue;
      const next = after.tables.find(({ name }) => name === table.name);
      const { continues } = change;
      const going = new Set<number>();
      if (next !== undefined && continues !== undefined) {
        for (const rule of next.rules) this.#continueRule(rule, continues(rule, next), going);
      }
      this.#retire(table, { counters, until: under.number, going });
      if (next !== undefined && continues !== undefined) {
        const isCounting = ({ hook }: Chain) => isSame(counters.get(table.name), shown().get(table.name), hook);
        this.#continueChains(table, next, isCounting);
      }
    }
    const isOfSame = this.#pending !== undefined && this.#pending.under?.number === under.number;
    this.#pending = { ruleset: after, since: isOfSame ? this.#pending!.since : under.time, under };
  }

  /** RULE goes on where OLD was. */
  #continueRule(rule: Rule, old: Rule | undefined, going: Set<number>): void {
    const number = old === undefined ? undefined : this.#rules.get(old);
    if (number === undefined) return;
    this.#rules.set(rule, number);
    going.add(number);
  }

  #retire(table: Table, { counters, until, going }: Ending): void {
    const counted = counters.get(table.name);
    for (const rule of table.rules) {
      const number = this.#rules.get(rule);
      if (number === undefined || going.has(number)) continue;
      this.rules[number].gone ??= { ...countsAt(counted?.rules, rule.index), until };
    }
    for (const chain of table.chains) {
      const number = this.#chains.get(chain);
      if (number !== undefined) this.chains[number].gone ??= policyCounts(counted, chain.hook);
    }
  }

  /** The chains of NEXT that are as they were in TABLE, and whose policies go on counting, as IS_COUNTING tells. */
  #continueChains(table: Table, next: Table, isCounting: (chain: Chain) => boolean): void {
    for (const chain of next.chains) {
      if (!isCounting(chain)) continue;
      const old = table.chains.find(({ name }) => name === chain.name);
      const number = old === undefined ? undefined : this.#chains.get(old);
      if (number === undefined || old!.policy !== chain.policy) continue;
      const { rules } = this.chains[number];
      if (rules.length !== chain.rules.length) continue;
      if (!chain.rules.every((rule, i) => this.#rules.get(rule) === rules[i])) continue;
      this.#chains.set(chain, number);
      delete this.chains[number].gone;
    }
  }

  #enter(entered: Omit<BookedRuleset, 'chains'>): void {
    this.#pending = undefined;
    const chains = new Map(entered.ruleset.tables.map((table) => [table, this.#numbersOf(table)]));
    this.rulesets.push({ ...entered, chains });
  }

  #numbersOf(table: Table): readonly number[] {
    const known = this.#tables.get(table);
    if (known !== undefined) return known;
    const isThere = ({ hook, isAbsent }: Chain) => hook === undefined || (!isAbsent && !table.isUnhooked);
    const numbers = table.chains.filter(isThere).map((chain) => this.#numberOf(table.name, chain));
    this.#tables.set(table, numbers);
    return numbers;
  }

  #numberOf(table: TableName, chain: Chain): number {
    const known = this.#chains.get(chain);
    const number = known ?? this.chains.length;
    const rules = chain.rules.map((rule) => this.#enterRule(table, rule, number));
    if (known === undefined) this.chains.push({ table, chain, rules, tables: 1 });
    else {
      this.chains[number].tables++;
      this.chains[number].chain = chain;
    }
    this.#chains.set(chain, number);
    return number;
  }

  #enterRule(table: TableName, rule: Rule, chain: number): number {
    const known = this.#rules.get(rule);
    if (known === undefined) {
      this.#rules.set(rule, this.rules.length);
      return this.rules.push({ table, rule, chain, tables: 1 }) - 1;
    }
    const booked = this.rules[known];
    Object.assign(booked, { rule, chain, tables: booked.tables + 1 });
    return known;
  }
}

interface Ending {
  readonly counters: Counters;
  readonly until: number;
  /** The rules that go on. */
  readonly going: ReadonlySet<number>;
}

/** Whether PENDING has been in force for some time when a change at TIME comes. */
function isEarlier({ since }: Omit<BookedRuleset, 'chains'>, { time }: ChangeUnderWay): boolean {
  if (since === undefined) return false;
  return time === undefined || since.sec < time.sec || (since.sec === time.sec && since.nsec < time.nsec);
}

/** Whether the policy at HOOK shows the same in BEFORE and AFTER. */
function isSame(before: SavedCounters | undefined, after: SavedCounters | undefined, hook: Hook | undefined): boolean {
  return policyCounts(before, hook).packets === policyCounts(after, hook).packets;
}

export function policyCounts(counters: SavedCounters | undefined, hook: Hook | undefined): Counted {
  return hook === undefined ? { packets: 0, bytes: 0 } : countsAt(counters?.policies, hook);
}

/** What COUNTERS has at INDEX. */
export function countsAt(counters: Float64Array | undefined, index: number): Counted {
  return { packets: counters?.[index * 2] ?? 0, bytes: counters?.[index * 2 + 1] ?? 0 };
}
