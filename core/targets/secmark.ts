/** `-j SECMARK`: gives the packet a security mark, for SELinux (xt_SECMARK, revision 1). */
import { cutToBytes } from '../../codecs/text.js';
import { Verdict } from '../hooks.js';
import type { TargetExtension } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';

/** What the kernel keeps of a context, without the terminating zero. */
const MAX_CONTEXT_BYTES = 255;

interface SecmarkParams {
  /** An SELinux context: user:role:type:level. */
  readonly context: string;
}

export const secmark: TargetExtension<SecmarkParams> = {
  name: 'SECMARK',
  tables: ['mangle', 'security'],
  terminates: false,
  options: [{ name: '--selctx', words: 1, required: true, expected: 'a security context' }],

  listed: listed([/SECMARK selctx (\S+)/, '--selctx $1']),

  parse(options) {
    return { context: cutToBytes(options.get('--selctx')!.values[0].text, MAX_CONTEXT_BYTES) };
  },

  refuse: ({ context }) => (context === '' ? 'an empty security context' : undefined),

  unsupported: () => "the host's security policy (SELinux)",

  save: ({ context }) => ` --selctx ${context}`,

  apply: () => Verdict.CONTINUE,

  effect: () => 'packet',
};
