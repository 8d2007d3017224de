/** Rulesets of real hosts load, and are saved as the kernel's own tools save them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { saveRuleset } from '../../core/rules/save.js';

const DIR = 'test/rulesets';
const Rulesets = suite('rulesets of real hosts');

const names = readdirSync(DIR).filter((name) => name.endsWith('.save'));

Rulesets('there are rulesets to test', () => {
  assert.ok(names.length >= 4);
});

for (const name of names) {
  Rulesets(name, () => {
    const path = join(DIR, name);
    const ruleset = parseRuleset(readFileSync(path, 'utf8'), path);
    const kernel = readFileSync(path.replace(/\.save$/, '.kernel'), 'utf8');
    assert.equal(tablesOf(saveRuleset(ruleset)), tablesOf(kernel));
  });
}

/** The text of each table by name: the kernel lists tables in the order in which its modules were loaded. */
function tablesOf(text: string): Record<string, string> {
  const tables = text.replace(/^#.*\n/gm, '').split(/(?<=^COMMIT\n)/m);
  return Object.fromEntries(tables.map((table) => [table.split('\n')[0], table]));
}

Rulesets.run();
