import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compareRatios, ratiosOf, readBaseline, updateBaseline } from '../../bench/baseline.js';
import type { Measured } from '../../bench/measure.js';

const Baseline = suite('baseline of the benchmark');

let dir = '';
Baseline.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-test-'));
});
Baseline.after(() => rmSync(dir, { recursive: true }));

const series = (key: string, unit: Measured['unit'], runs: number[]): Measured => ({
  key,
  unit,
  runs,
  title: key,
  row: 'row',
});

Baseline('a ratio is fastest run / fastest run of the yardstick; sizes and other programs have none', () => {
  const measured = [
    series('est64', 'ns', [300, 200, 250]),
    series('start', 'ms', [90]),
    series('est64.peak', 'MiB', [80]),
    series('connections.bytes', 'bytes', [244]),
    { ...series('est64.tcpdump', 'ns', [100]), isForeign: true },
  ];
  assert.equal(ratiosOf(measured, [120, 100, 500]), { est64: 2, start: 0.9 });
});

Baseline('more than 10 % slower is a loss; faster, or not in both, is not', () => {
  const baseline = { machine: '', packets: 1, ratios: { same: 2, slower: 2, lost: 2, faster: 2, gone: 2 } };
  const compared = compareRatios({ same: 2, slower: 2.19, lost: 2.21, faster: 1, fresh: 9 }, baseline);
  assert.equal(
    compared.map(({ key, isLoss }) => [key, isLoss]),
    [
      ['same', false],
      ['slower', false],
      ['lost', true],
      ['faster', false],
    ],
  );
  assert.is(compared[3].change, -0.5);
});

Baseline('an update keeps the rows that were not measured; another size of workload is not compared', () => {
  const path = join(dir, 'baseline.json');
  assert.is(readBaseline(path, 100), undefined);
  updateBaseline(path, { machine: 'one', packets: 100, ratios: { a: 1, b: 2 } });
  updateBaseline(path, { machine: 'two', packets: 100, ratios: { b: 3 } });
  assert.equal(readBaseline(path, 100), { machine: 'two', packets: 100, ratios: { a: 1, b: 3 } });
  assert.is(readBaseline(path, 200), undefined);
  updateBaseline(path, { machine: 'two', packets: 200, ratios: { c: 1 } });
  assert.equal(JSON.parse(readFileSync(path, 'utf8')).ratios, { c: 1 });
});

Baseline.run();
