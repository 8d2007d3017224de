/** Carries out commands of iptables and ipset on the rules and sets of a host. */
import type { NamesDescription } from '../../codecs/host/names.js';
import type { Word } from '../../codecs/iptables-save.js';
import { shown } from '../../codecs/text.js';
import { runIpset } from '../../core/ipset/index.js';
import { IpsetError } from '../../core/ipset/ipset-error.js';
import { type Applied, applyIptables, type RulesetState } from '../../core/rules/commands/apply-iptables.js';
import type { Backend, Ruleset } from '../../core/rules/model.js';
import { type RuleFault, RulesetError } from '../../core/rules/parse/error.js';
import { rulesForSets, SetReferences } from '../../core/rules/set-references.js';
import type { HostSets } from '../../core/sets/host-sets.js';
import { CommandError } from '../errors.js';
import { commandError, type HostCommand, placeOf } from './host-command.js';
import { restoreRules } from './restore-rules.js';

export interface CommandOptions {
  readonly backend: Backend;
  readonly names: NamesDescription;
  readonly sets: Pick<HostSets, 'store' | 'failure'>;
  /** Whether the rules are in force, so that sets know already which of them refer to them. */
  readonly isRunning: boolean;
  readonly lax: boolean;
  readonly hasEnded?: (() => boolean) | undefined;
}

/** What one command did. */
export interface CommandDone {
  readonly state: RulesetState;
  /** What it prints, if it lists something, after the command. */
  readonly output: string;
  readonly warnings: readonly string[];
  /** As in `Applied`; undefined: tables that are others have no rule from before. */
  readonly origins?: Applied['origins'];
}

/** What commands made of rules and sets. */
export interface CommandsApplied extends RulesetState {
  /** What those that list something print, each after its command. */
  readonly output: string;
  readonly warnings: readonly string[];
}

/**
 * Carries out COMMANDS on BEFORE and the sets of OPTIONS, in order.
 * @throws {CommandError} {FileError} {RulesetError} at the first that fails
 */
export function applyCommands(
  commands: readonly HostCommand[],
  before: RulesetState,
  options: CommandOptions & { readonly sets: HostSets },
): CommandsApplied {
  const warnings: string[] = [];
  let output = '';
  let state = before;
  for (const command of commands) {
    const done = carryOut(command, state, options);
    output += done.output;
    warnings.push(...done.warnings);
    state = done.state;
  }
  const { sizes, store } = options.sets;
  for (const { name, size } of store) sizes.set(name, size);
  return { ...state, output, warnings };
}

/**
 * Carries out COMMAND on STATE and the sets of OPTIONS.
 * @throws {CommandError} {FileError} {RulesetError} if it fails
 */
export function carryOut(command: HostCommand, state: RulesetState, options: CommandOptions): CommandDone {
  const { tool, source, all } = command;
  checkBackend(command, options.backend);
  switch (tool) {
    case 'ip6tables': {
      const place = placeOf(source, all, all[0]);
      const warning = `${place}: rules for IPv6 are not followed: ip6tables was not run`;
      return { state, output: '', warnings: [warning] };
    }
    case 'ipset':
      return { state, output: titled(command, ipset(command, state.ruleset, options)), warnings: [] };
    // Before the first packet, the host has been made with them (host-sysctls.ts).
    case 'sysctl':
      return { state, output: '', warnings: [] };
    case 'host':
    case 'iptables-save': {
      const what = `${all[0].text} is not run before the first packet`;
      throw commandError(source, all, all[0], what, '--at n1=COMMAND');
    }
    case 'iptables-restore':
      return { state: restoreRules(command, state, options), output: '', warnings: [] };
    default: {
      const done = iptables(command, state, options);
      return { ...done, output: titled(command, done.output) };
    }
  }
}

/** TEXT, which COMMAND prints, behind that. */
export function titled({ all }: Pick<HostCommand, 'all'>, text: string): string {
  return text === '' ? '' : `${shown(all.map((word) => word.text).join(' '))}\n${text}`;
}

/**
 * A command of another iptables than the host's changes rules that the kernel follows besides.
 * @throws {CommandError}
 */
export function checkBackend({ backend, all, source }: HostCommand, own: Backend): void {
  if (backend === undefined || backend === own) return;
  const what = `the rules are those of iptables-${own}, and iptables-${backend} would change others`;
  const word = all.find(({ text }) => text.endsWith(backend) || text.includes(`-${backend}`)) ?? all[0];
  throw commandError(source, all, word, what, `iptables, or rules of iptables-${backend}`);
}

function ipset({ words, source, all }: HostCommand, { tables }: Ruleset, options: CommandOptions): string {
  const { isRunning } = options;
  const { store } = options.sets;
  // Sets that rules refer to cannot be destroyed.
  const references = new SetReferences(isRunning ? [] : tables, store);
  try {
    return runIpset(words, source.file, store);
  } catch (error) {
    if (!(error instanceof IpsetError)) throw error;
    const { line, column, token, toolMessage, expected } = error;
    const place = placeOf(source, all, { text: token, line, column });
    throw new CommandError(`${place}: ${expected === '' ? '' : `expected: ${expected}\n  `}${toolMessage.trimEnd()}`);
  } finally {
    references.release();
  }
}

function iptables(
  command: HostCommand,
  state: RulesetState,
  { backend, names, sets, lax }: CommandOptions,
): CommandDone {
  const { words, source, all } = command;
  const tool = { name: 'iptables', backend } as const;
  const applied = applyIptables(words, state, { tool, file: source.file, names });
  if (applied.fault !== undefined) throw failure(command, applied.fault, applied.stderr);
  const ruleset = withSets(command, applied.ruleset, sets, lax);
  const unsupported = lax ? [] : newlyUnsupported(state.ruleset, ruleset);
  if (unsupported.length > 0) {
    const [{ message, word }] = unsupported;
    throw new CommandError(`${placeOf(source, all, word)}: ${shown(message)}`, true);
  }
  const listing = /^-[A-Za-z]*L|^--list(?!-)/;
  const isListing = words.some(({ text }) => listing.test(text));
  return {
    state: { ruleset, counters: applied.counters },
    origins: applied.origins,
    output: isListing && applied.stdout !== '' ? `${AS_RULES}${applied.stdout}` : applied.stdout,
    warnings: applied.warnings.map(({ word, message }) => `${placeOf(source, all, word)}: ${shown(message)}`),
  };
}

const AS_RULES = '(shown as iptables -S does)\n';

/** The error of a COMMAND that iptables refuses because of FAULT; it says so in the words of STDERR, if any. */
function failure({ source, all }: HostCommand, fault: RuleFault, stderr: string): CommandError {
  const lines = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('Try `'));
  const tool = lines.map((line) => `\n  ${shown(line)}`).join('');
  const place = placeOf(source, all, fault.word.text === '' ? all[0] : fault.word);
  return new CommandError(`${place}: ${shown(fault.message)}${tool}`, fault.code === 'unsupported');
}

/** The parts of rules of AFTER that cannot be followed, and are of none of BEFORE. */
function newlyUnsupported(before: Ruleset, after: Ruleset): { message: string; word: Word }[] {
  const partsOf = ({ tables }: Ruleset) =>
    tables.flatMap(({ rules }) => rules.flatMap((rule) => rule.unsupported ?? []));
  const known = new Set(partsOf(before));
  return partsOf(after).filter((part) => !known.has(part));
}

/** RULESET, whose rules may only ask sets that there are. */
function withSets({ source, all }: HostCommand, ruleset: Ruleset, sets: CommandOptions['sets'], lax: boolean): Ruleset {
  try {
    return rulesForSets(ruleset, sets.store, lax, sets.failure);
  } catch (error) {
    if (!(error instanceof RulesetError)) throw error;
    const [{ word, message }] = error.unsupported;
    throw new CommandError(`${placeOf(source, all, word)}: ${shown(message)}`);
  }
}
