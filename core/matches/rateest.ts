/** `-m rateest`: compares the rates that RATEEST estimates (xt_rateest). */
import type { Word } from '../../codecs/iptables-save.js';
import { cutToBytes } from '../../codecs/text.js';
import type { EstimatorSlot } from '../rate-estimator.js';
import type { MatchExtension, OptionSpec, ParsedOptions } from '../rules/extension.js';
import { type ListedReading, listed } from '../rules/listing/listed-form.js';
import { formatQuotient, leadingDouble, toUnsignedInt } from '../rules/parse/c-double.js';
import { RuleFault } from '../rules/parse/error.js';
import { parseWord32 } from '../rules/parse/values.js';
import { FunctionState } from '../rules/run/match-state.js';
import { ESTIMATOR, estimatorSlot, MAX_ESTIMATOR_NAME_BYTES } from '../targets/rateest.js';

const OPERATORS = ['lt', 'gt', 'eq'] as const;

/** Bits a second, by the unit in lower case. */
const UNITS: ReadonlyMap<string, number> = new Map(
  ['', 'k', 'm', 'g', 't'].flatMap((letter, i) => [
    [`${letter}bit`, 1000 ** i],
    [`${letter}ibit`, 1024 ** i],
    [`${letter}bps`, 8 * 1000 ** i],
    [`${letter}ibps`, 8 * 1024 ** i],
  ]),
);

/** Rates in bytes a second and in packets a second, unsigned 32-bit. */
interface Rates {
  readonly bps: number;
  readonly pps: number;
}

interface RateestParams {
  readonly first: string;
  /** The estimator to compare with; undefined: with `rates[1]`. */
  readonly second: string | undefined;
  /** Whether what is compared is how far the estimated rates stay below `rates`. */
  readonly isDelta: boolean;
  readonly comparesBytes: boolean;
  readonly comparesPackets: boolean;
  readonly rates: readonly [Rates, Rates];
  readonly operator: (typeof OPERATORS)[number] | undefined;
  readonly negated: boolean;
}

const RATE_OPTIONS: readonly OptionSpec[] = (['bps', 'pps'] as const).flatMap((unit) =>
  [1, 2].map((number) => ({
    name: `--rateest-${unit}${number}`,
    ...(number === 2 && { aliases: [`--rateest-${unit}`] }),
    words: 0,
    mayHaveWord: true,
    expected: unit === 'bps' ? 'a rate: 8kbit' : 'a number of packets a second',
  })),
);

/** How `iptables -L` prints a comparison with numbers. With -n, rates are in bytes a second, without a unit. */
const LISTED_ALONE = listed(
  [/rateest match (\S+)/, '--rateest1 $1'],
  [/delta/, '--rateest-delta'],
  [/bps(?: (\S+))? (\d\S*) (?:(! ))?(lt|gt|eq)/, (found) => listedRates('bps', found)],
  [/pps(?: (\d+))?() (?:(! ))?(lt|gt|eq) (\d+)/, (found) => listedRates('pps', found)],
);
/** The same of a comparison with another estimator. */
const LISTED_WITH_OTHER = listed(
  [/rateest match (\S+)/, '--rateest1 $1'],
  [/delta/, '--rateest-delta'],
  [/bps(?: (\d\S*))?(?= (?:pps|! |lt|gt|eq))/, ([, rate]) => ['--rateest-bps1', ...listedRate(rate)]],
  [/pps(?: (\d+))?(?= (?:! |lt|gt|eq))/, ([, rate]) => ['--rateest-pps1', ...(rate ? [rate] : [])]],
  [/(!)? ?(lt|gt|eq) (\S+)(?= (?:bps|pps))/, '$1 --rateest-$2 --rateest2 $3'],
  [/bps(?: (\d\S*))?/, ([, rate]) => ['--rateest-bps2', ...listedRate(rate)]],
  [/pps(?: (\d+))?/, ([, rate]) => ['--rateest-pps2', ...(rate ? [rate] : [])]],
);

/** The operator is listed for bytes and for packets, but may be given only once. */
function withOneOperator(reading: ListedReading): ListedReading {
  const isOperator = (text: string): boolean => OPERATORS.some((operator) => text === `--rateest-${operator}`);
  const first = reading.words.findIndex(({ text }) => isOperator(text));
  const words = reading.words.filter(({ text }, i) => i <= first || (!isOperator(text) && text !== '!'));
  return { ...reading, words };
}

function listedRates(unit: 'bps' | 'pps', [, rate1, bytes, not, operator, packets]: readonly (string | undefined)[]) {
  const words = (option: string, rate: string | undefined) =>
    rate === undefined ? [] : [option, ...(unit === 'bps' ? listedRate(rate) : [rate])];
  return [
    ...words(`--rateest-${unit}1`, rate1),
    ...(not === undefined ? [] : ['!']),
    `--rateest-${operator}`,
    ...words(`--rateest-${unit}2`, packets ?? bytes),
  ];
}

function listedRate(rate: string | undefined): string[] {
  if (rate === undefined) return [];
  return [/^\d+$/.test(rate) ? `${BigInt(rate) * 8n}bit` : rate];
}

export const rateest: MatchExtension<RateestParams> = {
  name: 'rateest',
  hasOwnMessages: true,
  options: [
    { name: '--rateest1', aliases: ['--rateest'], words: 1, expected: 'the name of an estimator' },
    { name: '--rateest2', words: 1, expected: 'the name of an estimator' },
    ...RATE_OPTIONS,
    { name: '--rateest-delta', words: 0 },
    ...OPERATORS.map((name) => ({ name: `--rateest-${name}`, words: 0, invertible: true }) as const),
  ],

  listed: {
    read: (line, at, context) => [
      ...LISTED_ALONE.read(line, at, context).map(withOneOperator),
      ...LISTED_WITH_OTHER.read(line, at, context),
    ],
  },

  parse(options) {
    const operators = options.all.filter(({ name }) => OPERATORS.some((operator) => name === `--rateest-${operator}`));
    const has = (name: string): boolean => options.get(name) !== undefined;
    const nameOf = (option: string): string | undefined => {
      const word = options.get(option)?.values[0];
      return word && cutToBytes(word.text, MAX_ESTIMATOR_NAME_BYTES);
    };
    return {
      first: nameOf('--rateest1') ?? '',
      second: nameOf('--rateest2'),
      isDelta: has('--rateest-delta'),
      comparesBytes: has('--rateest-bps1') || has('--rateest-bps2'),
      comparesPackets: has('--rateest-pps1') || has('--rateest-pps2'),
      rates: [ratesOf(options, 1), ratesOf(options, 2)],
      // Of several, the last is taken; any ! negates it.
      operator: OPERATORS.find((operator) => operators.at(-1)?.name === `--rateest-${operator}`),
      negated: operators.some(({ negated }) => negated),
    };
  },

  refuse({ first, second, comparesBytes, comparesPackets, operator }, { objects }) {
    if (!comparesBytes && !comparesPackets) return 'rateest needs --rateest-bps or --rateest-pps';
    if (operator === undefined) return 'rateest needs --rateest-lt, --rateest-gt or --rateest-eq';
    const missing = [first, ...(second === undefined ? [] : [second])].find((name) => !objects.has(ESTIMATOR, name));
    if (missing === undefined) return undefined;
    return { what: `no -j RATEEST before this rule has --rateest-name ${missing}`, error: 'ENOENT' };
  },

  save(params) {
    const { first, second, isDelta, comparesBytes, comparesPackets, rates } = params;
    const [rate1, rate2] = rates;
    const delta = isDelta ? ' --rateest-delta' : '';
    const bps = comparesBytes ? saveRates(params, 'bps', formatRate(rate1.bps), formatRate(rate2.bps)) : '';
    const pps = comparesPackets ? saveRates(params, 'pps', String(rate1.pps), String(rate2.pps)) : '';
    if (second === undefined) return `${delta} --rateest ${first}${bps}${pps}`;
    return `${delta} --rateest1 ${first}${bps}${pps} --rateest2 ${second}`;
  },

  createState(params, context) {
    const slots = [params.first, params.second ?? params.first].map((name) => estimatorSlot(context, name));
    return new FunctionState(context, ({ nowMs }) => {
      context.facts.assumeEstimates();
      return compares(params, slots, nowMs) !== params.negated;
    });
  },

  lower(params) {
    const explanation = `the estimated rate is another:${rateest.save(params)}`;
    return { native: { reads: ['history'], explanation } };
  },
};

function compares(params: RateestParams, slots: readonly EstimatorSlot[], nowMs: number): boolean {
  const { comparesBytes, comparesPackets, operator } = params;
  const holds = (unit: keyof Rates): boolean => {
    const [left, right] = [0, 1].map((side) => comparedRate(params, slots, unit, side as 0 | 1, nowMs));
    return operator === 'lt' ? left < right : operator === 'gt' ? left > right : left === right;
  };
  return (!comparesBytes || holds('bps')) && (!comparesPackets || holds('pps'));
}

/** The rate on SIDE of the comparison. */
function comparedRate(
  { rates, isDelta, second }: RateestParams,
  slots: readonly EstimatorSlot[],
  unit: keyof Rates,
  side: 0 | 1,
  nowMs: number,
): number {
  if (side === 1 && second === undefined) return rates[1][unit];
  const estimated = (slots[side].estimator?.[unit](nowMs) ?? 0) % 2 ** 32;
  return isDelta ? Math.max(rates[side][unit] - estimated, 0) : estimated;
}

function saveRates(params: RateestParams, unit: string, rate1: string, rate2: string): string {
  const { second, isDelta, operator, negated } = params;
  const comparison = `${negated ? ' !' : ''} --rateest-${operator}`;
  if (isDelta) return ` --rateest-${unit}1 ${rate1}${comparison} --rateest-${unit}2 ${rate2}`;
  return `${comparison} --rateest-${unit}${second === undefined ? ` ${rate2}` : ''}`;
}

function ratesOf(options: ParsedOptions, number: 1 | 2): Rates {
  const bps = options.get(`--rateest-bps${number}`)?.values[0];
  const pps = options.get(`--rateest-pps${number}`)?.values[0];
  return { bps: bps === undefined ? 0 : parseRate(bps), pps: pps === undefined ? 0 : parseWord32(pps) >>> 0 };
}

/** Parses a rate, with a unit or in bits a second, into bytes a second (rateest_get_rate). */
function parseRate(word: Word): number {
  const number = leadingDouble(word.text);
  const bits = number?.rest === '' ? 1 : UNITS.get(number?.rest.toLowerCase() ?? '');
  if (number === undefined || bits === undefined) {
    throw new RuleFault(word, `bad rate "${word.text}"`, 'a number and a unit: 8bit, 5kbit, 1MBps, 1MiBps');
  }
  return toUnsignedInt((number.value * bits) / 8);
}

/** Formats RATE, in bytes a second, in bits (rateest_print_rate). */
function formatRate(rate: number): string {
  const bits = rate * 8;
  if (bits >= 1e9) return `${formatQuotient(bits, 1e6, 0)}Mbit`;
  if (bits >= 1e6) return `${formatQuotient(bits, 1e3, 0)}Kbit`;
  return `${bits}bit`;
}
