/** Makers of words: of lists, numbers, addresses, ports and texts, as people write them, at the edges, and wrong. */
import type { Family } from '../../../codecs/address.js';
import { Prng } from '../prng.js';

/** Random choices, some of which are odd on purpose. */
export class Taste extends Prng {
  /** FAMILY: that of the addresses. */
  constructor(
    seed: number,
    private readonly oddness: number,
    readonly family: Family = 'ipv4',
  ) {
    super(seed);
  }

  odd(): boolean {
    return this.chance(this.oddness);
  }
}

export type Maker = (taste: Taste) => string;

export const of =
  (...choices: string[]): Maker =>
  (taste) =>
    taste.pick(choices);

/** One of the words in LIST. */
export const words = (list: string): Maker => of(...list.split(' '));

export const usually =
  (good: Maker, odd: Maker): Maker =>
  (taste) =>
    taste.odd() ? odd(taste) : good(taste);

/** A number up to LIMIT in any base; an odd one is larger, or has around it what C skips or does not. */
export const number =
  (limit: number): Maker =>
  (taste) => {
    const value = taste.weighted<number>([
      [4, taste.below(limit + 1)],
      [2, Math.min(limit, taste.below(10))],
      [1, limit],
    ]);
    if (!taste.odd()) {
      return taste.weighted([
        [12, String(value)],
        [1, `0x${value.toString(16)}`],
        [1, `0${value.toString(8)}`],
      ]);
    }
    const larger = limit + 1 + taste.below(limit + 1);
    return taste.pick([
      ...[String(limit + 1), String(larger), `0X${value.toString(16).toUpperCase()}`, `+${value}`, `" ${value}"`],
      ...[`-${value}`, `${value}x`, `0${value}`, '""', `"${value} "`, '4294967296', '18446744073709551616', '0x', '00'],
    ]);
  };

/** A list of up to FOUR of MAKER's words, joined by SEPARATOR. */
export const list =
  (maker: Maker, separator = ',', most = 4): Maker =>
  (taste) =>
    Array.from({ length: taste.between(1, most) }, () => maker(taste)).join(separator);

export const joined =
  (separator: string, ...makers: Maker[]): Maker =>
  (taste) =>
    makers.map((make) => make(taste)).join(separator);

export const maybe =
  (separator: string, first: Maker, more: Maker): Maker =>
  (taste) =>
    taste.chance(0.5) ? first(taste) : `${first(taste)}${separator}${more(taste)}`;

export const either =
  (...makers: Maker[]): Maker =>
  (taste) =>
    taste.pick(makers)(taste);

/** One of NAMES; an odd one is shortened, or in another case. */
export const name =
  (...names: string[]): Maker =>
  (taste) => {
    const one = taste.pick(names);
    if (!taste.odd()) return one;
    return taste.pick([one.toLowerCase(), one.toUpperCase(), one.slice(0, taste.between(1, one.length)), `${one}x`]);
  };

export const byte = number(255);
const plainByte: Maker = (taste) => String(taste.below(256));
const quad = joined('.', plainByte, plainByte, plainByte, plainByte);
const group: Maker = (taste) => taste.below(taste.pick([2, 0x100, 0x10000])).toString(16);
export const groups = usually(
  either(
    (taste) => Array.from({ length: 8 }, () => (taste.chance(0.4) ? '0' : group(taste))).join(':'),
    joined('::', list(group, ':', 3), list(group, ':', 4)),
    (taste) => `::ffff:${quad(taste)}`,
    (taste) => `2001:db8::${group(taste)}`,
    words('::1 :: fe80::1 2001:db8:: ff02::1 ::1.2.3.4 64:ff9b::1.2.3.4 2001:DB8::A'),
  ),
  either(
    list(group, ':', 9),
    words('1::2::3 :1 1: 12345::1 00001::1 0001::1 ::1%lo [::1] ::256.1.1.1 ::1.2.3 1.2.3.4 "" ::1x ::ffff:1.2.3.04'),
  ),
);
/** Addresses of one family or, oddly, of the other. */
export const of46 =
  (ipv4: Maker, ipv6: Maker): Maker =>
  (taste) =>
    (taste.family === 'ipv4' ? ipv4 : ipv6)(taste);
export const plainAddress = of46(quad, groups);
const quads: Maker = usually(
  quad,
  either(
    list(byte, '.', 5),
    list(number(65_535), '.', 4),
    number(0xffffffff),
    of('0', '0.0.0.0', '255.255.255.255', '1.2.3.4.', '.1.2.3.4', '1..2', '::1', '', '1.2.3.4x', '08.1.1.1'),
  ),
);
export const address = of46(quads, groups);
const ipv4Mask = usually(
  either(number(32), number(32), of('255.255.255.0', '255.0.255.0', '0.0.0.0', '0.0.0.255')),
  of('255', '', '0', '24.0', '255.255.255.256', '32', '33', '255.255.0', '1/2'),
);
const ipv6Mask = usually(
  either(number(128), number(128), words('ffff:: ffff:ffff::ffff :: ffff:ffff:ffff:ffff:: ffff:8000::')),
  words('129 -1 255.255.255.0 "" 1/2 ffff::: 0x80'),
);
export const mask = of46(ipv4Mask, ipv6Mask);
export const network = maybe('/', address, mask);
export const networks = usually(
  either(network, network, list(network, ',')),
  of('any/0', 'x/0.0.0.0', '1.2.3.4,', ',', 'any/8', '"1.2.3.4, 5.6.7.8"', '" 1.2.3.4"'),
);
const services = usually(words('http ssh domain https'), words('ntp HTTP tftp nosuch amqp bootps ftp-data'));
export const port = either(number(65_535), number(65_535), services);
export const sorted =
  (separator: string): Maker =>
  (taste) => {
    const ends = [taste.below(65_536), taste.below(65_536)].sort((a, b) => a - b);
    return ends.join(separator);
  };
export const portRange = usually(
  either(port, sorted(':'), joined(':', port, of('')), joined(':', of(''), port), of(':')),
  either(joined(':', port, port), words(': :: 1:2:3 http:https -0')),
);
export const ports = list(usually(either(port, sorted(':')), portRange), ',', 5);
export const word32 = number(0xffffffff);
export const masked = usually(maybe('/', word32, word32), joined('/', word32, word32, word32));
const natAddress = usually(
  either(plainAddress, joined('-', plainAddress, plainAddress)),
  joined('-', address, address),
);
export const natPorts = usually(
  either(port, sorted('-'), sorted('-')),
  either(joined('/', joined('-', port, port), port), words(' - 80- 80-90/5 80-http http-90')),
);
const bracketed: Maker = (taste) => (taste.family === 'ipv4' && !taste.odd() ? '' : '[');
const natHost: Maker = (taste) => {
  const open = bracketed(taste);
  return `${open}${natAddress(taste)}${open === '' ? '' : ']'}`;
};
export const natRange = either(natAddress, joined(':', natHost, natPorts), joined(':', of(''), natPorts));
export const states = name('INVALID', 'NEW', 'RELATED', 'ESTABLISHED', 'UNTRACKED');
export const flags = list(name('SYN', 'ACK', 'FIN', 'RST', 'URG', 'PSH', 'ALL', 'NONE'), ',', 6);
export const hexByte = usually(words('0 00 1 a Ab ff FF 02'), words('100 g  -1 +1 -'));

/** Parts of comments and names: blanks, quotes, controls, UTF-8, Latin-1 bytes and halves of characters. */
const PARTS = ['a', 'b c', '\t', ...'é → 😀 \udce9 \udcc3 \udca9 \\" \\\\ \' ! - $x # \x1b'.split(' ')];
const LENGTHS = [9, 10, 14, 28, 29, 84, 85, 127, 255, 256];
export const text: Maker = (taste) => {
  const one = Array.from({ length: taste.below(5) }, () => taste.pick(PARTS)).join('');
  const long = taste.chance(0.1) ? taste.pick(['x', 'é', '\udce9', '→']).repeat(taste.pick(LENGTHS)) : '';
  const inQuotes = taste.pick([`"${one}${long}"`, `"${long}${one}"`, `x${taste.below(100)}`]);
  return taste.odd() ? `${one}${long}` : inQuotes;
};
export const device = usually(
  words('eth0 e+ + br-0 veth12345678901 et\udce9 é+'),
  of('"a b"', 'veth123456789012', '!', '-x', '""', 'a/b'),
);
export const protocol = usually(
  words('tcp udp icmp tcp udp icmp all ip gre TCP Udp udplite dccp esp hopopt ipv6-icmp icmpv6 ospf igmp mh'),
  either(words('ospfigp OSPFIGP ah ipencap ipip IP-ENCAP mobility-header ipv6 nosuch mptcp sctp'), number(255), of('')),
);
