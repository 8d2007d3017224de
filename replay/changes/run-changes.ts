/** Carries out the planned changes of a replay when they are due, and notes what each of them changed. */
import type { NamesDescription } from '../../codecs/host/names.js';
import { shownPath } from '../../codecs/text.js';
import type { Emulator } from '../../core/emulator.js';
import type { TableName } from '../../core/hooks.js';
import { readSets } from '../../core/ipset/index.js';
import { IpsetError } from '../../core/ipset/ipset-error.js';
import { formatNotes } from '../../core/rules/forms/merge.js';
import { loadedCounters } from '../../core/rules/loaded-counters.js';
import type { Backend, Rule, Ruleset, SavedCounters, Table } from '../../core/rules/model.js';
import { RulesetError } from '../../core/rules/parse/error.js';
import { withTables } from '../../core/rules/rule-change.js';
import { saveRule } from '../../core/rules/save.js';
import { rulesForSets } from '../../core/rules/set-references.js';
import { endWarning } from '../../core/sets/host-sets.js';
import { carryOut } from '../commands/apply-commands.js';
import type { HostCommand } from '../commands/host-command.js';
import { CommandError } from '../errors.js';
import type { Setting, SettingOptions } from '../setting.js';
import type { ChangeSummary, SetChange } from '../summary.js';
import type { Time } from '../time.js';
import type { PlannedAction, PlannedChange } from './planned-change.js';
import { RuleHistory } from './rule-history.js';
import { ChangeSchedule } from './schedule.js';
import { continuing } from './snapshot-change.js';

export interface ChangeSetting {
  readonly changes: readonly PlannedChange[];
  readonly backend: Backend;
  readonly lax: boolean;
  readonly names: NamesDescription;
  /** Why nothing is known of the host's own sets. */
  readonly setsFailure: string | undefined;
  readonly hasEnded?: (() => boolean) | undefined;
  /** The counters that the first rules start from. */
  readonly loaded: ReadonlyMap<TableName, SavedCounters> | undefined;
  /** Whether those of rules that are loaded later start from what their files say. */
  readonly keepCounters: boolean;
}

/** What the changes of a replay in SETTING need, with the options that it was loaded with. */
export function changeSettingOf(
  { changes, backend, host, loaded, sets }: Setting,
  { lax = false, keepCounters = false, hasEnded }: Pick<SettingOptions, 'lax' | 'keepCounters' | 'hasEnded'>,
): ChangeSetting {
  const { names } = host.description.facts;
  return { changes, backend, lax, keepCounters, loaded, names, setsFailure: sets.failure, hasEnded };
}

export class RunChanges {
  readonly history: RuleHistory;
  readonly done: ChangeSummary[] = [];
  readonly warnings: string[] = [];
  readonly #emulator: Emulator;
  readonly #setting: ChangeSetting;
  readonly #schedule: ChangeSchedule<PlannedChange>;
  readonly #onRules: (ruleset: Ruleset) => void;

  /** ON_RULES is called when other rules are in force. */
  constructor(emulator: Emulator, setting: ChangeSetting, onRules: (ruleset: Ruleset) => void) {
    this.#emulator = emulator;
    this.#setting = setting;
    this.#onRules = onRules;
    this.#schedule = new ChangeSchedule(setting.changes);
    this.history = new RuleHistory(emulator, setting.loaded);
  }

  get nextTime(): Time {
    return this.#schedule.nextTime;
  }

  get nextFrame(): number {
    return this.#schedule.nextFrame;
  }

  /** Whether something is to be done before the frame NUMBER, from 1, at this time. */
  isDue(sec: number, nsec: number, number: number): boolean {
    return this.#schedule.isDue(sec, nsec, number);
  }

  /**
   * Carries out what is due before the frame NUMBER at TIME.
   * @throws {CommandError} {RulesetError} {IpsetError} {FileError} if it cannot be done: they say when
   */
  before(time: Time, number: number): void {
    for (const { change, time: at } of this.#schedule.take(time, number)) {
      this.#emulator.advanceTo(at.sec, at.nsec);
      this.#carryOut(change, number - 1, false);
    }
  }

  /** The captures have ended after FRAMES frames: carries out what was to come later. Throws the same. */
  finish(frames: number): void {
    for (const change of this.#schedule.takeRest()) {
      this.#carryOut(change, frames, true);
      this.warnings.push(`--at ${change.whenText}: after the last packet, so it was done at the end`);
    }
  }

  #carryOut({ whenText, what, action }: PlannedChange, framesBefore: number, isAtEnd: boolean): void {
    const { sets } = this.#emulator;
    const { ruleset } = this.#emulator;
    const sizes = new Map([...sets].map(({ name, size }) => [name, size]));
    let output = '';
    try {
      output = this.#do(action);
    } catch (error) {
      throw atItsTime(error, whenText);
    }
    this.done.push({
      when: whenText,
      what,
      kind: action.kind,
      framesBefore,
      ...(isAtEnd ? { atEnd: true } : {}),
      ...(output === '' ? {} : { output }),
      ...differenceOf(ruleset, this.#emulator.ruleset),
      ...setChanges(sizes, new Map([...sets].map(({ name, size }) => [name, size]))),
    });
  }

  /** Returns what it prints. */
  #do(action: PlannedAction): string {
    switch (action.kind) {
      case 'rules':
        this.#loadRules(action.ruleset, action);
        return '';
      case 'sets':
        return this.#restoreSets(action);
      case 'commands':
        return action.commands.map((command) => this.#run(command)).join('');
      default:
        this.#takeOver(action);
        return '';
    }
  }

  #restoreSets({ text, file }: Extract<PlannedAction, { kind: 'sets' }>): string {
    const { endsAt, output } = readSets(text, file, this.#emulator.sets);
    if (endsAt !== undefined) this.warnings.push(endWarning(file, endsAt));
    return output;
  }

  /** As iptables-restore does. */
  #loadRules(loaded: Ruleset, { sources }: Extract<PlannedAction, { kind: 'rules' }>): void {
    const { lax, keepCounters } = this.#setting;
    const ruleset = rulesForSets(loaded, this.#emulator.sets, lax);
    this.#warnOfNew(ruleset, loaded);
    this.#replaceTables(ruleset, keepCounters ? loadedCounters(ruleset, sources) : new Map());
  }

  /** The tables of RULESET replace those of the same names, one after the other. */
  #replaceTables(ruleset: Ruleset, shown: ReadonlyMap<TableName, SavedCounters>): void {
    for (const table of ruleset.tables) {
      const one = { ...ruleset, tables: [table] };
      this.#replace({ ruleset: withTables(this.#emulator.ruleset, one) }, shown);
    }
  }

  #replace(change: Parameters<RuleHistory['replace']>[0], shown: ReadonlyMap<TableName, SavedCounters>): void {
    this.history.replace(change, shown, this.done.length + 1);
    this.#onRules(this.#emulator.ruleset);
  }

  /** Passes on the warnings of RULESET that BEFORE has not. */
  #warnOfNew(ruleset: Ruleset, before: Ruleset): void {
    const known = new Set(before.warnings);
    const added = ruleset.warnings.filter((warning) => !known.has(warning));
    this.warnings.push(...formatNotes(ruleset, added));
  }

  /** Returns what COMMAND prints. */
  #run(command: HostCommand): string {
    const { backend, names, lax, setsFailure, hasEnded } = this.#setting;
    const { ruleset, sets: store } = this.#emulator;
    const sets = { store, failure: setsFailure };
    const options = { backend, names, sets, isRunning: true, lax, hasEnded };
    const { state, origins, output, warnings } = carryOut(command, { ruleset, counters: this.history.shown }, options);
    this.warnings.push(...warnings);
    this.#warnOfNew(state.ruleset, ruleset);
    if (origins === undefined) {
      const tables = state.ruleset.tables.filter((table) => !ruleset.tables.includes(table));
      this.#replaceTables({ ...state.ruleset, tables }, state.counters);
    } else if (state.ruleset !== ruleset) {
      const continues = (rule: Rule, { name }: Table): Rule | undefined => {
        const before = ruleset.tables.find((table) => table.name === name);
        return before?.rules[origins.get(name)?.[rule.index] ?? -1];
      };
      this.#replace({ ruleset: state.ruleset, continues, keepsStates: backend === 'nft' }, state.counters);
    }
    return output;
  }

  /** The rules are those of a snapshot; sets stay as they are. What it has of what was there before goes on. */
  #takeOver(snapshot: Extract<PlannedAction, { kind: 'snapshot' }>): void {
    const { sets, ruleset } = this.#emulator;
    const after = rulesForSets(snapshot.ruleset, sets, this.#setting.lax);
    this.#warnOfNew(after, snapshot.ruleset);
    const { shown, ...taken } = continuing(ruleset, after, this.history.shown);
    this.#replace({ ...taken, keepsStates: true }, shown);
    this.warnings.push(...snapshot.warnings);
  }
}

/** ERROR, which says when it happened, and is of the same kind. */
function atItsTime(error: unknown, whenText: string): unknown {
  const isFault = error instanceof RulesetError || error instanceof IpsetError || error instanceof CommandError;
  const when = `--at ${shownPath(whenText)}`;
  if (!isFault || error.message.startsWith(when)) return error;
  const [first, ...more] = error.message.split('\n');
  error.message = [`${first} (${when})`, ...more].join('\n');
  return error;
}

/** How many rules AFTER has that BEFORE has not, and the other way around. */
function differenceOf(before: Ruleset, after: Ruleset): Pick<ChangeSummary, 'rules'> {
  if (before === after) return {};
  const counts = new Map<string, number>();
  const count = (ruleset: Ruleset, sign: number): void => {
    for (const table of ruleset.tables) {
      const other = (ruleset === before ? after : before).tables;
      if (other.includes(table)) continue;
      for (const rule of table.rules) {
        const key = `${table.name} ${rule.chain}${saveRule(rule)}`;
        counts.set(key, (counts.get(key) ?? 0) + sign);
      }
    }
  };
  count(before, -1);
  count(after, 1);
  let [added, removed] = [0, 0];
  for (const sum of counts.values()) {
    added += Math.max(sum, 0);
    removed += Math.max(-sum, 0);
  }
  return { rules: { added, removed } };
}

/** The sets that are new, gone, or have another number of entries. */
function setChanges(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): Pick<ChangeSummary, 'sets'> {
  const sets = [...new Set([...before.keys(), ...after.keys()])].flatMap((name): SetChange[] => {
    const [was, is] = [before.get(name), after.get(name)];
    if (was === is) return [];
    return [{ name, ...(was === undefined ? {} : { before: was }), ...(is === undefined ? {} : { after: is }) }];
  });
  return sets.length === 0 ? {} : { sets };
}
