/** What tells conntrack what to do, and its labels: NOTRACK, CT, connlabel. */
import { type ExtensionFamily, not } from './maker.js';

export const TRACKING: ExtensionFamily = {
  name: 'tracking',
  matches: [
    {
      name: 'connlabel',
      weight: 4,
      make: ({ prng }) => `-m connlabel ${not(prng)}--label ${prng.below(3)}${prng.chance(0.4) ? ' --set' : ''}`,
    },
  ],
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
