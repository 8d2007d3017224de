/** `-j MARK`: sets the packet's mark (xt_MARK, revision 2). */
import { Verdict } from '../hooks.js';
import type { OptionSpec, ParsedOptions, TargetExtension } from '../rules/extension.js';
import { listedAs } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { formatHex, type MaskedValue, parseMasked, parseWord32 } from '../rules/parse/values.js';

const NAMES = ['--set-mark', '--set-xmark', '--and-mark', '--or-mark', '--xor-mark'] as const;

/** The options that set a mark. Each excludes the OTHERS. */
export function markOptions(others: readonly string[]): OptionSpec[] {
  return NAMES.map((name) => ({
    name,
    words: 1,
    expected: name.startsWith('--set') ? 'value or value/mask' : 'a number of 32 bits',
    excludes: [...NAMES.filter((other) => other !== name), ...others],
  }));
}

/** How to change a mark: mark = (mark & ~mask) ^ value. */
export function parseMarkChange(options: ParsedOptions): MaskedValue | undefined {
  const option = options.all.find(({ name }) => (NAMES as readonly string[]).includes(name));
  if (option === undefined) return undefined;
  const word = option.values[0];
  switch (option.name) {
    case '--set-mark': {
      const { value, mask } = parseMasked(word);
      return { value, mask: value | mask };
    }
    case '--and-mark':
      return { value: 0, mask: ~parseWord32(word) };
    case '--or-mark': {
      const value = parseWord32(word);
      return { value, mask: value };
    }
    case '--xor-mark':
      return { value: parseWord32(word), mask: 0 };
    default:
      return parseMasked(word);
  }
}

export const mark: TargetExtension<MaskedValue> = {
  name: 'MARK',
  terminates: false,
  options: markOptions([]),

  listed: listedAs(
    [/MARK set (0x\S+)/, '--set-mark $1'],
    [
      /MARK (xset|and|or|xor) (0x\S+)/,
      ([, what, value]) => [what === 'xset' ? '--set-xmark' : `--${what}-mark`, value!],
    ],
  ),

  parse(options) {
    const change = parseMarkChange(options);
    if (change === undefined) throw new RuleFault(options.word, 'MARK without an option', NAMES.join(', '));
    return change;
  },

  save({ value, mask }) {
    return ` --set-xmark ${formatHex(value)}/${formatHex(mask)}`;
  },

  apply({ value, mask }, packet) {
    packet.mark = (packet.mark & ~mask) ^ value;
    return Verdict.CONTINUE;
  },

  effect: () => 'mark',

  plan: () => Verdict.CONTINUE,
};
