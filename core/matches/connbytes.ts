/**
 * `-m connbytes`: how much a connection has transferred so far (xt_connbytes). Loading such a rule turns accounting on.
 */
import type { Word } from '../../codecs/iptables-save.js';
import { BYTES_F64, PACKETS_F64, RECORD_F64 } from '../conntrack/record.js';
import type { ConntrackTable } from '../conntrack/table.js';
import { ORIGINAL, REPLY } from '../packet.js';
import type { MatchExtension } from '../rules/extension.js';
import { listedAs } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { parseLongNumber, parseOneOf } from '../rules/parse/values.js';

const MODES = ['packets', 'bytes', 'avgpkt'] as const;
const DIRECTIONS = ['original', 'reply', 'both'] as const;
const MAX = 2n ** 64n - 1n;
const EXPECTED = 'first[:last], numbers of 64 bits';

interface ConnbytesParams {
  /** Both ends are inclusive. */
  readonly from: bigint;
  readonly to: bigint;
  readonly negated: boolean;
  readonly mode: (typeof MODES)[number];
  readonly direction: (typeof DIRECTIONS)[number];
}

export const connbytes: MatchExtension<ConnbytesParams> = {
  name: 'connbytes',
  options: [
    { name: '--connbytes', words: 1, invertible: true, required: true, expected: EXPECTED },
    { name: '--connbytes-dir', words: 1, required: true, expected: DIRECTIONS.join(', ') },
    { name: '--connbytes-mode', words: 1, required: true, expected: MODES.join(', ') },
  ],

  listed: listedAs([
    /(!)? ?connbytes (\S+) connbytes mode (\S+) connbytes direction (\S+)/,
    '$1 --connbytes $2 --connbytes-mode $3 --connbytes-dir $4',
  ]),

  parse(options) {
    const range = options.get('--connbytes')!;
    const [from, to] = parseRange(range.values[0]);
    // iptables notes a negation by exchanging the ends, and so loses it where they are equal.
    const negated = range.negated && from !== to;
    const mode = parseOneOf(options.get('--connbytes-mode')!.values[0], 'mode', MODES);
    const direction = parseOneOf(options.get('--connbytes-dir')!.values[0], 'direction', DIRECTIONS);
    return { from, to, negated, mode, direction };
  },

  // iptables-save prints 0:0 as 0, which reads back as 0 and more.
  save: (params) => optionsOf(params, params.to > 0n && params.to < MAX),

  saveExactly: (params) => optionsOf(params, params.to < MAX),

  turnsOnAccounting: true,

  lower(params) {
    const [from, to] = [Number(params.from), Number(params.to)];
    const explanation = `what its connection has counted is out of range:${connbytes.save(params)}`;
    return {
      native: {
        reads: ['ctCounters'],
        check({ ct }, { conntrack }) {
          if (ct < 0 || !conntrack.isAccounted(ct)) return false;
          const count = countOf(conntrack, ct, params);
          return (count >= from && count <= to) !== params.negated;
        },
        explanation,
      },
    };
  },
};

function optionsOf({ from, to, negated, mode, direction }: ConnbytesParams, hasEnd: boolean): string {
  const range = hasEnd ? `${from}:${to}` : String(from);
  return `${negated ? ' !' : ''} --connbytes ${range} --connbytes-mode ${mode} --connbytes-dir ${direction}`;
}

function countOf({ doubles }: ConntrackTable, entry: number, { mode, direction }: ConnbytesParams): number {
  const sum = (counter: number): number => {
    const at = entry * RECORD_F64 + counter;
    if (direction === 'both') return doubles[at + ORIGINAL] + doubles[at + REPLY];
    return doubles[at + (direction === 'original' ? ORIGINAL : REPLY)];
  };
  if (mode === 'packets') return sum(PACKETS_F64);
  if (mode === 'bytes') return sum(BYTES_F64);
  return Math.floor(sum(BYTES_F64) / sum(PACKETS_F64)) || 0;
}

/** Parses `first`, `first:last`, `:last` or `first:`. */
function parseRange(word: Word): [from: bigint, to: bigint] {
  const ends = word.text.split(':');
  if (ends.length > 2) throw new RuleFault(word, `too many colons in "${word.text}"`, EXPECTED);
  const [from, to] = ends.map((end, i) => (end === '' ? (i === 0 ? 0n : MAX) : parseLongNumber(end)));
  const last = ends.length === 1 ? MAX : to;
  if (from === undefined || last === undefined) throw new RuleFault(word, `bad range "${word.text}"`, EXPECTED);
  if (last < from) throw new RuleFault(word, `the range "${word.text}" ends before it starts`, EXPECTED);
  return [from, last];
}
