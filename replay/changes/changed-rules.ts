/** The rules in force, for whoever changes them while packets flow: they go on with their counters, or start afresh. */
import type { Emulator } from '../../core/emulator.js';
import type { TableName } from '../../core/hooks.js';
import type { RulesetState } from '../../core/rules/commands/apply-iptables.js';
import type { Backend, Rule, Ruleset, SavedCounters, Table } from '../../core/rules/model.js';
import { type RuleChange, withTables } from '../../core/rules/rule-change.js';
import type { Time } from '../time.js';
import { RuleHistory } from './rule-history.js';

type Counters = ReadonlyMap<TableName, SavedCounters>;

/** A change that is being carried out. */
export interface ChangeUnderWay {
  /** From 1. */
  readonly number: number;
  /** As in `changes` of summaries. */
  readonly when: string;
  readonly what: string;
  /** Undefined: after the last packet. */
  readonly time: Time | undefined;
}

/** Rules that took the place of others: a change of rules may be several of these, one after the other. */
export interface ReplacedRules {
  readonly under: ChangeUnderWay;
  readonly before: Ruleset;
  readonly change: RuleChange;
  readonly after: Ruleset;
  /** What the counters of the rules BEFORE showed at last. */
  readonly counters: Counters;
  /** What the counters of the rules in force show, whenever it is called. */
  readonly shown: () => Counters;
}

export class ChangedRules {
  readonly history: RuleHistory;
  /** Which change is being carried out. */
  under: ChangeUnderWay = { number: 1, when: '', what: '', time: undefined };
  readonly #emulator: Emulator;
  readonly #onRules: (replaced: ReplacedRules) => void;

  /** LOADED: the counters that the first rules start from. ON_RULES is called when other rules are in force. */
  constructor(emulator: Emulator, loaded: Counters | undefined, onRules: (replaced: ReplacedRules) => void) {
    this.#emulator = emulator;
    this.#onRules = onRules;
    this.history = new RuleHistory(emulator, loaded);
  }

  /** The rules in force, with their counters as iptables-save shows them. */
  get state(): RulesetState {
    return { ruleset: this.#emulator.ruleset, counters: this.history.shown };
  }

  /** SHOWN: what counters then show, of each table that is replaced. */
  replace(change: RuleChange, shown: Counters): void {
    const { history, under } = this;
    const { ruleset: before } = this.#emulator;
    const counters = new Map(history.shown);
    history.replace(change, shown, under.number);
    const { ruleset: after } = this.#emulator;
    this.#onRules({ under, before, change, after, counters, shown: () => history.shown });
  }

  /** The tables of RULESET replace those of the same names, one after the other, as iptables-restore does it. */
  replaceTables(ruleset: Ruleset, shown: Counters): void {
    for (const table of ruleset.tables) {
      const one = { ...ruleset, tables: [table] };
      this.replace({ ruleset: withTables(this.#emulator.ruleset, one) }, shown);
    }
  }

  /** A command of the iptables BACKEND has made AFTER of the rules in force. ORIGINS as in `Applied`. */
  become(after: RulesetState, origins: ReadonlyMap<TableName, Int32Array>, backend: Backend): void {
    const { ruleset } = this.#emulator;
    if (after.ruleset === ruleset) return;
    const continues = (rule: Rule, { name }: Table): Rule | undefined => {
      const before = ruleset.tables.find((table) => table.name === name);
      return before?.rules[origins.get(name)?.[rule.index] ?? -1];
    };
    this.replace({ ruleset: after.ruleset, continues, keepsStates: backend === 'nft' }, after.counters);
  }
}
