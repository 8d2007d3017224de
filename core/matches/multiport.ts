/** `-m multiport`: up to 15 ports (xt_multiport). */

import { IPPROTO_DCCP, IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE } from '../../codecs/layouts.js';
import { protocolName } from '../../codecs/protocol-names.js';
import type { ProtocolMatch } from '../rules/base-match.js';
import { anyOf, within } from '../rules/condition.js';
import type { MatchExtension, OptionSpec, ParsedOption } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { type PortRange, parsePort } from '../rules/parse/values.js';

const PROTOCOLS: readonly number[] = [IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_SCTP, IPPROTO_DCCP];
const NEEDS = 'multiport needs -p tcp, udp, udplite, sctp or dccp before its ports';
/** A range counts as two. */
const MAX_PORTS = 15;

interface MultiportParams {
  readonly which: '--sports' | '--dports' | '--ports';
  /** `isRange` distinguishes `5:5` from `5`. */
  readonly ranges: readonly (PortRange & { readonly isRange: boolean })[];
  readonly negated: boolean;
}

const OPTIONS: readonly OptionSpec[] = [
  option('--sports', '--source-ports', '--dports', '--ports'),
  option('--dports', '--destination-ports', '--sports', '--ports'),
  option('--ports', undefined, '--sports', '--dports'),
];

export const multiport: MatchExtension<MultiportParams> = {
  name: 'multiport',
  options: OPTIONS,

  listed: listed(/multiport/, [/(dports|sports|ports) +(!)?(\S+)/, '$2 --$1 $3']),

  parse(options) {
    const given = options.all[0];
    if (given === undefined)
      throw new RuleFault(options.word, 'multiport without ports', '--sports, --dports or --ports');
    return { which: given.name as MultiportParams['which'], ranges: parsePorts(given), negated: given.negated };
  },

  refuse(_params, { base }) {
    return takesPorts(base.protocol) ? undefined : NEEDS;
  },

  save({ which, ranges, negated }) {
    const ports = ranges.map((range) => (range.isRange ? `${range.min}:${range.max}` : String(range.min)));
    return `${negated ? ' !' : ''} ${which} ${ports.join(',')}`;
  },

  lower({ which, ranges, negated }) {
    const source = within('sport', ranges, negated);
    const destination = within('dport', ranges, negated);
    if (which === '--sports') return { header: 'ports', conditions: [source] };
    if (which === '--dports') return { header: 'ports', conditions: [destination] };
    return { header: 'ports', conditions: negated ? [source, destination] : [anyOf(source, destination)] };
  },
};

function option(name: string, alias: string | undefined, ...excludes: string[]): OptionSpec {
  const expected = 'up to 15 comma-separated ports or ranges first:last';
  return { name, ...(alias !== undefined && { aliases: [alias] }), words: 1, invertible: true, excludes, expected };
}

function takesPorts(protocol: ProtocolMatch | undefined): boolean {
  return protocol !== undefined && !protocol.negated && PROTOCOLS.includes(protocol.number);
}

function parsePorts(given: ParsedOption): MultiportParams['ranges'] {
  const { protocol, word } = given;
  if (protocol === undefined || !takesPorts(protocol)) throw new RuleFault(word, NEEDS);
  const value = given.values[0];
  const service = protocolName(protocol.number);
  const ranges = value.text.split(',').map((part) => {
    const [first, last, more] = part.split(':');
    if (more !== undefined) throw new RuleFault(value, `invalid port range "${part}"`, 'first:last');
    const min = parsePort(value, first, service);
    const max = last === undefined ? min : parsePort(value, last, service);
    if (last !== undefined && min >= max) throw new RuleFault(value, `invalid port range "${part}"`, 'first:last');
    return { min, max, isRange: last !== undefined };
  });
  const places = ranges.reduce((sum, range) => sum + (range.isRange ? 2 : 1), 0);
  if (places > MAX_PORTS) throw new RuleFault(value, 'too many ports', 'at most 15, a range counting as two');
  return ranges;
}
