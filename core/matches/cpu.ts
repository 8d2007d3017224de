/** `-m cpu`: the processor that handles the packet (xt_cpu). */
import { equals } from '../rules/condition.js';
import type { MatchExtension } from '../rules/extension.js';
import { listedAs } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { parseNumber } from '../rules/parse/values.js';

interface CpuParams {
  readonly cpu: number;
  readonly negated: boolean;
}

export const cpu: MatchExtension<CpuParams> = {
  name: 'cpu',
  options: [{ name: '--cpu', words: 1, invertible: true, required: true, expected: 'the number of a processor' }],

  listed: listedAs([/cpu (!)? ?(\d+)/, '$1 --cpu $2']),

  parse(options) {
    const { values, negated } = options.get('--cpu')!;
    const number = parseNumber(values[0].text, 0xffffffff);
    if (number === undefined) {
      throw new RuleFault(values[0], `bad processor "${values[0].text}"`, 'a number of 32 bits');
    }
    return { cpu: number, negated };
  },

  save({ cpu: number, negated }) {
    return `${negated ? ' !' : ''} --cpu ${number}`;
  },

  lower: ({ cpu: number, negated }) => ({ conditions: [equals('cpu', number, negated)] }),
};
