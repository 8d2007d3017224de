/** `-m pkttype`: how the frame was addressed on its link (xt_pkttype). */

import { PacketType } from '../packet.js';
import { equals } from '../rules/condition.js';
import type { MatchExtension } from '../rules/extension.js';
import { listedAs } from '../rules/listing/listed-form.js';
import { unknownName } from '../rules/parse/error.js';

/** The first name of each type is printed. */
const TYPES: readonly (readonly [name: string, type: PacketType])[] = [
  ['unicast', PacketType.HOST],
  ['broadcast', PacketType.BROADCAST],
  ['multicast', PacketType.MULTICAST],
  ['otherhost', PacketType.OTHERHOST],
  ['host', PacketType.HOST],
  ['bcast', PacketType.BROADCAST],
  ['mcast', PacketType.MULTICAST],
];

interface PkttypeParams {
  readonly type: PacketType;
  readonly negated: boolean;
}

export const pkttype: MatchExtension<PkttypeParams> = {
  name: 'pkttype',
  options: [{ name: '--pkt-type', words: 1, invertible: true, required: true, expected: 'unicast, broadcast, …' }],

  listed: listedAs([/PKTTYPE = (\S+)/, '--pkt-type $1'], [/PKTTYPE != (\S+)/, '! --pkt-type $1']),

  parse(options) {
    const { values, negated } = options.get('--pkt-type')!;
    const [word] = values;
    const lower = word.text.toLowerCase();
    const found = TYPES.find(([name]) => name === lower);
    if (found === undefined) {
      throw unknownName(
        word,
        'packet type',
        word.text,
        TYPES.map(([name]) => name),
      );
    }
    return { type: found[1], negated };
  },

  save({ type, negated }) {
    return `${negated ? ' !' : ''} --pkt-type ${typeName(type)}`;
  },

  lower({ type, negated }) {
    return { conditions: [equals('packetType', type, negated)] };
  },
};

function typeName(type: PacketType): string {
  return TYPES.find(([, known]) => known === type)![0];
}
