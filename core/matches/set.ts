/** `-m set`: the packet is in a set of ipset (xt_set, revision 4). */
import type { MatchExtension, OptionSpec, ParsedOption, ParsedOptions } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { parseLongNumber } from '../rules/parse/values.js';
import { SetState } from '../rules/run/set-lookup.js';
import { CounterOp, counterValue, PLAIN_LOOKUP, type SetLookup } from '../sets/ip-set.js';
import {
  directionsOf,
  formatSetReference,
  parseSetReference,
  SET_EXPECTED,
  type SetReference,
} from './set-reference.js';

type Comparison = 'eq' | 'ne' | 'lt' | 'gt';

/** A counter of the entry found. */
interface CounterTest {
  readonly comparison: Comparison;
  readonly value: bigint;
}

interface SetParams {
  readonly set: SetReference;
  readonly negated: boolean;
  /** An entry with nomatch counts as found, too. */
  readonly returnsNomatch: boolean;
  readonly keepsCounters: boolean;
  readonly keepsSubcounters: boolean;
  readonly packets: CounterTest | undefined;
  readonly bytes: CounterTest | undefined;
}

/** What sets look at. Looking may change them: they count. */
const READ = [
  ...(['source', 'destination', 'sport', 'dport', 'protocol', 'icmpType', 'inDev', 'outDev', 'sourceMac'] as const),
  ...(['sets', 'history'] as const),
];

const COUNTER_OPS = { eq: CounterOp.EQ, ne: CounterOp.NE, lt: CounterOp.LT, gt: CounterOp.GT } as const;

const opOf = (test: CounterTest | undefined): CounterOp =>
  test === undefined ? CounterOp.NONE : COUNTER_OPS[test.comparison];

/** `--packets-lt 5`. Only what compares with eq can be inverted. */
const counterOptions = (what: 'packets' | 'bytes'): OptionSpec[] =>
  (['eq', 'lt', 'gt'] as const).map((comparison) => ({
    name: `--${what}-${comparison}`,
    words: 1,
    expected: 'a number of 64 bits',
    invertible: comparison === 'eq',
  }));

export const set: MatchExtension<SetParams> = {
  name: 'set',
  options: [
    { name: '--match-set', aliases: ['--set'], words: 2, invertible: true, expected: SET_EXPECTED },
    { name: '--return-nomatch', words: 0, repeatable: true },
    { name: '--update-counters', words: 0, invertible: true, repeatable: true },
    ...counterOptions('packets'),
    ...counterOptions('bytes'),
    { name: '--update-subcounters', words: 0, invertible: true, repeatable: true },
  ],

  listed: listed(
    /(?=(?:! )?match-set )/,
    [/(!)? ?match-set (\S+) (\S+)/, '$1 --match-set $2 $3'],
    [/return-nomatch/, '--return-nomatch'],
    [/! update-counters/, '! --update-counters'],
    [/! update-subcounters/, '! --update-subcounters'],
    [/(!)? ?packets-(eq|lt|gt) (\d+)/, '$1 --packets-$2 $3'],
    [/(!)? ?bytes-(eq|lt|gt) (\d+)/, '$1 --bytes-$2 $3'],
  ),

  parse(options) {
    const option = options.get('--match-set');
    if (option === undefined) throw new RuleFault(options.word, 'set without a set', `--match-set: ${SET_EXPECTED}`);
    const isKept = (name: string): boolean => options.all.some((one) => one.name === name && one.negated);
    return {
      set: parseSetReference(option),
      negated: option.negated,
      returnsNomatch: options.get('--return-nomatch') !== undefined,
      keepsCounters: isKept('--update-counters'),
      keepsSubcounters: isKept('--update-subcounters'),
      packets: parseCounter(options, 'packets'),
      bytes: parseCounter(options, 'bytes'),
    };
  },

  save({ set: reference, negated, returnsNomatch, keepsCounters, keepsSubcounters, packets, bytes }) {
    return [
      `${negated ? ' !' : ''} --match-set ${formatSetReference(reference)}`,
      returnsNomatch ? ' --return-nomatch' : '',
      keepsCounters ? ' ! --update-counters' : '',
      keepsSubcounters ? ' ! --update-subcounters' : '',
      formatCounter(packets, 'packets'),
      formatCounter(bytes, 'bytes'),
    ].join('');
  },

  sets: (params) => [params.set],

  createState(params, context) {
    const { packets, bytes } = params;
    const lookup: SetLookup = {
      ...PLAIN_LOOKUP,
      ...directionsOf(params.set),
      returnsNomatch: params.returnsNomatch,
      keepsCounters: params.keepsCounters,
      keepsSubcounters: params.keepsSubcounters,
      packetsOp: opOf(packets),
      packets: counterValue(packets?.value ?? 0n),
      bytesOp: opOf(bytes),
      bytes: counterValue(bytes?.value ?? 0n),
    };
    return new SetState(context, params.set.name, lookup, params.negated);
  },

  lower: ({ set: reference, negated }) => ({
    native: { reads: READ, explanation: `the set ${reference.name} ${negated ? 'has' : 'does not have'} the packet` },
  }),
};

function parseCounter({ all }: ParsedOptions, what: 'packets' | 'bytes'): CounterTest | undefined {
  const [option, second] = all.filter(({ name }) => name.startsWith(`--${what}-`));
  if (second !== undefined) throw new RuleFault(second.word, `only one of --${what}-eq, -lt and -gt is allowed`);
  return option && { comparison: comparisonOf(option), value: parseValue(option) };
}

function comparisonOf({ name, negated }: ParsedOption): Comparison {
  return negated ? 'ne' : (name.slice(-2) as Comparison);
}

function parseValue({ values: [word] }: ParsedOption): bigint {
  const value = parseLongNumber(word.text);
  if (value === undefined) throw new RuleFault(word, `bad counter "${word.text}"`, 'a number of 64 bits');
  return value;
}

function formatCounter(test: CounterTest | undefined, what: 'packets' | 'bytes'): string {
  if (test === undefined) return '';
  const { comparison, value } = test;
  return comparison === 'ne' ? ` ! --${what}-eq ${value}` : ` --${what}-${comparison} ${value}`;
}
