/** The three options of TTL and HL, which set, increment or decrement what limits a packet's hops (xt_HL). */
import type { OptionSpec, ParsedOptions } from '../rules/extension.js';
import { type ListedForm, listedAs } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { parseNumber } from '../rules/parse/values.js';

export const MAX_HOPS = 255;
const OPERATIONS = ['set', 'dec', 'inc'] as const;

export interface HopChange {
  readonly operation: (typeof OPERATIONS)[number];
  readonly value: number;
}

/** `--PREFIX-set`, `--PREFIX-dec` and `--PREFIX-inc`. WHAT the packet has: `TTL`. */
export function hopOptions(prefix: string, what: string): OptionSpec[] {
  return OPERATIONS.map((operation) => ({
    name: `--${prefix}-${operation}`,
    words: 1,
    excludes: OPERATIONS.filter((other) => other !== operation).map((other) => `--${prefix}-${other}`),
    expected: expectedFor(operation, what),
  }));
}

export function parseHopChange(options: ParsedOptions, prefix: string, what: string): HopChange {
  for (const operation of OPERATIONS) {
    const given = options.get(`--${prefix}-${operation}`)?.values[0];
    if (given === undefined) continue;
    const value = parseNumber(given.text, MAX_HOPS);
    if (value !== undefined && (value > 0 || operation === 'set')) return { operation, value };
    throw new RuleFault(given, `bad ${what} "${given.text}"`, expectedFor(operation, what));
  }
  const names = OPERATIONS.map((operation) => `--${prefix}-${operation}`);
  throw new RuleFault(options.word, `${options.word.text} without an action`, names.join(', '));
}

export function saveHopChange(prefix: string, { operation, value }: HopChange): string {
  return ` --${prefix}-${operation} ${value}`;
}

/** What iptables -L prints: `TTL set to 64`. WHAT the packet has. */
export function listedHopChange(what: string, prefix: string): ListedForm {
  return listedAs(
    [new RegExp(`${what} set to (\\d+)`), `--${prefix}-set $1`],
    [new RegExp(`${what} decrement by (\\d+)`), `--${prefix}-dec $1`],
    [new RegExp(`${what} increment by (\\d+)`), `--${prefix}-inc $1`],
  );
}

function expectedFor(operation: HopChange['operation'], what: string): string {
  return operation === 'set' ? `a ${what}, 0–${MAX_HOPS}` : `how much, 1–${MAX_HOPS}`;
}
