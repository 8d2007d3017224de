/** Ranges of security parameter indexes, for ah, esp and ipcomp. */
import { type FieldCondition, within } from '../rules/condition.js';
import type { OptionSpec, ParsedOptions } from '../rules/extension.js';
import { formatPortRange, parseNumberRange } from '../rules/parse/values.js';
import type { ValueRange } from '../rules/ranges.js';

const MAX_SPI = 0xffffffff;
const ANY_SPI: SpiMatch = { min: 0, max: MAX_SPI, negated: false };
const EXPECTED = 'an index or first:last, 0–4294967295';

/** If the first exceeds the last, no index is in the range, as in the kernel. */
export interface SpiMatch extends ValueRange {
  readonly negated: boolean;
}

export function spiOption(name: string): OptionSpec {
  return { name, words: 1, invertible: true, expected: EXPECTED };
}

/** Parses the option NAME; DEFAULT_MATCH if it is not given. */
export function parseSpis(options: ParsedOptions, name: string, defaultMatch = ANY_SPI): SpiMatch {
  const option = options.get(name);
  if (option === undefined) return defaultMatch;
  return { ...parseNumberRange(option.values[0], MAX_SPI, EXPECTED), negated: option.negated };
}

/** Nothing for all indexes, negated or not, like iptables-save. */
export function saveSpis(name: string, { min, max, negated }: SpiMatch): string {
  if (min === 0 && max === MAX_SPI) return '';
  return `${negated ? ' !' : ''} ${name} ${formatPortRange({ min, max })}`;
}

export function lowerSpis(field: 'ahSpi' | 'espSpi' | 'ipcompCpi', match: SpiMatch): FieldCondition {
  return within(field, [match], match.negated);
}
