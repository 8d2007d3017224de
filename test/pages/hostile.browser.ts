import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import type { Report } from '../../explain/report/format/report.js';
import { browserSuite, OpenPage } from './browser.js';
import { caseReport, writePage } from './case-page.js';

const Hostile = browserSuite('text of others in a page');

const MARKUP =
  '</script><script>hostile=1</script><img src=x onerror="hostile=1" data-hostile>' +
  '<a href="javascript:hostile=1" data-hostile>';
const CONTROLS = '\u0000\u0007\u001b[31mred\u001b]0;title\u0007\u202egnp.\u2066\u200f\ud800\ufeff\r\n';
const TEXTS = [MARKUP, CONTROLS, `'"&lt;&amp;\${hostile=1}{{hostile=1}}%3Cimg%3E`, 'javascript:hostile=1'];
const MILLION = `${'long '.repeat(100_000)}${'x'.repeat(500_000)}`;

/** Fails if something of the text has become more than text, or has pushed the page apart. */
async function checkText(page: OpenPage, view: string): Promise<void> {
  const state = await page.tab.evaluate<unknown>(
    `[globalThis.hostile, document.querySelectorAll('[data-hostile], a[href^=javascript]').length,
      document.documentElement.scrollWidth]`,
  );
  assert.equal(state, [undefined, 0, 1280], view);
}

Hostile('in a ruleset, a name and the name of a file stays text', async ({ browser, dir }) => {
  const folder = join(dir, '<img src=x onerror=hostile=1 data-hostile>');
  cpSync('pcaps/docker', folder, { recursive: true });
  const rules = readFileSync(join(folder, 'rules.v4'), 'utf8');
  const comment = '</script><img src=x onerror=hostile=1 data-hostile>\u202e';
  writeFileSync(join(folder, 'rules.v4'), rules.replace(/^(-A \S+)/gm, `$1 -m comment --comment "${comment}"`));
  const path = join(dir, 'ruleset.html');
  const report = caseReport(folder, join(dir, 'out'));
  writePage(report, path);
  const page = await OpenPage.open(browser, path);
  for (const view of await page.views()) {
    await page.choose(view);
    await checkText(page, view);
  }
  await page.choose('Rules');
  await page.tab.getByText(comment.slice(0, -1)).first().waitFor();
  await page.close();
});

/** VALUE with TEXT in front of each string that NAMES call. */
function poisoned(value: unknown, names: RegExp, text: (at: number) => string, name = ''): unknown {
  let at = 0;
  const poison = (one: unknown, key: string): unknown => {
    if (typeof one === 'string') return names.test(key) ? `${text(at++)}${one}` : one;
    if (Array.isArray(one)) return one.map((item) => poison(item, key));
    if (one === null || typeof one !== 'object') return one;
    return Object.fromEntries(Object.entries(one).map(([member, of]) => [member, poison(of, member)]));
  };
  return poison(value, name);
}

/** What is text of others, or has it inside. */
const MEMBERS =
  /^(title|name|files|text|comment|file|line|words|failed|effects|warnings|assumed|network|reason|never)$/;

/** REPORT with TEXT in front of all text of others. */
function withText({ index, sections }: Report, text: (at: number) => string): Report {
  const isJson = (name: string) => /\/(rules|traversals|events|details)\//.test(name);
  const change = (bytes: Uint8Array): Uint8Array => {
    const value = JSON.parse(inflateRawSync(bytes).toString());
    return deflateRawSync(JSON.stringify(poisoned(value, MEMBERS, text)));
  };
  return {
    index: poisoned(index, MEMBERS, text) as Report['index'],
    sections: new Map([...sections].map(([name, bytes]) => [name, isJson(name) ? change(bytes) : bytes])),
  };
}

const packet = 'verdict=forwarded&packet=250';

for (const [kind, text] of [
  ['markup, escapes and control characters', (at: number) => TEXTS[at % TEXTS.length]],
  // Of the first only, or the file would be as large as all of them together.
  ['a million characters', (at: number) => (at === 0 ? MILLION : '')],
] as const) {
  Hostile(`${kind}, wherever there is text in a report, stay text`, async ({ browser, dir }) => {
    const path = join(dir, 'everywhere.html');
    writePage(withText(caseReport('pcaps/article-restart', join(dir, 'out')), text), path);
    const page = await OpenPage.open(browser, path, { hash: packet });
    await page.tab.getByText('308 packets').first().waitFor();
    for (const view of await page.views()) {
      await page.choose(view);
      await checkText(page, view);
    }
    await page.close();
  });
}

Hostile.run();
