/** `-j CHECKSUM`: finishes checksums that the sender left to its network card (xt_CHECKSUM). */
import { Verdict } from '../hooks.js';
import type { TargetExtension } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';

export const checksum: TargetExtension<null> = {
  name: 'CHECKSUM',
  tables: ['mangle'],
  terminates: false,
  options: [{ name: '--checksum-fill', words: 0, required: true }],

  listed: listed(/CHECKSUM/, [/fill/, '--checksum-fill']),

  parse: () => null,

  save: () => ' --checksum-fill',

  apply(_params, packet) {
    // The bytes have the finished checksum already, unless the packet is cut. Segments get one when they are cut apart.
    if (!packet.isCoalesced && !packet.isCut) packet.hasUnfinishedChecksum = false;
    return Verdict.CONTINUE;
  },

  effect: () => 'packet',
};
