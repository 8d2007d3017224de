/** The parts of `nfreplay check`: shards, folders of kept results, and how two lists are aligned. */
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { keptFolders } from '../../cli/check/kept-folders.js';
import { shardOf } from '../../cli/check/shard.js';
import { because } from '../../core/drop.js';
import { aligned } from '../../replay/align.js';
import { Drops } from '../../replay/dropped-causes.js';
import { seededRandom, testSeed } from '../random.js';

const Parts = suite('parts of check');

Parts('shards have each case once, and differ by one at most', () => {
  for (const total of [0, 1, 5, 38]) {
    const cases = Array.from({ length: total }, (_, i) => i);
    for (const shards of [1, 2, 3, 7]) {
      const parts = Array.from({ length: shards }, (_, i) => shardOf(cases, `${i + 1}/${shards}`));
      assert.equal(
        parts.flat().sort((a, b) => a - b),
        cases,
      );
      const sizes = parts.map(({ length }) => length);
      assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1);
    }
  }
});

Parts('kept results are called as their case, with as many folders above it as tell them apart', () => {
  const folders = (...cases: string[]) => [...keptFolders(cases, 'out').values()];
  assert.equal(folders('/x/a', '/x/b/'), [join('out', 'a'), join('out', 'b')]);
  assert.equal(folders('/x/a', '/y/a', '/y/c'), [join('out', 'x--a'), join('out', 'y--a'), join('out', 'c')]);
  assert.equal(folders('/x/y/a', '/z/y/a'), [join('out', 'x--y--a'), join('out', 'z--y--a')]);
  assert.equal(folders('/a', '/b/a'), [join('out', 'a'), join('out', 'b--a')]);
});

Parts('what is missing was dropped for the reason of that packet, not of another one of the same time', () => {
  const packet = (id: number, length = 60): Buffer => {
    const bytes = Buffer.alloc(length);
    bytes.writeUInt16BE(length, 2);
    bytes.writeUInt16BE(id, 4);
    bytes[9] = 6;
    return bytes;
  };
  const drops = new Drops();
  const [first, second] = [because('rule'), because('no-route')];
  drops.add(1, 5, first, packet(1), 0);
  drops.add(1, 5, second, packet(2), 0);
  const missing = (bytes: Buffer | null, tsNs = 1_000_000_005n) => {
    const wanted = bytes && { bytes: Buffer.concat([Buffer.alloc(14), bytes]), ipAt: 14 };
    return drops.causesOf({ kind: 'frame', device: 'eth0', tsNs, wanted, got: null });
  };
  assert.equal(missing(packet(1)), { cause: first });
  assert.equal(missing(packet(2)), { cause: second });
  assert.equal(missing(packet(3)), { droppedBy: [first, second] });
  assert.equal(missing(packet(1, 61)), { droppedBy: [first, second] });
  assert.equal(missing(packet(1), 1_000_000_006n), {});
  drops.add(1, 5, second, packet(1), 0);
  assert.equal(missing(packet(1)), { droppedBy: [first, second] }, 'two packets that are alike');
});

/** The longest common subsequence, by trying everything. */
function longestCommon(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return 0;
  if (a[0] === b[0]) return 1 + longestCommon(a.slice(1), b.slice(1));
  return Math.max(longestCommon(a.slice(1), b), longestCommon(a, b.slice(1)));
}

Parts('two lists are aligned so that as much as can be is the same, and nothing is lost', () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const list = () => Array.from({ length: random(8) }, () => 'abc'[random(3)]);
  for (let i = 0; i < 300; i++) {
    const [wanted, got] = [list(), list()];
    const pairs = aligned(wanted, got, (a, b) => a === b);
    assert.equal(
      pairs.flatMap((pair) => pair.wanted ?? []),
      wanted,
    );
    assert.equal(
      pairs.flatMap((pair) => pair.got ?? []),
      got,
    );
    assert.ok(pairs.every((pair) => pair.wanted !== null || pair.got !== null));
    assert.is(pairs.filter((pair) => pair.wanted === pair.got).length, longestCommon(wanted, got), `SEED=${seed}`);
  }
});

Parts.run();
