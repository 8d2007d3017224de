import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fromHash, toHash } from '../../pages/data/address-bar.js';
import type { Selection } from '../../pages/selection.js';

const Address = suite('the selection in the address');

Address('comes back as it was', () => {
  const selections: readonly Selection[] = [
    { view: 'Host', filter: {} },
    { view: 'Packets', filter: {}, packet: 0, step: 0 },
    { view: 'Rules', result: 1, isBeside: true, filter: { rule: 12, isMatched: true } },
    { view: 'Host', filter: { inDev: 0, outDev: -2, end: 'nat PREROUTING' } },
    { view: 'Host', filter: { inDev: -1, end: 'own routing' } },
    {
      view: 'Timeline',
      filter: {
        text: 'tcp from 10.0.0.0/8 #&=%<script>\u202e',
        time: [-20, 1_500_000_001],
        verdict: 'dropped',
        hook: 'FORWARD',
        table: 'filter',
        chain: 0,
        connection: 7,
      },
    },
  ];
  for (const selection of selections) assert.equal(fromHash(toHash(selection), 'Host'), selection);
});

Address('that makes no sense is as good as none', () => {
  const nothing: Selection = { view: 'Rules', filter: {} };
  for (const hash of [
    '',
    '#',
    '#view=Kitchen',
    '#verdict=lost&packet=-1&step=x&rule=1e99&chain=&time=5..2&connection=99999999999999999999',
    '#end=somewhere&inDev=-2&outDev=eth0',
    '#end=filter%20constructor',
    '#hook=constructor&table=__proto__',
    '#%',
  ]) {
    assert.equal(fromHash(hash, 'Rules'), nothing, hash);
  }
});

Address.run();
