/** `-j TRACE`: from here on, every rule that the packet matches is logged (xt_TRACE). */
import { Verdict } from '../hooks.js';
import type { TargetExtension } from '../rules/extension.js';

export const trace: TargetExtension<object> = {
  name: 'TRACE',
  tables: ['raw'],
  terminates: false,
  options: [],
  parse: () => ({}),
  save: () => '',
  marksTraced: true,

  apply(_params, packet) {
    packet.isTraced = true;
    return Verdict.CONTINUE;
  },

  effect: () => 'outside',
};
