/** What tcpdump chooses by random filters from captures of every link type, as `npm run filters:record` recorded it. */
import { readdirSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { framesOf, ourChoice } from './filter-case.js';

const FOLDER = 'test/filter/recorded';

const Recorded = suite('recorded filters');

const names = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.txt'))
  .map((name) => name.slice(0, -4));

for (const name of names) {
  Recorded(`${name}: the packets that tcpdump chooses`, () => {
    const { linktype, frames } = framesOf(readFileSync(`${FOLDER}/${name}.pcap`));
    const lines = readFileSync(`${FOLDER}/${name}.txt`, 'utf8').trimEnd().split('\n');
    for (const line of lines) {
      const filter = line.slice(frames.length + 1);
      const choice = ourChoice(filter, linktype, frames);
      const chosen = 'chosen' in choice ? choice.chosen.map((is) => (is ? '1' : '0')).join('') : choice.refused;
      assert.is(chosen, line.slice(0, frames.length), filter);
    }
  });
}

Recorded('there are hundreds, of every link type', () => {
  assert.ok(names.length >= 13);
});

Recorded.run();
