/** `-m hl`: the hop limit of IPv6 (hl_mt6 in xt_hl). */
import type { MatchExtension } from '../rules/extension.js';
import { IPV6_ONLY } from '../rules/ipv6-only.js';
import { listedAs } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { parseNumber } from '../rules/parse/values.js';

const MAX_HOP_LIMIT = 255;
const OPERATORS = ['--hl-eq', '--hl-lt', '--hl-gt'] as const;

interface HopLimitParams {
  readonly operator: string;
  readonly limit: number;
  /** For `--hl-eq` only. */
  readonly negated: boolean;
}

export const hl: MatchExtension<HopLimitParams> = {
  name: 'hl',
  ...IPV6_ONLY,
  options: OPERATORS.map((name) => ({
    name,
    ...(name === '--hl-eq' && { aliases: ['--hl'], invertible: true }),
    words: 1,
    excludes: OPERATORS.filter((other) => other !== name),
    expected: 'a hop limit, 0–255',
  })),

  listed: listedAs(
    [/HL match HL == (\d+)/, '--hl-eq $1'],
    [/HL match HL != (\d+)/, '! --hl-eq $1'],
    [/HL match HL < (\d+)/, '--hl-lt $1'],
    [/HL match HL > (\d+)/, '--hl-gt $1'],
  ),

  parse(options) {
    const option = options.all[0];
    if (option === undefined) throw new RuleFault(options.word, 'hl without a hop limit', OPERATORS.join(', '));
    const word = option.values[0];
    const limit = parseNumber(word.text, MAX_HOP_LIMIT);
    if (limit === undefined) throw new RuleFault(word, `bad hop limit "${word.text}"`, 'a hop limit, 0–255');
    return { operator: option.name, limit, negated: option.negated };
  },

  save: ({ operator, limit, negated }) => `${negated ? ' !' : ''} ${operator} ${limit}`,
  lower: () => ({}),
};
