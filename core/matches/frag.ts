/** `-m frag`: the fragment header of IPv6 (ip6t_frag). */
import type { MatchExtension } from '../rules/extension.js';
import { IPV6_ONLY } from '../rules/ipv6-only.js';
import { listed } from '../rules/listing/listed-form.js';
import {
  type NumberTest,
  numberOption,
  parseNumberTest,
  parseRangeTest,
  saveNumberTest,
  saveRangeTest,
} from './number-tests.js';

/** In iptables-save order. */
const FLAGS = ['--fragres', '--fragfirst', '--fragmore', '--fraglast'] as const;

interface FragParams {
  readonly id: NumberTest | undefined;
  /** The kernel does not look at it. */
  readonly length: NumberTest | undefined;
  readonly flags: readonly string[];
}

export const frag: MatchExtension<FragParams> = {
  name: 'frag',
  ...IPV6_ONLY,
  options: [
    numberOption('--fragid', true),
    numberOption('--fraglen'),
    { name: '--fragres', words: 0 },
    { name: '--fragfirst', words: 0 },
    { name: '--fragmore', words: 0, excludes: ['--fraglast'] },
    { name: '--fraglast', words: 0, excludes: ['--fragmore'] },
  ],

  listed: listed(
    /frag/,
    [/ids?:(!)?(\S+)/, '$1 --fragid $2'],
    [/length:(!)?(\d+)/, '$1 --fraglen $2'],
    [/reserved/, '--fragres'],
    [/first/, '--fragfirst'],
    [/more/, '--fragmore'],
    [/last/, '--fraglast'],
  ),

  parse: (options) => ({
    id: parseRangeTest(options, '--fragid'),
    length: parseNumberTest(options, '--fraglen'),
    flags: FLAGS.filter((name) => options.get(name) !== undefined),
  }),

  save: ({ id, length, flags }) =>
    saveRangeTest('--fragid', id) + saveNumberTest('--fraglen', length) + flags.map((flag) => ` ${flag}`).join(''),

  lower: () => ({}),
};
