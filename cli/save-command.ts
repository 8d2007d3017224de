/** The command `nfreplay save`: prints rules in their canonical form, or says where a file is not in it. */
import { encodeText, shown, shownPath } from '../codecs/text.js';
import { canonicalText, formDifferences } from '../core/rules/canonical.js';
import { loadedCounters } from '../core/rules/loaded-counters.js';
import type { Ruleset } from '../core/rules/model.js';
import { parseRuleset } from '../core/rules/parse/parse.js';
import { readText } from '../io/text-file.js';
import { type Arguments, parseCommand } from './args.js';
import { SAVE } from './commands.js';
import { ExitCode, UsageError } from './errors.js';
import { count } from './number.js';
import { STDOUT, warn } from './output.js';

/** Runs the command; returns the exit code. */
export function saveCommand(args: readonly string[]): number {
  const given = parseCommand(SAVE, args);
  const [path, ...more] = given.positionals;
  if (path === undefined) throw new UsageError('nfreplay save requires a file of rules (- for standard input)');
  if (!given.has('check')) {
    if (more.length > 0) throw new UsageError(`only --check takes more than one file: ${more.join(' ')}`);
    const { text, ruleset } = readRules(path, given);
    const counters = given.has('keep-counters') ? loadedCounters(ruleset, text) : undefined;
    STDOUT.write(encodeText(canonicalText(ruleset, counters)));
    return ExitCode.DONE;
  }
  if (given.has('keep-counters')) throw new UsageError('--check does not look at counters: leave out --keep-counters');
  const isCanonical = given.positionals.map((one) => check(one, given));
  return isCanonical.every(Boolean) ? ExitCode.DONE : ExitCode.DIFFERENT;
}

/** How many lines of a file are shown that are not in their canonical form. */
const MOST_SHOWN = 20;

/** The text of the rules at PATH, and the rules. */
function readRules(path: string, given: Arguments): { text: string; ruleset: Ruleset } {
  const text = readText(path);
  const family = given.has('ipv6') ? 'ipv6' : undefined;
  const ruleset = parseRuleset(text, path, { lax: given.has('lax'), willRun: false, ...(family && { family }) });
  for (const { line, column, message } of ruleset.warnings) warn(`${shownPath(path)}:${line}:${column}: ${message}`);
  return { text, ruleset };
}

/** Says where the rules at PATH are not in their canonical form; returns whether they are. */
function check(path: string, given: Arguments): boolean {
  const { text, ruleset } = readRules(path, given);
  const differences = formDifferences(text, ruleset);
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
