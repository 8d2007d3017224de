/** `-m dscp`: the differentiated services code point, the upper six bits of the TOS byte (xt_dscp; RFC 2474). */
import { equals } from '../rules/condition.js';
import type { MatchExtension, ParsedOptions } from '../rules/extension.js';
import { listedAs } from '../rules/listing/listed-form.js';
import { RuleFault, unknownName } from '../rules/parse/error.js';
import { formatHexByte, parseNumber } from '../rules/parse/values.js';

export const MAX_DSCP = 63;

/** The classes in RFC 2474, 2597 and 3246. */
const CLASSES: readonly (readonly [name: string, dscp: number])[] = [
  ['CS0', 0x00],
  ['CS1', 0x08],
  ['CS2', 0x10],
  ['CS3', 0x18],
  ['CS4', 0x20],
  ['CS5', 0x28],
  ['CS6', 0x30],
  ['CS7', 0x38],
  ['BE', 0x00],
  ['AF11', 0x0a],
  ['AF12', 0x0c],
  ['AF13', 0x0e],
  ['AF21', 0x12],
  ['AF22', 0x14],
  ['AF23', 0x16],
  ['AF31', 0x1a],
  ['AF32', 0x1c],
  ['AF33', 0x1e],
  ['AF41', 0x22],
  ['AF42', 0x24],
  ['AF43', 0x26],
  ['EF', 0x2e],
];

interface DscpParams {
  readonly dscp: number;
  readonly negated: boolean;
}

export const dscp: MatchExtension<DscpParams> = {
  name: 'dscp',
  options: [
    { name: '--dscp', words: 1, invertible: true, excludes: ['--dscp-class'], expected: 'a code point, 0–63' },
    { name: '--dscp-class', words: 1, invertible: true, excludes: ['--dscp'], expected: 'EF, AF11, CS1, …' },
  ],

  listed: listedAs([/DSCP match (!)?(0x\S+)/, '$1 --dscp $2']),

  parse(options) {
    return { dscp: parseDscp(options, '--dscp', '--dscp-class'), negated: options.all[0].negated };
  },

  save({ dscp: expected, negated }) {
    return `${negated ? ' !' : ''} --dscp ${formatHexByte(expected)}`;
  },

  lower({ dscp: expected, negated }) {
    return { conditions: [equals('tos', expected << 2, negated, MAX_DSCP << 2)] };
  },
};

/**
 * Parses the option NUMBER_NAME or CLASS_NAME, of which one must be given. iptables ignores whatever follows the name
 * of a class.
 */
export function parseDscp(options: ParsedOptions, numberName: string, className: string): number {
  const number = options.get(numberName)?.values[0];
  const name = options.get(className)?.values[0];
  if (number !== undefined) {
    const value = parseNumber(number.text, MAX_DSCP);
    if (value === undefined) throw new RuleFault(number, `bad code point "${number.text}"`, '0–63');
    return value;
  }
  if (name === undefined) {
    throw new RuleFault(options.word, `${options.word.text} without a code point`, `${numberName} or ${className}`);
  }
  const upper = name.text.toUpperCase();
  const found = CLASSES.find(([known]) => upper.startsWith(known));
  if (found !== undefined) return found[1];
  throw unknownName(
    name,
    'class',
    name.text,
    CLASSES.map(([known]) => known),
  );
}
