/** `iptables-restore … FILE` among commands, as scripts that start a service have it. */
import type { Word } from '../../codecs/iptables-save.js';
import type { RulesetState } from '../../core/rules/commands/apply-iptables.js';
import { readAllRules } from '../../core/rules/forms/merge.js';
import { loadedCounters } from '../../core/rules/loaded-counters.js';
import { withTables } from '../../core/rules/rule-change.js';
import { rulesForSets } from '../../core/rules/set-references.js';
import { refuseIrregular } from '../../io/path.js';
import { readText } from '../../io/text-file.js';
import { fileInCase } from '../case-folder.js';
import type { CommandOptions } from './apply-commands.js';
import { commandError, type HostCommand, placeOf } from './host-command.js';

interface RestoreOptions {
  readonly path: string;
  readonly table: string | undefined;
  readonly counters: boolean;
  readonly isTest: boolean;
}

/** What iptables-restore does not need to be followed in, with the number of words that may follow. */
const WITHOUT_EFFECT: ReadonlyMap<string, 0 | 1> = new Map([
  ['-v', 0],
  ['--verbose', 0],
  ['-4', 0],
  ['--ipv4', 0],
  ['-M', 1],
  ['--modprobe', 1],
]);

/**
 * Loads the file that COMMAND names: it replaces the tables that it has.
 * @throws {CommandError} {RulesetError} {FileError} {ReplayOptionsError}
 */
export function restoreRules(command: HostCommand, state: RulesetState, options: CommandOptions): RulesetState {
  const { path: given, table, counters, isTest } = parseRestoreOptions(command);
  const path = pathOf(command, given);
  const { lax, names, backend, sets, hasEnded } = options;
  const sources = [{ text: readText(path, hasEnded ? { hasEnded } : {}), file: path }];
  const all = rulesForSets(
    readAllRules(sources, { lax, family: 'ipv4', names, backend }),
    sets.store,
    lax,
    sets.failure,
  );
  if (isTest) return state;
  const loaded = { ...all, tables: all.tables.filter(({ name }) => table === undefined || name === table) };
  const counted = counters ? loadedCounters(loaded, sources) : new Map();
  const kept = [...state.counters].filter(([name]) => !loaded.tables.some((one) => one.name === name));
  return { ruleset: withTables(state.ruleset, loaded), counters: new Map([...kept, ...counted]) };
}

/** The path of the file that COMMAND calls GIVEN. */
function pathOf({ words, all, source }: HostCommand, given: string): string {
  const { within } = source;
  if (within === undefined) return given;
  const word = words.find(({ text }) => text === given) ?? all[0];
  const path = fileInCase(within, given, `${placeOf(source, all, word)}: iptables-restore`);
  refuseIrregular(path);
  return path;
}

/** How many words behind the `-w` at I belong to it: iptables-restore takes any that is no option for the seconds. */
function secondsBehind({ words, all, source }: HostCommand, i: number): 0 | 1 {
  const word = words[i + 1];
  if (word === undefined || word.text.startsWith('-')) return 0;
  if (/^\d+$/.test(word.text)) return 1;
  throw commandError(source, all, word, `"${word.text}" is no number of seconds for -w`, '-w SECONDS FILE');
}

/** @throws {CommandError} */
export function parseRestoreOptions(command: HostCommand): RestoreOptions {
  const { words, all, source } = command;
  const refuse = (word: Word, what: string, expected: string) => commandError(source, all, word, what, expected);
  let path: string | undefined;
  let table: string | undefined;
  let [counters, isTest] = [false, false];
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    const { text } = word;
    const skipped = WITHOUT_EFFECT.get(text);
    if (skipped !== undefined) i += skipped;
    else if (text === '-w' || text === '--wait') i += secondsBehind(command, i);
    else if (text === '-c' || text === '--counters') counters = true;
    else if (text === '-t' || text === '--test') isTest = true;
    else if (text === '-T' || text === '--table') table = words[++i]?.text;
    else if (text === '-n' || text === '--noflush') {
      throw refuse(
        word,
        `iptables-restore ${text} adds to the rules that are there, which is not followed`,
        'iptables commands',
      );
    } else if (text.startsWith('-')) throw refuse(word, `unknown option ${text}`, '-c, -T TABLE, -t, FILE');
    else if (path !== undefined) throw refuse(word, `"${text}" is one file too many`, 'one file');
    else path = text;
  }
  if (path !== undefined) return { path, table, counters, isTest };
  throw refuse(all[0], 'iptables-restore would read its standard input', 'iptables-restore FILE');
}
