/** `-m connmark`: the connection mark. Never matches packets without a connection (xt_connmark). */
import { equals } from '../rules/condition.js';
import type { MatchExtension } from '../rules/extension.js';
import { MARK_OPTIONS, type MarkParams, parseMark, saveMark } from './mark.js';

export const connmark: MatchExtension<MarkParams> = {
  name: 'connmark',
  options: MARK_OPTIONS,

  parse: parseMark,

  save: saveMark,

  lower({ value, mask, negated }) {
    return { conditions: [equals('ctmark', value, negated, mask)] };
  },
};
