/** `-m connmark`: the connection's mark; a packet without a connection never matches (xt_connmark). */
import { MARK, RECORD_WORDS } from '../conntrack/record.js';
import type { Packet } from '../packet.js';
import type { RuleContext } from '../rules/context.js';
import type { MatchExtension } from '../rules/extension.js';
import { formatHex } from '../rules/parse/values.js';
import { MARK_OPTIONS, type MarkParams, parseMark, saveMark } from './mark.js';

export const connmark: MatchExtension<MarkParams> = {
  name: 'connmark',
  options: MARK_OPTIONS,

  parse: parseMark,

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

function checkConnmark({ value, mask, negated }: MarkParams, packet: Packet, { conntrack }: RuleContext): boolean {
  if (packet.ct < 0) return false;
  return ((conntrack.words[packet.ct * RECORD_WORDS + MARK] & mask) === value) !== negated;
}
