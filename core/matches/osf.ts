/** `-m osf`: the operating system that a SYN was sent by, as its fingerprint tells (xt_osf). */
import { IPPROTO_TCP } from '../../codecs/layouts.js';
import { cutToBytes } from '../../codecs/text.js';
import { Hook } from '../hooks.js';
import type { MatchExtension, ParsedOption } from '../rules/extension.js';
import { listedAs } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { parseNumber } from '../rules/parse/values.js';

interface OsfParams {
  readonly genre: string;
  readonly negated: boolean;
  /** How the TTL is compared: 0 as in a local network, 1 lower or equal, 2 not at all. */
  readonly ttl: number | undefined;
  /** What is logged: 0 every fingerprint, 1 the first that matches, 2 the known ones. */
  readonly log: number | undefined;
}

/** MAXGENRELEN without the terminating zero. */
const MAX_GENRE_BYTES = 31;

export const osf: MatchExtension<OsfParams> = {
  name: 'osf',
  families: ['ipv4'],
  hooks: [Hook.PREROUTING, Hook.INPUT, Hook.FORWARD],
  options: [
    { name: '--genre', words: 1, invertible: true, required: true, expected: 'the name of a system' },
    { name: '--ttl', words: 1, expected: '0, 1 or 2' },
    { name: '--log', words: 1, expected: '0, 1 or 2' },
  ],

  listed: listedAs([/OS fingerprint match (!)? ?(\S+)/, '$1 --genre $2', 'the --ttl and --log']),

  parse(options) {
    const genre = options.get('--genre')!;
    return {
      genre: cutToBytes(genre.values[0].text, MAX_GENRE_BYTES),
      negated: genre.negated,
      ttl: parseLevel(options.get('--ttl')),
      log: parseLevel(options.get('--log')),
    };
  },

  refuse(_, { base: { protocol } }) {
    return protocol?.number === IPPROTO_TCP && !protocol.negated ? undefined : 'osf needs -p tcp';
  },

  unsupported: () => 'the fingerprints that nfnl_osf loaded on the host',

  save({ genre, negated, ttl, log }) {
    // A name with blanks has no quotes.
    let text = `${negated ? ' !' : ''} --genre ${genre}`;
    if (ttl !== undefined) text += ` --ttl ${ttl}`;
    return log === undefined ? text : `${text} --log ${log}`;
  },

  lower: () => ({}),
};

function parseLevel(option: ParsedOption | undefined): number | undefined {
  if (option === undefined) return undefined;
  const [word] = option.values;
  const level = parseNumber(word.text, 2);
  if (level === undefined) throw new RuleFault(word, `bad value "${word.text}"`, '0, 1 or 2');
  return level;
}
