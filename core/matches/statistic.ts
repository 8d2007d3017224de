/** `-m statistic`: every nth packet, or random packets (xt_statistic). */
import type { Word } from '../../codecs/iptables-save.js';
import type { MatchExtension, ParsedOptions } from '../rules/extension.js';
import { listedAs } from '../rules/listing/listed-form.js';
import { formatQuotient, leadingDouble } from '../rules/parse/c-double.js';
import { RuleFault, unknownName } from '../rules/parse/error.js';
import { parseNumber } from '../rules/parse/values.js';
import { FlatState, NTH_STATE, StateKind } from '../rules/run/flat-state.js';
import { FunctionState } from '../rules/run/match-state.js';

const MAX_EVERY = 0xffffffff;
/** Probabilities are in units of 2^-31. */
const CERTAIN = 0x80000000;
/** The number of printed decimals. */
const DECIMALS = 11;

type StatisticParams = { readonly negated: boolean } & (
  | { readonly mode: 'random'; readonly probability: number }
  /** Matches packet number FIRST (from 0), then every EVERYth. */
  | { readonly mode: 'nth'; readonly every: number; readonly first: number }
);

export const statistic: MatchExtension<StatisticParams> = {
  name: 'statistic',
  options: [
    { name: '--mode', words: 1, required: true, expected: 'random or nth' },
    {
      name: '--probability',
      words: 1,
      invertible: true,
      excludes: ['--every', '--packet'],
      expected: 'a probability, 0–1',
    },
    { name: '--every', words: 1, invertible: true, expected: 'a number of packets' },
    { name: '--packet', words: 1, expected: 'which of them, from 0' },
  ],

  listed: listedAs(
    [/statistic mode random (!)? ?probability (\S+)/, '--mode random $1 --probability $2'],
    [/statistic mode nth (!)? ?every (\d+) packet (\d+)/, '--mode nth $1 --every $2 --packet $3'],
    [/statistic mode nth (!)? ?every (\d+)/, '--mode nth $1 --every $2 --packet 0'],
  ),

  parse(options) {
    const word = options.get('--mode')!.values[0];
    if (word.text === 'random') return parseRandom(options);
    if (word.text === 'nth') return parseNth(options);
    throw unknownName(word, 'mode', word.text, ['random', 'nth']);
  },

  save(params) {
    const not = params.negated ? ' !' : '';
    if (params.mode === 'random')
      return ` --mode random${not} --probability ${formatQuotient(params.probability, CERTAIN, DECIMALS)}`;
    return ` --mode nth${not} --every ${params.every} --packet ${params.first}`;
  },

  createState(params, context) {
    const { negated } = params;
    if (params.mode === 'random') {
      // Each rule has its own stream, so its choices do not depend on whether others were evaluated.
      const random = context.randomStream();
      return new FunctionState(context, () => (random.uint32() & (CERTAIN - 1)) < params.probability !== negated);
    }
    const last = params.every - 1;
    return FlatState.create(context, { kind: StateKind.NTH, negated }, NTH_STATE, { count: last - params.first, last });
  },

  lower(params) {
    const explanation =
      params.mode === 'random' ? 'not selected at random' : `it is not this packet's turn:${statistic.save(params)}`;
    return { native: { reads: ['history'], explanation } };
  },
};

function parseRandom(options: ParsedOptions): StatisticParams {
  const option = options.get('--probability');
  if (option === undefined) throw new RuleFault(options.word, '--mode random needs --probability', '--probability 0.5');
  const word = option.values[0];
  const value = parseDouble(word.text);
  if (value === undefined || value < 0 || value > 1) throw new RuleFault(word, `bad probability "${word.text}"`, '0–1');
  return { mode: 'random', probability: Math.round(value * CERTAIN) || 0, negated: option.negated };
}

/** Parses TEXT like strtod. Not a number is 0 for the kernel. */
function parseDouble(text: string): number | undefined {
  const number = leadingDouble(text);
  if (number?.rest !== '') return undefined;
  return Number.isNaN(number.value) ? 0 : number.value;
}

function parseNth(options: ParsedOptions): StatisticParams {
  const every = options.get('--every');
  const packet = options.get('--packet');
  if (every === undefined || packet === undefined) {
    throw new RuleFault(options.word, '--mode nth needs --every and --packet', '--every n --packet p');
  }
  const n = parseCount(every.values[0], 1);
  const first = parseCount(packet.values[0], 0);
  if (first >= n) throw new RuleFault(packet.values[0], `there is no packet ${first} of every ${n}`, `0–${n - 1}`);
  return { mode: 'nth', every: n, first, negated: every.negated };
}

function parseCount(word: Word, min: number): number {
  const count = parseNumber(word.text, MAX_EVERY);
  if (count !== undefined && count >= min) return count;
  throw new RuleFault(word, `bad number of packets "${word.text}"`, `${min}–${MAX_EVERY}`);
}
