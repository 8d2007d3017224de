import { cpSync, readdirSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { makeReport } from '../../explain/report/make-report.js';
import { casesIn, optionsOf } from '../../replay/golden-case.js';
import { browserSuite, OpenPage } from './browser.js';
import { caseReport, writePage } from './case-page.js';

const Views = browserSuite('views of a report');

const CASES = ['pcaps/article-restart', 'pcaps/udp-and-ping'];
/** The page of the report of a case, made once. */
const pages = new Map<string, string>();
function pageOf(folder: string, dir: string): string {
  const path = pages.get(folder) ?? join(dir, `${pages.size}.html`);
  if (!pages.has(folder)) writePage(caseReport(folder, join(dir, `${pages.size}-out`)), path);
  pages.set(folder, path);
  return path;
}

for (const folder of CASES) {
  Views(`${folder}: each view opens from disk without the network, and says nothing on the console`, async (test) => {
    const page = await OpenPage.open(test.browser, pageOf(folder, test.dir));
    for (const view of await page.views()) {
      await page.choose(view);
      assert.equal(await page.tab.locator('.failure').allTextContents(), [], view);
      assert.ok((await page.tab.getByRole('tabpanel').innerText()).length > 0, view);
    }
    await page.close();
  });
}

for (const theme of ['light', 'dark'] as const) {
  Views(`axe-core finds nothing serious in any view in the ${theme} theme`, async ({ browser, dir }) => {
    const page = await OpenPage.open(browser, pageOf(CASES[0], dir), { theme });
    for (const view of await page.views()) {
      await page.choose(view);
      assert.equal(await page.accessibilityProblems(), [], view);
    }
    await page.close();
  });
}

Views(
  'a packet, its steps and a connection open without an error, and axe-core finds nothing serious',
  async (test) => {
    const hash = 'view=Packets&verdict=rejected&packet=99&step=2';
    const page = await OpenPage.open(test.browser, pageOf(CASES[0], test.dir), { hash });
    for (const view of await page.views()) {
      await page.choose(view);
      assert.equal(await page.accessibilityProblems(), [], view);
    }
    await page.close();
  },
);

Views('two results are shown side by side in each view', async ({ browser, dir }) => {
  const folder = 'pcaps/udp-and-ping';
  const path = join(dir, 'two.html');
  writePage(
    makeReport('two', [
      { name: 'old', options: { ...optionsOf(casesIn(folder)[0]), outDir: join(dir, 'old') } },
      { name: 'new', options: { ...optionsOf(casesIn(folder)[0]), outDir: join(dir, 'new') } },
    ]),
    path,
  );
  const page = await OpenPage.open(browser, path, { hash: 'isBeside=true' });
  for (const view of await page.views()) {
    await page.choose(view);
    assert.is(await page.tab.getByRole('region', { name: 'new', exact: true }).count(), 2, view);
    assert.equal(await page.tab.locator('.failure').allTextContents(), [], view);
  }
  await page.close();
});

Views('the address of another report, with numbers that are not in this one, harms no view', async (test) => {
  const numbers = ['packet', 'step', 'rule', 'chain', 'connection', 'ladder', 'openRule', 'result'];
  for (const chosen of [numbers, ['packet', 'step', 'ladder', 'openRule']]) {
    const hash = chosen.map((name) => `${name}=999999`).join('&');
    const page = await OpenPage.open(test.browser, pageOf(CASES[1], test.dir), { hash });
    for (const view of await page.views()) {
      await page.choose(view);
      assert.equal(await page.tab.locator('.failure').allTextContents(), [], `${view} with ${hash}`);
    }
    await page.close();
  }
});

Views('a report of no packet at all opens, and says so', async ({ browser, dir }) => {
  const folder = join(dir, 'empty');
  cpSync('pcaps/udp-and-ping', folder, { recursive: true });
  // The header of a file without records.
  for (const name of readdirSync(join(folder, 'in'))) truncateSync(join(folder, 'in', name), 24);
  const path = join(dir, 'empty.html');
  writePage(caseReport(folder, join(dir, 'empty-out')), path);
  const page = await OpenPage.open(browser, path);
  await page.tab.getByText('0 packets').first().waitFor();
  for (const view of await page.views()) {
    await page.choose(view);
    assert.equal(await page.tab.locator('.failure').allTextContents(), [], view);
    assert.equal(await page.accessibilityProblems(), [], view);
  }
  await page.close();
});

Views('no view is wider than a narrow window', async ({ browser, dir }) => {
  const page = await OpenPage.open(browser, pageOf(CASES[0], dir), { width: 360 });
  for (const view of await page.views()) {
    await page.choose(view);
    assert.is(await page.tab.evaluate('document.documentElement.scrollWidth'), 360, view);
  }
  await page.close();
});

Views.run();
