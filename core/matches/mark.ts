/** `-m mark`: the packet's mark (xt_mark). */

import { equals } from '../rules/condition.js';
import type { MatchExtension, OptionSpec, ParsedOptions } from '../rules/extension.js';
import { listedAs } from '../rules/listing/listed-form.js';
import { formatHex, type MaskedValue, parseMasked } from '../rules/parse/values.js';

export interface MarkParams extends MaskedValue {
  readonly negated: boolean;
}

/** For `-m mark` and `-m connmark`. */
export const MARK_OPTIONS: readonly OptionSpec[] = [
  { name: '--mark', words: 1, invertible: true, required: true, expected: 'value or value/mask' },
];

export const mark: MatchExtension<MarkParams> = {
  name: 'mark',
  options: MARK_OPTIONS,

  listed: listedAs([/(?:mark|MARK) match (!)? ?(0x\S+)/, '$1 --mark $2']),

  parse: parseMark,

  save: saveMark,

  lower({ value, mask, negated }) {
    return { conditions: [equals('mark', value, negated, mask)] };
  },
};

export function parseMark(options: ParsedOptions): MarkParams {
  const option = options.get('--mark')!;
  return { ...parseMasked(option.values[0]), negated: option.negated };
}

export function saveMark({ value, mask, negated }: MarkParams): string {
  return `${negated ? ' !' : ''} --mark ${formatHex(value)}${mask === -1 ? '' : `/${formatHex(mask)}`}`;
}
