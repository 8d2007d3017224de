/** `-j CONNSECMARK`: copies the security mark between packet and connection (xt_CONNSECMARK). */
import { Verdict } from '../hooks.js';
import type { TargetExtension } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';

interface ConnsecmarkParams {
  readonly mode: 'save' | 'restore';
}

export const connsecmark: TargetExtension<ConnsecmarkParams> = {
  name: 'CONNSECMARK',
  tables: ['mangle', 'security'],
  terminates: false,
  options: [
    { name: '--save', words: 0, excludes: ['--restore'] },
    { name: '--restore', words: 0, excludes: ['--save'] },
  ],

  listed: listed([/CONNSECMARK (save|restore)/, '--$1']),

  parse(options) {
    if (options.get('--save') !== undefined) return { mode: 'save' };
    if (options.get('--restore') !== undefined) return { mode: 'restore' };
    throw new RuleFault(options.word, 'CONNSECMARK without an option', '--save or --restore');
  },

  unsupported: () => "the host's security policy (SELinux)",

  save: ({ mode }) => ` --${mode}`,

  apply: () => Verdict.CONTINUE,

  effect: () => 'connection',
};
