/**
 * `-j IDLETIMER`: a timer of the host that its packets restart (xt_IDLETIMER). When it expires, a program that watches
 * its file in sysfs is told, as is an observer here; no packet tells of it.
 */
import { cutToBytes } from '../../codecs/text.js';
import { Verdict } from '../hooks.js';
import { idleTimersOf } from '../idle-timers.js';
import type { TargetExtension } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { parseWord32 } from '../rules/parse/values.js';

/** The kind of kernel object that an IDLETIMER rule makes, by label. */
const TIMER = 'idle timer';
/** The kernel stores 28 bytes including the terminating zero. */
const MAX_LABEL_BYTES = 27;
/** Files that the folder of the timers has anyhow. */
const TAKEN = ['', '.', '..', 'power', 'subsystem', 'uevent'];
/** In seconds; a timer's milliseconds are an int. */
const MAX_TIMEOUT = Math.floor(0x7fffffff / 1000);

interface IdletimerParams {
  readonly timeoutSec: number;
  readonly label: string;
  /** Whether it also wakes up a host that sleeps. */
  readonly isAlarm: boolean;
}

export const idletimer: TargetExtension<IdletimerParams> = {
  name: 'IDLETIMER',
  terminates: false,
  options: [
    { name: '--timeout', words: 1, required: true, expected: 'a number of seconds' },
    { name: '--label', words: 1, required: true, expected: 'a name of at most 27 bytes' },
    { name: '--alarm', words: 0 },
  ],

  listed: listed(
    [/timeout:(\d+)/, '--timeout $1'],
    [/label:(.*?)(?= alarm$|$)/, ([, label = '']) => ['--label', label]],
    [/alarm/, '--alarm'],
  ),

  parse(options) {
    return {
      timeoutSec: parseWord32(options.get('--timeout')!.values[0]) >>> 0,
      label: cutToBytes(options.get('--label')!.values[0].text, MAX_LABEL_BYTES),
      isAlarm: options.get('--alarm') !== undefined,
    };
  },

  refuse({ timeoutSec, label, isAlarm }, { objects }) {
    if (timeoutSec === 0) return 'a timer of 0 seconds has always expired';
    if (timeoutSec >= MAX_TIMEOUT) return `the kernel cannot time ${timeoutSec} seconds: less than ${MAX_TIMEOUT}`;
    if (!isFileName(label)) return `"${label}" cannot be the name of a file in /sys/class/xt_idletimer/timers`;
    const other = objects.make(TIMER, label, { isAlarm });
    return other.isAlarm === isAlarm ? undefined : `another rule has the timer ${label} with another kind of clock`;
  },

  save({ timeoutSec, label, isAlarm }) {
    return ` --timeout ${timeoutSec} --label ${label}${isAlarm ? ' --alarm' : ''}`;
  },

  load({ label, timeoutSec, isAlarm }, context) {
    const timers = idleTimersOf(context);
    timers.start(label, timeoutSec, isAlarm, context.conntrack.memory.clock.nowMs);
    context.shared(TIMER, label, () => ({ destroy: () => timers.remove(label) }));
  },

  apply({ label, timeoutSec }, { nowMs }, context) {
    idleTimersOf(context).restart(label, timeoutSec, nowMs);
    return Verdict.CONTINUE;
  },

  // Timers are only observed where the flow cache is off.
  effect: () => 'none',

  plan: () => Verdict.CONTINUE,
};

function isFileName(label: string): boolean {
  return !TAKEN.includes(label) && !label.includes('/');
}
