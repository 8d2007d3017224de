/** `-j HMARK`: sets the packet's mark to a hash of its addresses, ports and protocol (xt_HMARK). */
import { ADDRESS_BITS, type Address, maskLength, prefixMask } from '../../codecs/address.js';
import type { Word } from '../../codecs/iptables-save.js';
import { Verdict } from '../hooks.js';
import type { OptionSpec, ParsedOptions, TargetExtension } from '../rules/extension.js';
import { type ListedPart, listed } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { parsePrefixMask } from '../rules/parse/host-values.js';
import { parseNumber } from '../rules/parse/values.js';
import type { UncertainCause } from '../uncertainty.js';
import { type HashRule, isTupleCut, markOf, tupleOfConnection, tupleOfPacket } from './hmark-tuple.js';

const MAX_WORD = 0xffffffff;
const NOT_CAPTURED: UncertainCause = { reason: '`-j HMARK` hashes what was not captured', scope: 'connection' };

/** The options with a number of 16 or 32 bits, in iptables-save order, with the digits printed. */
const NUMBERS = [
  { key: 'sportMask', name: '--hmark-sport-mask', bits: 16, digits: 4 },
  { key: 'dportMask', name: '--hmark-dport-mask', bits: 16, digits: 4 },
  { key: 'spiMask', name: '--hmark-spi-mask', bits: 32, digits: 8 },
  { key: 'sport', name: '--hmark-sport', bits: 16, digits: 4 },
  { key: 'dport', name: '--hmark-dport', bits: 16, digits: 4 },
  { key: 'spi', name: '--hmark-spi', bits: 32, digits: 8 },
  { key: 'protocolMask', name: '--hmark-proto-mask', bits: 16, digits: 2 },
] as const;
type NumberKey = (typeof NUMBERS)[number]['key'];

/** What an item of `--hmark-tuple` includes whole; any prefix is accepted, and the first match wins. */
const TUPLE = [
  ['ct', undefined],
  ['src', '--hmark-src-prefix'],
  ['dst', '--hmark-dst-prefix'],
  ['sport', '--hmark-sport-mask'],
  ['dport', '--hmark-dport-mask'],
  ['proto', '--hmark-proto-mask'],
  ['spi', '--hmark-spi-mask'],
] as const;
const TUPLE_EXPECTED = `${TUPLE.map(([item]) => item).join(', ')}, comma-separated`;

interface HmarkParams extends HashRule {
  /** The addresses and ports are those of the connection, not of the packet. */
  readonly isOfConnection: boolean;
}

export const hmark: TargetExtension<HmarkParams> = {
  name: 'HMARK',
  hasOwnMessages: true,
  terminates: false,
  options: [
    { name: '--hmark-tuple', words: 1, expected: TUPLE_EXPECTED },
    ...['--hmark-src-prefix', '--hmark-dst-prefix'].map(
      (name): OptionSpec => ({ name, words: 1, expected: 'a prefix length or a mask' }),
    ),
    ...NUMBERS.map(({ name, bits }): OptionSpec => ({ name, words: 1, expected: `a number of ${bits} bits` })),
    { name: '--hmark-rnd', words: 1, required: true, expected: 'a number of 32 bits: the seed of the hash' },
    { name: '--hmark-mod', words: 1, required: true, expected: 'the number of marks, 1–4294967295' },
    { name: '--hmark-offset', words: 1, expected: 'the first mark' },
  ],

  listed: listed(
    /HMARK/,
    [/mod (\d+)/, '--hmark-mod $1'],
    [/\+ (0x\S+)/, '--hmark-offset $1'],
    [/ct,/, '--hmark-tuple ct'],
    // ip6tables prints nothing for 128.
    [/src-prefix (\d*)/, ([, length]) => ['--hmark-src-prefix', length || '128']],
    [/dst-prefix (\d*)/, ([, length]) => ['--hmark-dst-prefix', length || '128']],
    ...NUMBERS.map(({ name }): ListedPart => [new RegExp(`${name.slice('--hmark-'.length)} (0x\\S+)`), `${name} $1`]),
    [/rnd (0x\S+)/, '--hmark-rnd $1'],
  ),

  parse(options) {
    const tuple = parseTuple(options);
    const mask = (name: string): Address | undefined => {
      const word = options.get(name)?.values[0];
      const prefix = word === undefined ? undefined : parsePrefixMask(word, options.family);
      return tuple.has(name) ? prefixMask(options.family, ADDRESS_BITS[options.family]) : prefix;
    };
    const numbers = NUMBERS.map(({ key, name, bits }) => {
      const most = 2 ** bits - 1;
      const given = parseOptional(options, name, 0, most);
      return [key, tuple.has(name) ? most : given] as const;
    });
    const params: HmarkParams = {
      ...(Object.fromEntries(numbers) as Record<NumberKey, number | undefined>),
      source: mask('--hmark-src-prefix'),
      destination: mask('--hmark-dst-prefix'),
      isOfConnection: tuple.has('ct'),
      seed: parseOptional(options, '--hmark-rnd', 0, MAX_WORD)!,
      modulus: parseOptional(options, '--hmark-mod', 1, MAX_WORD)!,
      offset: parseOptional(options, '--hmark-offset', 0, MAX_WORD),
    };
    checkTuple(options.word, params);
    return params;
  },

  refuse({ spi, sport, dport }) {
    const isBoth = spi !== undefined && (sport ?? dport) !== undefined;
    return isBoth ? '--hmark-spi cannot be used together with --hmark-sport or --hmark-dport' : undefined;
  },

  save(params) {
    const { source, destination, seed, modulus, offset, isOfConnection } = params;
    let text = '';
    if (source !== undefined) text += ` --hmark-src-prefix ${maskLength(source)}`;
    if (destination !== undefined) text += ` --hmark-dst-prefix ${maskLength(destination)}`;
    for (const { key, name, digits } of NUMBERS) {
      const number = params[key];
      if (number !== undefined) text += ` ${name} ${hex(number, digits)}`;
    }
    text += ` --hmark-rnd ${hex(seed, 8)} --hmark-mod ${modulus}`;
    if (offset !== undefined) text += ` --hmark-offset ${offset}`;
    return isOfConnection ? `${text} --hmark-tuple ct` : text;
  },

  apply(params, packet, context) {
    const { isOfConnection } = params;
    if (!isOfConnection && isTupleCut(packet)) context.uncertain(packet, NOT_CAPTURED);
    const tuple = isOfConnection ? tupleOfConnection(params, packet, context.conntrack) : tupleOfPacket(params, packet);
    if (tuple !== undefined) packet.mark = markOf(params, tuple);
    return Verdict.CONTINUE;
  },

  // The mark depends on what differs between the packets of a megaflow, and for ESP and AH between those of a path.
  effect: () => 'packet',
  readsEnds: true,
};

function hex(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}

function parseOptional(options: ParsedOptions, name: string, least: number, most: number): number | undefined {
  const word = options.get(name)?.values[0];
  if (word === undefined) return undefined;
  const number = parseNumber(word.text, most);
  if (number !== undefined && number >= least) return number;
  throw new RuleFault(word, `bad number "${word.text}"`, `${least}–${most}`);
}

/** The options that `--hmark-tuple` stands for, and `ct`. It takes precedence over those given before it. */
function parseTuple(options: ParsedOptions): ReadonlySet<string> {
  const option = options.get('--hmark-tuple');
  const [word] = option?.values ?? [];
  if (option === undefined || word === undefined) return new Set();
  const names = new Set<string>();
  for (const item of word.text.split(',')) {
    const found = item === '' ? undefined : TUPLE.find(([name]) => name.startsWith(item.toLowerCase()));
    if (found === undefined) throw new RuleFault(word, `bad list "${word.text}"`, TUPLE_EXPECTED);
    names.add(found[1] ?? found[0]);
  }
  for (const later of options.all.slice(options.all.indexOf(option) + 1)) {
    if (!names.has(later.name)) continue;
    throw new RuleFault(later.word, `HMARK: ${later.name} repeats what is in --hmark-tuple`, 'one of them');
  }
  return names;
}

function checkTuple(word: Word, params: HmarkParams): void {
  const { source, destination, spiMask, sportMask, dportMask, isOfConnection } = params;
  if (spiMask !== undefined && (sportMask ?? dportMask) !== undefined) {
    throw new RuleFault(word, 'HMARK with the SPI and ports, which are at the same place', 'one of them');
  }
  const hasNumber = NUMBERS.some(({ key }) => params[key] !== undefined);
  if (hasNumber || isOfConnection || source !== undefined || destination !== undefined) return;
  throw new RuleFault(word, 'HMARK without anything to hash', `--hmark-tuple, ${TUPLE_EXPECTED}`);
}
