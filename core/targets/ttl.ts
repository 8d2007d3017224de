/** `-j TTL`: sets, increments or decrements the time to live (ttl_tg in xt_HL). */
import { IPV4_TTL_AT } from '../../codecs/layouts.js';
import { Verdict } from '../hooks.js';
import type { TargetExtension } from '../rules/extension.js';
import { RuleFault } from '../rules/parse/error.js';
import { parseNumber } from '../rules/parse/values.js';
import { setTtl } from './header-change.js';

const MAX_TTL = 255;
const NAMES = ['--ttl-set', '--ttl-dec', '--ttl-inc'] as const;

interface TtlParams {
  readonly operation: (typeof NAMES)[number];
  readonly value: number;
}

export const ttl: TargetExtension<TtlParams> = {
  name: 'TTL',
  families: ['ipv4'],
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
    if (option === undefined) throw new RuleFault(options.word, 'TTL without an action', NAMES.join(', '));
    const [word] = option.values;
    const value = parseNumber(word.text, MAX_TTL);
    if (value === undefined || (value === 0 && option.name !== '--ttl-set')) {
      throw new RuleFault(word, `bad TTL "${word.text}"`, expectedFor(option.name));
    }
    return { operation: option.name as TtlParams['operation'], value };
  },

  save: ({ operation, value }) => ` ${operation} ${value}`,

  apply({ operation, value }, packet) {
    const old = packet.view.getUint8(packet.at + IPV4_TTL_AT);
    if (operation === '--ttl-set') setTtl(packet, value);
    else if (operation === '--ttl-inc') setTtl(packet, Math.min(old + value, MAX_TTL));
    else setTtl(packet, Math.max(old - value, 0));
    return Verdict.CONTINUE;
  },

  effect: () => 'packet',
};

function expectedFor(name: string): string {
  return name === '--ttl-set' ? 'a TTL, 0–255' : 'how much, 1–255';
}
