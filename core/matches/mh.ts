/** `-m mh`: the type of a mobility header (mh_mt6 in ip6t_mh; RFC 6275). */
import type { Word } from '../../codecs/iptables-save.js';
import { IPPROTO_MH } from '../../codecs/layouts.js';
import type { MatchExtension } from '../rules/extension.js';
import { IPV6_ONLY } from '../rules/ipv6-only.js';
import { listed } from '../rules/listing/listed-form.js';
import { RuleFault, unknownName } from '../rules/parse/error.js';
import { formatPortRange, parseNumber } from '../rules/parse/values.js';

const MAX_TYPE = 255;
const EXPECTED = 'a type or first:last, by name or number';
/** Any beginning is enough; the first match wins, unless one is exact. */
const TYPES: readonly (readonly [name: string, type: number])[] = [
  ['binding-refresh-request', 0],
  ['brr', 0],
  ['home-test-init', 1],
  ['hoti', 1],
  ['careof-test-init', 2],
  ['coti', 2],
  ['home-test', 3],
  ['hot', 3],
  ['careof-test', 4],
  ['cot', 4],
  ['binding-update', 5],
  ['bu', 5],
  ['binding-acknowledgement', 6],
  ['ba', 6],
  ['binding-error', 7],
  ['be', 7],
];

interface MobilityParams {
  /** Both inclusive. */
  readonly min: number;
  readonly max: number;
  readonly negated: boolean;
}

export const mh: MatchExtension<MobilityParams> = {
  name: 'mh',
  ...IPV6_ONLY,
  options: [{ name: '--mh-type', words: 1, invertible: true, expected: EXPECTED }],

  listed: listed(/mh/, [/(!)?([a-z0-9-]+(?::[a-z0-9-]+)?)/, '$1 --mh-type $2']),

  parse(options) {
    const option = options.get('--mh-type');
    if (option === undefined) return { min: 0, max: MAX_TYPE, negated: false };
    return { ...parseTypes(option.values[0]), negated: option.negated };
  },

  refuse(_params, { base }) {
    const { protocol } = base;
    return protocol?.number === IPPROTO_MH && !protocol.negated ? undefined : '-m mh needs -p mh';
  },

  save({ negated, ...types }) {
    if (types.min === 0 && types.max === MAX_TYPE) return '';
    return `${negated ? ' !' : ''} --mh-type ${formatPortRange(types)}`;
  },

  lower: () => ({}),
};

function parseTypes(word: Word): { readonly min: number; readonly max: number } {
  const { text } = word;
  const colon = text.indexOf(':');
  if (colon < 0) {
    const type = parseType(word, text);
    return { min: type, max: type };
  }
  const min = colon === 0 ? 0 : parseType(word, text.slice(0, colon));
  const last = text.slice(colon + 1);
  const max = last === '' ? MAX_TYPE : parseType(word, last);
  if (min > max) throw new RuleFault(word, 'the first type is above the last', EXPECTED);
  return { min, max };
}

function parseType(word: Word, text: string): number {
  const lower = text.toLowerCase();
  const named = TYPES.find(([name]) => name === lower) ?? TYPES.find(([name]) => name.startsWith(lower));
  const type = named?.[1] ?? parseNumber(text, MAX_TYPE);
  if (type !== undefined) return type;
  const names = TYPES.map(([name]) => name);
  throw unknownName(word, 'type of a mobility header', text, names, EXPECTED);
}
