/** `-m realm`: the realm of the route that the packet takes (xt_realm). */
import { Hook } from '../hooks.js';
import { equals } from '../rules/condition.js';
import type { MatchExtension } from '../rules/extension.js';
import { listedAs } from '../rules/listing/listed-form.js';
import { type NamedValue, parseNamed, saveNamed } from '../rules/parse/named-values.js';

export const realm: MatchExtension<NamedValue> = {
  name: 'realm',
  families: ['ipv4'],
  hooks: [Hook.INPUT, Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING],
  options: [
    { name: '--realm', words: 1, invertible: true, required: true, expected: 'value[/mask] or the name of a realm' },
  ],

  listed: listedAs([/(!)? ?realm (\S+)/, '$1 --realm $2']),

  parse(options) {
    const { values, negated } = options.get('--realm')!;
    return parseNamed(values[0], negated, 'realms', options.names);
  },

  save: (value) => saveNamed('--realm', value),

  lower: ({ value, mask, negated }) => ({ conditions: [equals('realms', value, negated, mask)] }),
};
