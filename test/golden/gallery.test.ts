/** The gallery of famous failures (docs/gallery.md). */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { namesIn } from '../../io/path.js';
import { FIXED_OPTIONS, FIXED_RULES } from './mended-case.js';

const Gallery = suite('gallery');

const FOLDER = 'pcaps';

const readme = (name: string): string => readFileSync(join(FOLDER, name, 'README.md'), 'utf8');

/** The cases that name a public report. */
const NAMES = namesIn(FOLDER).filter((name) => /^Report: /m.test(readme(name)));

Gallery('has at least fourteen cases, each with what people saw, why, what mends it, and a link to its report', () => {
  assert.ok(NAMES.length >= 14);
  for (const name of NAMES) {
    const text = readme(name);
    assert.ok(text.startsWith(`# ${name}\n\nProtects `), name);
    for (const part of ['What people saw.', 'Why.', 'What mends it.']) assert.ok(text.includes(`**${part}** `), name);
    assert.match(text, /^Report: \[[\w-]+\/[\w-]+#\d+\]\(https:\/\/github\.com\/\S+\/\d+\)/m, name);
    const fixed = [FIXED_RULES, FIXED_OPTIONS].filter((file) => existsSync(join(FOLDER, name, file)));
    assert.is(fixed.length, 1, `${name}: either ${FIXED_RULES} or ${FIXED_OPTIONS}`);
    assert.ok(text.includes(`\`${fixed[0]}\``) || fixed[0] === FIXED_OPTIONS, name);
  }
});

Gallery('the table in docs/gallery.md lists each of them', () => {
  const rows = [
    ...readFileSync('docs/gallery.md', 'utf8').matchAll(/^\| \[(.+)\]\(\.\.\/pcaps\/(.+)\/README\.md\) \|/gm),
  ];
  assert.equal(rows.map(([, name]) => name).sort(), [...NAMES].sort());
  for (const [, name, folder] of rows) assert.is(name, folder);
});

Gallery.run();
