/** `-j AUDIT`: writes a record about the packet to the host's audit log (xt_AUDIT), which no capture shows. */
import { Verdict } from '../hooks.js';
import type { TargetExtension } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { unknownName } from '../rules/parse/error.js';

const TYPES = ['accept', 'drop', 'reject'] as const;

interface AuditParams {
  /** What the record says. It does not decide about the packet. */
  readonly type: (typeof TYPES)[number];
}

export const audit: TargetExtension<AuditParams> = {
  name: 'AUDIT',
  terminates: false,
  options: [{ name: '--type', words: 1, required: true, expected: TYPES.join(', ') }],

  listed: listed(/AUDIT/, [/(accept|drop|reject)/, '--type $1']),

  parse(options) {
    const [word] = options.get('--type')!.values;
    const type = TYPES.find((name) => name === word.text.toLowerCase());
    if (type === undefined) throw unknownName(word, 'type', word.text, TYPES);
    return { type };
  },

  save({ type }) {
    return ` --type ${type}`;
  },

  apply: () => Verdict.CONTINUE,

  effect: () => 'none',

  plan: () => Verdict.CONTINUE,
};
