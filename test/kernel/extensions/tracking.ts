/** What tells conntrack what to do: NOTRACK and CT. */
import type { ExtensionFamily } from './maker.js';

export const TRACKING: ExtensionFamily = {
  name: 'tracking',
  matches: [],
  targets: [
    { name: 'NOTRACK', weight: 4, tables: ['raw'], make: () => '-j NOTRACK' },
    {
      name: 'CT',
      weight: 4,
      tables: ['raw'],
      make: ({ prng }) => prng.pick(['-j CT --notrack', '-j CT --notrack', '-j CT --notrack --zone 3']),
    },
  ],
};
