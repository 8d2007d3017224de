/** `-m hbh` and `-m dst`: the hop-by-hop and the destination options of IPv6 (ip6t_hbh; RFC 8200). */
import type { Word } from '../../codecs/iptables-save.js';
import type { MatchExtension } from '../rules/extension.js';
import { IPV6_ONLY } from '../rules/ipv6-only.js';
import { listed } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { type NumberTest, numberOption, parseNumberTest, saveNumberTest } from './number-tests.js';

interface HeaderOption {
  readonly type: number;
  /** Undefined: any. */
  readonly length: number | undefined;
}

interface OptionsParams {
  readonly length: NumberTest | undefined;
  readonly options: readonly HeaderOption[];
}

const MAX_OPTIONS = 16;
const ANY_LENGTH = 255;
const EXPECTED = 'up to 16 comma-separated options, type or type:length';
/** What strtoul takes whole. */
const NUMBER = /^[ \t\n\v\f\r]*([-+]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/;
const MAX_LONG = 0xffff_ffff_ffff_ffffn;

export const hbh = optionsMatch('hbh');
export const dst = optionsMatch('dst');

/** The match NAME, whose options start with it. */
function optionsMatch(name: 'hbh' | 'dst'): MatchExtension<OptionsParams> {
  const [lengthName, optionsName] = [`--${name}-len`, `--${name}-opts`];
  return {
    name,
    ...IPV6_ONLY,
    options: [numberOption(lengthName), { name: optionsName, words: 1, expected: EXPECTED }],

    listed: listed(
      new RegExp(name),
      [/length:(!)?(\d+)/, `$1 ${lengthName} $2`],
      [/opts ([\d:,]+)/, `${optionsName} $1`],
    ),

    parse(options) {
      const word = options.get(optionsName)?.values[0];
      return { length: parseNumberTest(options, lengthName), options: word === undefined ? [] : parseOptions(word) };
    },

    save({ length, options }) {
      const list = options.map(({ type, length: size }) => (size === undefined ? `${type}` : `${type}:${size}`));
      return saveNumberTest(lengthName, length) + (list.length === 0 ? '' : ` ${optionsName} ${list.join(',')}`);
    },

    lower: () => ({}),
  };
}

function parseOptions(word: Word): HeaderOption[] {
  const parts = word.text.split(',');
  if (parts.length > MAX_OPTIONS) throw new RuleFault(word, 'too many options', EXPECTED);
  return parts.map((part, index) => {
    const colon = part.indexOf(':');
    const type = parseByte(word, colon < 0 ? part : part.slice(0, colon));
    if (colon < 0) return { type, length: undefined };
    if (index === MAX_OPTIONS - 1) throw new RuleFault(word, 'the last of 16 options cannot have a length', EXPECTED);
    if (type === 0) throw new RuleFault(word, 'the option 0 has no length', EXPECTED);
    const length = parseByte(word, part.slice(colon + 1));
    return { type, length: length === ANY_LENGTH ? undefined : length };
  });
}

/** The last byte of a number, which is all that iptables keeps of it. */
function parseByte(word: Word, text: string): number {
  const [, sign, digits] = NUMBER.exec(text) ?? [];
  if (digits === undefined) throw new RuleFault(word, `bad option "${text}"`, EXPECTED);
  const value = BigInt(/^0[0-7]/.test(digits) ? `0o${digits.slice(1)}` : digits);
  if (value > MAX_LONG) throw new RuleFault(word, `"${text}" is too large`, EXPECTED);
  return Number(BigInt.asUintN(8, sign === '-' ? -value : value));
}
