/** `-m ipvs`: properties of the packet's connection in IP Virtual Server (xt_ipvs). */
import type { Family } from '../../codecs/address.js';
import type { Word } from '../../codecs/iptables-save.js';
import type { MatchExtension } from '../rules/extension.js';
import { listedParts } from '../rules/listing/listed-form.js';
import { RuleFault, unknownName } from '../rules/parse/error.js';
import { formatHostMask, parseHostMask } from '../rules/parse/host-values.js';
import { parseLibcPortNumber, parseProtocol } from '../rules/parse/values.js';

interface IpvsTest {
  readonly option: string;
  readonly negated: boolean;
  /** As iptables-save prints it. */
  readonly value: string;
}

interface IpvsParams {
  /** In iptables-save order. */
  readonly tests: readonly IpvsTest[];
}

const IS_IPVS = '--ipvs';
const DIRECTIONS = ['ORIGINAL', 'REPLY'];
const METHODS = ['GATE', 'IPIP', 'MASQ'];

/** What each option is followed by, as iptables-save prints it, in its order. */
const VALUES: Readonly<Record<string, { expected: string; value: (word: Word, family: Family) => string }>> = {
  '--vproto': { expected: "a protocol's name or number", value: (word) => String(parseProtocol(word)) },
  '--vaddr': { expected: 'address[/mask]', value: (word, family) => formatHostMask(parseHostMask(word, family)) },
  '--vport': { expected: 'a port', value: (word) => String(parseLibcPortNumber(word)) },
  '--vdir': { expected: 'ORIGINAL or REPLY', value: (word) => parseName(word, DIRECTIONS) },
  '--vmethod': { expected: 'GATE, IPIP or MASQ', value: (word) => parseName(word, METHODS) },
  '--vportctl': { expected: 'a port', value: (word) => String(parseLibcPortNumber(word)) },
};

export const ipvs: MatchExtension<IpvsParams> = {
  name: 'ipvs',
  options: [
    { name: IS_IPVS, words: 0, invertible: true },
    ...Object.entries(VALUES).map(
      ([name, { expected }]) => ({ name, words: 1, invertible: name !== '--vdir', expected }) as const,
    ),
  ],

  // `ipvs` is printed only if nothing else is tested.
  listed: listedParts(
    [/(!)? ?ipvs/, '$1 --ipvs'],
    [/(!)? ?vproto (\d+)/, '$1 --vproto $2'],
    [/(!)? ?vaddr (\S+)/, '$1 --vaddr @2'],
    [/(!)? ?vport (\d+)/, '$1 --vport $2'],
    [/vdir (\S+)/, '--vdir $1'],
    [/(!)? ?vmethod (\S+)/, '$1 --vmethod $2'],
    [/(!)? ?vportctl (\d+)/, '$1 --vportctl $2'],
  ),

  parse(options) {
    if (options.all.length === 0) throw new RuleFault(options.word, 'ipvs without an option', '--ipvs, --vproto, …');
    const tests = Object.entries(VALUES).flatMap(([name, { value }]) => {
      const option = options.get(name);
      if (option === undefined) return [];
      return [{ option: name, negated: option.negated, value: value(option.values[0], options.family) }];
    });
    // The others imply it, and then iptables-save leaves it out.
    if (tests.length > 0) return { tests };
    return { tests: [{ option: IS_IPVS, negated: options.get(IS_IPVS)!.negated, value: '' }] };
  },

  unsupported: () => 'the connections of IPVS',

  save({ tests }) {
    return tests.map(({ option, negated, value }) => `${negated ? ' !' : ''} ${option} ${value}`.trimEnd()).join('');
  },

  lower: () => ({}),
};

/** One of NAMES, in any case. */
function parseName(word: Word, names: readonly string[]): string {
  const name = word.text.toUpperCase();
  if (!names.includes(name)) throw unknownName(word, 'value', word.text, names);
  return name;
}
