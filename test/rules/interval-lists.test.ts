/**
 * Split lists: the list for a value contains exactly the rules whose ranges contain it, in order; and lists stay small.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { indexChain } from '../../core/rules/index/index-fields.js';
import {
  cutValues,
  ENTRY_WORDS,
  IntervalLists,
  keepRanges,
  type ListedRanges,
} from '../../core/rules/index/interval-lists.js';
import { PackedRules } from '../../core/rules/index/packed-rules.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { commonRanges, normalRanges, otherRanges, type ValueRange } from '../../core/rules/ranges.js';
import { pick, type Random, seededRandom, testSeed } from '../random.js';
import { testContext } from './random.js';

const Lists = suite('interval lists');

const seed = testSeed();

/** Values up to HIGHEST, with all magnitudes about equally often. */
function randomValue(random: Random, highest: number): number {
  const value = Math.floor((random(2 ** 32) / 2 ** random(33)) * ((highest + 1) / 2 ** 32));
  return random(2) === 0 ? value : highest - value;
}

function randomRanges(random: Random, highest: number): readonly ValueRange[] {
  return normalRanges(
    Array.from({ length: random(8) === 0 ? 1 + random(4) : 1 }, () => {
      const [a, b] = [randomValue(random, highest), randomValue(random, highest)];
      return random(2) === 0 ? { min: a, max: a } : { min: Math.min(a, b), max: Math.max(a, b) };
    }),
  );
}

function listRanges(rules: readonly (readonly ValueRange[])[]): ListedRanges {
  const all = rules.flatMap((ranges, position) => ranges.map((range) => ({ position, ...range })));
  return {
    positions: Int32Array.from(all, ({ position }) => position),
    mins: Uint32Array.from(all, ({ min }) => min),
    maxes: Uint32Array.from(all, ({ max }) => max),
  };
}

function holds(ranges: readonly ValueRange[], value: number): boolean {
  return ranges.some(({ min, max }) => value >= min && value <= max);
}

function positionsOf(places: Int32Array): number[] {
  return [...places].filter((_, i) => i % ENTRY_WORDS === 0);
}

/** The same for every rule. */
function writeEntry(data: Int32Array, at: number, position: number): void {
  data.set([position, 1, 2], at);
}

function listOf(lists: IntervalLists, value: number): number[] {
  const found = lists.find(value);
  return positionsOf(lists.data.subarray(lists.data[found], lists.data[found + 1]));
}

Lists(`hold for each value the rules that take it, in order (seed ${seed})`, () => {
  for (let round = 0; round < 200; round++) {
    const random = seededRandom(seed + round);
    const highest = pick(random, [0xff, 0xffff, 0xffffffff]);
    const rules = Array.from({ length: random(40) }, () => randomRanges(random, highest));
    const cut = cutValues(listRanges(rules));
    const kept = rules.map(() => random(3) > 0);
    const all = new IntervalLists(cut, writeEntry);
    const some = new IntervalLists(
      keepRanges(cut, (position) => kept[position]),
      writeEntry,
    );
    const edges = rules.flat().flatMap(({ min, max }) => [min - 1, min, max, max + 1]);
    const values = [0, highest, ...edges, ...Array.from({ length: 50 }, () => randomValue(random, highest))];
    for (const value of values) {
      if (value < 0 || value > highest) continue;
      const wanted = [...rules.keys()].filter((position) => holds(rules[position], value));
      const where = `seed ${seed}, round ${round}, value ${value}`;
      assert.equal(listOf(all, value), wanted, where);
      const wantedOfKept = wanted.filter((position) => kept[position]);
      assert.equal(listOf(some, value), wantedOfKept, `${where}, some of the rules`);
    }
    if (highest < 0xffffffff) assert.equal(listOf(all, -1), [], 'no port is a value above all ports');
  }
});

Lists('sets of ranges: all others, those in both', () => {
  const random = seededRandom(seed);
  for (let round = 0; round < 300; round++) {
    const [a, b] = [randomRanges(random, 0xff), randomRanges(random, 0xff)];
    const others = otherRanges(a, 0xff);
    const common = commonRanges(a, b);
    for (let value = 0; value <= 0xff; value++) {
      assert.is(holds(others, value), !holds(a, value), `seed ${seed}, round ${round}, value ${value}`);
      assert.is(holds(common, value), holds(a, value) && holds(b, value), `seed ${seed}, round ${round}`);
    }
    for (const ranges of [a, others, common]) {
      for (let i = 1; i < ranges.length; i++) assert.ok(ranges[i].min > ranges[i - 1].max, 'ascending and apart');
    }
  }
});

Lists('stay small if all ranges overlap, without leaving out a rule', () => {
  const count = 4000;
  const rules = Array.from({ length: count }, (_, i) => `-A INPUT -p tcp -m tcp --dport ${i}:${65535 - i} -j ACCEPT`);
  const { chains } = parseRuleset(['*filter', ...rules, 'COMMIT', ''].join('\n'), 'nested').tables[0];
  const words = new PackedRules(chains[0].rules, testContext(seededRandom(1), 1));
  const { byField, unindexed } = indexChain(words);
  const places = byField.reduce((sum, { lists }) => sum + lists.data.length, unindexed.length);
  assert.ok(places < 100 * count, `${places} words for ${count} rules`);
  const candidates = new Set([...byField.flatMap(({ lists }) => listOf(lists, 32_000)), ...positionsOf(unindexed)]);
  assert.is(candidates.size, count, 'all rules take port 32000');
});

Lists('a rule is indexed by its most selective field', () => {
  const rules = [
    ...Array.from({ length: 300 }, (_, i) => `-A FORWARD -d 10.0.0.1/32 -p tcp -m tcp --dport ${1000 + i} -j ACCEPT`),
    ...Array.from(
      { length: 300 },
      (_, i) => `-A FORWARD -s 10.1.${i >> 7}.${i & 127}/32 -p tcp -m tcp --dport 80 -j ACCEPT`,
    ),
    '-A FORWARD -j DROP',
  ];
  const { chains } = parseRuleset(['*filter', ...rules, 'COMMIT', ''].join('\n'), 'telling').tables[0];
  const { byField, unindexed } = indexChain(new PackedRules(chains[1].rules, testContext(seededRandom(1), 1)));
  assert.equal(
    byField.map(({ field }) => field),
    [2, 4],
    'by source and by destination port',
  );
  assert.equal(positionsOf(unindexed), [600]);
  for (const { lists } of byField) {
    for (let value = 0; value < 70_000; value++) assert.ok(listOf(lists, value).length <= 1);
  }
});

Lists.run();
