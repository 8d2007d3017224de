/** `-m rpfilter`: whether a reply to the packet would leave by the interface that it came in on (xt_rpfilter). */
import { Hook } from '../hooks.js';
import type { MatchExtension } from '../rules/extension.js';

/** In iptables-save order. */
const FLAGS = ['--loose', '--validmark', '--accept-local', '--invert'] as const;

interface RpfilterParams {
  readonly flags: readonly (typeof FLAGS)[number][];
}

export const rpfilter: MatchExtension<RpfilterParams> = {
  name: 'rpfilter',
  tables: ['raw', 'mangle'],
  hooks: [Hook.PREROUTING],
  options: FLAGS.map((name) => ({ name, words: 0 }) as const),

  parse(options) {
    return { flags: FLAGS.filter((name) => options.get(name) !== undefined) };
  },

  unsupported: () => 'the route back',

  save({ flags }) {
    return flags.map((flag) => ` ${flag}`).join('');
  },

  lower: () => ({}),
};
