/** `-m ecn`: explicit congestion notification in the IP and TCP headers (xt_ecn; RFC 3168). */

import { IPPROTO_TCP } from '../../codecs/layouts.js';
import { equals } from '../rules/condition.js';
import type { MatchExtension, ParsedOption } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { parseNumber } from '../rules/parse/values.js';

const ECT_MASK = 3;
/** In iptables-save order. */
const TCP_BITS = [
  ['--ecn-tcp-ece', 0x40],
  ['--ecn-tcp-cwr', 0x80],
] as const;

interface EcnParams {
  /** The TCP flags to test, and which of them must be set. */
  readonly mask: number;
  readonly set: number;
  /** The required value of the lower two bits of the TOS byte. */
  readonly ect: { readonly value: number; readonly negated: boolean } | undefined;
}

export const ecn: MatchExtension<EcnParams> = {
  name: 'ecn',
  options: [
    ...TCP_BITS.map(([name]) => ({ name, words: 0, invertible: true }) as const),
    { name: '--ecn-ip-ect', words: 1, invertible: true, expected: '0–3' },
  ],

  listed: listed(
    /ECN match/,
    [/(!)?ECE/, '$1 --ecn-tcp-ece'],
    [/(!)?CWR/, '$1 --ecn-tcp-cwr'],
    [/(!)?ECT=(\d)/, '$1 --ecn-ip-ect $2'],
  ),

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

  lower({ mask, set, ect }) {
    const conditions = ect === undefined ? [] : [equals('tos', ect.value, ect.negated, ECT_MASK)];
    if (mask === 0) return { conditions };
    return { header: 'tcpBytes', conditions: [...conditions, equals('tcpFlags', set, false, mask)] };
  },
};

function parseEct(option: ParsedOption | undefined): EcnParams['ect'] {
  if (option === undefined) return undefined;
  const word = option.values[0];
  const value = parseNumber(word.text, ECT_MASK);
  if (value === undefined) throw new RuleFault(word, `bad ECT "${word.text}"`, '0–3');
  return { value, negated: option.negated };
}
