/** `-m icmp`: ICMP type and code (icmp_match in ip_tables). */
import { ANY_ICMP_TYPE, ICMP_NAMES } from '../../codecs/icmp-names.js';
import { IPPROTO_ICMP } from '../../codecs/layouts.js';
import { equals, within } from '../rules/condition.js';
import type { MatchExtension } from '../rules/extension.js';
import { listedAs } from '../rules/listing/listed-form.js';
import { formatIcmpTypes, type IcmpTypes, parseIcmpTypes } from './icmp-types.js';

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
    const { type, codes } = parseIcmpTypes(option.values[0], ICMP_NAMES);
    return { type, codes: type === ANY_ICMP_TYPE ? undefined : codes, negated: option.negated };
  },

  refuse(_params, { base }) {
    const { protocol } = base;
    return protocol?.number === IPPROTO_ICMP && !protocol.negated ? undefined : '-m icmp needs -p icmp';
  },

  save: (params) => optionsOf(params, false),

  saveExactly: (params) => optionsOf(params, true),

  lower({ type, codes, negated }) {
    if (type !== ANY_ICMP_TYPE && codes !== undefined && codes.min !== codes.max) {
      const range = { min: (type << 8) | codes.min, max: (type << 8) | codes.max };
      return { header: 'icmp', conditions: [within('icmpType', [range], negated)] };
    }
    const mask = type === ANY_ICMP_TYPE ? 0 : codes === undefined ? 0xff00 : 0xffff;
    const expected = ((type << 8) | (codes?.min ?? 0)) & mask;
    return { header: 'icmp', conditions: [equals('icmpType', expected, negated, mask)] };
  },
};

function optionsOf(params: IcmpParams, allCodes: boolean): string {
  const kind = params.type === ANY_ICMP_TYPE ? 'any' : formatIcmpTypes(params, allCodes);
  return `${params.negated ? ' !' : ''} --icmp-type ${kind}`;
}
