/** `-j DSCP`: sets the differentiated services code point and leaves the ECN bits (xt_DSCP; RFC 2474). */
import { IPV4_TOS_AT } from '../../codecs/layouts.js';
import { Verdict } from '../hooks.js';
import { MAX_DSCP, parseDscp } from '../matches/dscp.js';
import type { TargetExtension } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { formatHexByte } from '../rules/parse/values.js';
import { setTos } from './header-change.js';

export const dscp: TargetExtension<number> = {
  name: 'DSCP',
  tables: ['mangle'],
  terminates: false,
  options: [
    { name: '--set-dscp', words: 1, excludes: ['--set-dscp-class'], expected: 'a code point, 0–63' },
    { name: '--set-dscp-class', words: 1, excludes: ['--set-dscp'], expected: 'EF, AF11, CS1, …' },
  ],

  listed: listed([/DSCP set (0x\S+)/, '--set-dscp $1']),

  parse: (options) => parseDscp(options, '--set-dscp', '--set-dscp-class'),

  save: (codePoint) => ` --set-dscp ${formatHexByte(codePoint)}`,

  apply(codePoint, packet) {
    const old = packet.view.getUint8(packet.at + IPV4_TOS_AT);
    setTos(packet, (old & ~(MAX_DSCP << 2)) | (codePoint << 2));
    return Verdict.CONTINUE;
  },

  effect: () => 'packet',
};
