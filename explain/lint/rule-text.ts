/** Rules as people know them. */
import type { Rule } from '../../core/rules/model.js';
import { saveRule } from '../../core/rules/save.js';

/** `-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT` */
export function ruleText(rule: Rule): string {
  return `-A ${rule.chain}${saveRule(rule)}`;
}
