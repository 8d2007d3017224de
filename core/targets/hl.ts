/** `-j HL`: sets, increments or decrements the hop limit of IPv6 (hl_tg6 in xt_HL). */
import { Verdict } from '../hooks.js';
import type { TargetExtension } from '../rules/extension.js';
import { IPV6_ONLY } from '../rules/ipv6-only.js';
import { RuleFault } from '../rules/parse/error.js';
import { parseNumber } from '../rules/parse/values.js';

const MAX_HOP_LIMIT = 255;
const NAMES = ['--hl-set', '--hl-dec', '--hl-inc'] as const;

interface HopLimitParams {
  readonly operation: string;
  readonly value: number;
}

export const hl: TargetExtension<HopLimitParams> = {
  name: 'HL',
  ...IPV6_ONLY,
  tables: ['mangle'],
  terminates: false,
  options: NAMES.map((name) => ({
    name,
    words: 1,
    excludes: NAMES.filter((other) => other !== name),
    expected: expectedFor(name),
  })),

  parse(options) {
    const option = options.all[0];
    if (option === undefined) throw new RuleFault(options.word, 'HL without an action', NAMES.join(', '));
    const [word] = option.values;
    const value = parseNumber(word.text, MAX_HOP_LIMIT);
    if (value === undefined || (value === 0 && option.name !== '--hl-set')) {
      throw new RuleFault(word, `bad hop limit "${word.text}"`, expectedFor(option.name));
    }
    return { operation: option.name, value };
  },

  save: ({ operation, value }) => ` ${operation} ${value}`,
  apply: () => Verdict.CONTINUE,
};

function expectedFor(name: string): string {
  return name === '--hl-set' ? 'a hop limit, 0–255' : 'how much, 1–255';
}
