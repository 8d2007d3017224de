/** Random commands and files are answered as by the real ipset (recorded in commands.jsonl). */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OurIpset } from './our-ipset.js';
import { completed, parseCases } from './recorded-cases.js';
import { differenceOf, formatStep } from './steps.js';

const Recorded = suite('recorded commands of ipset');
// Compiled tests run from dist/, where there are no text files.
const url = new URL('commands.jsonl', import.meta.url.replace('/dist/test/', '/test/'));
const cases = parseCases(readFileSync(url, 'utf8'));

Recorded(`${cases.length} cases get the exit codes, messages, listings and sets of ipset`, () => {
  let steps = 0;
  for (const one of cases) {
    const ipset = new OurIpset();
    for (const [i, step] of one.steps.entries()) {
      const ours = ipset.answer(step);
      const difference = differenceOf(ours, completed(one.answers[i], ours));
      const before = one.steps
        .slice(0, i + 1)
        .map(formatStep)
        .join('\n');
      assert.is(difference, undefined, `${before}\n=> ${difference}`);
      steps++;
    }
  }
  assert.ok(steps > 1000);
});

Recorded.run();
