/** `-j REDIRECT`: DNAT to this host (xt_REDIRECT). */
import { Hook } from '../hooks.js';
import type { NatRange } from '../nat/range.js';
import type { TargetExtension } from '../rules/extension.js';
import { listedParts } from '../rules/listing/listed-form.js';
import { LISTED_NAT_FLAGS, parseToPorts, saveToPorts } from './nat-range.js';

export const redirect: TargetExtension<NatRange> = {
  name: 'REDIRECT',
  tables: ['nat'],
  hooks: [Hook.PREROUTING, Hook.OUTPUT],
  terminates: true,
  options: [
    { name: '--to-ports', words: 1, expected: 'port or first-last' },
    { name: '--random', words: 0 },
  ],

  listed: listedParts([/redir ports (\S+)/, '--to-ports $1'], ...LISTED_NAT_FLAGS),

  parse: parseToPorts,

  save: saveToPorts,

  apply(range, packet, context) {
    return context.redirect(packet, range);
  },

  effect: () => 'connection',

  plan(range, planner) {
    return planner.redirect(range);
  },
};
