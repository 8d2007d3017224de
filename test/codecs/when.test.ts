/** Points of a replay, as options name them. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseWhen } from '../../codecs/when.js';

const WhenText = suite('WHEN');

WhenText('every form is understood', () => {
  assert.equal(parseWhen('10s'), { is: 'offset', sec: 10, nsec: 0 });
  assert.equal(parseWhen('1.5s'), { is: 'offset', sec: 1, nsec: 500_000_000 });
  assert.equal(parseWhen('0.000000001s'), { is: 'offset', sec: 0, nsec: 1 });
  assert.equal(parseWhen('@1795761583.4'), { is: 'time', sec: 1_795_761_583, nsec: 400_000_000 });
  assert.equal(parseWhen('@0'), { is: 'time', sec: 0, nsec: 0 });
  assert.equal(parseWhen('n100'), { is: 'frame', number: 100 });
  // 2026-11-27T06:39:43Z is `date -u -d @1795761583`.
  const time = { is: 'time', sec: 1_795_761_583, nsec: 250_000_000 };
  assert.equal(parseWhen('2026-11-27T06:39:43.25Z'), time);
  assert.equal(parseWhen('2026-11-27 08:39:43.25+02:00'), time);
  assert.equal(parseWhen('2026-11-27T08:39:43,25+0200'), time);
  assert.equal(parseWhen('2026-11-26T22:39:43.250-08'), time);
  assert.equal(parseWhen('2026-11-27T06:39Z'), { is: 'time', sec: 1_795_761_540, nsec: 0 });
  assert.equal(parseWhen('1969-12-31T23:59:59.9Z'), { is: 'time', sec: -1, nsec: 900_000_000 });
});

WhenText('anything else is not', () => {
  const wrong = ['', '10', 's', '1.s', '.5s', '-1s', '1e3s', '@', '@-1', '@x', 'n', 'n0', 'n-1', 'n1.5', '10 s', '10S'];
  const wrongTimes = ['2026-11-27T06:39:43', '2026-02-30T00:00:00Z', '2026-11-27T25:00:00Z', '2026-11-27', 'yesterday'];
  for (const text of [...wrong, ...wrongTimes]) assert.is(parseWhen(text), undefined, text);
});

WhenText.run();
