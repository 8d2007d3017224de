/** `-m quota`: as many bytes as are left (xt_quota). */
import type { MatchExtension } from '../rules/extension.js';
import { parseUint64 } from '../rules/parse/c-numbers.js';
import { RuleFault } from '../rules/parse/error.js';

interface QuotaParams {
  /** Bytes: 64 bits. */
  readonly quota: bigint;
  readonly negated: boolean;
}

export const quota: MatchExtension<QuotaParams> = {
  name: 'quota',
  options: [{ name: '--quota', words: 1, required: true, invertible: true, expected: 'a number of bytes' }],

  parse(options) {
    const { values, negated } = options.get('--quota')!;
    const bytes = parseUint64(values[0].text);
    if (bytes === undefined) throw new RuleFault(values[0], `bad quota "${values[0].text}"`, 'a number of 64 bits');
    return { quota: bytes, negated };
  },

  unsupported: () => 'a count of bytes for each rule',

  save({ quota: bytes, negated }) {
    return `${negated ? ' !' : ''} --quota ${bytes}`;
  },

  lower() {
    return { native: { reads: ['history'], explanation: 'not followed' } };
  },
};
