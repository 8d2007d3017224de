import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Contender, judge, measureRows, median, type Row } from '../../bench/measure.js';
import { Yardstick } from '../../bench/yardstick.js';

const Measure = suite('measuring');

let dir = '';
let yardstick: Yardstick;
Measure.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-test-'));
  yardstick = new Yardstick(dir);
});
Measure.after(() => {
  yardstick.close();
  rmSync(dir, { recursive: true });
});

const row = (name: string, contenders: Contender[], more: Partial<Row> = {}): Row => ({
  name,
  about: name,
  needs: [],
  goals: [],
  prepare: () => contenders,
  ...more,
});

/** A contender that returns VALUES, one per run, and writes its name to DIARY. */
function contender(key: string, values: number[], diary: string[], isPeer = false): Contender {
  let run = 0;
  return {
    series: [{ key, title: key, unit: 'ns' }],
    isPeer,
    run: async () => {
      diary.push(key);
      if (run === values.length) throw new Error(`${key} is worn out`);
      return [values[run++]];
    },
  };
}

const measure = (rows: Row[], rounds: number) => measureRows(rows, { rounds, yardstick, warm() {}, showStatus() {} });

Measure('the median of an odd and of an even number', () => {
  assert.is(median([30, 1, 2]), 2);
  assert.is(median([4, 1, 2, 3]), 2.5);
});

Measure('contenders run in turn, rows with fewer rounds stop earlier', async () => {
  const diary: string[] = [];
  const a = row('a', [contender('a', [1, 2, 3], diary), contender('a.tcpdump', [4, 5, 6], diary)]);
  const b = row('b', [contender('b', [7], diary)], { rounds: 1 });
  const measured = await measure([a, b], 3);
  assert.is(diary.join(' '), 'a a.tcpdump b a a.tcpdump a a.tcpdump');
  assert.equal(
    measured.map(({ key, row, runs }) => [key, row, runs]),
    [
      ['a', 'a', [1, 2, 3]],
      ['a.tcpdump', 'a', [4, 5, 6]],
      ['b', 'b', [7]],
    ],
  );
});

Measure('another program that fails is left out; any other failure ends it and closes everything', async () => {
  const diary: string[] = [];
  const peer = contender('peer', [1], diary, true);
  const measured = await measure([row('a', [contender('a', [1, 2, 3], diary), peer])], 3);
  assert.equal(measured.find(({ key }) => key === 'peer')?.runs, [1]);
  assert.is(diary.filter((name) => name === 'peer').length, 2, 'it is not asked again');

  let isClosed = false;
  const own: Contender = {
    ...contender('own', [], diary),
    close: () => {
      isClosed = true;
    },
  };
  try {
    await measure([row('b', [own])], 1);
    assert.unreachable();
  } catch (error) {
    assert.is((error as Error).message, 'own is worn out');
  }
  assert.is(isClosed, true);
});

Measure('a goal is judged by the median, and has no outcome if the other side is missing', async () => {
  const twice = {
    key: 'a',
    text: 'twice b',
    limit: (of: (key: string) => number | undefined) => of('b') && of('b')! * 2,
  };
  const goals = [twice, { key: 'a', text: 'at most 3', limit: () => 3 }];
  const a = row('a', [contender('a', [3, 9, 4], [])], { goals });
  const alone = judge([a], await measure([a], 3));
  assert.equal(alone, [{ key: 'a', text: 'at most 3', value: 4, limit: 3, isMet: false }]);
  const again = row('a', [contender('a', [4], [])], { goals });
  const both = judge([again], await measure([again, row('b', [contender('b', [2], [])])], 1));
  assert.equal(both[0], { key: 'a', text: 'twice b', value: 4, limit: 4, isMet: true });
});

Measure.run();
