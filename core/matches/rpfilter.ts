/** `-m rpfilter`: whether a reply to the packet would leave by the interface that it came in on (xt_rpfilter). */
import { Hook } from '../hooks.js';
import { ReversePath } from '../host/route-decision.js';
import { isOneOf } from '../rules/condition.js';
import type { MatchExtension } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';

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

  listed: listed(
    /rpfilter/,
    [/loose/, '--loose'],
    [/validmark/, '--validmark'],
    [/accept-local/, '--accept-local'],
    [/invert/, '--invert'],
  ),

  parse(options) {
    return { flags: FLAGS.filter((name) => options.get(name) !== undefined) };
  },

  save({ flags }) {
    return flags.map((flag) => ` ${flag}`).join('');
  },

  lower({ flags }) {
    const isLoose = flags.includes('--loose');
    const paths: ReversePath[] = [ReversePath.HERE, ReversePath.EXEMPT];
    if (isLoose) paths.push(ReversePath.ELSEWHERE);
    if (flags.includes('--accept-local')) {
      paths.push(ReversePath.LOCAL_HERE);
      if (isLoose) paths.push(ReversePath.LOCAL_ELSEWHERE);
    }
    const field = flags.includes('--validmark') ? 'reversePathByMark' : 'reversePath';
    const bits = paths.reduce<number>((set, path) => set | (1 << path), 0);
    return { conditions: [isOneOf(field, bits, flags.includes('--invert'))] };
  },
};
