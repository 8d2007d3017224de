/** What all extensions have in common that only ip6tables has: they are parsed and saved until IPv6 is emulated. */
import type { Extension } from './extension.js';

export const IPV6_ONLY = {
  families: ['ipv6'],
  unsupported: () => 'packets of IPv6',
} as const satisfies Partial<Extension<unknown>>;
