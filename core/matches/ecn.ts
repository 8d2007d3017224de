/** `-m ecn`: explicit congestion notification in the IP and the TCP header (xt_ecn; RFC 3168). */
import { IPPROTO_TCP, IPV4_TOS_AT, TCP_FLAGS_AT, TCP_LENGTH } from '../../codecs/layouts.js';
import type { Packet } from '../packet.js';
import type { FieldTest, MatchExtension, PacketField, ParsedOption } from '../rules/extension.js';
import { RuleFault } from '../rules/parse/error.js';
import { parseNumber } from '../rules/parse/values.js';
import { allOf, code, TRUE, unless } from '../rules/run/codegen.js';

const ECT_MASK = 3;
/** In the order in which iptables-save prints them. */
const TCP_BITS = [
  ['--ecn-tcp-ece', 0x40],
  ['--ecn-tcp-cwr', 0x80],
] as const;

interface EcnParams {
  /** The TCP flags that are looked at, and those of them that have to be set. */
  readonly mask: number;
  readonly set: number;
  /** What the lower two bits of the TOS byte have to be. */
  readonly ect: { readonly value: number; readonly negated: boolean } | undefined;
}

export const ecn: MatchExtension<EcnParams> = {
  name: 'ecn',
  options: [
    ...TCP_BITS.map(([name]) => ({ name, words: 0, invertible: true }) as const),
    { name: '--ecn-ip-ect', words: 1, invertible: true, wanted: '0–3' },
  ],

  parse(options) {
    if (options.all.length === 0) throw new RuleFault(options.word, 'ecn without an option', '--ecn-ip-ect, …');
    let mask = 0;
    let set = 0;
    for (const [name, bit] of TCP_BITS) {
      const option = options.get(name);
      if (option === undefined) continue;
      mask |= bit;
      if (!option.negated) set |= bit;
    }
    return { mask, set, ect: parseEct(options.get('--ecn-ip-ect')) };
  },

  refuse({ mask }, { base: { protocol } }) {
    const isTcp = protocol?.number === IPPROTO_TCP && !protocol.negated;
    return mask === 0 || isTcp ? undefined : '--ecn-tcp-ece and --ecn-tcp-cwr need -p tcp';
  },

  save({ mask, set, ect }) {
    let text = '';
    for (const [name, bit] of TCP_BITS) if ((mask & bit) !== 0) text += `${(set & bit) === 0 ? ' !' : ''} ${name}`;
    return ect === undefined ? text : `${text}${ect.negated ? ' !' : ''} --ecn-ip-ect ${ect.value}`;
  },

  reads({ mask, ect }) {
    const reads: PacketField[] = [];
    if (mask !== 0) reads.push('tcpFlags');
    if (ect !== undefined) reads.push('tos');
    return reads;
  },

  bounds() {
    return { isAll: false };
  },

  check({ mask, set, ect }, packet) {
    if (ect !== undefined && (ectOf(packet) === ect.value) === ect.negated) return false;
    if (mask === 0) return true;
    return packet.l4Available >= TCP_LENGTH && (packet.bytes[packet.l4 + TCP_FLAGS_AT] & mask) === set;
  },

  compile({ mask, set, ect }) {
    const conditions = [TRUE];
    if (ect !== undefined) {
      const isThere = code`(packet.bytes[packet.at + ${IPV4_TOS_AT}] & ${ECT_MASK}) === ${ect.value}`;
      conditions.push(unless(ect.negated, isThere));
    }
    if (mask !== 0) conditions.push(code`(packet.bytes[packet.l4 + ${TCP_FLAGS_AT}] & ${mask}) === ${set}`);
    return allOf(conditions);
  },

  tests({ mask, set, ect }) {
    const tests: FieldTest[] = [];
    if (ect !== undefined) {
      tests.push({ field: 'tos', mask: ECT_MASK, min: ect.value, max: ect.value, negated: ect.negated });
    }
    if (mask !== 0) tests.push({ field: 'tcpFlags', mask, min: set, max: set, negated: false });
    return tests;
  },

  explain(params, packet) {
    const { mask } = params;
    if (mask !== 0 && packet.l4Available < TCP_LENGTH) return 'the TCP header is cut short';
    const flags = mask === 0 ? 0 : packet.bytes[packet.l4 + TCP_FLAGS_AT];
    const there = TCP_BITS.filter(([, bit]) => (mask & bit) !== 0).map(
      ([name, bit]) => `${name.slice(-3).toUpperCase()} ${(flags & bit) === 0 ? 'not ' : ''}set`,
    );
    return `${[`ECT ${ectOf(packet)}`, ...there].join(', ')}; the rule wants${ecn.save(params)}`;
  },
};

function ectOf(packet: Packet): number {
  return packet.bytes[packet.at + IPV4_TOS_AT] & ECT_MASK;
}

function parseEct(option: ParsedOption | undefined): EcnParams['ect'] {
  if (option === undefined) return undefined;
  const word = option.values[0];
  const value = parseNumber(word.text, ECT_MASK);
  if (value === undefined) throw new RuleFault(word, `bad ECT "${word.text}"`, '0–3');
  return { value, negated: option.negated };
}
