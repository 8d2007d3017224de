/** `-j TRACE`: from here on, every rule that the packet matches is logged (xt_TRACE). */
import { Verdict } from '../hooks.js';
import type { TargetExtension } from '../rules/extension.js';

export const trace: TargetExtension<object> = {
  name: 'TRACE',
  tables: ['raw'],
  terminates: false,
  options: [],
  parse: () => ({}),
  unsupported: () => 'the log of the rules that a packet matches',
  save: () => '',
  apply: () => Verdict.CONTINUE,
  effect: () => 'outside',
};
