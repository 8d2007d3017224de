/** iptables and ipset, as programs that a host's engine runs: on the rules and sets of whichever host that is. */
import type { NamesDescription } from '../codecs/host/names.js';
import type { Word } from '../codecs/iptables-save.js';
import { runIpset } from '../core/ipset/index.js';
import { IpsetError } from '../core/ipset/ipset-error.js';
import { type Applied, applyIptables, type RulesetState } from '../core/rules/commands/apply-iptables.js';
import type { Backend } from '../core/rules/model.js';
import { RulesetError } from '../core/rules/parse/error.js';
import { rulesForSets } from '../core/rules/set-references.js';
import type { SetStore } from '../core/sets/store.js';
import type { ProgramResult } from './engine-host.js';
import { UnsupportedError } from './error.js';

export interface ToolSetting {
  readonly backend: Backend;
  readonly names: NamesDescription;
  readonly sets: SetStore;
  /** What rules that it makes are from, for messages. */
  readonly file: string;
}

export interface IptablesRun {
  readonly result: ProgramResult;
  /** Undefined: nothing has changed. */
  readonly applied: Applied | undefined;
}

/**
 * What iptables with WORDS, which stand behind its name, makes of the rules BEFORE.
 * @throws {UnsupportedError} where it cannot be said
 */
export function runIptables(words: readonly string[], before: RulesetState, setting: ToolSetting): IptablesRun {
  const { backend, names, sets, file } = setting;
  const applied = applyIptables(placed(words), before, { tool: { name: 'iptables', backend }, file, names });
  const { exitCode, stdout, stderr, fault } = applied;
  if (fault?.code === 'unsupported') throw new UnsupportedError(`iptables ${words.join(' ')}: ${fault.message}`);
  try {
    return {
      result: { exitCode, stdout, stderr },
      applied: { ...applied, ruleset: rulesForSets(applied.ruleset, sets, false) },
    };
  } catch (error) {
    if (!(error instanceof RulesetError)) throw error;
    const message = `iptables: ${error.unsupported[0].message}\n`;
    return { result: { exitCode: 2, stdout: '', stderr: message }, applied: undefined };
  }
}

/** Runs ipset with WORDS, which stand behind its name, on SETS. */
export function runIpsetOn(sets: SetStore, words: readonly string[], file: string): ProgramResult {
  try {
    return { exitCode: 0, stdout: runIpset(placed(words), file, sets), stderr: '' };
  } catch (error) {
    if (!(error instanceof IpsetError)) throw error;
    return { exitCode: error.exitCode, stdout: '', stderr: error.toolMessage };
  }
}

/** WORDS with their places in the command that they are. */
export function placed(words: readonly string[]): Word[] {
  let column = 1;
  return words.map((text) => {
    const word = { text, line: 1, column };
    column += text.length + 1;
    return word;
  });
}
