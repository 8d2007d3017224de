/** Carries out commands of iptables and ipset on the rules and sets of a host, before its first packet. */
import type { NamesDescription } from '../../codecs/host/names.js';
import type { Word } from '../../codecs/iptables-save.js';
import { shown } from '../../codecs/text.js';
import { runIpset } from '../../core/ipset/index.js';
import { IpsetError } from '../../core/ipset/ipset-error.js';
import { applyIptables, type RulesetState } from '../../core/rules/commands/apply-iptables.js';
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
  readonly sets: HostSets;
  readonly lax: boolean;
  readonly hasEnded?: (() => boolean) | undefined;
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
  options: CommandOptions,
): CommandsApplied {
  const warnings: string[] = [];
  let output = '';
  let state = before;
  for (const command of commands) {
    checkBackend(command, options.backend);
    const place = placeOf(command.source, command.all, command.all[0]);
    if (command.tool === 'ip6tables') warnings.push(`${place}: rules for IPv6 are not followed: ip6tables was not run`);
    else if (command.tool === 'ipset') output += titled(command, ipset(command, state.ruleset, options.sets));
    else if (command.tool === 'iptables-restore') state = restoreRules(command, state, options);
    else {
      const done = iptables(command, state, options);
      output += titled(command, done.output);
      warnings.push(...done.warnings);
      state = done.state;
    }
  }
  const { sizes, store } = options.sets;
  for (const { name, size } of store) sizes.set(name, size);
  return { ...state, output, warnings };
}

function titled({ all }: HostCommand, text: string): string {
  return text === '' ? '' : `${shown(all.map((word) => word.text).join(' '))}\n${text}`;
}

/** A command of another iptables than the host's changes rules that the kernel follows besides. */
function checkBackend({ backend, all, source }: HostCommand, own: Backend): void {
  if (backend === undefined || backend === own) return;
  const what = `the rules are those of iptables-${own}, and iptables-${backend} would change others`;
  const word = all.find(({ text }) => text.endsWith(backend) || text.includes(`-${backend}`)) ?? all[0];
  throw commandError(source, all, word, what, `iptables, or rules of iptables-${backend}`);
}

function ipset({ words, source, all }: HostCommand, { tables }: Ruleset, { store }: HostSets): string {
  // Sets that rules refer to cannot be destroyed.
  const references = new SetReferences(tables, store);
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
): { state: RulesetState; output: string; warnings: string[] } {
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
function withSets({ source, all }: HostCommand, ruleset: Ruleset, sets: HostSets, lax: boolean): Ruleset {
  try {
    return rulesForSets(ruleset, sets.store, lax, sets.failure);
  } catch (error) {
    if (!(error instanceof RulesetError)) throw error;
    const [{ word, message }] = error.unsupported;
    throw new CommandError(`${placeOf(source, all, word)}: ${shown(message)}`);
  }
}
