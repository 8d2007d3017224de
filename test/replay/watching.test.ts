/** Some packets of a replay are watched: that changes no result, and what is heard of one is always the same. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { PacketEvent } from '../../core/events.js';
import { compareResults } from '../../replay/compare.js';
import { casesIn, optionsOf } from '../../replay/golden-case.js';
import type { FramePlace, PacketWatch } from '../../replay/packet-watch.js';
import { type ReplayOptions, replay } from '../../replay/replay.js';
import { pick, seededRandom, testSeed } from '../random.js';

const watching = suite('watching packets');

/** Rules, chains and what they hold by their places. */
function brief(key: string, value: unknown): unknown {
  const { name, chain, number } = Object(value) as { name?: string; chain?: string; number?: number };
  if (key === 'rule') return `${chain} ${number}`;
  return key === 'chain' ? name : value;
}

/** Notes what is heard of the packets that CHOOSE, or of ONLY one, by their places. */
function listener(choose: (place: FramePlace) => boolean, only?: FramePlace) {
  const heard = new Map<string, string[]>();
  let isDone = false;
  let current: string[] = [];
  const watch: PacketWatch = {
    observer: (event: PacketEvent) => current.push(JSON.stringify(event, brief)),
    only,
    get isDone() {
      return isDone;
    },
    wants(place) {
      const isWanted = choose(place);
      if (isWanted) current = [];
      return isWanted;
    },
    finished(place) {
      if (current.length > 0) heard.set(`${place.input}:${place.number}`, current);
      current = [];
      if (only !== undefined) isDone = heard.size > 0;
    },
    missed({ input, number }, reason) {
      if (choose({ input, number })) heard.set(`${input}:${number}`, [reason]);
      if (only !== undefined && heard.size > 0) isDone = true;
    },
  };
  return { heard, watch };
}

watching('changes no result of golden cases, and hears the same of one packet as if all were watched', () => {
  const seed = testSeed();
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  const cases = casesIn('pcaps').filter(({ wantDir }) => existsSync(wantDir));
  for (let round = 0; round < 16; round++) {
    const golden = pick(random, cases);
    const { dir, wantDir } = golden;
    const where = `${dir}, seed ${seed}`;
    const parent = mkdtempSync(join(tmpdir(), 'nfreplay-watching-'));
    try {
      const run = (watch: PacketWatch, more: Partial<ReplayOptions> = {}): void => {
        const outDir = join(parent, 'got');
        replay({ ...optionsOf(golden), ...more, watch: () => watch, outDir });
        if (watch.only === undefined) assert.equal(compareResults(wantDir, outDir).differences, [], where);
      };
      const all = listener(() => true);
      run(all.watch);
      const some = listener(() => random(3) === 0);
      run(some.watch);
      for (const [at, events] of some.heard) assert.equal(events, all.heard.get(at), `${at} of ${where}`);
      const [input, number] = pick(random, [...all.heard.keys()])
        .split(':')
        .map(Number);
      const only = { input, number };
      const one = listener((place) => place.input === input && place.number === number, only);
      run(one.watch);
      assert.equal([...one.heard], [[`${input}:${number}`, all.heard.get(`${input}:${number}`)]], where);
    } finally {
      rmSync(parent, { recursive: true, force: true });
    }
  }
});

watching.run();
