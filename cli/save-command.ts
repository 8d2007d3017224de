/** The command `nfreplay save`: prints rules in their canonical form, or says where a file is not in it. */
import { encodeText, shown, shownPath } from '../codecs/text.js';
import { canonicalText, formDifference } from '../core/rules/canonical.js';
import { loadedCounters } from '../core/rules/loaded-counters.js';
import { parseRuleset } from '../core/rules/parse/parse.js';
import { readText } from '../io/text-file.js';
import { type Arguments, parseCommand } from './args.js';
import { SAVE } from './commands.js';
import { ExitCode, UsageError } from './errors.js';
import { STDOUT, warn } from './output.js';

/** Runs the command; returns the exit code. */
export function saveCommand(args: readonly string[]): number {
  const given = parseCommand(SAVE, args);
  const [path, ...more] = given.positionals;
  if (path === undefined) throw new UsageError('nfreplay save requires a file of rules (- for standard input)');
  if (!given.has('check')) {
    if (more.length > 0) throw new UsageError(`only --check takes more than one file: ${more.join(' ')}`);
    STDOUT.write(encodeText(readCanonical(path, given).canonical));
    return ExitCode.DONE;
  }
  if (given.has('keep-counters')) throw new UsageError('--check does not look at counters: leave out --keep-counters');
  const isCanonical = given.positionals.map((one) => check(one, given));
  return isCanonical.every(Boolean) ? ExitCode.DONE : ExitCode.DIFFERENT;
}

/** The text of the rules at PATH, and their canonical form. */
function readCanonical(path: string, given: Arguments): { text: string; canonical: string } {
  const text = readText(path);
  const family = given.has('ipv6') ? 'ipv6' : undefined;
  const ruleset = parseRuleset(text, path, { lax: given.has('lax'), willRun: false, ...(family && { family }) });
  for (const { line, column, message } of ruleset.warnings) warn(`${shownPath(path)}:${line}:${column}: ${message}`);
  const counters = given.has('keep-counters') ? loadedCounters(ruleset, text) : undefined;
  return { text, canonical: canonicalText(ruleset, counters) };
}

/** Says where the rules at PATH are not in their canonical form; returns whether they are. */
function check(path: string, args: Arguments): boolean {
  const { text, canonical: wanted } = readCanonical(path, args);
  const difference = formDifference(text, wanted);
  if (difference === undefined) return true;
  const { line, given = 'the end of the file', canonical = 'the end of the file' } = difference;
  STDOUT.write(`${shownPath(path)}:${line}: not in the canonical form\n`);
  STDOUT.write(`  is:        ${shown(given)}\n  canonical: ${shown(canonical)}\n`);
  return false;
}
