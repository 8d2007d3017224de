/**
 * `node dist/test/docker/record.js ENGINE legacy|nft FOLDER FILE.story.gz`: keeps the story that was recorded in FOLDER
 * for the tests.
 */
import { writeFileSync } from 'node:fs';
import { packStory } from './archive.js';
import { engineNamed, filesIn } from './recording.js';

const [engine, backend, folder, file] = process.argv.slice(2);
const name = engineNamed(engine);
if (name === undefined || (backend !== 'legacy' && backend !== 'nft') || file === undefined) {
  console.error('usage: record.js 20.10|26.1|28.5 legacy|nft FOLDER FILE.story.gz');
  process.exitCode = 2;
} else writeFileSync(file, packStory(filesIn(folder), name, backend));
