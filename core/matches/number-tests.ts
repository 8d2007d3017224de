/** Options that compare a number in a header of IPv6: `[!] --name n`, or a range (XTTYPE_UINT32, XTTYPE_UINT32RC). */
import type { OptionSpec, ParsedOptions } from '../rules/extension.js';
import { RuleFault } from '../rules/parse/error.js';
import { formatPortRange, parseNumber, parseNumberRange } from '../rules/parse/values.js';

const MAX_UINT32 = 0xffffffff;

/** The numbers between MIN and MAX, both inclusive; none if the first exceeds the last. */
export interface NumberTest {
  readonly min: number;
  readonly max: number;
  readonly negated: boolean;
}

export function numberOption(name: string, isRange = false): OptionSpec {
  return { name, words: 1, invertible: true, expected: isRange ? 'a number or first:last' : 'a number' };
}

/** Parses the option NAME with a number up to MAX; undefined if it is absent. */
export function parseNumberTest(options: ParsedOptions, name: string, max = MAX_UINT32): NumberTest | undefined {
  const option = options.get(name);
  if (option === undefined) return undefined;
  const word = option.values[0];
  const number = parseNumber(word.text, max);
  if (number === undefined) throw new RuleFault(word, `bad number "${word.text}"`, `a number, 0–${max}`);
  return { min: number, max: number, negated: option.negated };
}

/** Parses the option NAME with a range of 32-bit numbers. All of them, negated or not, are no test, as in iptables. */
export function parseRangeTest(options: ParsedOptions, name: string): NumberTest | undefined {
  const option = options.get(name);
  if (option === undefined) return undefined;
  const range = parseNumberRange(option.values[0], MAX_UINT32, 'a number or first:last');
  return { ...range, negated: option.negated };
}

/** ` ! --name 5`, or nothing if there is no test. */
export function saveNumberTest(name: string, test: NumberTest | undefined): string {
  return test === undefined ? '' : `${test.negated ? ' !' : ''} ${name} ${formatPortRange(test)}`;
}

/** The same of a range, of which iptables-save leaves out all numbers. */
export function saveRangeTest(name: string, test: NumberTest | undefined): string {
  return test?.min === 0 && test.max === MAX_UINT32 ? '' : saveNumberTest(name, test);
}
