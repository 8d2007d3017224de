import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { warmUp } from '../../core/warm-up.js';

const WarmUp = suite('warm-up');

WarmUp('is made of conversations that get through, both ways', () => {
  assert.is(warmUp(), 40 * 8);
});

WarmUp.run();
