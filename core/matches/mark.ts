/** `-m mark`: the packet's mark (xt_mark). */

import type { MatchExtension, OptionSpec, ParsedOptions } from '../rules/extension.js';
import { formatHex, type MaskedValue, parseMasked } from '../rules/parse/values.js';
import { code, unless } from '../rules/run/codegen.js';

export interface MarkParams extends MaskedValue {
  readonly negated: boolean;
}

/** Of `-m mark` and `-m connmark`. */
export const MARK_OPTIONS: readonly OptionSpec[] = [
  { name: '--mark', words: 1, invertible: true, required: true, wanted: 'value or value/mask' },
];

export const mark: MatchExtension<MarkParams> = {
  name: 'mark',
  options: MARK_OPTIONS,

  parse: parseMark,

  save: saveMark,

  reads() {
    return ['mark'];
  },

  bounds() {
    return { isAll: false };
  },

  check({ value, mask, negated }, packet) {
    return ((packet.mark & mask) === value) !== negated;
  },

  compile({ value, mask, negated }, _context, gen) {
    return unless(negated, code`(${gen.mark} & ${mask}) === ${value}`);
  },

  explain(params, packet) {
    return `mark ${formatHex(packet.mark)}, the rule wants${saveMark(params)}`;
  },
};

export function parseMark(options: ParsedOptions): MarkParams {
  const option = options.get('--mark')!;
  return { ...parseMasked(option.values[0]), negated: option.negated };
}

export function saveMark({ value, mask, negated }: MarkParams): string {
  return `${negated ? ' !' : ''} --mark ${formatHex(value)}${mask === -1 ? '' : `/${formatHex(mask)}`}`;
}
