/** `-m length`: the IP total length of the packet (xt_length). Reassembled packets have their full length. */

import { within } from '../rules/condition.js';
import type { MatchExtension } from '../rules/extension.js';
import { listedAs } from '../rules/listing/listed-form.js';
import { formatPortRange, type PortRange, parseNumberRange } from '../rules/parse/values.js';

const MAX_LENGTH = 0xffff;
const EXPECTED = 'bytes or first:last, 0–65535';

/** In bytes. If the first exceeds the last, nothing matches, as in iptables. */
interface LengthParams extends PortRange {
  readonly negated: boolean;
}

export const length: MatchExtension<LengthParams> = {
  name: 'length',
  options: [{ name: '--length', words: 1, invertible: true, required: true, expected: EXPECTED }],

  listed: listedAs([/length (!)?(\d+(?::\d+)?)/, '$1 --length $2']),

  parse(options) {
    const option = options.get('--length')!;
    return { ...parseNumberRange(option.values[0], MAX_LENGTH, EXPECTED), negated: option.negated };
  },

  save(params) {
    return `${params.negated ? ' !' : ''} --length ${formatPortRange(params)}`;
  },

  lower(params) {
    return { conditions: [within('length', [params], params.negated)] };
  },
};
