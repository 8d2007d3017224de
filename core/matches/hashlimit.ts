/** `-m hashlimit`: a limit for each address or port (xt_hashlimit, revision 3). */
import { ADDRESS_BITS, type Family, maskLength } from '../../codecs/address.js';
import type { Word } from '../../codecs/iptables-save.js';
import { cutToBytes } from '../../codecs/text.js';
import type { KernelRefusal, MatchExtension, ParsedOptions, RuleSite } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { signedInt32 } from '../rules/parse/c-numbers.js';
import { RuleFault, unknownName } from '../rules/parse/error.js';
import { parseLibcAddress } from '../rules/parse/host-values.js';
import { parseNumber } from '../rules/parse/values.js';
import { FlatState, HASHLIMIT_STATE, StateKind } from '../rules/run/flat-state.js';
import { creditOf, creditOfCost } from './hashlimit-credit.js';
import {
  BYTES_BURST_SECONDS,
  burstOf,
  formatBytes,
  formatPeriod,
  parseBurst,
  parseRate,
  type Rate,
} from './hashlimit-rate.js';
import { hashlimitTable } from './hashlimit-table.js';
import { refuseProcName } from './proc-name.js';

/** The kernel stores 255 bytes including the terminating zero. */
const MAX_NAME_BYTES = 254;
const DEFAULT_BURST = 5n;
const DEFAULT_GC_INTERVAL_MS = 1000;
/** The largest size of a table (HASHLIMIT_MAX_SIZE). */
const MAX_SIZE = 1_048_576;

/** What distinguishes the entries of a table, in the order in which iptables prints it. */
const MODES = ['srcip', 'srcport', 'dstip', 'dstport'] as const;
export type HashlimitMode = (typeof MODES)[number];

export interface HashlimitParams {
  readonly family: Family;
  /** `--hashlimit-above`: matches what exceeds the rate. */
  readonly isAbove: boolean;
  readonly isBytes: boolean;
  /** As in `Rate`. */
  readonly average: bigint;
  /** Packets, or how often the bytes of a second may be used up at once. */
  readonly burst: bigint;
  readonly modes: readonly HashlimitMode[];
  /** Prefix lengths. */
  readonly sourceMask: number;
  readonly destinationMask: number;
  readonly name: string;
  /** 0: the default. */
  readonly size: number;
  readonly max: number;
  readonly gcIntervalMs: number;
  readonly expireMs: number;
  readonly isRateMatch: boolean;
  /** In seconds, for `--hashlimit-rate-match`; else 0. */
  readonly interval: number;
}

const rateOption = { words: 1, invertible: true, expected: 'a rate: 5/minute, 512kb/s' } as const;

export const hashlimit: MatchExtension<HashlimitParams> = {
  name: 'hashlimit',
  hasOwnMessages: true,
  options: [
    { name: '--hashlimit-upto', ...rateOption, aliases: ['--hashlimit'], excludes: ['--hashlimit-above'] },
    { name: '--hashlimit-above', ...rateOption, excludes: ['--hashlimit-upto'] },
    { name: '--hashlimit-srcmask', words: 1, expected: 'a prefix length' },
    { name: '--hashlimit-dstmask', words: 1, expected: 'a prefix length' },
    { name: '--hashlimit-burst', words: 1, expected: 'a number of packets, or of bytes: 512kb' },
    { name: '--hashlimit-htable-size', words: 1, expected: 'a number of buckets' },
    { name: '--hashlimit-htable-max', words: 1, expected: 'a number of entries' },
    { name: '--hashlimit-htable-gcinterval', words: 1, expected: 'a number of milliseconds' },
    { name: '--hashlimit-htable-expire', words: 1, expected: 'a number of milliseconds' },
    { name: '--hashlimit-mode', words: 1, expected: 'srcip, srcport, dstip, dstport' },
    { name: '--hashlimit-name', words: 1, required: true, expected: 'the name of a table' },
    { name: '--hashlimit-rate-match', words: 0 },
    { name: '--hashlimit-rate-interval', words: 1, expected: 'a number of seconds' },
  ],

  // What its table is called is not printed, and with --hashlimit-rate-match not even the rate as it was given.
  listed: listed(
    /limit:/,
    [/up to (\S+)/, '--hashlimit-upto $1'],
    [/above (\S+)/, '--hashlimit-above $1'],
    [/burst (\S+)/, '--hashlimit-burst $1'],
    [/mode (\S+)/, ([, modes]) => ['--hashlimit-mode', modes!.replaceAll('-', ',')]],
    [/htable-size (\d+)/, '--hashlimit-htable-size $1'],
    [/htable-max (\d+)/, '--hashlimit-htable-max $1'],
    [/htable-gcinterval (\d+)/, '--hashlimit-htable-gcinterval $1'],
    [/htable-expire (\d+)/, '--hashlimit-htable-expire $1'],
    [/srcmask (\d+)/, '--hashlimit-srcmask $1'],
    [/dstmask (\d+)/, '--hashlimit-dstmask $1'],
    [/rate-match/, '--hashlimit-rate-match'],
    [/rate-interval (\d+)/, '--hashlimit-rate-interval $1'],
    [/(?:)/, (_, { line }) => ['--hashlimit-name', `line-${line}`], 'the --hashlimit-name'],
  ),

  parse(options) {
    const rateOption = options.get('--hashlimit-upto') ?? options.get('--hashlimit-above');
    if (rateOption === undefined) {
      throw new RuleFault(options.word, 'hashlimit without a rate', '--hashlimit-upto or --hashlimit-above');
    }
    const rate = parseRate(rateOption.values[0]);
    const isRateMatch = options.get('--hashlimit-rate-match') !== undefined;
    const interval = parseInterval(options);
    const { family } = options;
    return {
      family,
      isAbove: (rateOption.name === '--hashlimit-above') !== rateOption.negated,
      isBytes: rate.isBytes,
      average: isRateMatch && !rate.isBytes ? rate.average / BigInt(rate.seconds) : rate.average,
      burst: parseBurstOption(options, rate),
      modes: parseModes(options),
      sourceMask: parsePrefixLength(options, '--hashlimit-srcmask'),
      destinationMask: parsePrefixLength(options, '--hashlimit-dstmask'),
      name: parseName(options),
      size: Math.min(MAX_SIZE, parseOption(options, '--hashlimit-htable-size') ?? 0),
      max: Math.min(MAX_SIZE, parseOption(options, '--hashlimit-htable-max') ?? 0),
      gcIntervalMs: parseOption(options, '--hashlimit-htable-gcinterval') ?? DEFAULT_GC_INTERVAL_MS,
      expireMs: parseOption(options, '--hashlimit-htable-expire') ?? defaultExpireMs(options, rate),
      isRateMatch,
      interval: isRateMatch ? (interval ?? (rate.isBytes ? 1 : rate.seconds)) : 0,
    };
  },

  refuse(params, { objects }: RuleSite) {
    const { gcIntervalMs, expireMs, sourceMask, destinationMask, family, name, isRateMatch } = params;
    if (gcIntervalMs === 0) return 'the interval of the garbage collection cannot be 0';
    if (expireMs === 0) return 'entries cannot expire after 0 ms';
    if (Math.max(sourceMask, destinationMask) > ADDRESS_BITS[family]) return 'the mask is no prefix of an address';
    const refusal = refuseRate(params) ?? refuseProcName(name);
    const first = objects.make(`hashlimit ${family}`, name, { isRateMatch });
    if (refusal !== undefined || first.isRateMatch === isRateMatch) return refusal;
    return `the first rule with the table ${name} has ${isRateMatch ? 'no' : 'a'} --hashlimit-rate-match`;
  },

  save({ isAbove, isBytes, average, burst, modes, name, size, max, gcIntervalMs, expireMs, ...params }) {
    const { text, expireMs: usual } = isBytes ? formatBytes(average, burst) : formatPeriod(average);
    const bits = ADDRESS_BITS[params.family];
    return [
      ` ${isAbove ? '--hashlimit-above' : '--hashlimit-upto'} ${text}`,
      isBytes ? '' : ` --hashlimit-burst ${burst}`,
      modes.length === 0 ? '' : ` --hashlimit-mode ${modes.join(',')}`,
      ` --hashlimit-name ${name}`,
      size === 0 ? '' : ` --hashlimit-htable-size ${size}`,
      max === 0 ? '' : ` --hashlimit-htable-max ${max}`,
      gcIntervalMs === DEFAULT_GC_INTERVAL_MS ? '' : ` --hashlimit-htable-gcinterval ${gcIntervalMs}`,
      expireMs === usual ? '' : ` --hashlimit-htable-expire ${expireMs}`,
      params.sourceMask === bits ? '' : ` --hashlimit-srcmask ${params.sourceMask}`,
      params.destinationMask === bits ? '' : ` --hashlimit-dstmask ${params.destinationMask}`,
      params.isRateMatch ? ' --hashlimit-rate-match' : '',
      params.isRateMatch && params.interval !== 1 ? ` --hashlimit-rate-interval ${params.interval}` : '',
    ].join('');
  },

  share(params, context) {
    hashlimitTable(context, params);
  },

  createState(params, context) {
    const table = hashlimitTable(context, params);
    const parts = { kind: StateKind.HASHLIMIT, negated: params.isAbove, table };
    return FlatState.create(context, parts, HASHLIMIT_STATE, { table: table.at, isBytes: params.isBytes ? 1 : 0 });
  },

  lower(params) {
    const { isAbove, name } = params;
    const explanation = `the table ${name} is ${isAbove ? 'within' : 'above'} its limit:${hashlimit.save(params)}`;
    return { native: { reads: ['history'], explanation, mayDrop: true } };
  },
};

/** The kernel's check for overflows of its credits. */
function refuseRate({ isRateMatch, isBytes, average, burst }: HashlimitParams): KernelRefusal | undefined {
  if (isRateMatch) return average === 0n || average > 0xffffffffn ? 'the kernel cannot count such a rate' : undefined;
  if (isBytes) return creditOfCost(average) === 0n ? 'the rate is too high for the kernel' : undefined;
  if (creditOf(average * burst) >= creditOf(average)) return undefined;
  const what = `the kernel cannot count a burst of ${burst} at this rate: use a smaller burst or a faster rate`;
  return { what, error: 'ERANGE' };
}

function parseBurstOption(options: ParsedOptions, rate: Rate): bigint {
  const word = options.get('--hashlimit-burst')?.values[0];
  if (word === undefined) return rate.isBytes ? 0n : DEFAULT_BURST;
  return burstOf(rate, parseBurst(word), word);
}

function defaultExpireMs(options: ParsedOptions, { isBytes, seconds }: Rate): number {
  return 1000 * (isBytes && options.get('--hashlimit-burst') !== undefined ? BYTES_BURST_SECONDS : seconds);
}

function parseModes(options: ParsedOptions): HashlimitMode[] {
  const word = options.get('--hashlimit-mode')?.values[0];
  const given = (word?.text ?? '').split(/[,|]/).filter((name) => name !== '');
  for (const name of given) {
    if (!MODES.includes(name as HashlimitMode)) throw unknownName(word!, 'mode', name, MODES);
  }
  return MODES.filter((mode) => given.includes(mode));
}

function parseName(options: ParsedOptions): string {
  const [word] = options.get('--hashlimit-name')!.values;
  if (word.text === '') throw new RuleFault(word, 'the name is empty', 'the name of a table');
  return cutToBytes(word.text, MAX_NAME_BYTES);
}

function parseOption(options: ParsedOptions, name: string): number | undefined {
  const word = options.get(name)?.values[0];
  if (word === undefined) return undefined;
  const number = parseNumber(word.text, 0xffffffff);
  if (number === undefined) throw new RuleFault(word, `${name} is not a number: "${word.text}"`, '0–4294967295');
  return number;
}

/** The value of OPTION: a length, or a mask in full; that of a whole address if it is not given. */
function parsePrefixLength(options: ParsedOptions, option: string): number {
  const word = options.get(option)?.values[0];
  const bits = ADDRESS_BITS[options.family];
  if (word === undefined) return bits;
  const length = parseNumber(word.text, bits) ?? parseWholeMask(word, options.family);
  if (length !== undefined) return length;
  throw new RuleFault(word, `bad mask "${word.text}"`, `a prefix length, 0–${bits}`);
}

function parseWholeMask(word: Word, family: Family): number | undefined {
  const mask = parseLibcAddress(word.text, family);
  return mask && maskLength(mask);
}

/** Undefined: not given. */
function parseInterval(options: ParsedOptions): number | undefined {
  const word = options.get('--hashlimit-rate-interval')?.values[0];
  if (word === undefined) return undefined;
  const seconds = signedInt32(word.text);
  if (seconds > 0) return seconds;
  throw new RuleFault(word, `bad interval "${word.text}"`, 'a number of seconds');
}
