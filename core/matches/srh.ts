/** `-m srh`: the segment routing header of IPv6 (ip6t_srh, revision 1; RFC 8754). */
import { ADDRESS_BITS, maskLength } from '../../codecs/address.js';
import type { MatchExtension, ParsedOptions } from '../rules/extension.js';
import { IPV6_ONLY } from '../rules/ipv6-only.js';
import { type ListedPart, listed } from '../rules/listing/listed-form.js';
import { type HostMask, parseHostMask } from '../rules/parse/host-values.js';
import { numberOption, parseNumberTest } from './number-tests.js';

const MAX_UINT8 = 0xff;
const MAX_UINT16 = 0xffff;
/** Options that share a number: the last one given counts for all of them. In iptables-save order. */
const NUMBERS: readonly (readonly string[])[] = [
  ['--srh-next-hdr'],
  ['--srh-hdr-len-eq', '--srh-hdr-len-gt', '--srh-hdr-len-lt'],
  ['--srh-segs-left-eq', '--srh-segs-left-gt', '--srh-segs-left-lt'],
  ['--srh-last-entry-eq', '--srh-last-entry-gt', '--srh-last-entry-lt'],
  ['--srh-tag'],
];
const SEGMENTS = ['--srh-psid', '--srh-nsid', '--srh-lsid'] as const;

interface SegmentParams {
  readonly numbers: readonly { readonly option: string; readonly value: number; readonly negated: boolean }[];
  readonly segments: readonly (HostMask & { readonly option: string; readonly negated: boolean })[];
}

export const srh: MatchExtension<SegmentParams> = {
  name: 'srh',
  ...IPV6_ONLY,
  options: [
    ...NUMBERS.flat().map((name) => numberOption(name)),
    ...SEGMENTS.map((name) => ({ name, words: 1, invertible: true, expected: 'address[/mask]' }) as const),
  ],

  listed: listed(
    /srh/,
    ...NUMBERS.flat().map((name): ListedPart => [new RegExp(`${name.slice(6)}:(!)?(\\d+)`), `$1 ${name} $2`]),
    ...SEGMENTS.map((name): ListedPart => [new RegExp(`${name.slice(6)} (!)? ?(\\S+)`), `$1 ${name} $2`]),
  ),

  parse: (options) => ({
    numbers: NUMBERS.flatMap((names) => parseNumbers(options, names)),
    segments: SEGMENTS.flatMap((name) => {
      const option = options.get(name);
      if (option === undefined) return [];
      return [{ ...parseHostMask(option.values[0], options.family), option: name, negated: option.negated }];
    }),
  }),

  save({ numbers, segments }) {
    let text = '';
    for (const { option, value, negated } of numbers) text += `${negated ? ' !' : ''} ${option} ${value}`;
    for (const { option, address, mask, negated } of segments) {
      text += `${negated ? ' !' : ''} ${option} ${address}/${maskLength(mask) ?? ADDRESS_BITS.ipv6}`;
    }
    return text;
  },

  lower: () => ({}),
};

function parseNumbers(options: ParsedOptions, names: readonly string[]): SegmentParams['numbers'] {
  const max = names.includes('--srh-tag') ? MAX_UINT16 : MAX_UINT8;
  const tests = new Map(names.map((name) => [name, parseNumberTest(options, name, max)]));
  const last = options.all.findLast(({ name }) => names.includes(name));
  const value = last && tests.get(last.name)?.min;
  return [...tests].flatMap(([option, test]) =>
    test === undefined || value === undefined ? [] : [{ option, value, negated: test.negated }],
  );
}
