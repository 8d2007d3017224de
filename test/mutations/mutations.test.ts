// The faults of `npm run test:mutations` fit the source as it is now: whoever changes such a line adapts its mutation.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const Mutations = suite('mutations');

const PROJECT = new URL('../../../', import.meta.url);

Mutations('each replaces a text that occurs exactly once in its file', () => {
  const read = (path: string): string => readFileSync(fileURLToPath(new URL(path, PROJECT)), 'utf8');
  const mutations = JSON.parse(read('test/mutations/mutations.json')) as {
    file: string;
    title: string;
    from: string;
  }[];
  assert.ok(mutations.length > 50);
  const stale = mutations.filter(({ file, from }) => read(file).split(from).length !== 2);
  assert.equal(
    stale.map(({ file, title }) => `${file}: ${title}`),
    [],
  );
});

Mutations.run();
