import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isSupportedLinktype, linktypeName } from '../../codecs/linktypes.js';

const Linktypes = suite('linktypes');

Linktypes('are known by number and name', () => {
  assert.ok(isSupportedLinktype(1));
  assert.not(isSupportedLinktype(105));
  assert.is(linktypeName(1), '1 (ETHERNET)');
  assert.is(linktypeName(105), '105 (IEEE 802.11)');
  assert.is(linktypeName(30_000), '30000');
});

Linktypes.run();
