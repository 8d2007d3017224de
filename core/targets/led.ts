/** `-j LED`: lights an LED of the host (xt_LED). Packets pass as if it were not there. */
import { withoutEscapes } from '../../codecs/iptables-save.js';
import { isLongerThan } from '../../codecs/text.js';
import { Verdict } from '../hooks.js';
import type { TargetExtension } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { parseNumber } from '../rules/parse/values.js';

const MAX_ID_BYTES = 16;
/** The delay `inf`: the LED stays on. */
const FOREVER = 0xffffffff;

interface LedParams {
  /** The name of the trigger, without `netfilter-`. */
  readonly id: string;
  /** For how long the LED stays on, in milliseconds. */
  readonly delayMs: number;
  readonly alwaysBlinks: boolean;
}

export const led: TargetExtension<LedParams> = {
  name: 'LED',
  terminates: false,
  options: [
    { name: '--led-trigger-id', words: 1, required: true, expected: `a name of at most ${MAX_ID_BYTES} bytes` },
    { name: '--led-delay', words: 1, expected: 'milliseconds or inf' },
    { name: '--led-always-blink', words: 0 },
  ],

  listed: listed(
    [/led-trigger-id:"((?:[^"\\]|\\.)*)"/, ([, id = '']) => ['--led-trigger-id', withoutEscapes(id)]],
    [/led-delay:(inf|\d+)(?:ms)?/, '--led-delay $1'],
    [/led-always-blink/, '--led-always-blink'],
  ),

  parse(options) {
    const [id] = options.get('--led-trigger-id')!.values;
    if (isLongerThan(id.text, MAX_ID_BYTES)) {
      throw new RuleFault(id, `the name "${id.text}" is too long`, `at most ${MAX_ID_BYTES} bytes`);
    }
    const delay = options.get('--led-delay')?.values[0];
    const isForever = delay !== undefined && /^inf/i.test(delay.text);
    const delayMs = isForever ? FOREVER : parseNumber(delay?.text ?? '0', FOREVER);
    if (delayMs === undefined) throw new RuleFault(delay!, `bad delay "${delay!.text}"`, 'milliseconds or inf');
    return { id: id.text, delayMs, alwaysBlinks: options.get('--led-always-blink') !== undefined };
  },

  // iptables prints the delay as a signed number, which it does not read back.
  save: (params) => optionsOf(params, params.delayMs | 0),

  saveExactly: (params) => optionsOf(params, params.delayMs),

  apply: () => Verdict.CONTINUE,

  effect: () => 'none',

  plan: () => Verdict.CONTINUE,
};

function optionsOf({ id, alwaysBlinks }: LedParams, delay: number): string {
  const trigger = ` --led-trigger-id "${id.replace(/["\\]/g, '\\$&')}"`;
  return `${trigger}${delay === 0 ? '' : ` --led-delay ${delay}`}${alwaysBlinks ? ' --led-always-blink' : ''}`;
}
