/** `-m rt`: the routing header of IPv6 (ip6t_rt; RFC 8200). */
import type { Address } from '../../codecs/address.js';
import type { Word } from '../../codecs/iptables-save.js';
import type { MatchExtension, ParsedOptions } from '../rules/extension.js';
import { IPV6_ONLY } from '../rules/ipv6-only.js';
import { listed } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { parseIpv6 } from '../rules/parse/values.js';
import {
  type NumberTest,
  numberOption,
  parseNumberTest,
  parseRangeTest,
  saveNumberTest,
  saveRangeTest,
} from './number-tests.js';

const MAX_HOPS = 16;
const EXPECTED = 'up to 16 comma-separated IPv6 addresses';

interface RoutingParams {
  readonly type: NumberTest | undefined;
  readonly segmentsLeft: NumberTest | undefined;
  readonly length: NumberTest | undefined;
  /** `--rt-0-res`: the reserved field is zero. */
  readonly reserved: boolean;
  readonly addresses: readonly Address[];
  /** `--rt-0-not-strict`: other addresses may stand between them. */
  readonly notStrict: boolean;
}

export const rt: MatchExtension<RoutingParams> = {
  name: 'rt',
  ...IPV6_ONLY,
  options: [
    numberOption('--rt-type'),
    numberOption('--rt-segsleft', true),
    numberOption('--rt-len'),
    { name: '--rt-0-res', words: 0 },
    { name: '--rt-0-addrs', words: 1, expected: EXPECTED },
    { name: '--rt-0-not-strict', words: 0 },
  ],

  listed: listed(
    /rt/,
    [/type:(!)?(-?\d+)/, ([, not, type]) => [...(not ? [not] : []), '--rt-type', String(Number(type) >>> 0)]],
    [/segslefts?:(!)?(\S+)/, '$1 --rt-segsleft $2'],
    [/length:(!)?(\d+)/, '$1 --rt-len $2'],
    [/reserved/, '--rt-0-res'],
    [/0-addrs (\S+)/, '--rt-0-addrs $1'],
    [/0-not-strict/, '--rt-0-not-strict'],
  ),

  parse(options) {
    checkOrder(options);
    const addresses = options.get('--rt-0-addrs');
    return {
      type: parseNumberTest(options, '--rt-type'),
      segmentsLeft: parseRangeTest(options, '--rt-segsleft'),
      length: parseNumberTest(options, '--rt-len'),
      reserved: options.get('--rt-0-res') !== undefined,
      addresses: addresses === undefined ? [] : parseAddresses(addresses.values[0]),
      notStrict: options.get('--rt-0-not-strict') !== undefined,
    };
  },

  save({ type, segmentsLeft, length, reserved, addresses, notStrict }) {
    let text = saveNumberTest('--rt-type', type);
    text += saveRangeTest('--rt-segsleft', segmentsLeft) + saveNumberTest('--rt-len', length);
    if (reserved) text += ' --rt-0-res';
    if (addresses.length > 0) text += ` --rt-0-addrs ${addresses.join(',')}`;
    return notStrict ? `${text} --rt-0-not-strict` : text;
  },

  lower: () => ({}),
};

/** What is about type 0 has to stand behind it, and what is about addresses behind these. */
function checkOrder(options: ParsedOptions): void {
  const type = parseNumberTest(options, '--rt-type');
  const isZero = type?.min === 0 && !type.negated;
  const seen = new Set<string>();
  for (const { name, word } of options.all) {
    const ofZero = name === '--rt-0-res' || name === '--rt-0-addrs';
    if (ofZero && !(isZero && seen.has('--rt-type'))) throw new RuleFault(word, `${name} needs --rt-type 0 before it`);
    if (name === '--rt-0-not-strict' && !seen.has('--rt-0-addrs')) {
      throw new RuleFault(word, `${name} needs --rt-0-addrs before it`);
    }
    seen.add(name);
  }
}

function parseAddresses(word: Word): Address[] {
  const parts = word.text.split(',');
  if (parts.length > MAX_HOPS) throw new RuleFault(word, 'too many addresses', EXPECTED);
  return parts.map((part) => {
    const address = parseIpv6(part);
    if (address === undefined) throw new RuleFault(word, `bad address "${part}"`, EXPECTED);
    return address;
  });
}
