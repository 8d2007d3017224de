/** Each status of a connection has a bit of its own: a labelled one was taken for one that SYNPROXY has opened. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Status } from '../../core/conntrack/record.js';

const status = suite('status bits');

status('no two are the same', () => {
  const bits = Object.values(Status);
  assert.is(new Set(bits).size, bits.length);
});

status.run();
