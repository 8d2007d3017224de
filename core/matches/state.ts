/** `-m state`: the old spelling of `-m conntrack --ctstate` (xt_state). */

import type { MatchExtension } from '../rules/extension.js';
import { code, unless } from '../rules/run/codegen.js';
import { formatNames, parseNames, STATES } from './ctstates.js';

interface StateParams {
  /** Bits 1 << CtInfo. */
  readonly states: number;
  readonly negated: boolean;
}

export const state: MatchExtension<StateParams> = {
  name: 'state',
  options: [{ name: '--state', words: 1, invertible: true, required: true, wanted: 'states, with commas between' }],

  parse(options) {
    const option = options.get('--state')!;
    return { states: parseNames(option.values[0], STATES, 'state'), negated: option.negated };
  },

  save({ states, negated }) {
    return `${negated ? ' !' : ''} --state ${formatNames(states, STATES)}`;
  },

  reads() {
    return ['ctinfo'];
  },

  bounds({ states, negated }) {
    return { states: negated ? ~states : states, isAll: true };
  },

  check({ states, negated }, packet) {
    return ((states >> packet.ctinfo) & 1) !== (negated ? 1 : 0);
  },

  compile({ states, negated }, _context, gen) {
    return unless(negated, code`(${states} >> ${gen.field('ctinfo')} & 1) !== 0`);
  },

  explain({ states, negated }, packet) {
    const wanted = `the rule wants ${negated ? 'none of ' : ''}${formatNames(states, STATES)}`;
    return `state ${formatNames(1 << packet.ctinfo, STATES)}, ${wanted}`;
  },
};
