/** Rules in words that read back as the same, also where what iptables-save prints does not. */
import type { Extension } from './extension.js';
import type { Rule, Ruleset } from './model.js';
import { saveRule } from './save.js';

/** RULESET as a text of it should be made (`saveRuleset`), which reads back as the same. It is not to be run. */
export function exactForm(ruleset: Ruleset): Ruleset {
  const tables = ruleset.tables.map((table) => ({ ...table, rules: table.rules.map(exactRule) }));
  return { ...ruleset, tables };
}

/** The text of RULE that reads back as the same, behind `-A chain`; undefined: what iptables-save prints does. */
export function exactText(rule: Rule): string | undefined {
  const text = saveRule(exactRule(rule));
  return text === saveRule(rule) ? undefined : text.trim();
}

function exactRule(rule: Rule): Rule {
  const { matches, target } = rule;
  const isExact = matches.every(isSavedExactly) && (target.kind !== 'extension' || isSavedExactly(target));
  if (isExact) return rule;
  return {
    ...rule,
    matches: matches.map((match) => ({ ...match, extension: exact(match.extension) })),
    target: target.kind === 'extension' ? { ...target, extension: exact(target.extension) } : target,
  };
}

const isSavedExactly = ({ extension }: { extension: Pick<Extension<never>, 'saveExactly'> }): boolean =>
  extension.saveExactly === undefined;

function exact<E extends Pick<Extension<never>, 'save' | 'saveExactly'>>(extension: E): E {
  return extension.saveExactly === undefined ? extension : { ...extension, save: extension.saveExactly };
}
