/** What the timeline of a page is made of: bars, folded silences, ticks. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BIN_WIDTHS, binWidthOf } from '../../explain/report/format/bin-widths.js';
import { VERDICTS } from '../../explain/report/format/model.js';
import { silencesIn, timeAxis } from '../../pages/data/time-folding.js';
import { barsOfPackets, sumOf } from '../../pages/data/timeline-bars.js';
import { firstTick, tickStep, timeWords } from '../../pages/words/time-ticks.js';
import { wallTime } from '../../pages/words/times.js';
import { seededRandom, testSeed } from '../random.js';

const data = suite('data of the timeline on a page');

const [MS, SECOND, HOUR] = [1e6, 1e9, 3600e9];

data('each width of bins is a multiple of the one before, so that bars have whole bins', () => {
  for (const [i, width] of BIN_WIDTHS.entries()) if (i > 0) assert.is(width % BIN_WIDTHS[i - 1], 0);
  assert.is(binWidthOf(15 * MS), 20 * MS);
  assert.is(binWidthOf(20 * MS), 20 * MS);
});

data('bars have each packet that is in range and chosen, once', () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const count = 2000;
  const timeNs = Float64Array.from({ length: count }, () => random(10_000) - 100);
  const length = Int32Array.from({ length: count }, () => random(1500));
  const traversal = Int32Array.from({ length: count }, () => random(VERDICTS.length));
  const verdictOf = Uint8Array.from(VERDICTS.keys());
  const rows = Uint32Array.from(Array.from({ length: count }, (_, row) => row).filter(() => random(3) === 0));
  const packets = { timeNs, length, traversal };
  for (const chosen of [undefined, rows]) {
    const bars = barsOfPackets(packets, verdictOf, chosen, [0, 5000], 20);
    const inRange = [...(chosen ?? timeNs.keys())].filter((row) => timeNs[row] >= 0 && timeNs[row] <= 5000);
    for (const verdict of VERDICTS.keys()) {
      const these = inRange.filter((row) => traversal[row] === verdict);
      assert.is(sumOf(bars.packets)[verdict], these.length, `seed ${seed}`);
      assert.is(
        sumOf(bars.bytes)[verdict],
        these.reduce((sum, row) => sum + length[row], 0),
        `seed ${seed}`,
      );
    }
    for (const [i, start] of bars.starts.entries()) {
      assert.is(start % 20, 0);
      const here = inRange.filter((row) => timeNs[row] >= start && timeNs[row] < start + 20);
      assert.is(
        bars.packets.reduce((sum, column) => sum + column[i], 0),
        here.length,
      );
    }
  }
});

data('a silence is between bins, and folded it takes little room; places and times lead to each other', () => {
  const bins = [0, 1, 2, 3, 1000, 1001, 1003, 5000];
  const { list: silences, areLong } = silencesIn(bins, 10);
  assert.ok(areLong);
  assert.equal(silences, [
    [40, 10_000],
    [10_040, 50_000],
  ]);
  const axis = timeAxis(0, 50_010, silences);
  assert.ok(axis.max < 120, `${axis.max}`);
  let before = Number.NEGATIVE_INFINITY;
  for (const timeNs of [-5, 0, 7, 40, 3000, 10_000, 10_033, 20_000, 50_000, 50_010, 60_000]) {
    const place = axis.toPlace(timeNs);
    assert.ok(place > before);
    assert.ok(Math.abs(axis.toTime(place) - timeNs) < 1e-6 * Math.abs(timeNs) + 1e-6);
    before = place;
  }
  assert.is(axis.toPlace(35) - axis.toPlace(5), 30);
  const whole = timeAxis(0, 50_010, []);
  assert.is(whole.toPlace(12_345), 12_345);
});

data('ticks are at round times', () => {
  // 2026-11-28T16:58:48.250Z
  const start = { sec: 1_795_885_128, nsec: 250_000_000 };
  assert.is(tickStep(3 * SECOND), 5 * SECOND);
  assert.is(firstTick(0, 5 * SECOND, start), 1.75 * SECOND);
  assert.is(timeWords(1.75 * SECOND, 5 * SECOND, start), '16:58:50');
  assert.is(timeWords(25_271.75 * SECOND, SECOND, start), '2026-11-29');
  assert.is(timeWords(HOUR, 600 * SECOND, start), '17:58');
  assert.is(timeWords(50 * MS, 10 * MS, start), '16:58:48.30');
  assert.is(firstTick(-1, 5 * SECOND, undefined), 0);
  assert.is(firstTick(-SECOND, 5 * SECOND, start), -3.25 * SECOND + 5 * SECOND);
});

data('times since the start are short, and as precise as the ticks', () => {
  const words: [number, number, string][] = [
    [0, SECOND, '0 s'],
    [1500 * MS, 500 * MS, '1.5 s'],
    [250 * MS, 50 * MS, '250 ms'],
    [1_250_000, 1000, '1.25 ms'],
    [12_000, 500, '12 µs'],
    [125 * SECOND, 5 * SECOND, '2m 05s'],
    [125.5 * SECOND, 500 * MS, '2m 05.5s'],
    [2 * HOUR + 180 * SECOND, 60 * SECOND, '2h 03m'],
    [2 * HOUR, SECOND, '2h 00m 00s'],
    [50 * HOUR, HOUR, '2d 2h 00m'],
    [48 * HOUR, 24 * HOUR, '2d'],
    [-1500 * MS, 500 * MS, '−1.5 s'],
  ];
  for (const [timeNs, step, expected] of words) assert.is(timeWords(timeNs, step, undefined), expected);
});

data('times that no calendar has, and those before the start, are told all the same', () => {
  assert.is(wallTime({ sec: 1_795_885_128, nsec: 250_000_000 }, -SECOND), '2026-11-28 16:58:47.250000 UTC');
  assert.is(wallTime({ sec: 1e13, nsec: 0 }, 1500 * MS), '@10000000000001.500000');
  assert.is(timeWords(1500 * MS, 100 * MS, { sec: 1e13, nsec: 0 }), '1.5 s');
});

data.run();
