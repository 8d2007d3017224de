/** What counts: the connections of networks, what they have transferred, accounting objects, rates, and nodes. */
import type { Prng } from '../prng.js';
import type { World } from '../world.js';
import { type ExtensionFamily, not } from './maker.js';

const ACCOUNTING = ['web', 'all of it', 'x"y'];

function connlimitMatch(prng: Prng): string {
  const words = [`-m connlimit ${not(prng)}--connlimit-${prng.pick(['upto', 'above'])} ${prng.pick([0, 1, 2, 3, 5])}`];
  if (prng.chance(0.6)) words.push(`--connlimit-mask ${prng.pick([0, 8, 16, 24, 30])}`);
  if (prng.chance(0.4)) words.push('--connlimit-daddr');
  return words.join(' ');
}

function connbytesMatch(prng: Prng): string {
  const mode = prng.pick(['packets', 'bytes', 'avgpkt']);
  const most = mode === 'packets' ? 8 : mode === 'bytes' ? 600 : 120;
  const from = prng.below(most);
  const range = prng.weighted([
    [3, `${from}:${from + prng.below(most)}`],
    [2, `${from}`],
    // Of 0:0, iptables-save prints 0, which is any number.
    [1, '0:1'],
  ]);
  const direction = prng.pick(['original', 'reply', 'both']);
  return `-m connbytes ${not(prng)}--connbytes ${range} --connbytes-mode ${mode} --connbytes-dir ${direction}`;
}

function clusterMatch(prng: Prng): string {
  const nodes = prng.pick([1, 2, 2, 3, 5, 32]);
  const seed = prng.pick([0, 1, 0xdeadbeef, prng.word()]);
  // What iptables-save prints for later nodes, iptables-restore refuses.
  const node = `${not(prng)}--cluster-local-node ${1 + prng.below(Math.min(nodes, 6))}`;
  return `-m cluster --cluster-total-nodes ${nodes} ${node} --cluster-hash-seed ${seed}`;
}

function describe(_: Prng, { host }: World): void {
  host.nfacct = ACCOUNTING;
}

export const COUNTS: ExtensionFamily = {
  name: 'counts',
  matches: [
    { name: 'cluster', weight: 2, make: ({ prng }) => clusterMatch(prng) },
    { name: 'connbytes', weight: 3, make: ({ prng }) => connbytesMatch(prng) },
    { name: 'connlimit', weight: 4, isByTick: true, make: ({ prng }) => connlimitMatch(prng) },
    {
      name: 'nfacct',
      weight: 1,
      make: ({ prng }) => `-m nfacct --nfacct-name "${prng.pick(ACCOUNTING).replace('"', '\\"')}"`,
    },
  ],
  targets: [
    {
      name: 'IDLETIMER',
      weight: 1,
      // The kernel has one list of labels for all namespaces.
      make: ({ prng }) => `-j IDLETIMER --timeout ${prng.between(1, 600)} --label nfreplay-${prng.below(0x10000000)}`,
    },
    {
      name: 'RATEEST',
      weight: 1,
      make: ({ prng }) => {
        const interval = prng.pick([0.25, 0.5, 1]);
        const times = `--rateest-interval ${interval}s --rateest-ewmalog ${interval * 4}s`;
        return `-j RATEEST --rateest-name every-${interval * 1000} ${times}`;
      },
    },
  ],
  describe,
  unreached: {
    nfacct: 'which matches every packet',
    rateest: 'which an earlier rule has to estimate for, at times that no capture holds',
  },
};
