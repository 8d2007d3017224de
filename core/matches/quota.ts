/** `-m quota`: as many bytes as are left (xt_quota). */
import type { MatchExtension } from '../rules/extension.js';
import { listedAs } from '../rules/listing/listed-form.js';
import { parseUint64 } from '../rules/parse/c-numbers.js';
import { RuleFault } from '../rules/parse/error.js';
import { FlatState, QUOTA_STATE, StateKind } from '../rules/run/flat-state.js';

interface QuotaParams {
  /** Bytes: 64 bits. */
  readonly quota: bigint;
  readonly negated: boolean;
}

export const quota: MatchExtension<QuotaParams> = {
  name: 'quota',
  options: [{ name: '--quota', words: 1, required: true, invertible: true, expected: 'a number of bytes' }],

  // It prints no `!`.
  listed: listedAs([/quota: (\d+) bytes/, '--quota $1', 'whether there is a `!` before the --quota']),

  parse(options) {
    const { values, negated } = options.get('--quota')!;
    const bytes = parseUint64(values[0].text);
    if (bytes === undefined) throw new RuleFault(values[0], `bad quota "${values[0].text}"`, 'a number of 64 bits');
    return { quota: bytes, negated };
  },

  save({ quota: bytes, negated }) {
    return `${negated ? ' !' : ''} --quota ${bytes}`;
  },

  createState({ quota: bytes, negated }, context) {
    // Nobody uses up more than 2^53 bytes, up to which the number is exact.
    return FlatState.create(context, { kind: StateKind.QUOTA, negated }, QUOTA_STATE, { bytes: Number(bytes) });
  },

  lower({ quota: bytes, negated }) {
    const explanation = `the quota of ${bytes} bytes is ${negated ? 'not used up' : 'used up'}`;
    return { native: { reads: ['history'], explanation } };
  },
};
