/** The changes that `--at WHEN=WHAT` plans: what is read and parsed before the first packet. */
import type { HostDescription } from '../../codecs/host/description.js';
import type { NamesDescription } from '../../codecs/host/names.js';
import { isIpsetCommands } from '../../codecs/ipset-save.js';
import { shownPath } from '../../codecs/text.js';
import { parseWhen, WHEN_FORMS, type When } from '../../codecs/when.js';
import { readAllRules } from '../../core/rules/forms/merge.js';
import type { RulesSource } from '../../core/rules/forms/read-rules.js';
import { isScript, scriptBackend } from '../../core/rules/forms/script.js';
import type { Backend, Ruleset } from '../../core/rules/model.js';
import { filesOfHost } from '../../io/host-files.js';
import { readText } from '../../io/text-file.js';
import { checkBackend } from '../commands/apply-commands.js';
import {
  commandError,
  commandsOf,
  type HostCommand,
  isCommand,
  startsAsCommand,
  typedCommands,
} from '../commands/host-command.js';
import { CommandError, ReplayOptionsError, together } from '../errors.js';
import type { HostLifeSetting } from '../life/host-life.js';
import { type PlannedOnHost, planHostCommand } from '../life/plan-command.js';
import { isToBeWritten } from '../life/snapshot-folder.js';
import { type RulesFile, readRulesFiles, rulesAt, rulesFilesOf, rulesPathsOf } from '../rules-files.js';
import { type PlannedSnapshot, planSnapshot } from './snapshot-change.js';

export type PlannedAction =
  | { readonly kind: 'rules'; readonly ruleset: Ruleset; readonly sources: readonly RulesSource[] }
  | { readonly kind: 'sets'; readonly text: string; readonly file: string }
  | { readonly kind: 'commands'; readonly commands: readonly PlannedCommand[] }
  | ({ readonly kind: 'snapshot' } & PlannedSnapshot)
  /** A snapshot of the emulated host, to be written to this folder. */
  | { readonly kind: 'written snapshot'; readonly folder: string };

export interface PlannedCommand extends HostCommand {
  /** What a program that changes more than rules and sets is asked for; undefined: it is of another one. */
  readonly host?: PlannedOnHost;
}

export interface PlannedChange {
  readonly when: When;
  /** As they were given. */
  readonly whenText: string;
  readonly what: string;
  /** The files that it is in. */
  readonly paths: readonly string[];
  readonly action: PlannedAction;
}

/** Whether CHANGE may give the host other interfaces. */
export function changesHost({ action }: PlannedChange): boolean {
  if (action.kind === 'commands') return action.commands.some(({ host }) => host !== undefined);
  return action.kind === 'snapshot';
}

export interface PlanOptions {
  readonly lax: boolean;
  readonly names: NamesDescription;
  readonly backend: Backend;
  /** The host as it is at the beginning. */
  readonly base: HostDescription;
  /** As in ListingOptions. */
  readonly hostNames?: ReadonlyMap<string, readonly string[]> | undefined;
  readonly hasEnded?: (() => boolean) | undefined;
  /** As in SettingOptions. */
  readonly within?: string | undefined;
  readonly life: HostLifeSetting;
}

const SNAPSHOT = 'snapshot:';

/**
 * Parses `WHEN=WHAT`, and what it names.
 * @throws {ReplayOptionsError} {CommandError} {RulesetError} {FileError} {HostError}
 */
function planChange(given: string, options: PlanOptions): PlannedChange {
  const { when, whenText, what } = splitChange(given);
  const action = planAction(what, `--at ${whenText}`, options);
  const named = action.kind === 'commands' ? action.commands.flatMap(({ host }) => host?.paths ?? []) : [];
  return { when, whenText, what, paths: [...pathsOf(what), ...named], action };
}

/**
 * Parses all of GIVEN. What is wrong with commands is told of all of them at once. Throws the same.
 */
export function planChanges(given: readonly string[], options: PlanOptions): PlannedChange[] {
  const faults: CommandError[] = [];
  const planned = given.flatMap((change) => {
    try {
      return [planChange(change, options)];
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      faults.push(error);
      return [];
    }
  });
  if (faults.length > 0) throw together(faults);
  return planned;
}

/** Takes `WHEN=WHAT` apart. */
function splitChange(given: string): { when: When; whenText: string; what: string } {
  const at = given.indexOf('=');
  const [whenText, what] = [given.slice(0, Math.max(at, 0)), given.slice(at + 1)];
  if (at <= 0 || what === '') {
    throw new ReplayOptionsError(
      `--at ${given}: expected WHEN=WHAT, such as 10s=rules-2.v4 or '10s=iptables -A INPUT -j DROP'`,
    );
  }
  if (what === SNAPSHOT)
    throw new ReplayOptionsError(`--at ${given}: snapshot: needs a folder; expected WHEN=snapshot:DIR`);
  const when = parseWhen(whenText);
  if (when === undefined) throw new ReplayOptionsError(`--at ${given}: ${whenText} is no time; expected ${WHEN_FORMS}`);
  return { when, whenText, what };
}

/** The files that the value of an `--at` names. */
export function filesOfChange(given: string): string[] {
  const at = given.indexOf('=');
  const what = given.slice(at + 1);
  if (at <= 0 || isCommand(what) || what === '') return [];
  return what.startsWith(SNAPSHOT) ? filesOfSnapshot(what.slice(SNAPSHOT.length)) : rulesPathsOf(what);
}

/** `WHEN=WHAT` with the paths of files as RESOLVE finds them. */
export function changeAt(given: string, resolve: (path: string) => string): string {
  const at = given.indexOf('=');
  const [when, what] = [given.slice(0, at + 1), given.slice(at + 1)];
  if (at <= 0 || what === '' || startsAsCommand(what)) return given;
  return what.startsWith(SNAPSHOT)
    ? `${when}${SNAPSHOT}${resolve(what.slice(SNAPSHOT.length))}`
    : when + rulesAt(what, resolve);
}

/** The files that are read of the snapshot at PATH. */
function filesOfSnapshot(path: string): string[] {
  return isToBeWritten(path) ? [] : filesOfHost(path);
}

/** The folder that the value of an `--at` has a snapshot written to; undefined: none. */
export function folderToWrite(given: string): string | undefined {
  const what = given.slice(given.indexOf('=') + 1);
  const folder = what.startsWith(SNAPSHOT) ? what.slice(SNAPSHOT.length) : '';
  return folder !== '' && isToBeWritten(folder) ? folder : undefined;
}

function pathsOf(what: string): string[] {
  if (isCommand(what) || what === '') return [];
  if (!what.startsWith(SNAPSHOT)) return rulesPathsOf(what);
  const path = what.slice(SNAPSHOT.length);
  return isToBeWritten(path) ? [] : [path];
}

function planAction(what: string, label: string, options: PlanOptions): PlannedAction {
  if (isCommand(what))
    return planCommands(typedCommands(what, { file: label, argument: label, within: options.within }, 1), options);
  if (what.startsWith(SNAPSHOT)) {
    const path = what.slice(SNAPSHOT.length);
    if (isToBeWritten(path)) return { kind: 'written snapshot', folder: path };
    return { kind: 'snapshot', ...planSnapshot(path, options) };
  }
  const [path, ...others] = rulesPathsOf(what);
  if (others.length === 0 && path === what) {
    const text = readText(path, options.hasEnded ? { hasEnded: options.hasEnded } : {});
    if (isCommands(text)) return planCommands(commandsOf(text, path, options.within), options);
    if (isIpsetCommands(text)) return { kind: 'sets', text, file: path };
    return planRules([{ text, file: path }], options);
  }
  const sources = readRulesFiles(what);
  // Read as rules, a script would be the rules that it makes on a host without any.
  const script = sources.find(({ text }) => isCommands(text));
  if (script === undefined) return planRules(sources, options);
  const expected = 'rules; a file of commands is given by itself, without a table before it';
  throw new ReplayOptionsError(`${shownPath(script.file)}: commands of iptables, not rules; expected: ${expected}`);
}

/** Whether TEXT is commands of iptables and ipset, which change what is there. */
export function isCommands(text: string): boolean {
  const content = text.replace(/^\ufeff/, '');
  const first = content.split('\n').find((line) => !/^\s*(?:#|$)/.test(line)) ?? '';
  return isScript(content) || startsAsCommand(first);
}

function planRules(sources: readonly RulesSource[], options: PlanOptions): PlannedAction {
  const { lax, names, backend, hostNames } = options;
  const ruleset = readAllRules(sources, { lax, family: 'ipv4', names, backend, ...(hostNames && { hostNames }) });
  return { kind: 'rules', ruleset, sources };
}

function planCommands(commands: readonly HostCommand[], { backend, life }: PlanOptions): PlannedAction {
  const faults: CommandError[] = [];
  const planned = commands.map((command): PlannedCommand => {
    try {
      return planCommand(command, backend, life);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      faults.push(error);
      return command;
    }
  });
  if (faults.length > 0) throw together(faults);
  return { kind: 'commands', commands: planned };
}

function planCommand(command: HostCommand, backend: Backend, life: HostLifeSetting): PlannedCommand {
  checkBackend(command, backend);
  const { tool, source, all } = command;
  if (tool === 'host' || tool === 'iptables-save') return { ...command, host: planHostCommand(command, life) };
  if (tool !== 'sysctl') return command;
  // On a host with an engine, which changes some of them as well.
  if (life.docker !== undefined) return { ...command, host: planHostCommand(command, life) };
  const what = 'sysctls do not change while packets flow, but on a host with docker.json';
  throw commandError(source, all, all[0], what, '--apply, for a host that has them from the beginning');
}

/** Whether interfaces may come and go with a change. */
export function mayChangeHost({ action }: PlannedChange): boolean {
  if (action.kind === 'snapshot') return true;
  return action.kind === 'commands' && action.commands.some(({ host }) => host !== undefined);
}

/** The iptables that wrote SOURCES, or that they call; legacy where nothing says it. */
export function backendOf(sources: readonly RulesSource[]): Backend {
  const isNft = ({ text }: RulesSource): boolean =>
    /^# Generated by .*\(nf_tables\)/m.test(text) || scriptBackend(text) === 'nft';
  return sources.some(isNft) ? 'nft' : 'legacy';
}

/** The parts of the value of an `--at`. */
export interface ChangeParts {
  readonly whenText: string;
  readonly what: string;
  /** The path of a snapshot. */
  readonly snapshot?: string;
  /** The files of rules, sets or commands. Without them and without a snapshot, `what` is a command. */
  readonly files?: readonly RulesFile[];
}

/**
 * Takes the value of an `--at` apart.
 * @throws {ReplayOptionsError} if it has not the form
 */
export function changeParts(given: string): ChangeParts {
  const { whenText, what } = splitChange(given);
  if (isCommand(what)) return { whenText, what };
  if (what.startsWith(SNAPSHOT)) return { whenText, what, snapshot: what.slice(SNAPSHOT.length) };
  return { whenText, what, files: rulesFilesOf(what) };
}
