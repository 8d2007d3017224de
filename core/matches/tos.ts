/** `-m tos`: the type-of-service byte in the IP header (xt_tos, revision 1). */
import { equals } from '../rules/condition.js';
import type { MatchExtension, ParsedOption } from '../rules/extension.js';
import { listedAs } from '../rules/listing/listed-form.js';
import { RuleFault, unknownName } from '../rules/parse/error.js';
import { formatHexByte, parseNumber } from '../rules/parse/values.js';

const NAMES: ReadonlyMap<string, number> = new Map([
  ['minimize-delay', 0x10],
  ['maximize-throughput', 0x08],
  ['maximize-reliability', 0x04],
  ['minimize-cost', 0x02],
  ['normal-service', 0x00],
]);
/** The mask of named values. */
const NAMED_MASK = 0x3f;
export const TOS_EXPECTED = `value[/mask], 0–255 each, or one of ${[...NAMES.keys()].join(', ')}`;

interface TosParams {
  /** If it has bits outside of the mask it never matches, as in the kernel. */
  readonly value: number;
  readonly mask: number;
  readonly negated: boolean;
}

export const tos: MatchExtension<TosParams> = {
  name: 'tos',
  options: [{ name: '--tos', words: 1, invertible: true, required: true, expected: TOS_EXPECTED }],

  listed: listedAs([/tos match ?(!)?(0x\S+)/, '$1 --tos $2'], [/tos match ?(!)? ?([A-Z][A-Za-z-]+)/, '$1 --tos $2']),

  parse(options) {
    const option = options.get('--tos')!;
    return { ...parseTos(option), negated: option.negated };
  },

  save({ value, mask, negated }) {
    return `${negated ? ' !' : ''} --tos ${formatHexByte(value)}/${formatHexByte(mask)}`;
  },

  lower({ value, mask, negated }) {
    return { conditions: [equals('tos', value, negated, mask)] };
  },
};

/** Parses `value[/mask]` or a name (XTTYPE_TOSMASK). */
export function parseTos({ values: [word] }: ParsedOption): { value: number; mask: number } {
  const [text, maskText, more] = word.text.split('/');
  const value = parseNumber(text, 0xff);
  if (value === undefined) {
    const named = NAMES.get(word.text.toLowerCase());
    if (named !== undefined) return { value: named, mask: NAMED_MASK };
    throw unknownName(word, 'TOS', word.text, [...NAMES.keys()], TOS_EXPECTED);
  }
  const mask = maskText === undefined ? 0xff : parseNumber(maskText, 0xff);
  if (mask === undefined || more !== undefined) throw new RuleFault(word, `bad TOS "${word.text}"`, TOS_EXPECTED);
  return { value, mask };
}
