/** Carries out the planned changes of a replay when they are due, and notes what each of them changed. */
import type { JsonObject } from '../../codecs/host/json-values.js';
import type { NamesDescription } from '../../codecs/host/names.js';
import { shownPath } from '../../codecs/text.js';
import type { Emulator } from '../../core/emulator.js';
import type { TableName } from '../../core/hooks.js';
import { readSets } from '../../core/ipset/index.js';
import { IpsetError } from '../../core/ipset/ipset-error.js';
import { formatNotes } from '../../core/rules/forms/merge.js';
import { loadedCounters } from '../../core/rules/loaded-counters.js';
import type { Backend, Ruleset, SavedCounters } from '../../core/rules/model.js';
import { RulesetError } from '../../core/rules/parse/error.js';
import { rulesForSets } from '../../core/rules/set-references.js';
import { endWarning } from '../../core/sets/host-sets.js';
import type { Command } from '../../docker/commands/action.js';
import type { CommandResult } from '../../docker/docker-host.js';
import { UnsupportedError } from '../../docker/error.js';
import { containerAddresses } from '../../docker/inspect/shown-names.js';
import { carryOut, titled } from '../commands/apply-commands.js';
import type { HostCommand } from '../commands/host-command.js';
import { CommandError } from '../errors.js';
import { HostLife, type HostLifeSetting, UnknownRulesError } from '../life/host-life.js';
import { failureOf } from '../life/plan-command.js';
import type { SnapshotWriter } from '../life/snapshot-writer.js';
import type { Names } from '../names.js';
import type { Setting, SettingOptions } from '../setting.js';
import type { ChangeSummary } from '../summary.js';
import type { Time } from '../time.js';
import { effectsOf, hostNow } from './change-effects.js';
import { ChangedRules, type ReplacedRules } from './changed-rules.js';
import type { PlannedAction, PlannedChange, PlannedCommand } from './planned-change.js';
import type { RuleHistory } from './rule-history.js';
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
  readonly life: HostLifeSetting;
  /** Of addresses. */
  readonly addressNames: Names;
  /** Takes the snapshots of the host; undefined: nobody does. */
  readonly snapshots?: Pick<SnapshotWriter, 'write'> | undefined;
}

/** What the changes of a replay in SETTING need, with the options that it was loaded with. */
export function changeSettingOf(
  { changes, backend, host, loaded, sets, life, names: addressNames }: Setting,
  { lax = false, keepCounters = false, hasEnded }: Pick<SettingOptions, 'lax' | 'keepCounters' | 'hasEnded'>,
): ChangeSetting {
  const { names } = host.description.facts;
  return {
    changes,
    backend,
    lax,
    keepCounters,
    loaded,
    names,
    setsFailure: sets.failure,
    hasEnded,
    life,
    addressNames,
  };
}

/** What an action has done besides what is found by comparing the host before and after it. */
interface ActionDone {
  /** Of the first command that failed. */
  readonly exitCode?: number;
  readonly output?: string;
  readonly notes?: readonly string[];
  /** Where a snapshot was written. */
  readonly folder?: string;
  /** When the snapshot is of that was there before, as it was given. */
  readonly earlier?: string | undefined;
}

const isOfHost = ({ host }: PlannedCommand): boolean => host !== undefined;

/** Hears what changes. */
export interface ChangeListener {
  /** Other rules are in force. */
  readonly onRules?: (replaced: ReplacedRules) => void;
  /** CHANGE has been carried out, AT its time; undefined: at the end. */
  readonly onChange?: (change: ChangeSummary, at: Time | undefined) => void;
}

export class RunChanges {
  readonly done: ChangeSummary[] = [];
  readonly warnings: string[] = [];
  readonly #emulator: Emulator;
  readonly #setting: ChangeSetting;
  readonly #listener: ChangeListener;
  readonly #schedule: ChangeSchedule<PlannedChange>;
  readonly #rules: ChangedRules;
  /** Undefined if no program changes more than rules and sets. */
  readonly #life: HostLife | undefined;
  /** The host as it was described, with the members of a host.json. */
  #json: JsonObject;

  constructor(emulator: Emulator, setting: ChangeSetting, listener: ChangeListener) {
    this.#emulator = emulator;
    this.#setting = setting;
    this.#schedule = new ChangeSchedule(setting.changes);
    this.#rules = new ChangedRules(emulator, setting.loaded, (replaced) => listener.onRules?.(replaced));
    this.#listener = listener;
    const { changes, life, backend, names, lax } = setting;
    this.#json = life.json;
    const hasHostCommands = changes.some(({ action }) => action.kind === 'commands' && action.commands.some(isOfHost));
    if (hasHostCommands) this.#life = new HostLife(life, { emulator, rules: this.#rules, backend, names, lax });
  }

  get history(): RuleHistory {
    return this.#rules.history;
  }

  /** Of addresses, with those of containers that came later. */
  get names(): Names {
    const { addressNames } = this.#setting;
    const docker = this.#life?.docker;
    return docker === undefined ? addressNames : new Map([...containerAddresses(docker), ...addressNames]);
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
      this.#carryOut(change, number - 1, at);
    }
  }

  /** The captures have ended after FRAMES frames: carries out what was to come later. Throws the same. */
  finish(frames: number): void {
    for (const change of this.#schedule.takeRest()) {
      this.#carryOut(change, frames, undefined);
      this.warnings.push(`--at ${change.whenText}: after the last packet, so it was done at the end`);
    }
  }

  /** AT undefined: at the end. */
  #carryOut({ whenText, what, action }: PlannedChange, framesBefore: number, at: Time | undefined): void {
    const before = hostNow(this.#emulator, this.#life);
    this.#rules.under = { number: this.done.length + 1, when: whenText, what, time: at };
    const result = this.#do(action, whenText);
    const { exitCode = 0, output = '', notes = [], folder, earlier } = result;
    const connectionsDeleted = this.#life?.takeDeleted() ?? 0;
    const done: ChangeSummary = {
      when: whenText,
      what,
      kind: action.kind === 'written snapshot' ? 'snapshot' : action.kind,
      framesBefore,
      ...(at === undefined ? { atEnd: true } : {}),
      ...(exitCode === 0 ? {} : { exitCode }),
      ...(output === '' ? {} : { output }),
      ...effectsOf(before, hostNow(this.#emulator, this.#life)),
      ...(connectionsDeleted === 0 ? {} : { connectionsDeleted }),
      ...(folder === undefined ? {} : { written: folder }),
      ...(earlier === undefined ? {} : { replaced: earlier }),
      ...(notes.length === 0 ? {} : { notes }),
    };
    this.done.push(done);
    this.#listener.onChange?.(done, at);
  }

  /** @throws {CommandError} {RulesetError} {IpsetError} {FileError} if it cannot be done: they say when */
  #do(action: PlannedAction, whenText: string): ActionDone {
    try {
      switch (action.kind) {
        case 'rules':
          this.#loadRules(action.ruleset, action);
          return {};
        case 'sets':
          return { output: this.#restoreSets(action) };
        case 'commands':
          return this.#runAll(action.commands);
        case 'written snapshot':
          return this.#writeSnapshot(action.folder, whenText);
        default:
          this.#takeOver(action);
          return {};
      }
    } catch (error) {
      throw atItsTime(error, whenText);
    }
  }

  /** As a shell runs them: those behind one that fails on the host are run. */
  #runAll(commands: readonly PlannedCommand[]): ActionDone {
    let [exitCode, output] = [0, ''];
    const notes: string[] = [];
    for (const command of commands) {
      if (command.host === undefined) {
        output += this.#run(command);
        continue;
      }
      for (const one of command.host.commands) {
        const done = this.#runOnHost(command, one);
        if (exitCode === 0) exitCode = done.exitCode;
        output += titled(command, done.stdout + done.stderr);
        notes.push(...one.notes, ...done.notes);
      }
    }
    return { exitCode, output, notes: [...new Set(notes)] };
  }

  #runOnHost(command: PlannedCommand, host: Command): CommandResult {
    try {
      return this.#life!.carryOut(host);
    } catch (error) {
      if (error instanceof UnsupportedError) throw failureOf(command, error.message, true);
      if (error instanceof UnknownRulesError) throw failureOf(command, error.message, false);
      throw error;
    }
  }

  #writeSnapshot(folder: string, whenText: string): ActionDone {
    const { snapshots, backend, life } = this.#setting;
    const { names } = this;
    if (snapshots === undefined) return { notes: ['not written: only `nfreplay replay` writes snapshots'] };
    const { emulator, history } = { emulator: this.#emulator, history: this.history };
    const { json = this.#json, docker = life.docker } = this.#life ?? {};
    const moment = { whenText, emulator, backend, counters: history.shown, json, docker, names };
    return { folder, earlier: snapshots.write(folder, moment) };
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
    this.#rules.replaceTables(ruleset, keepCounters ? loadedCounters(ruleset, sources) : new Map());
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
    const { state, origins, output, warnings } = carryOut(command, this.#rules.state, options);
    this.warnings.push(...warnings);
    this.#warnOfNew(state.ruleset, ruleset);
    if (origins === undefined) {
      const tables = state.ruleset.tables.filter((table) => !ruleset.tables.includes(table));
      this.#rules.replaceTables({ ...state.ruleset, tables }, state.counters);
    } else this.#rules.become(state, origins, backend);
    return output;
  }

  /** The rules are those of a snapshot; sets stay as they are. What it has of what was there before goes on. */
  #takeOver(snapshot: Extract<PlannedAction, { kind: 'snapshot' }>): void {
    const { sets, ruleset } = this.#emulator;
    const after = rulesForSets(snapshot.ruleset, sets, this.#setting.lax);
    this.#warnOfNew(after, snapshot.ruleset);
    const { shown, ...taken } = continuing(ruleset, after, this.history.shown);
    this.#emulator.changeHost(snapshot.host);
    this.#json = { ...this.#json, ...snapshot.json };
    this.#life?.network(this.#json);
    this.#rules.replace({ ...taken, keepsStates: true }, shown);
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
