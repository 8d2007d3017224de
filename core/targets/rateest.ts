/** `-j RATEEST`: estimates the rate of the packets that reach it, for `-m rateest` (xt_RATEEST). */
import type { Word } from '../../codecs/iptables-save.js';
import { cutToBytes } from '../../codecs/text.js';
import { Verdict } from '../hooks.js';
import { type EstimatorParams, type EstimatorSlot, RateEstimator } from '../rate-estimator.js';
import type { RuleContext } from '../rules/context.js';
import type { TargetExtension } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { formatQuotient, leadingDouble, toUnsignedInt } from '../rules/parse/c-double.js';
import { RuleFault } from '../rules/parse/error.js';

/** The kind of kernel object that a RATEEST rule makes, by name. */
export const ESTIMATOR = 'rate estimator';
/** The kernel stores 16 bytes including the terminating zero. */
export const MAX_ESTIMATOR_NAME_BYTES = 15;

const MICROSECONDS = 1e6;
/** The shortest interval, in microseconds. The others are multiples by powers of two. */
const SHORTEST = 250_000;
const MAX_INTERVAL_LOG = 5;
const MAX_EWMA_LOG = 30;

const UNITS: ReadonlyMap<string, number> = new Map([
  ['s', MICROSECONDS],
  ['sec', MICROSECONDS],
  ['secs', MICROSECONDS],
  ['ms', 1000],
  ['msec', 1000],
  ['msecs', 1000],
  ['us', 1],
  ['usec', 1],
  ['usecs', 1],
]);

interface RateestParams extends EstimatorParams {
  readonly name: string;
}

/** What the rules of CONTEXT share under NAME. */
export function estimatorSlot(context: RuleContext, name: string): EstimatorSlot {
  const loadedMs = context.conntrack.memory.clock.nowMs;
  return context.shared(ESTIMATOR, name, (): EstimatorSlot => ({ loadedMs, estimator: undefined }));
}

export const rateest: TargetExtension<RateestParams> = {
  name: 'RATEEST',
  terminates: false,
  options: [
    { name: '--rateest-name', words: 1, required: true, expected: 'a name of at most 15 bytes' },
    { name: '--rateest-interval', words: 1, required: true, expected: 'a time: 250ms' },
    { name: '--rateest-ewmalog', words: 1, required: true, expected: 'a time: 0.5s' },
  ],

  listed: listed([
    /name (.*) interval (\S+) ewmalog (\S+)/,
    ([, name = '', interval = '', ewmalog = '']) => [
      ...['--rateest-name', name, '--rateest-interval', interval],
      ...['--rateest-ewmalog', ewmalog],
    ],
  ]),

  parse(options) {
    const intervalWord = options.get('--rateest-interval')!.values[0];
    const ewmaWord = options.get('--rateest-ewmalog')!.values[0];
    const interval = parseTime(intervalWord);
    const time = parseTime(ewmaWord);
    const intervalLog = intervalLogOf(interval);
    if (intervalLog > MAX_INTERVAL_LOG) {
      throw new RuleFault(intervalWord, `the interval "${intervalWord.text}" is too long`, 'at most 8s');
    }
    const ewmaLog = ewmaLogOf(interval, time);
    if (ewmaLog === 0 || ewmaLog > MAX_EWMA_LOG) {
      const what = `the time constant "${ewmaWord.text}" does not fit to an interval of ${intervalWord.text}`;
      throw new RuleFault(ewmaWord, what, 'at least twice the interval');
    }
    const name = cutToBytes(options.get('--rateest-name')!.values[0].text, MAX_ESTIMATOR_NAME_BYTES);
    return { name, intervalLog, ewmaLog };
  },

  refuse({ name, intervalLog, ewmaLog }, { objects }) {
    const other = objects.make(ESTIMATOR, name, { intervalLog, ewmaLog });
    if (other.intervalLog === intervalLog && other.ewmaLog === ewmaLog) return undefined;
    return `another rule gives the estimator ${name} another interval or time constant`;
  },

  save({ name, intervalLog, ewmaLog }) {
    const interval = SHORTEST * 2 ** intervalLog;
    const time = (interval * 2 ** ewmaLog) % 2 ** 32;
    return ` --rateest-name ${name} --rateest-interval ${formatTime(interval)} --rateest-ewmalog ${formatTime(time)}`;
  },

  load({ name }, context) {
    estimatorSlot(context, name);
  },

  apply(params, { length, nowMs }, context) {
    const slot = estimatorSlot(context, params.name);
    slot.estimator ??= new RateEstimator(params, slot.loadedMs);
    slot.estimator.count(length, nowMs);
    return Verdict.CONTINUE;
  },
};

/** Parses a time, with a unit or in microseconds, into microseconds (RATEEST_get_time). */
function parseTime(word: Word): number {
  const number = leadingDouble(word.text);
  const unit = number?.rest === '' ? 1 : UNITS.get(number?.rest.toLowerCase() ?? '');
  if (number === undefined || unit === undefined) {
    throw new RuleFault(word, `bad time "${word.text}"`, 'a number and a unit: 250ms, 0.5s, 1000us');
  }
  return toUnsignedInt(number.value * unit);
}

/** The shortest interval of the kernel that is at least INTERVAL, in microseconds (RATEEST_final_check). */
function intervalLogOf(interval: number): number {
  let log = 0;
  while (log <= MAX_INTERVAL_LOG && interval > SHORTEST * 2 ** log) log++;
  return log;
}

/** The largest share of a sample with which the average follows within TIME, 0 if none (RATEEST_final_check). */
function ewmaLogOf(interval: number, time: number): number {
  let log = 1;
  while (log < 31 && interval / -Math.log(1 - 1 / 2 ** log) <= time) log++;
  // The kernel takes no more than 30; for C, the share of 31 is negative.
  return log === 31 ? log : log - 1;
}

/** Formats TIME, in microseconds (RATEEST_print_time). */
function formatTime(time: number): string {
  if (time >= MICROSECONDS) return `${formatQuotient(time, MICROSECONDS, 1)}s`;
  return time >= 1000 ? `${formatQuotient(time, 1000, 1)}ms` : `${time}us`;
}
