/** Makes one ruleset of the rules in several texts. */
import { shownPath } from '../../../codecs/text.js';
import type { TableName } from '../../hooks.js';
import type { Ruleset, RulesetWarning } from '../model.js';
import { RuleFault, RulesetError } from '../parse/error.js';
import { type RulesOptions, type RulesSource, readRules } from './read-rules.js';

/**
 * Reads SOURCES, of which each has tables of its own.
 * @throws {RulesetError}
 */
export function readAllRules(sources: readonly RulesSource[], options: RulesOptions = {}): Ruleset {
  const rulesets = sources.map((source) => readRules(source, options));
  if (rulesets.length === 1) return rulesets[0];
  const owners = new Map<TableName, string>();
  for (const { fileName, tables } of rulesets) {
    for (const { name } of tables) {
      const owner = owners.get(name);
      if (owner !== undefined) throw twice(name, owner, fileName);
      owners.set(name, fileName);
    }
  }
  const all = (notes: 'warnings' | 'assumed'): RulesetWarning[] =>
    rulesets.flatMap((ruleset) => (ruleset[notes] ?? []).map((note) => ({ ...note, file: ruleset.fileName })));
  return {
    fileName: rulesets.map(({ fileName }) => fileName).join(', '),
    family: rulesets[0].family,
    tables: rulesets.flatMap(({ tables }) => tables),
    warnings: all('warnings'),
    assumed: all('assumed'),
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
