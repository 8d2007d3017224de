/** `-j MASQUERADE`: SNAT to the address of the egress interface (xt_MASQUERADE). */
import { Hook } from '../hooks.js';
import type { NatRange } from '../nat/range.js';
import type { TargetExtension } from '../rules/extension.js';
import { listedParts } from '../rules/listing/listed-form.js';
import { LISTED_NAT_FLAGS, parseToPorts, saveToPorts } from './nat-range.js';

export const masquerade: TargetExtension<NatRange> = {
  name: 'MASQUERADE',
  tables: ['nat'],
  hooks: [Hook.POSTROUTING],
  terminates: true,
  options: [
    { name: '--to-ports', words: 1, expected: 'port or first-last' },
    { name: '--random', words: 0 },
    { name: '--random-fully', words: 0 },
  ],

  listed: listedParts([/masq ports: (\S+)/, '--to-ports $1'], ...LISTED_NAT_FLAGS),

  parse: parseToPorts,

  save: saveToPorts,

  apply(range, packet, context) {
    return context.masquerade(packet, range);
  },

  effect: () => 'connection',

  plan(range, planner) {
    return planner.masquerade(range);
  },
};
