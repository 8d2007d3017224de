/** `-m ipv6header`: which extension headers a packet has (ip6t_ipv6header). */
import type { Word } from '../../codecs/iptables-save.js';
import { protocolNumber } from '../../codecs/protocol-names.js';
import type { MatchExtension } from '../rules/extension.js';
import { IPV6_ONLY } from '../rules/ipv6-only.js';
import { listed } from '../rules/listing/listed-form.js';
import { RuleFault, unknownName } from '../rules/parse/error.js';

interface Header {
  readonly number: number;
  /** As iptables-save prints it, and the other names. */
  readonly name: string;
  readonly aliases: readonly string[];
}

/** In iptables-save order. The last one stands for any other protocol. */
const HEADERS: readonly Header[] = [
  { number: 0, name: 'hop-by-hop', aliases: ['hop'] },
  { number: 60, name: 'ipv6-opts', aliases: ['dst'] },
  { number: 43, name: 'ipv6-route', aliases: ['route'] },
  { number: 44, name: 'ipv6-frag', aliases: ['frag'] },
  { number: 51, name: 'ah', aliases: ['auth'] },
  { number: 50, name: 'esp', aliases: [] },
  { number: 59, name: 'ipv6-nonxt', aliases: ['none'] },
  { number: 255, name: 'protocol', aliases: ['prot'] },
];
/** iptables' own names of protocols, which this match does not know. */
const OF_IPTABLES = ['icmpv6', 'mh', 'ipv6-mh'];

interface HeaderParams {
  readonly names: readonly string[];
  readonly negated: boolean;
  /** Whether the packet may have other headers too. */
  readonly soft: boolean;
}

export const ipv6header: MatchExtension<HeaderParams> = {
  name: 'ipv6header',
  ...IPV6_ONLY,
  options: [
    { name: '--header', words: 1, invertible: true, required: true, expected: 'comma-separated headers' },
    { name: '--soft', words: 0 },
  ],

  listed: listed(
    /ipv6header/,
    [/flags:(!)?0x([0-9A-F]+)/, listedHeaders],
    [/flags:(!)?([a-z][^\s]*)/, '$1 --header $2'],
    [/soft/, '--soft'],
  ),

  parse(options) {
    const { values, negated } = options.get('--header')!;
    return { names: parseHeaders(values[0]), negated, soft: options.get('--soft') !== undefined };
  },

  save({ names, negated, soft }) {
    return `${negated ? ' !' : ''} --header ${names.join(',')}${soft ? ' --soft' : ''}`;
  },

  lower: () => ({}),
};

/** The words of headers that are listed as bits, of which the first header has the highest. */
function listedHeaders([, not, bits]: readonly (string | undefined)[]): string[] {
  const set = Number.parseInt(bits!, 16);
  const names = HEADERS.filter((_, i) => ((set >> (HEADERS.length - 1 - i)) & 1) !== 0).map(({ name }) => name);
  return [...(not === undefined ? [] : [not]), '--header', names.join(',')];
}

function parseHeaders(word: Word): string[] {
  const parts = word.text.split(',').filter((part) => part !== '');
  if (parts.length === 0) throw new RuleFault(word, 'no header', HEADERS.map(({ name }) => name).join(', '));
  const found = new Set(parts.map((part) => parseHeader(word, part)));
  return HEADERS.filter((header) => found.has(header)).map(({ name }) => name);
}

function parseHeader(word: Word, text: string): Header {
  // A name in /etc/protocols comes before the match's own.
  const known = OF_IPTABLES.includes(text) ? undefined : protocolNumber(text);
  const header = HEADERS.find(({ number, name, aliases }) =>
    known === undefined ? [name, ...aliases, String(number)].includes(text) : number === known,
  );
  if (header !== undefined) return header;
  throw unknownName(
    word,
    'header',
    text,
    HEADERS.flatMap(({ name, aliases }) => [name, ...aliases]),
  );
}
