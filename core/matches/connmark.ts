/** `-m connmark`: the connection's mark; a packet without a connection never matches (xt_connmark). */
import { MARK, RECORD_WORDS } from '../conntrack/record.js';
import type { Packet } from '../packet.js';
import type { RuleContext } from '../rules/context.js';
import type { MatchExtension } from '../rules/extension.js';
import { formatHex, type MaskedValue, parseMasked } from '../rules/values.js';
import { saveMark } from './mark.js';

interface ConnmarkParams extends MaskedValue {
  readonly negated: boolean;
}

export const connmark: MatchExtension<ConnmarkParams> = {
  name: 'connmark',
  options: [{ name: '--mark', words: 1, invertible: true, required: true, wanted: 'value or value/mask' }],

  parse(options) {
    const option = options.get('--mark')!;
    return { ...parseMasked(option.values[0]), negated: option.negated };
  },

  save: saveMark,

  reads() {
    return ['connmark'];
  },

  bounds() {
    return { isAll: false };
  },

  check: checkConnmark,

  compile(params, context, gen) {
    return gen.call((packet) => checkConnmark(params, packet, context));
  },

  explain(params, packet, { conntrack }) {
    if (packet.ct < 0) return 'the packet has no connection, so no connection mark';
    return `connection mark ${formatHex(conntrack.words[packet.ct * RECORD_WORDS + MARK])}, the rule wants${saveMark(params)}`;
  },
};

function checkConnmark({ value, mask, negated }: ConnmarkParams, packet: Packet, { conntrack }: RuleContext): boolean {
  if (packet.ct < 0) return false;
  return ((conntrack.words[packet.ct * RECORD_WORDS + MARK] & mask) === value) !== negated;
}
