/** `-m helper`: the packet's connection has, or is expected by, a conntrack helper (xt_helper). */
import { quoteWord } from '../../codecs/iptables-save.js';
import { cutToBytes } from '../../codecs/text.js';
import type { MatchExtension } from '../rules/extension.js';
import { listedAs } from '../rules/listing/listed-form.js';

/** What the kernel keeps of the name, without the terminating zero. */
const MAX_NAME_BYTES = 29;

interface HelperParams {
  /** Empty: any helper. */
  readonly helper: string;
  readonly negated: boolean;
}

export const helper: MatchExtension<HelperParams> = {
  name: 'helper',
  options: [{ name: '--helper', words: 1, invertible: true, required: true, expected: 'the name of a helper' }],

  listed: listedAs([/helper match (!)? ?"(.*?)"/, '$1 --helper $2']),

  parse(options) {
    const option = options.get('--helper')!;
    return { helper: cutToBytes(option.values[0].text, MAX_NAME_BYTES), negated: option.negated };
  },

  unsupported: () => "conntrack's helpers",

  save: ({ helper: name, negated }) => `${negated ? ' !' : ''} --helper ${quoteWord(name)}`,

  lower: () => ({}),
};
