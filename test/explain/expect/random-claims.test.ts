/**
 * Random claims over golden cases, made of the stories of all their packets: what a story tells is met, and the same
 * claim with something else in it is not. Which packets a claim is about is found out here once more, in strings. What
 * rules have counted is taken from what the kernel saved.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { StoryWatch } from '../../../explain/capture/story-watch.js';
import type { Story } from '../../../explain/story/story.js';
import { casesIn, type GoldenCase, optionsOf } from '../../../replay/golden-case.js';
import { replay } from '../../../replay/replay.js';
import { pick, type Random, seededRandom, testSeed } from '../../random.js';
import { judged, outcome } from './judged.js';
import { chosenClaims, type MadeClaim } from './made-claims.js';

const RandomClaims = suite('random claims');

const FOLDERS = [
  'pcaps',
  'test/golden/changes',
  'test/golden/protocols',
  'test/golden/regressions',
  'test/golden/sets',
];
const CASES = 8;
const CLAIMS = 40;

class AllStories extends StoryWatch {
  readonly stories: Story[] = [];
  wants(): boolean {
    return true;
  }
  told(story: Story | undefined): void {
    if (story !== undefined) this.stories.push(story);
  }
}

function storiesOf(golden: GoldenCase): Story[] {
  const watch = new AllStories();
  replay({ ...optionsOf(golden), watch });
  return watch.stories;
}

/** Claims about the counters that the kernel saved, and about one more packet. */
function counterClaims(golden: GoldenCase, random: Random): MadeClaim[] {
  const path = join(golden.wantDir, 'rules.v4');
  if (!existsSync(path)) return [];
  const numbers = new Map<string, number>();
  let table = '';
  const all = readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line): { key: string; packets: number; bytes: number }[] => {
      if (line.startsWith('*')) table = line.slice(1);
      const [, packets, bytes, chain] = /^\[(\d+):(\d+)\] -A (\S+)/.exec(line) ?? [];
      if (chain === undefined) return [];
      const place = `${table} ${chain}`;
      numbers.set(place, (numbers.get(place) ?? 0) + 1);
      return [{ key: `${place} ${numbers.get(place)}`, packets: Number(packets), bytes: Number(bytes) }];
    });
  if (all.length === 0) return [];
  return [true, false].map((isTrue) => {
    const { key, packets, bytes } = pick(random, all);
    const bounds = `${packets + (isTrue ? 0 : 1)} packets, ${bytes} bytes`;
    return { members: [['counters', { [key]: bounds }]], expected: isTrue ? 'met' : 'counters' };
  });
}

RandomClaims('claims made of what became of packets are met, and others are not', () => {
  const seed = testSeed();
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  const cases = FOLDERS.flatMap((folder) => casesIn(folder));
  let count = 0;
  for (let i = 0; i < CASES; i++) {
    const golden = pick(random, cases);
    const stories = storiesOf(golden);
    const isCertain = stories.every(({ uncertain }) => uncertain.length === 0);
    const counters = isCertain ? counterClaims(golden, random) : [];
    const claims = [...chosenClaims(stories, random, CLAIMS), ...counters];
    if (claims.length === 0) continue;
    const text = claims.map(({ members }, n) => claimText(n, members)).join('\n');
    const results = judged(golden.dir, text);
    for (const [n, { members, expected }] of claims.entries()) {
      const found = outcome(results[n])
        .replace(/^(met) \d+$/, '$1')
        .replace(/^\d+ of \d+: /, '');
      const where = `seed ${seed}, ${golden.dir}\n${claimText(n, members)}\n${JSON.stringify(results[n].problems)}`;
      if (expected === 'met' || found === 'met') assert.is(found, expected, where);
      else assert.ok(found.split(', ').includes(expected), `${found} is not ${expected}: ${where}`);
      count++;
    }
  }
  assert.ok(count > CASES * 5, `only ${count} claims`);
});

function claimText(n: number, members: MadeClaim['members']): string {
  return [`  - it: c${n}`, ...members.map(([name, value]) => `    ${name}: ${JSON.stringify(value)}`)].join('\n');
}

RandomClaims.run();
