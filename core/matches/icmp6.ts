/** `-m icmp6`: ICMPv6 type and code (icmp6_match in ip6_tables). */
import { IPPROTO_ICMPV6 } from '../../codecs/layouts.js';
import type { MatchExtension } from '../rules/extension.js';
import { IPV6_ONLY } from '../rules/ipv6-only.js';
import { listedAs } from '../rules/listing/listed-form.js';
import { type IcmpName, type IcmpTypes, parseIcmpTypes } from './icmp-types.js';

/** The names in `ip6tables -p icmpv6 -h`. */
const TYPES: readonly IcmpName[] = [
  ['destination-unreachable', 1],
  ['no-route', 1, 0],
  ['communication-prohibited', 1, 1],
  ['beyond-scope', 1, 2],
  ['address-unreachable', 1, 3],
  ['port-unreachable', 1, 4],
  ['failed-policy', 1, 5],
  ['reject-route', 1, 6],
  ['packet-too-big', 2],
  ['time-exceeded', 3],
  ['ttl-exceeded', 3],
  ['ttl-zero-during-transit', 3, 0],
  ['ttl-zero-during-reassembly', 3, 1],
  ['parameter-problem', 4],
  ['bad-header', 4, 0],
  ['unknown-header-type', 4, 1],
  ['unknown-option', 4, 2],
  ['echo-request', 128],
  ['ping', 128],
  ['echo-reply', 129],
  ['pong', 129],
  ['router-solicitation', 133],
  ['router-advertisement', 134],
  ['neighbour-solicitation', 135],
  ['neighbor-solicitation', 135],
  ['neighbour-advertisement', 136],
  ['neighbor-advertisement', 136],
  ['redirect', 137],
];

interface Icmp6Params extends IcmpTypes {
  readonly negated: boolean;
}

export const icmp6: MatchExtension<Icmp6Params> = {
  name: 'icmp6',
  ...IPV6_ONLY,
  options: [
    { name: '--icmpv6-type', words: 1, invertible: true, required: true, expected: 'a type, type/code or name' },
  ],

  listed: listedAs(
    [/ipv6-icmp ?(!)?type (\d+) codes (\d+)-(\d+)/, '$1 --icmpv6-type $2/$3:$4'],
    [/ipv6-icmp ?(!)?type (\d+) code (\d+)/, '$1 --icmpv6-type $2/$3'],
    [/ipv6-icmp ?(!)?type (\d+)/, '$1 --icmpv6-type $2'],
    [/ipv6-icmp (!)?(?!!?type)(\S+)/, '$1 --icmpv6-type $2'],
  ),

  parse(options) {
    const option = options.get('--icmpv6-type')!;
    return { ...parseIcmpTypes(option.values[0], TYPES), negated: option.negated };
  },

  refuse(_params, { base }) {
    const { protocol } = base;
    return protocol?.number === IPPROTO_ICMPV6 && !protocol.negated ? undefined : '-m icmp6 needs -p ipv6-icmp';
  },

  save({ type, codes, negated }) {
    // iptables-save prints the first code of several.
    return `${negated ? ' !' : ''} --icmpv6-type ${codes === undefined ? type : `${type}/${codes.min}`}`;
  },

  lower: () => ({}),
};
