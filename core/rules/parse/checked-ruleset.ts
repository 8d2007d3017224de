/** The end of reading rules: what of them is not supported is an error, or with `lax` warnings. */
import type { Family } from '../../../codecs/address.js';
import type { Ruleset, RulesetWarning, Table } from '../model.js';
import { type UnsupportedPart, unsupportedUses } from '../unsupported.js';
import { RuleFault, RulesetError } from './error.js';

/** What was read besides tables. */
export interface ReadFile {
  readonly family: Family;
  readonly warnings: readonly RulesetWarning[];
  /** What could not be parsed, and of which no rule keeps that. */
  readonly unparsed: readonly UnsupportedPart[];
}

/**
 * The ruleset of TABLES, which were read from FILE_NAME.
 * @throws {RulesetError} with all that is not supported, unless `lax` accepts that
 */
export function checkedRuleset(
  fileName: string,
  tables: readonly Table[],
  { family, warnings, unparsed }: ReadFile,
  { lax, willRun }: { readonly lax?: boolean; readonly willRun?: boolean },
): Ruleset {
  const unsupported = [...unsupportedIn(tables, willRun === false), ...unparsed];
  if (lax !== true && unsupported.length > 0) throw unsupportedError(fileName, unsupported);
  const laxWarnings = [...new Set(unsupported)].map(({ word, message }): RulesetWarning => {
    return { line: word.line, column: word.column, message };
  });
  const all = [...warnings, ...laxWarnings].sort((a, b) => a.line - b.line);
  return { fileName, family, tables, warnings: all };
}

/** What the rules of TABLES hold that is not supported, once a rule. ONLY_UNREAD: only what could not be
 * parsed or is not shown. */
function unsupportedIn(tables: readonly Table[], onlyUnread: boolean): UnsupportedPart[] {
  const parts = tables.flatMap(({ rules }) => rules.flatMap(({ unsupported }) => unsupported ?? []));
  return onlyUnread ? parts.filter(({ part }) => part === 'rule' || part === 'hidden') : parts;
}

function unsupportedError(fileName: string, parts: readonly UnsupportedPart[]): RulesetError {
  const uses = unsupportedUses(parts);
  const [{ word, message }] = uses;
  return new RulesetError(fileName, new RuleFault(word, message, '', 'unsupported'), uses);
}
