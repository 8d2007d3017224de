// Protects views from each other's styles: all of them are in one page, where names of classes are short.
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const Styles = suite('styles of pages');

const PAGES = fileURLToPath(new URL('../../../pages/', import.meta.url));
/** The page as a whole, and its plain elements. */
const OF_THE_PAGE = ['shell/app.css', 'shell/base.css'];

const files = readdirSync(PAGES, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.css'));

/** What stands before the outermost braces of CSS. */
function outermost(css: string): string[] {
  const found: string[] = [];
  let depth = 0;
  let text = '';
  for (const character of css.replace(/\/\*.*?\*\//gs, '')) {
    if (character === '{' && depth++ === 0) found.push(text.trim());
    if (character === '}') depth--;
    text = depth > 0 || character === '}' ? '' : text + character;
  }
  return found;
}

/** The element that all styles of FILE are for: of a view its panel, of a part what has the part's name. */
function rootOf(file: string): string {
  const [, view] = /^views\/(\w+)\//.exec(file) ?? [];
  return view === undefined ? `.${basename(file, '.css')}` : `.view.${view}`;
}

Styles('are found', () => {
  assert.ok(files.length > 10);
  assert.equal(outermost('/* { */ .a,\n.b { .c { color: red } }\n@media print { .d {} }'), ['.a,\n.b', '@media print']);
});

for (const file of files.filter((one) => !OF_THE_PAGE.includes(one))) {
  Styles(`of ${file} are for its own elements`, () => {
    assert.equal(outermost(readFileSync(PAGES + file, 'utf8')), [rootOf(file)]);
  });
}

Styles.run();
