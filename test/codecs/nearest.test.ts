import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { nearest, withNearest } from '../../codecs/nearest.js';

const Nearest = suite('nearest');

Nearest('finds a name that was misspelt: a character missing, added, replaced or two swapped, in either case', () => {
  for (const typo of ['filte', 'fillter', 'filtar', 'fitler', 'FILTER']) {
    assert.is(nearest(typo, ['nat', 'filter', 'raw']), 'filter', typo);
  }
  assert.is(withNearest('unknown table "nta"', 'nta', ['raw', 'nat']), 'unknown table "nta"; did you mean nat?');
});

Nearest('suggests nothing that is far away, however long the names', () => {
  assert.is(nearest('bogus', ['nat', 'filter', 'raw']), undefined);
  // Both are sysctls of Linux.
  assert.is(nearest('net.netfilter.nf_conntrack_events', ['net.netfilter.nf_conntrack_acct']), undefined);
  assert.is(nearest('x'.repeat(100_000), ['x'.repeat(99_999)]), undefined);
  assert.is(withNearest('unknown table "bogus"', 'bogus', ['nat']), 'unknown table "bogus"');
});

Nearest.run();
