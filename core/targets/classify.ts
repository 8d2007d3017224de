/** `-j CLASSIFY`: sets the packet's priority, which queueing disciplines classify it by (xt_CLASSIFY). */
import type { Word } from '../../codecs/iptables-save.js';
import { Hook, Verdict } from '../hooks.js';
import type { TargetExtension } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { lastBits, scanNumber } from '../rules/parse/scan.js';

const EXPECTED = 'major:minor, both hexadecimal: 1:10';

interface ClassifyParams {
  /** 16 bits each. */
  readonly major: number;
  readonly minor: number;
}

export const classify: TargetExtension<ClassifyParams> = {
  name: 'CLASSIFY',
  hooks: [Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING],
  terminates: false,
  options: [{ name: '--set-class', words: 1, required: true, expected: EXPECTED }],

  listed: listed([/CLASSIFY set (\S+)/, '--set-class $1']),

  parse(options) {
    return parseClass(options.get('--set-class')!.values[0]);
  },

  save({ major, minor }) {
    return ` --set-class ${[major, minor].map((part) => part.toString(16).padStart(4, '0')).join(':')}`;
  },

  // Nothing in the emulated host reads the priority, and frames do not contain it.
  apply: () => Verdict.CONTINUE,

  effect: () => 'none',

  plan: () => Verdict.CONTINUE,
};

/** As `%x:%x` of scanf: what follows means nothing. */
function parseClass(word: Word): ClassifyParams {
  const { text } = word;
  const major = scanNumber(text, 0, 16);
  const minor = major === undefined || text[major.end] !== ':' ? undefined : scanNumber(text, major.end + 1, 16);
  if (major === undefined || minor === undefined) throw new RuleFault(word, `bad class "${text}"`, EXPECTED);
  return { major: lastBits(major, 16), minor: lastBits(minor, 16) };
}
