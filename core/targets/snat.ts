/** `-j SNAT`: rewrites the source (xt_nat). */
import { Hook } from '../hooks.js';
import { Manip, type NatRange } from '../nat/range.js';
import type { TargetExtension } from '../rules/extension.js';
import { RuleFault } from '../rules/parse/error.js';
import { formatTo, listedNatRange, parseFlags, parseTo, saveFlags } from './nat-range.js';

export const snat: TargetExtension<NatRange> = {
  name: 'SNAT',
  tables: ['nat'],
  hooks: [Hook.POSTROUTING, Hook.INPUT],
  terminates: true,
  options: [
    { name: '--to-source', words: 1, required: true, expected: 'address[-address][:port[-port]]' },
    { name: '--random', words: 0 },
    { name: '--random-fully', words: 0 },
    { name: '--persistent', words: 0 },
  ],

  listed: listedNatRange('--to-source'),

  parse(options) {
    const option = options.get('--to-source')!;
    const range = parseTo(option, options.family);
    if (range.basePort !== undefined) {
      throw new RuleFault(
        option.values[0],
        'a base port is for DNAT only',
        'address[-address][:port[-port]]',
        'unsupported',
      );
    }
    return { ...range, ...parseFlags(options) };
  },

  save(range) {
    return ` --to-source ${formatTo(range)}${saveFlags(range)}`;
  },

  apply(range, packet, context) {
    return context.setupNat(packet, range, Manip.SRC);
  },

  effect: () => 'connection',

  plan(range, planner) {
    return planner.setupNat(range, Manip.SRC);
  },
};
