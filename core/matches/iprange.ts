/** `-m iprange`: addresses between two others (xt_iprange). */
import type { Address } from '../../codecs/address.js';
import { formatLoaded, type LoadedAddress, toHostOrder } from '../../codecs/byte-order.js';
import type { Word } from '../../codecs/iptables-save.js';
import type { MatchExtension, ParsedOption } from '../rules/extension.js';
import { RuleFault } from '../rules/parse/error.js';
import { parseIpv4 } from '../rules/parse/values.js';

/** Both inclusive. If the first is above the last no address is within, as in iptables. */
interface AddressRange {
  readonly min: Address;
  readonly max: Address;
  readonly negated: boolean;
}

interface IprangeParams {
  readonly source: AddressRange | undefined;
  readonly destination: AddressRange | undefined;
}

const wanted = 'first-last, both IPv4 addresses';

export const iprange: MatchExtension<IprangeParams> = {
  name: 'iprange',
  options: [
    { name: '--src-range', words: 1, invertible: true, wanted },
    { name: '--dst-range', words: 1, invertible: true, wanted },
  ],

  parse(options) {
    const source = parseRange(options.get('--src-range'));
    const destination = parseRange(options.get('--dst-range'));
    if (source === undefined && destination === undefined) {
      throw new RuleFault(options.word, 'iprange without a range', '--src-range or --dst-range');
    }
    return { source, destination };
  },

  save({ source, destination }) {
    return saveRange('--src-range', source) + saveRange('--dst-range', destination);
  },

  reads({ source, destination }) {
    return [
      ...(source === undefined ? [] : (['source'] as const)),
      ...(destination === undefined ? [] : (['destination'] as const)),
    ];
  },

  bounds() {
    return { isAll: false };
  },

  check({ source, destination }, packet) {
    return isWithin(source, packet.source) && isWithin(destination, packet.destination);
  },

  compile({ source, destination }, _context, gen) {
    return gen.call((packet) => isWithin(source, packet.source) && isWithin(destination, packet.destination));
  },

  explain({ source, destination }, packet) {
    const ends = [
      ['source', '--src-range', source, packet.source],
      ['destination', '--dst-range', destination, packet.destination],
    ] as const;
    const odd = ends.find(([, , range, address]) => !isWithin(range, address));
    if (odd === undefined) return 'the addresses are within their ranges';
    const [end, option, range, address] = odd;
    return `${end} ${formatLoaded(address)}, the rule wants${saveRange(option, range)}`;
  },
};

function isWithin(range: AddressRange | undefined, address: LoadedAddress): boolean {
  if (range === undefined) return true;
  const inHostOrder = toHostOrder(address);
  return (inHostOrder >= range.min.hostOrder && inHostOrder <= range.max.hostOrder) !== range.negated;
}

function parseRange(option: ParsedOption | undefined): AddressRange | undefined {
  if (option === undefined) return undefined;
  const word = option.values[0];
  const dash = word.text.indexOf('-');
  const min = parseEnd(word, dash < 0 ? word.text : word.text.slice(0, dash));
  return { min, max: dash < 0 ? min : parseEnd(word, word.text.slice(dash + 1)), negated: option.negated };
}

function parseEnd(word: Word, text: string): Address {
  const address = parseIpv4(text);
  if (address === undefined) throw new RuleFault(word, `no address "${text}"`, wanted);
  return address;
}

function saveRange(option: string, range: AddressRange | undefined): string {
  if (range === undefined) return '';
  return `${range.negated ? ' !' : ''} ${option} ${range.min}-${range.max}`;
}
