import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatNumber } from '../../cli/number.js';

const Numbers = suite('numbers as people read them');

Numbers('thousands are separated by commas, and small values have one decimal place', () => {
  for (const [value, text] of [
    [0, '0'],
    [7, '7'],
    [1.25, '1.3'],
    [9.96, '10'],
    [999, '999'],
    [1000, '1,000'],
    [1234.5, '1,235'],
    [1_234_567, '1,234,567'],
    [-1234, '-1,234'],
    [-0.26, '-0.3'],
  ] as const) {
    assert.is(formatNumber(value), text);
  }
});

Numbers.run();
