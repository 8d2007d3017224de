/** `-m state`: the older form of `-m conntrack --ctstate` (xt_state). */

import { isOneOf } from '../rules/condition.js';
import type { MatchExtension } from '../rules/extension.js';
import { listedAs } from '../rules/listing/listed-form.js';
import { formatNames, parseNames, STATES } from './ctstates.js';

interface StateParams {
  /** Bits 1 << CtInfo. */
  readonly states: number;
  readonly negated: boolean;
}

export const state: MatchExtension<StateParams> = {
  name: 'state',
  options: [{ name: '--state', words: 1, invertible: true, required: true, expected: 'comma-separated states' }],

  listed: listedAs([/(!)? ?state ([A-Z,]+)/, '$1 --state $2']),

  parse(options) {
    const option = options.get('--state')!;
    return { states: parseNames(option.values[0], STATES, 'state'), negated: option.negated };
  },

  save({ states, negated }) {
    return `${negated ? ' !' : ''} --state ${formatNames(states, STATES)}`;
  },

  lower({ states, negated }) {
    return { conditions: [isOneOf('ctinfo', states, negated)] };
  },
};
