/** `-m multiport`: up to 15 ports (xt_multiport). */
import { IPPROTO_DCCP, IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE } from '../../codecs/layouts.js';
import type { ProtocolMatch } from '../rules/base-match.js';
import type { MatchExtension, OptionSpec, ParsedOption } from '../rules/extension.js';
import { normalRanges, otherRanges } from '../rules/index/interval-lists.js';
import { RuleFault } from '../rules/parse/error.js';
import { protocolName } from '../rules/parse/protocols.js';
import { formatPortRange, type PortRange, parsePort } from '../rules/parse/values.js';
import { anyOf, type Code, code, unless } from '../rules/run/codegen.js';

const PROTOCOLS: readonly number[] = [IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_SCTP, IPPROTO_DCCP];
const NEEDS = 'multiport needs -p tcp, udp, udplite, sctp or dccp before its ports';
/** A range takes two places. */
const MAX_PORTS = 15;
/** The bytes of both ports. */
const PORTS_LENGTH = 4;

interface MultiportParams {
  readonly which: '--sports' | '--dports' | '--ports';
  /** `isRange` keeps `5:5` apart from `5`. */
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

  reads() {
    return ['ports'];
  },

  bounds({ which, ranges, negated }) {
    if (which === '--ports') return { isAll: false };
    const ports = normalRanges(ranges);
    const taken = negated ? otherRanges(ports, 0xffff) : ports;
    return { ...(which === '--sports' ? { sport: taken } : { dport: taken }), isAll: true };
  },

  check({ which, ranges, negated }, packet) {
    if (packet.fragmentOffset !== 0) return false;
    if (packet.l4Available < PORTS_LENGTH) {
      packet.hotdrop = true;
      return false;
    }
    const source = which !== '--dports';
    const destination = which !== '--sports';
    const { sport, dport } = packet;
    for (const { min, max } of ranges) {
      if ((source && sport >= min && sport <= max) || (destination && dport >= min && dport <= max)) return !negated;
    }
    return negated;
  },

  compile({ which, ranges, negated }, _context, gen) {
    const tests: Code[] = [];
    for (const range of ranges) {
      if (which !== '--dports') tests.push(inRange(gen.field('sport'), range));
      if (which !== '--sports') tests.push(inRange(gen.field('dport'), range));
    }
    return unless(negated, anyOf(tests));
  },

  explain({ which, ranges, negated }, packet) {
    if (packet.fragmentOffset !== 0) return 'a later fragment has no ports';
    if (packet.l4Available < PORTS_LENGTH) return 'the ports are cut short: dropped';
    const wanted = `the rule wants ${negated ? 'none' : 'one'} of ${which} ${ranges.map(formatPortRange).join(',')}`;
    return `ports ${packet.sport} to ${packet.dport}, ${wanted}`;
  },
};

function option(name: string, alias: string | undefined, ...excludes: string[]): OptionSpec {
  const wanted = 'up to 15 ports or first:last, with commas between';
  return { name, ...(alias !== undefined && { aliases: [alias] }), words: 1, invertible: true, excludes, wanted };
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
    if (more !== undefined) throw new RuleFault(value, `bad range of ports "${part}"`, 'first:last');
    const min = parsePort(value, first, service);
    const max = last === undefined ? min : parsePort(value, last, service);
    if (last !== undefined && min >= max) throw new RuleFault(value, `bad range of ports "${part}"`, 'first:last');
    return { min, max, isRange: last !== undefined };
  });
  const places = ranges.reduce((sum, range) => sum + (range.isRange ? 2 : 1), 0);
  if (places > MAX_PORTS) throw new RuleFault(value, 'too many ports', 'at most 15, a range counting as two');
  return ranges;
}

function inRange(field: Code, { min, max }: PortRange): Code {
  return min === max ? code`${field} === ${min}` : code`(${field} >= ${min} && ${field} <= ${max})`;
}
