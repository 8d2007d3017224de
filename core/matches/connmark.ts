/** `-m connmark`: the connection mark. Never matches packets without a connection (xt_connmark). */
import { equals } from '../rules/condition.js';
import type { MatchExtension } from '../rules/extension.js';
import { listedAs } from '../rules/listing/listed-form.js';
import { MARK_OPTIONS, type MarkParams, parseMark, saveMark } from './mark.js';

export const connmark: MatchExtension<MarkParams> = {
  name: 'connmark',
  options: MARK_OPTIONS,

  listed: listedAs([/(?:connmark|CONNMARK) match (!)? *(0x\S+)/, '$1 --mark $2']),

  parse: parseMark,

  save: saveMark,

  lower({ value, mask, negated }) {
    return { conditions: [equals('ctmark', value, negated, mask)] };
  },
};
