/** `-j DNAT`: rewrites the destination (xt_nat). */
import { Hook } from '../hooks.js';
import { Manip, type NatRange } from '../nat/range.js';
import type { TargetExtension } from '../rules/extension.js';
import { formatTo, listedNatRange, parseFlags, parseTo, saveFlags } from './nat-range.js';

export const dnat: TargetExtension<NatRange> = {
  name: 'DNAT',
  tables: ['nat'],
  hooks: [Hook.PREROUTING, Hook.OUTPUT],
  terminates: true,
  options: [
    { name: '--to-destination', words: 1, required: true, expected: 'address[-address][:port[-port[/port]]]' },
    { name: '--random', words: 0 },
    { name: '--persistent', words: 0 },
  ],

  listed: listedNatRange('--to-destination'),

  parse(options) {
    return { ...parseTo(options.get('--to-destination')!, options.family), ...parseFlags(options) };
  },

  save(range) {
    return ` --to-destination ${formatTo(range)}${saveFlags(range)}`;
  },

  apply(range, packet, context) {
    return context.setupNat(packet, range, Manip.DST);
  },

  effect: () => 'connection',

  plan(range, planner) {
    return planner.setupNat(range, Manip.DST);
  },
};
