/** Files of rules are accepted, refused and saved as by the real iptables-legacy (recorded in language.jsonl). */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseCases, withoutEmptyTables } from './language-cases.js';
import { differenceOf, ourAnswer } from './our-answer.js';

const language = suite("iptables-restore's language");
// Compiled tests run from dist/, where there are no text files.
const url = new URL('language.jsonl', import.meta.url.replace('/dist/test/', '/test/'));
const cases = parseCases(readFileSync(url, 'utf8'));

language(`${cases.length} files are accepted, refused and saved as by iptables`, () => {
  assert.ok(cases.length > 1000);
  let unsupported = 0;
  for (const { family, text, saved } of cases) {
    const ours = ourAnswer(text, family);
    if (ours.kind === 'unsupported') unsupported++;
    const compared = ours.kind === 'saved' ? { ...ours, text: withoutEmptyTables(ours.text) } : ours;
    const difference = differenceOf(compared, saved ?? undefined);
    assert.is(difference, undefined, `${JSON.stringify(text)}: ${difference}`);
  }
  // What is not supported proves nothing.
  assert.ok(unsupported < cases.length / 20, `${unsupported} unsupported`);
});

language.run();
