/** `-m length`: the IP total length of the packet (xt_length). Reassembled packets have their full length. */

import { within } from '../rules/condition.js';
import type { MatchExtension, ParsedOption } from '../rules/extension.js';
import { RuleFault } from '../rules/parse/error.js';
import { formatPortRange, type PortRange, parseNumber } from '../rules/parse/values.js';

const MAX_LENGTH = 0xffff;

/** In bytes. If the first exceeds the last, nothing matches, as in iptables. */
interface LengthParams extends PortRange {
  readonly negated: boolean;
}

export const length: MatchExtension<LengthParams> = {
  name: 'length',
  options: [{ name: '--length', words: 1, invertible: true, required: true, expected: 'bytes or first:last' }],

  parse(options) {
    const option = options.get('--length')!;
    return { ...parseLengths(option), negated: option.negated };
  },

  save(params) {
    return `${params.negated ? ' !' : ''} --length ${formatPortRange(params)}`;
  },

  lower(params) {
    return { conditions: [within('length', [params], params.negated)] };
  },
};

function parseLengths({ values: [word] }: ParsedOption): PortRange {
  const [first, last, more] = word.text.split(':');
  const min = first === '' && last !== undefined ? 0 : parseNumber(first, MAX_LENGTH);
  const max = last === undefined ? min : last === '' ? MAX_LENGTH : parseNumber(last, MAX_LENGTH);
  if (min === undefined || max === undefined || more !== undefined) {
    throw new RuleFault(word, `bad length "${word.text}"`, 'bytes or first:last, 0–65535');
  }
  return { min, max };
}
