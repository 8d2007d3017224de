/** `-m eui64`: the source address was made of the source MAC address (ip6t_eui64). */
import { Hook } from '../hooks.js';
import type { MatchExtension } from '../rules/extension.js';
import { IPV6_ONLY } from '../rules/ipv6-only.js';
import { listed } from '../rules/listing/listed-form.js';

export const eui64: MatchExtension<undefined> = {
  name: 'eui64',
  ...IPV6_ONLY,
  hooks: [Hook.PREROUTING, Hook.INPUT, Hook.FORWARD],
  options: [],
  listed: listed(/eui64/),

  parse: () => undefined,
  save: () => '',
  lower: () => ({}),
};
