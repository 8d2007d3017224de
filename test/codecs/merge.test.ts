import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CaptureMerger } from '../../codecs/merge.js';
import { openCaptureFile } from '../../io/capture-file.js';
import { seededRandom, testSeed } from '../random.js';
import { pattern, pcap, Scratch } from './capture-files.js';

const Merge = suite('merge');
const scratch = new Scratch();
Merge.after(() => scratch.remove());

type Time = [seconds: number, nanoseconds: number];

/** A capture with a record at each of TIMES. The first bytes of each packet are NAME and the number of the record. */
function capture(name: number, times: Time[]): string {
  const records = times.map(
    ([seconds, nanoseconds], index) => [seconds, nanoseconds, Buffer.from([name, index & 0xff, index >> 8])] as const,
  );
  return scratch.file(pcap({ magic: 0xa1b23c4d, records: records.map((record) => [...record]) }), `${name}.pcap`);
}

/** The merged sequence as 'capture:record'. */
function merged(...captures: Time[][]): string[] {
  const readers = captures.map((times, name) => openCaptureFile(capture(name, times), { blockBytes: 40 }));
  const merger = new CaptureMerger(readers);
  const order: string[] = [];
  for (let index = merger.next(); index >= 0; index = merger.next()) {
    const { bytes, at } = readers[index];
    assert.is(bytes[at], index, 'the reader stands on a record of its own');
    order.push(`${index}:${bytes[at + 1] + (bytes[at + 2] << 8)}`);
    // A consumer may modify the record.
    bytes.fill(0, at - 16, at + 3);
  }
  assert.is(merger.next(), -1);
  for (const reader of readers) reader.close();
  return order;
}

Merge('takes the earliest head first', () => {
  assert.equal(
    merged(
      [
        [1, 5],
        [3, 0],
      ],
      [
        [1, 4],
        [2, 0],
        [4, 0],
      ],
    ),
    ['1:0', '0:0', '1:1', '0:1', '1:2'],
  );
});

Merge('takes equal times in the order of the captures', () => {
  assert.equal(
    merged(
      [
        [1, 0],
        [1, 0],
      ],
      [[1, 0]],
      [
        [0, 9],
        [1, 0],
      ],
    ),
    ['2:0', '0:0', '0:1', '1:0', '2:1'],
  );
});

Merge('keeps the order of a capture whose time runs backwards', () => {
  // 0:1 is late, and 0:2 must wait for it although it is earlier than everything else.
  assert.equal(
    merged(
      [
        [1, 0],
        [9, 0],
        [0, 0],
        [10, 0],
      ],
      [
        [2, 0],
        [9, 0],
        [9, 1],
      ],
    ),
    ['0:0', '1:0', '0:1', '0:2', '1:1', '1:2', '0:3'],
  );
});

Merge('compares to the nanosecond, also beyond 2038', () => {
  assert.equal(
    merged(
      [[4_000_000_000, 999_999_999]],
      [
        [4_000_000_000, 999_999_998],
        [4_000_000_001, 0],
      ],
    ),
    ['1:0', '0:0', '1:1'],
  );
});

Merge('accepts a single capture, empty ones and none', () => {
  assert.equal(
    merged([
      [5, 0],
      [1, 0],
    ]),
    ['0:0', '0:1'],
  );
  assert.equal(merged([], [[1, 0]], []), ['1:0']);
  assert.equal(merged([], []), []);
  assert.equal(merged(), []);
});

Merge('equals a stable sort if time runs forward in each capture', () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  for (let round = 0; round < 20; round++) {
    const captures = Array.from({ length: 1 + random(5) }, () => {
      let time = random(5);
      return Array.from({ length: random(40) }, (): Time => {
        time += random(3);
        return [1000 + (time >> 2), time & 3];
      });
    });
    const expected = captures
      .flatMap((times, name) => times.map(([seconds, nanoseconds], index) => ({ name, index, seconds, nanoseconds })))
      .sort((a, b) => a.seconds - b.seconds || a.nanoseconds - b.nanoseconds || a.name - b.name || a.index - b.index)
      .map(({ name, index }) => `${name}:${index}`);
    assert.equal(merged(...captures), expected, `SEED=${seed}, round ${round}`);
  }
});

Merge('reports its progress', () => {
  const readers = [pattern(10), pattern(20)].map((packet, index) =>
    openCaptureFile(scratch.file(pcap({ records: [[index, 0, packet]] }), `size${index}.pcap`)),
  );
  const merger = new CaptureMerger(readers);
  assert.is(merger.totalBytes, 24 + 26 + 24 + 36);
  while (merger.next() >= 0);
  assert.is(merger.consumedBytes, merger.totalBytes);
  for (const reader of readers) reader.close();
});

Merge.run();
