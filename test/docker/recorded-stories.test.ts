/**
 * Stories that were played on real Docker engines: an emulated engine that is told the same commands comes to the same
 * rules, interfaces, addresses, routes and containers at every snapshot. So does a replay of what was captured on the
 * host, with these commands at their times, and it counts what the kernel counted.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { STORY_SUFFIX, unpackStory } from './archive.js';
import { compareRecording } from './compare.js';
import { replayStory } from './replay-story.js';

const FOLDER = 'test/docker/recorded';
/** In the stories called networks, so many packets only pass between ports of one bridge. */
const BRIDGED_PACKETS = 22;

const Stories = suite('recorded stories of Docker engines');

for (const file of readdirSync(FOLDER)
  .filter((name) => name.endsWith(STORY_SUFFIX))
  .sort()) {
  const name = file.slice(0, -STORY_SUFFIX.length);
  Stories(name, () => {
    const recording = unpackStory(readFileSync(`${FOLDER}/${file}`));
    assert.ok(recording.snapshots.length > 0);
    assert.equal(compareRecording(recording), []);
  });

  Stories(`${name}, replayed`, () => {
    const recording = unpackStory(readFileSync(`${FOLDER}/${file}`));
    const { differences, summary } = replayStory(recording);
    assert.equal(differences, []);
    // Each of these was captured at two ports, or was dropped between them.
    if (name.startsWith('networks')) assert.ok((summary.skipped.bridged ?? 0) >= BRIDGED_PACKETS);
    if (name.startsWith('networks')) assert.ok((summary.skipped.bridged ?? 0) <= 2 * BRIDGED_PACKETS);
  });
}

Stories.run();
