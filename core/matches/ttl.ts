/** `-m ttl`: the TTL at the hook. From FORWARD on, it is one lower than on arrival (ttl_mt in xt_hl). */
import { equals, within } from '../rules/condition.js';
import type { MatchExtension } from '../rules/extension.js';
import { listedAs } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { parseNumber } from '../rules/parse/values.js';

const MAX_TTL = 255;
const OPERATORS = ['--ttl-eq', '--ttl-lt', '--ttl-gt'] as const;

interface TtlParams {
  readonly operator: (typeof OPERATORS)[number];
  readonly ttl: number;
  /** For `--ttl-eq` only. */
  readonly negated: boolean;
}

export const ttl: MatchExtension<TtlParams> = {
  name: 'ttl',
  families: ['ipv4'],
  options: OPERATORS.map((name) => ({
    name,
    ...(name === '--ttl-eq' && { aliases: ['--ttl'], invertible: true }),
    words: 1,
    excludes: OPERATORS.filter((other) => other !== name),
    expected: 'a TTL, 0–255',
  })),

  listed: listedAs(
    [/TTL match TTL == (\d+)/, '--ttl-eq $1'],
    [/TTL match TTL != (\d+)/, '! --ttl-eq $1'],
    [/TTL match TTL < (\d+)/, '--ttl-lt $1'],
    [/TTL match TTL > (\d+)/, '--ttl-gt $1'],
  ),

  parse(options) {
    const option = options.all[0];
    if (option === undefined) throw new RuleFault(options.word, 'ttl without a TTL', OPERATORS.join(', '));
    const word = option.values[0];
    const value = parseNumber(word.text, MAX_TTL);
    if (value === undefined) throw new RuleFault(word, `bad TTL "${word.text}"`, 'a TTL, 0–255');
    return { operator: option.name as TtlParams['operator'], ttl: value, negated: option.negated };
  },

  save({ operator, ttl: value, negated }) {
    return `${negated ? ' !' : ''} ${operator} ${value}`;
  },

  lower({ operator, ttl: value, negated }) {
    if (operator === '--ttl-lt') return { conditions: [within('ttl', [{ min: 0, max: value - 1 }], false)] };
    if (operator === '--ttl-gt') return { conditions: [within('ttl', [{ min: value + 1, max: MAX_TTL }], false)] };
    return { conditions: [equals('ttl', value, negated)] };
  },
};
