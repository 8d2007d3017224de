/** `-m icmp`: ICMP type and code (icmp_match in ip_tables). */

import { IPPROTO_ICMP } from '../../codecs/layouts.js';
import { equals, within } from '../rules/condition.js';
import type { MatchExtension } from '../rules/extension.js';
import { listedAs } from '../rules/listing/listed-form.js';
import { type IcmpName, type IcmpTypes, parseIcmpTypes } from './icmp-types.js';

const ANY = 0xff;

/** The names in `iptables -p icmp -h`. */
const TYPES: readonly IcmpName[] = [
  ['any', ANY],
  ['echo-reply', 0],
  ['pong', 0],
  ['destination-unreachable', 3],
  ['network-unreachable', 3, 0],
  ['host-unreachable', 3, 1],
  ['protocol-unreachable', 3, 2],
  ['port-unreachable', 3, 3],
  ['fragmentation-needed', 3, 4],
  ['source-route-failed', 3, 5],
  ['network-unknown', 3, 6],
  ['host-unknown', 3, 7],
  ['network-prohibited', 3, 9],
  ['host-prohibited', 3, 10],
  ['TOS-network-unreachable', 3, 11],
  ['TOS-host-unreachable', 3, 12],
  ['communication-prohibited', 3, 13],
  ['host-precedence-violation', 3, 14],
  ['precedence-cutoff', 3, 15],
  ['source-quench', 4],
  ['redirect', 5],
  ['network-redirect', 5, 0],
  ['host-redirect', 5, 1],
  ['TOS-network-redirect', 5, 2],
  ['TOS-host-redirect', 5, 3],
  ['echo-request', 8],
  ['ping', 8],
  ['router-advertisement', 9],
  ['router-solicitation', 10],
  ['time-exceeded', 11],
  ['ttl-exceeded', 11],
  ['ttl-zero-during-transit', 11, 0],
  ['ttl-zero-during-reassembly', 11, 1],
  ['parameter-problem', 12],
  ['ip-header-bad', 12, 0],
  ['required-option-missing', 12, 1],
  ['timestamp-request', 13],
  ['timestamp-reply', 14],
  ['address-mask-request', 17],
  ['address-mask-reply', 18],
];

interface IcmpParams extends IcmpTypes {
  readonly negated: boolean;
}

export const icmp: MatchExtension<IcmpParams> = {
  name: 'icmp',
  families: ['ipv4'],
  options: [{ name: '--icmp-type', words: 1, invertible: true, required: true, expected: 'a type, type/code or name' }],

  listed: listedAs(
    [/icmp ?(!)?type (\d+) codes (\d+)-(\d+)/, '$1 --icmp-type $2/$3:$4'],
    [/icmp ?(!)?type (\d+) code (\d+)/, '$1 --icmp-type $2/$3'],
    [/icmp ?(!)?type (\d+)/, '$1 --icmp-type $2'],
    [/icmp (!)?(?!!?type)(\S+)/, '$1 --icmp-type $2'],
  ),

  parse(options) {
    const option = options.get('--icmp-type')!;
    const { type, codes } = parseIcmpTypes(option.values[0], TYPES);
    return { type, codes: type === ANY ? undefined : codes, negated: option.negated };
  },

  refuse(_params, { base }) {
    const { protocol } = base;
    return protocol?.number === IPPROTO_ICMP && !protocol.negated ? undefined : '-m icmp needs -p icmp';
  },

  save({ type, codes, negated }) {
    // iptables-save prints the first code of several.
    const kind = type === ANY ? 'any' : codes === undefined ? String(type) : `${type}/${codes.min}`;
    return `${negated ? ' !' : ''} --icmp-type ${kind}`;
  },

  lower({ type, codes, negated }) {
    if (type !== ANY && codes !== undefined && codes.min !== codes.max) {
      const range = { min: (type << 8) | codes.min, max: (type << 8) | codes.max };
      return { header: 'icmp', conditions: [within('icmpType', [range], negated)] };
    }
    const mask = type === ANY ? 0 : codes === undefined ? 0xff00 : 0xffff;
    const expected = ((type << 8) | (codes?.min ?? 0)) & mask;
    return { header: 'icmp', conditions: [equals('icmpType', expected, negated, mask)] };
  },
};
