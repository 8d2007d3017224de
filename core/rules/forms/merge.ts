/** Makes one ruleset of the rules in several texts. */
import { shownPath } from '../../../codecs/text.js';
import type { TableName } from '../../hooks.js';
import { type GuessOptions, withGuesses } from '../guess/guess.js';
import type { Ruleset, RulesetWarning } from '../model.js';
import { checkedRuleset } from '../parse/checked-ruleset.js';
import { RuleFault, RulesetError } from '../parse/error.js';
import { foreignForm, type RulesOptions, type RulesSource, readRules } from './read-rules.js';

export interface AllRulesOptions extends RulesOptions {
  /** Fill in what listings do not show; each guess is assumed. */
  readonly guess?: GuessOptions;
}

/**
 * Reads SOURCES, of which each has tables of its own.
 * @throws {RulesetError}
 */
export function readAllRules(sources: readonly RulesSource[], options: AllRulesOptions = {}): Ruleset {
  const { guess } = options;
  if (guess === undefined) return merged(sources.map((source) => readRules(source, options)));
  // What is left unknown is refused when all tables are together: they tell each other's bridges.
  const isListing = (source: RulesSource): boolean => foreignForm(source) !== undefined;
  const rulesets = sources.map((source) => readRules(source, isListing(source) ? { ...options, lax: true } : options));
  const guessed = withGuesses(merged(rulesets), guess);
  for (const { fileName, family } of options.lax === true ? [] : rulesets) {
    const tables = guessed.tables.map((table) => {
      return { ...table, rules: table.rules.filter(({ file }) => file === fileName) };
    });
    checkedRuleset(fileName, tables, { family, warnings: [], unparsed: [] }, options);
  }
  return guessed;
}

function merged(rulesets: readonly Ruleset[]): Ruleset {
  if (rulesets.length === 1) return rulesets[0];
  const owners = new Map<TableName, string>();
  for (const { fileName, tables } of rulesets) {
    for (const { name } of tables) {
      const owner = owners.get(name);
      if (owner !== undefined) throw twice(name, owner, fileName);
      owners.set(name, fileName);
    }
  }
  return {
    fileName: rulesets.map(({ fileName }) => fileName).join(', '),
    family: rulesets[0].family,
    tables: rulesets.flatMap(({ tables }) => tables),
    warnings: rulesets.flatMap(({ fileName, warnings }) => warnings.map((note) => ({ ...note, file: fileName }))),
  };
}

function twice(name: TableName, owner: string, fileName: string): RulesetError {
  const word = { text: name, line: 1, column: 1 };
  return new RulesetError(
    fileName,
    new RuleFault(word, `the table ${name} is also in ${shownPath(owner)}`, 'one file'),
  );
}

/** NOTES about RULESET, each as `file:line:column: message`. */
export function formatNotes({ fileName }: Ruleset, notes: readonly RulesetWarning[] = []): string[] {
  return notes.map(({ file = fileName, line, column, message }) => `${shownPath(file)}:${line}:${column}: ${message}`);
}
