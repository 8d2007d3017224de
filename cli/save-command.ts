/** The command `nfreplay save`: prints rules in their canonical form, or says where a file is not in it. */
import { encodeText, shown, shownPath } from '../codecs/text.js';
import { canonicalText, formDifferences } from '../core/rules/canonical.js';
import { exactText } from '../core/rules/exact-form.js';
import { formatNotes, readAllRules } from '../core/rules/forms/merge.js';
import { foreignForm, type RulesSource } from '../core/rules/forms/read-rules.js';
import type { Guess, GuessOptions } from '../core/rules/guess/guess.js';
import { loadedCounters } from '../core/rules/loaded-counters.js';
import type { Ruleset } from '../core/rules/model.js';
import { readHostAt } from '../io/host-files.js';
import { dockerBridges } from '../replay/docker-bridges.js';
import { loadHostAddresses } from '../replay/names.js';
import { readRulesFiles } from '../replay/rules-files.js';
import { type Arguments, parseCommand } from './args.js';
import { SAVE } from './commands/save.js';
import { reportError } from './error-report.js';
import { ExitCode, UsageError } from './errors.js';
import { count } from './number.js';
import { STDERR, STDOUT, warn } from './output.js';

/** Runs the command; returns the exit code. */
export function saveCommand(args: readonly string[]): number {
  const given = parseCommand(SAVE, args);
  const [path, ...more] = given.positionals;
  if (path === undefined) throw new UsageError('nfreplay save requires a file of rules (- for standard input)');
  if (!given.has('check')) {
    if (more.length > 0) throw new UsageError(`only --check takes more than one file: ${more.join(' ')}`);
    const { sources, ruleset } = readRules(path, given);
    const counters = given.has('keep-counters') ? loadedCounters(ruleset, sources) : undefined;
    STDOUT.write(encodeText(canonicalText(ruleset, counters)));
    warnOfQuirks(ruleset);
    return ExitCode.DONE;
  }
  if (given.has('keep-counters')) throw new UsageError('--check does not look at counters: leave out --keep-counters');
  return Math.max(...given.positionals.map((one) => checked(one, given)));
}

/** Where what iptables-save prints, and so this command, reads back as another rule. */
function warnOfQuirks({ tables }: Ruleset): void {
  for (const { name, rules } of tables) {
    for (const rule of rules) {
      const exact = exactText(rule);
      if (exact === undefined) continue;
      const place = `${name} ${rule.chain} ${rule.number}`;
      warn(`${place} is printed as iptables-save does, which reads back as another rule: it was ${exact}`);
    }
  }
}

/** How many lines of a file are shown that are not in their canonical form. */
const MOST_SHOWN = 20;

interface GivenRules {
  sources: readonly RulesSource[];
  ruleset: Ruleset;
}

/** The rules in PATH, which may name several files as `--rules` does. */
function readRules(path: string, given: Arguments): GivenRules {
  const sources = readRulesFiles(path);
  const family = given.has('ipv6') ? 'ipv6' : undefined;
  const namesPath = given.value('names');
  const guess = guessIn(given);
  const ruleset = readAllRules(sources, {
    ...{ lax: given.has('lax'), willRun: false },
    ...(family && { family }),
    ...(namesPath !== undefined && { hostNames: loadHostAddresses(namesPath) }),
    ...(guess && { guess }),
  });
  for (const warning of formatNotes(ruleset, ruleset.warnings)) warn(warning);
  for (const assumed of formatNotes(ruleset, ruleset.assumed)) STDERR.write(`nfreplay: assumed: ${shown(assumed)}\n`);
  return { sources, ruleset };
}

/** What `--guess` asks for. */
function guessIn(given: Arguments): GuessOptions | undefined {
  const guess = given.value('guess') as Guess | undefined;
  const hostPath = given.value('host');
  if (guess === undefined) return undefined;
  if (guess === 'docker' && hostPath === undefined) {
    throw new UsageError('--guess docker requires --host: the bridges of the host and their networks');
  }
  return { guess, bridges: hostPath === undefined ? [] : dockerBridges(readHostAt(hostPath).description) };
}

/** Checks the rules at PATH; returns the exit code. */
function checked(path: string, given: Arguments): number {
  try {
    return check(path, given) ? ExitCode.DONE : ExitCode.DIFFERENT;
  } catch (error) {
    return reportError(error);
  }
}

/** Says where the rules at PATH are not in their canonical form; returns whether they are. */
function check(path: string, given: Arguments): boolean {
  const { sources, ruleset } = readRules(path, given);
  const [source] = sources;
  const form = sources.length > 1 ? 'several files' : foreignForm(source);
  if (form !== undefined) {
    const command = `nfreplay save ${shownPath(path)}`;
    STDOUT.write(`${shownPath(path)}: this is ${form}; \`${command}\` prints the canonical form\n`);
    return false;
  }
  const differences = formDifferences(source.text, ruleset);
  for (const { isRule, line, given: is = END, canonical = END } of differences.slice(0, MOST_SHOWN)) {
    const what = isRule ? 'not in the canonical form' : 'another line is expected here';
    STDOUT.write(`${shownPath(path)}:${line}: ${what}\n  is:        ${shown(is)}\n`);
    for (const [i, one] of canonical.split('\n').entries()) {
      STDOUT.write(`${i === 0 ? '  canonical:' : '            '} ${shown(one)}\n`);
    }
  }
  const more = differences.length - MOST_SHOWN;
  if (more > 0) STDOUT.write(`${shownPath(path)}: ${count(more, 'more line')} not in the canonical form\n`);
  return differences.length === 0;
}

const END = 'the end of the file';
