/**
 * Matches that remember packets by address, count bytes or read the time. Without pauses, the kernel's time and that of
 * the capture are not the same, so rates are by the hour or the day, and what recent asks for is as long ago.
 */
import type { Prng } from '../prng.js';
import { type Circumstances, type ExtensionFamily, not } from './maker.js';

function recentMatch({ prng, table }: Circumstances): string {
  const action = prng.weighted([
    [4, '--set'],
    [3, '--rcheck'],
    [3, '--update'],
    [1, '--remove'],
  ]);
  const words = [`-m recent ${not(prng)}${action}`];
  if (action === '--rcheck' || action === '--update') {
    if (prng.chance(0.4)) words.push(`--seconds 3600${prng.chance(0.5) ? ' --reap' : ''}`);
    if (prng.chance(0.5)) words.push(`--hitcount ${prng.pick([1, 2, 3, 5, 9, 33])}`);
    if (prng.chance(0.2)) words.push('--rttl');
  }
  const list = prng.pick(['all', `${table}-a`, `${table}-b`]);
  words.push(`--name ${list}`);
  if (prng.chance(0.3)) words.push('--rdest');
  // As with hashlimit, the mask of the first rule counts.
  if (list !== 'all' && prng.chance(0.3))
    words.push(`--mask ${prng.pick(['255.255.255.0', '255.0.0.255', '0.0.0.0'])}`);
  return words.join(' ');
}

function hashlimitMatch({ prng, table }: Circumstances): string {
  const isRateMatch = prng.chance(0.15);
  const rate = isRateMatch ? prng.pick(['1/day', '2/day']) : prng.pick(['1/hour', '2/hour', '20/day', '1/day']);
  // A day's credit is all that fits into the kernel's numbers.
  const burst = rate === '1/day' ? 1 : prng.between(1, 12);
  const words = [`-m hashlimit ${not(prng)}--hashlimit-${prng.pick(['upto', 'above'])} ${rate}`];
  words.push(`--hashlimit-burst ${burst}`);
  const modes = ['srcip', 'dstip', 'srcport', 'dstport'].filter(() => prng.chance(0.4));
  if (modes.length > 0) words.push(`--hashlimit-mode ${modes.join(',')}`);
  if (prng.chance(0.2)) words.push(`--hashlimit-srcmask ${prng.below(33)}`);
  if (prng.chance(0.2)) words.push(`--hashlimit-dstmask ${prng.below(33)}`);
  // What a full table drops: few entries, of which none expires.
  if (prng.chance(0.15)) words.push(`--hashlimit-htable-size 1 --hashlimit-htable-max ${prng.between(1, 6)}`);
  // The first rule that is loaded decides what the table is like, and iptables-save prints the tables in another order.
  words.push(`--hashlimit-name ${table}-${prng.pick(['h', 'i'])}${isRateMatch ? '-rate --hashlimit-rate-match' : ''}`);
  return words.join(' ');
}

/** True or false whatever year it is. */
function timeMatch(prng: Prng): string {
  const options = [
    '--datestart 2001-02-03',
    '--datestop 2001-02-03T04:05:06',
    '--timestart 00:00 --timestop 23:59:59',
    '--datestart 2038',
    '--kerneltz --datestart 1999',
  ];
  return `-m time ${prng.pick(options)}`;
}

export const METERS: ExtensionFamily = {
  name: 'meters',
  matches: [
    { name: 'recent', weight: 4, make: recentMatch },
    { name: 'hashlimit', weight: 4, make: hashlimitMatch },
    {
      name: 'quota',
      weight: 2,
      make: ({ prng }) => `-m quota ${not(prng)}--quota ${prng.pick([0, 100, 1000, 1000, 5000, 20_000, 1e6])}`,
    },
    { name: 'time', weight: 1, make: ({ prng }) => timeMatch(prng) },
  ],
  targets: [],
};
