/** Tables in which a case has rules, and which other rules that it is checked with do not have at all. */
import { shownPath } from '../../codecs/text.js';
import { RulesetError } from '../../core/rules/parse/error.js';
import { type CheckOptions, replayOptionsOf } from '../../replay/check-case.js';
import { NoRulesError } from '../../replay/errors.js';
import type { GoldenCase } from '../../replay/golden-case.js';
import { loadSetting } from '../../replay/setting.js';
import { count } from '../number.js';

/** `new.v4 has no table nat: the 6 rules of pcaps/docker there are gone`, for each such table. */
export function lostTables(golden: GoldenCase, options: CheckOptions): string[] {
  const { rulesPath } = options;
  if (rulesPath === undefined) return [];
  const given = new Set(tablesOf(golden, options).map(({ name }) => name));
  return tablesOf(golden, {})
    .filter(({ name, rules }) => rules > 0 && !given.has(name))
    .map(({ name, rules }) => {
      const gone = `${count(rules, 'rule')} of ${shownPath(golden.dir)} there ${rules === 1 ? 'is' : 'are'} gone`;
      return `${shownPath(rulesPath)} has no table ${name}: the ${gone}`;
    });
}

function tablesOf(golden: GoldenCase, options: CheckOptions): { readonly name: string; readonly rules: number }[] {
  try {
    const { ruleset } = loadSetting({ ...replayOptionsOf(golden, options), apply: [], changes: [] });
    return ruleset.tables.map(({ name, rules }) => ({ name, rules: rules.length }));
  } catch (error) {
    // The case's own rules need not be such as can be followed.
    if (error instanceof RulesetError || error instanceof NoRulesError) return [];
    throw error;
  }
}
