/** Rules are refused and saved exactly as by the real iptables-legacy (recorded in canonical.txt). */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RulesetError } from '../../core/rules/parse/error.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { saveRuleset } from '../../core/rules/save.js';
import { canonicalFile, parseCanonical } from './canonical.js';

const canonical = suite('canonical spelling');
// Compiled tests run from dist/, where there are no text files.
const url = new URL('canonical.txt', import.meta.url.replace('/dist/test/', '/test/'));
const cases = parseCanonical(readFileSync(url, 'utf8'));

function ruleLines(text: string): string[] {
  return text.split('\n').filter((line) => line.startsWith('-A'));
}

canonical(`${cases.length} rules are saved as by iptables-save, or refused as by iptables`, () => {
  assert.ok(cases.length > 700);
  for (const one of cases) {
    const file = canonicalFile(one);
    if (one.refusedHere) {
      assert.throws(
        () => parseRuleset(file, 'f'),
        (error: unknown) => error instanceof RulesetError,
        one.head,
      );
    } else if (one.saved === undefined) {
      const refusal = (error: unknown): boolean => error instanceof RulesetError && error.code === 'invalid';
      assert.throws(() => parseRuleset(file, 'f'), refusal, one.head);
    } else {
      const saved = saveRuleset(parseRuleset(file, 'f'));
      assert.equal(ruleLines(saved), one.saved, one.head);
    }
  }
});

canonical('saved rules are saved again unchanged', () => {
  // If iptables-save leaves something out, or does not quote it (an interface with a blank), it cannot be read back.
  for (const one of cases.filter(({ saved, refusedHere }) => saved !== undefined && !refusedHere)) {
    if (/-[io] \S*(?: b|["\\])/.test(one.head)) continue;
    const saved = saveRuleset(parseRuleset(canonicalFile(one), 'f'));
    // A quote that is not closed puts a line feed into the text.
    if (saved.includes('\n"')) continue;
    assert.is(saveRuleset(parseRuleset(saved, 'f')), saved, one.head);
  }
});

canonical.run();
