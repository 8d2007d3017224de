/**
 * Stories that were played on real Docker engines: an emulated engine that is told the same commands comes to the same
 * rules, interfaces, addresses, routes and containers at every snapshot.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { STORY_SUFFIX, unpackStory } from './archive.js';
import { compareRecording } from './compare.js';

const FOLDER = 'test/docker/recorded';

const Stories = suite('recorded stories of Docker engines');

for (const file of readdirSync(FOLDER)
  .filter((name) => name.endsWith(STORY_SUFFIX))
  .sort()) {
  Stories(file.slice(0, -STORY_SUFFIX.length), () => {
    const recording = unpackStory(readFileSync(`${FOLDER}/${file}`));
    assert.ok(recording.snapshots.length > 0);
    assert.equal(compareRecording(recording), []);
  });
}

Stories.run();
