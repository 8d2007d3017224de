/** What this project makes of a file of rules, to be compared with the real iptables. */
import type { Family } from '../../codecs/address.js';
import { HOOK_NAMES, TABLE_HOOKS, TABLE_NAMES } from '../../core/hooks.js';
import { RulesetError } from '../../core/rules/parse/error.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { saveRuleset } from '../../core/rules/save.js';

export type Answer =
  | { readonly kind: 'saved'; readonly text: string }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'unsupported'; readonly message: string };

/** All tables without rules. */
export const EMPTY_TABLES = TABLE_NAMES.map(
  (table) => `*${table}\n${TABLE_HOOKS[table].map((hook) => `:${HOOK_NAMES[hook]} ACCEPT [0:0]\n`).join('')}COMMIT\n`,
).join('');

/** Loads TEXT, rules of FAMILY, into empty tables. */
export function ourAnswer(text: string, family: Family = 'ipv4'): Answer {
  // The rules are not run, so they may hold what is only parsed.
  const options = { willRun: false, family };
  try {
    parseRuleset(text, 'rules', options);
    return { kind: 'saved', text: saveRuleset(parseRuleset(EMPTY_TABLES + text, 'rules', options)) };
  } catch (error) {
    if (!(error instanceof RulesetError)) throw error;
    const { code, message } = error;
    return code === 'unsupported' ? { kind: 'unsupported', message } : { kind: 'refused', message };
  }
}

/** How the answers differ; undefined if they do not. A feature refused by name is no difference. */
export function differenceOf(ours: Answer, real: string | undefined): string | undefined {
  if (ours.kind === 'unsupported') return undefined;
  if (ours.kind === 'refused') return real === undefined ? undefined : `taken, but refused here: ${ours.message}`;
  if (real === undefined) return 'refused, but taken here';
  if (real === ours.text) return undefined;
  const [wanted, got] = [real.split('\n'), ours.text.split('\n')];
  const at = wanted.findIndex((line, i) => line !== got[i]);
  return `saved differently:\n    iptables: ${wanted[at] ?? 'nothing'}\n    here:     ${got[at] ?? 'nothing'}`;
}
