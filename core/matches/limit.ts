/**
 * `-m limit`: a bucket of credit that refills over time and from which each match pays (xt_limit).
 *
 * All arithmetic is unsigned 32-bit as in the kernel, with the same overflows: after 37 hours without a packet, the
 * credit for that time restarts from 0.
 */

import type { Word } from '../../codecs/iptables-save.js';
import { withNearest } from '../../codecs/nearest.js';
import { Records } from '../../codecs/record-layout.js';
import { TICK_MS } from '../clock.js';
import type { RuleContext } from '../rules/context.js';
import type { MatchExtension } from '../rules/extension.js';
import { listedAs } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { parseNumber } from '../rules/parse/values.js';
import { FlatState, LIMIT_STATE, StateKind } from '../rules/run/flat-state.js';
import { FunctionState } from '../rules/run/match-state.js';

/** Credit per tick: the largest power of two for which a day's ticks fit into 32 bits (CREDITS_PER_JIFFY). */
export const CREDIT_PER_TICK = 128;
const CREDIT_PER_SECOND = (1000 / TICK_MS) * CREDIT_PER_TICK;

/** Periods are in units of 1/10000 s (XT_LIMIT_SCALE). */
const SECOND = 10_000;
const UNITS: readonly (readonly [name: string, saved: string, period: number])[] = [
  ['second', 'sec', SECOND],
  ['minute', 'min', 60 * SECOND],
  ['hour', 'hour', 3600 * SECOND],
  ['day', 'day', 86_400 * SECOND],
];

const NS_PER_MS = 1e6;
/** Of units of 1/10000 s. */
const NS_PER_UNIT = 1e5;

const DEFAULT_PERIOD = 1200 * SECOND;
const DEFAULT_BURST = 5;
const MAX_BURST = 10_000;

interface LimitParams {
  /** The average time between two matches, in units of 1/10000 s. */
  readonly period: number;
  readonly burst: number;
}

export const limit: MatchExtension<LimitParams> = {
  name: 'limit',
  options: [
    { name: '--limit', words: 1, expected: 'a rate: 5/minute' },
    { name: '--limit-burst', words: 1, expected: 'a number of packets, 1–10000' },
  ],

  listed: listedAs([/limit: avg (\S+) burst (\d+)/, '--limit $1 --limit-burst $2']),

  parse(options) {
    const rate = options.get('--limit')?.values[0];
    const burstWord = options.get('--limit-burst')?.values[0];
    const burst = burstWord === undefined ? DEFAULT_BURST : parseNumber(burstWord.text, MAX_BURST);
    if (burst === undefined) {
      throw new RuleFault(burstWord!, `bad burst "${burstWord!.text}"`, 'a number of packets, 1–10000');
    }
    return { period: rate === undefined ? DEFAULT_PERIOD : parseRate(rate), burst };
  },

  refuse({ period, burst }) {
    if (burst === 0) return { what: 'a limit with a burst of 0 would never match', error: 'ERANGE' };
    // The product is truncated to 32 bits. The overflow is only noticed if little remains.
    if (creditOf(period * burst) >= creditOf(period)) return undefined;
    const what = `the kernel cannot count a burst of ${burst} at this rate: use a smaller burst or a faster rate`;
    return { what, error: 'ERANGE' };
  },

  save({ period, burst }) {
    return ` --limit ${formatRate(period)}${burst === DEFAULT_BURST ? '' : ` --limit-burst ${burst}`}`;
  },

  createState({ period, burst }, context) {
    const cap = creditOf(period * burst);
    const { memory } = context.conntrack;
    // The bucket starts full.
    const state = FlatState.create(context, { kind: StateKind.LIMIT }, LIMIT_STATE, {
      credit: cap,
      cost: creditOf(period),
      cap,
    });
    const now = BigInt(Math.floor(memory.clock.nowMs / TICK_MS));
    new Records(LIMIT_STATE, memory.buffer, state.at, 1).setUint64(0, 'tick', now);
    return state;
  },

  lower({ period, burst }) {
    const explanation = `the limit of ${formatRate(period)} after a burst of ${burst} is used up`;
    return { native: { reads: ['history'], explanation } };
  },

  nft: {
    parse(options) {
      const params = limit.parse(options);
      // For nf_tables, no burst is the usual one.
      return params.burst === 0 ? { ...params, burst: DEFAULT_BURST } : params;
    },
    refuse: () => undefined,
    createState: nftState,
  },
};

/** The bucket of nf_tables (nft_limit): of nanoseconds, as rate and unit are saved, and full at the start. */
function nftState({ period, burst }: LimitParams, context: RuleContext): FunctionState {
  const [, , unit] = unitOf(period);
  const costNs = Math.floor((unit * NS_PER_UNIT) / Math.floor(unit / period));
  let tokensNs = costNs * burst;
  let lastNs = Number.NaN;
  return new FunctionState(context, ({ nowMs }) => {
    const nowNs = Math.round(nowMs * NS_PER_MS);
    if (!Number.isNaN(lastNs)) tokensNs = Math.min(costNs * burst, tokensNs + nowNs - lastNs);
    lastNs = nowNs;
    if (tokensNs < costNs) return false;
    tokensNs -= costNs;
    return true;
  });
}

/** The credit that accrues in TIME (units of 1/10000 s), as computed by user2credits. */
function creditOf(time: number): number {
  const time32 = time >>> 0;
  const isLarge = time32 > Math.floor(0xffffffff / CREDIT_PER_SECOND);
  if (isLarge) return (Math.floor(time32 / SECOND) * CREDIT_PER_SECOND) >>> 0;
  return Math.floor((time32 * CREDIT_PER_SECOND) / SECOND);
}

/**
 * Parses `n/unit`. The number is read like C's atoi does, and the unit may be abbreviated. The default unit is a
 * second.
 */
function parseRate(word: Word): number {
  const slash = word.text.indexOf('/');
  const unit = slash < 0 ? 'second' : word.text.slice(slash + 1).toLowerCase();
  const found = unit === '' ? undefined : UNITS.find(([name]) => name.startsWith(unit));
  const digits = /^\s*([-+]?[0-9]+)/.exec(word.text)?.[1];
  const count = digits === undefined ? 0 : saturate(BigInt(digits.replace('+', '')));
  if (found === undefined || count === 0) {
    const expected = 'a number and a unit: 5/second, /minute, /hour or /day';
    const names = UNITS.map(([name]) => name);
    throw new RuleFault(word, `bad rate "${word.text}"`, found ? expected : withNearest(expected, unit, names));
  }
  const period = Math.floor(found[2] / count);
  if (period === 0) throw new RuleFault(word, `the rate "${word.text}" is too fast`, 'at most 10000/second');
  return period;
}

/** What atoi returns for VALUE: clamped to 64 bits, then truncated to 32; unsigned. */
function saturate(value: bigint): number {
  const [least, most] = [-(2n ** 63n), 2n ** 63n - 1n];
  const kept = value > most ? most : value < least ? least : value;
  return Number(BigInt.asUintN(32, kept));
}

function formatRate(period: number): string {
  const [, saved, unit] = unitOf(period);
  return `${Math.floor(unit / period)}/${saved}`;
}

/** The largest unit with little loss, and the rate in at most 1 of the next unit (print_rate in iptables). */
function unitOf(period: number): (typeof UNITS)[number] {
  let best = UNITS[UNITS.length - 1];
  for (const unit of [...UNITS].reverse()) {
    if (period > unit[2] || Math.floor(unit[2] / period) < unit[2] % period) break;
    best = unit;
  }
  return best;
}
