/** The changes that `--at WHEN=WHAT` plans: what is read and parsed before the first packet. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { HostDescription } from '../../codecs/host/description.js';
import type { NamesDescription } from '../../codecs/host/names.js';
import type { Word } from '../../codecs/iptables-save.js';
import { ShellFault, splitCommands } from '../../codecs/shell-words.js';
import { shownPath } from '../../codecs/text.js';
import { parseWhen, WHEN_FORMS, type When } from '../../codecs/when.js';
import { readAllRules } from '../../core/rules/forms/merge.js';
import type { RulesSource } from '../../core/rules/forms/read-rules.js';
import type { Backend, Ruleset } from '../../core/rules/model.js';
import { filesOfHost } from '../../io/host-files.js';
import { nativePath } from '../../io/path.js';
import { readText } from '../../io/text-file.js';
import { ReplayOptionsError } from '../errors.js';
import { readRulesFiles, rulesIn, rulesPathsOf } from '../rules-files.js';
import { type PlannedSnapshot, planSnapshot } from './snapshot-change.js';

/** A command, by its tool. */
export interface PlannedCommand {
  readonly tool: 'iptables' | 'ipset';
  /** Behind the tool's name. */
  readonly words: readonly Word[];
}

export type PlannedAction =
  | { readonly kind: 'rules'; readonly ruleset: Ruleset; readonly sources: readonly RulesSource[] }
  | { readonly kind: 'sets'; readonly text: string; readonly file: string }
  | { readonly kind: 'commands'; readonly commands: readonly PlannedCommand[]; readonly file: string }
  | ({ readonly kind: 'snapshot' } & PlannedSnapshot);

export interface PlannedChange {
  readonly when: When;
  /** As they were given. */
  readonly whenText: string;
  readonly what: string;
  /** The files that it is in. */
  readonly paths: readonly string[];
  readonly action: PlannedAction;
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
}

/** WHAT that is a command, not the name of a file. */
const COMMAND = /^(?:sudo\s+)?(?:[\w./-]*\/)?(?:ip6?tables(?:-legacy|-nft|-restore|-save)?|ipset)\s/;
const SNAPSHOT = 'snapshot:';
/** The first line of a file for `ipset restore` that does something. */
const SET_LINE = /^(?:-exist\s+|-!\s+)?(?:create|add|del|destroy|flush|rename|swap)\b/;

/**
 * Parses `WHEN=WHAT`, and what it names.
 * @throws {ReplayOptionsError} {RulesetError} {FileError} {HostError}
 */
export function planChange(given: string, options: PlanOptions): PlannedChange {
  const { when, whenText, what } = splitChange(given);
  const action = planAction(what, `--at ${whenText}`, options);
  return { when, whenText, what, paths: pathsOf(what), action };
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
  const when = parseWhen(whenText);
  if (when === undefined) throw new ReplayOptionsError(`--at ${given}: ${whenText} is no time; expected ${WHEN_FORMS}`);
  return { when, whenText, what };
}

/** The files that the value of an `--at` names. */
export function filesOfChange(given: string): string[] {
  const at = given.indexOf('=');
  const what = given.slice(at + 1);
  if (at <= 0 || isCommand(what) || what === '') return [];
  return what.startsWith(SNAPSHOT) ? filesOfHost(what.slice(SNAPSHOT.length)) : rulesPathsOf(what);
}

/** `WHEN=WHAT` with what is the name of a file taken to be in the folder DIR. */
export function changeIn(given: string, dir: string): string {
  const at = given.indexOf('=');
  const [when, what] = [given.slice(0, at + 1), given.slice(at + 1)];
  if (at <= 0 || what === '' || COMMAND.test(what)) return given;
  return what.startsWith(SNAPSHOT)
    ? `${when}${SNAPSHOT}${join(dir, what.slice(SNAPSHOT.length))}`
    : when + rulesIn(dir, what);
}

function pathsOf(what: string): string[] {
  if (isCommand(what) || what === '') return [];
  return what.startsWith(SNAPSHOT) ? [what.slice(SNAPSHOT.length)] : rulesPathsOf(what);
}

function isCommand(what: string): boolean {
  return COMMAND.test(what) && !existsSync(nativePath(what));
}

function planAction(what: string, label: string, options: PlanOptions): PlannedAction {
  if (isCommand(what)) return planCommands(what, label, options);
  if (what.startsWith(SNAPSHOT)) {
    return { kind: 'snapshot', ...planSnapshot(what.slice(SNAPSHOT.length), options) };
  }
  const [path, ...others] = rulesPathsOf(what);
  if (others.length === 0 && path === what) {
    const text = readText(path, options.hasEnded ? { hasEnded: options.hasEnded } : {});
    const first = firstLine(text);
    if (COMMAND.test(first)) return planCommands(text, path, options);
    if (SET_LINE.test(first)) return { kind: 'sets', text, file: path };
    return planRules([{ text, file: path }], options);
  }
  return planRules(readRulesFiles(what), options);
}

/** The first line of TEXT that is not empty, nor a comment. */
function firstLine(text: string): string {
  return text.split('\n').find((line) => !/^\s*(?:#|$)/.test(line)) ?? '';
}

function planRules(sources: readonly RulesSource[], options: PlanOptions): PlannedAction {
  const { lax, names, backend, hostNames } = options;
  const ruleset = readAllRules(sources, { lax, family: 'ipv4', names, backend, ...(hostNames && { hostNames }) });
  return { kind: 'rules', ruleset, sources };
}

function planCommands(text: string, file: string, { backend }: PlanOptions): PlannedAction {
  try {
    const commands = splitCommands(text).map((words) => planCommand(words, file, backend));
    return { kind: 'commands', commands, file };
  } catch (fault) {
    if (!(fault instanceof ShellFault)) throw fault;
    throw refused(file, fault.word, fault.message);
  }
}

const TOOL = /^(iptables|ipset|ip6tables)(-legacy|-nft)?$/;

function planCommand(given: readonly Word[], file: string, backend: Backend): PlannedCommand {
  const [word, ...words] = given[0].text === 'sudo' ? given.slice(1) : given;
  const [, tool, variant = ''] = TOOL.exec(word?.text.replace(/^.*\//, '') ?? '') ?? [];
  if (tool === undefined) {
    const at = word ?? given[0];
    throw refused(file, at, `"${at.text}" is not an iptables or ipset command; expected: iptables … or ipset …`);
  }
  if (tool === 'ip6tables') throw refused(file, word, 'rules for IPv6 are not run: leave the command out');
  if (variant !== '' && variant !== `-${backend}`) {
    const what = `the rules are those of iptables-${backend}: ${tool}${variant} would change others, which the kernel`;
    throw refused(file, word, `${what} follows besides; expected: iptables, or --backend ${variant.slice(1)}`);
  }
  return { tool: tool as PlannedCommand['tool'], words };
}

function refused(file: string, { line, column }: Word, message: string): ReplayOptionsError {
  return new ReplayOptionsError(`${shownPath(file)}:${line}:${column}: ${message}`);
}

/** The iptables that wrote SOURCES; legacy where nothing says it. */
export function backendOf(sources: readonly RulesSource[]): Backend {
  return sources.some(({ text }) => /^# Generated by .*\(nf_tables\)/m.test(text)) ? 'nft' : 'legacy';
}
