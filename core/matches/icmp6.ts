/** `-m icmp6`: ICMPv6 type and code (icmp6_match in ip6_tables). */
import { ICMPV6_NAMES } from '../../codecs/icmp-names.js';
import { IPPROTO_ICMPV6 } from '../../codecs/layouts.js';
import type { MatchExtension } from '../rules/extension.js';
import { IPV6_ONLY } from '../rules/ipv6-only.js';
import { listedAs } from '../rules/listing/listed-form.js';
import { formatIcmpTypes, type IcmpTypes, parseIcmpTypes } from './icmp-types.js';

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
    return { ...parseIcmpTypes(option.values[0], ICMPV6_NAMES), negated: option.negated };
  },

  refuse(_params, { base }) {
    const { protocol } = base;
    return protocol?.number === IPPROTO_ICMPV6 && !protocol.negated ? undefined : '-m icmp6 needs -p ipv6-icmp';
  },

  save: (params) => optionsOf(params, false),

  saveExactly: (params) => optionsOf(params, true),

  lower: () => ({}),
};

function optionsOf(params: Icmp6Params, allCodes: boolean): string {
  return `${params.negated ? ' !' : ''} --icmpv6-type ${formatIcmpTypes(params, allCodes)}`;
}
