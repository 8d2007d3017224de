/**
 * What a rule does, apart from where it is and what it is called: the same for a rule that was moved, renumbered or
 * commented, or whose chain has another name.
 */
import type { Rule } from './model.js';
import { saveRule } from './save.js';

/** The text of RULE as iptables-save prints it, without comments, and without the name of a chain that it jumps to. */
export function meaningOf(rule: Rule): string {
  const { matches, target } = rule;
  const uncommented = matches.filter(({ extension }) => extension.name !== 'comment');
  const isJump = target.kind === 'jump' || target.kind === 'goto';
  const text = saveRule({ ...rule, matches: uncommented, ...(isJump ? { target: { kind: 'none' } } : {}) });
  return isJump ? `${text} ${target.kind}` : text;
}
