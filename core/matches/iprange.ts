/** `-m iprange`: address ranges (xt_iprange). */
import type { Address, Family } from '../../codecs/address.js';
import type { Word } from '../../codecs/iptables-save.js';
import { type AddressEnd, lowerAddressRange } from '../rules/address-conditions.js';
import type { Condition } from '../rules/condition.js';
import type { MatchExtension, ParsedOption } from '../rules/extension.js';
import { listedParts } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { parseBytes, parseIpv6 } from '../rules/parse/values.js';

/** Both inclusive. If the first exceeds the last, nothing matches, as in iptables. */
interface AddressRange {
  readonly min: Address;
  readonly max: Address;
  readonly negated: boolean;
}

interface IprangeParams {
  readonly source: AddressRange | undefined;
  readonly destination: AddressRange | undefined;
}

const expected = 'first-last, both addresses';

export const iprange: MatchExtension<IprangeParams> = {
  name: 'iprange',
  options: [
    { name: '--src-range', words: 1, invertible: true, expected },
    { name: '--dst-range', words: 1, invertible: true, expected },
  ],

  listed: listedParts(
    [/source IP range (!)? ?(\S+)/, '$1 --src-range $2'],
    [/destination IP range (!)? ?(\S+)/, '$1 --dst-range $2'],
  ),

  parse(options) {
    const source = parseRange(options.get('--src-range'), options.family);
    const destination = parseRange(options.get('--dst-range'), options.family);
    if (source === undefined && destination === undefined) {
      throw new RuleFault(options.word, 'iprange without a range', '--src-range or --dst-range');
    }
    return { source, destination };
  },

  save({ source, destination }) {
    return saveRange('--src-range', source) + saveRange('--dst-range', destination);
  },

  lower({ source, destination }) {
    return {
      conditions: [
        ...(source === undefined ? [] : lowerRange('source', source)),
        ...(destination === undefined ? [] : lowerRange('destination', destination)),
      ],
    };
  },
};

function lowerRange(end: AddressEnd, { min, max, negated }: AddressRange): Condition[] {
  return lowerAddressRange(end, min, max, negated);
}

function parseRange(option: ParsedOption | undefined, family: Family): AddressRange | undefined {
  if (option === undefined) return undefined;
  const word = option.values[0];
  const dash = word.text.indexOf('-');
  const min = parseEnd(word, dash < 0 ? word.text : word.text.slice(0, dash), family);
  return { min, max: dash < 0 ? min : parseEnd(word, word.text.slice(dash + 1), family), negated: option.negated };
}

function parseEnd(word: Word, text: string, family: Family): Address {
  const address = family === 'ipv4' ? parseBytes(text) : parseIpv6(text);
  if (address === undefined) throw new RuleFault(word, `invalid address "${text}"`, expected);
  return address;
}

function saveRange(option: string, range: AddressRange | undefined): string {
  if (range === undefined) return '';
  return `${range.negated ? ' !' : ''} ${option} ${range.min}-${range.max}`;
}
