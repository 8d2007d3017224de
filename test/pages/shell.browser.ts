import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type BrowserTest, browserSuite, OpenPage } from './browser.js';
import { caseReport, writePage } from './case-page.js';

const Shell = browserSuite('the page around the views');

let path = '';
Shell.before(({ dir }) => {
  path = join(dir, 'report.html');
  writePage(caseReport('pcaps/article-restart', join(dir, 'out')), path);
});

const panelName = (page: OpenPage) => page.tab.getByRole('tabpanel').getAttribute('aria-labelledby');

Shell('tabs are chosen with the arrow keys, Home and End', async ({ browser }) => {
  const page = await OpenPage.open(browser, path);
  await page.tab.getByRole('tab', { name: 'Host' }).focus();
  for (const [key, view] of [
    ['ArrowRight', 'Connections'],
    ['End', 'Comparison'],
    ['ArrowRight', 'Host'],
    ['ArrowLeft', 'Comparison'],
    ['Home', 'Host'],
  ]) {
    await page.tab.keyboard.press(key);
    assert.is(await panelName(page), `tab-${view}`, key);
    assert.is(await page.tab.evaluate('document.activeElement.textContent'), view);
  }
  await page.close();
});

Shell('a verdict chooses its packets, the chip lets go of them, and Back brings them back', async ({ browser }) => {
  const page = await OpenPage.open(browser, path);
  await page.tab.getByText('308 packets').first().waitFor();
  await page.tab.getByRole('button', { name: 'dropped 3' }).click();
  const chosen = page.tab.getByRole('region', { name: 'Chosen packets' });
  await chosen.getByText('3 of 308 packets').waitFor();
  assert.is(await page.tab.getByRole('button', { name: 'dropped 3' }).getAttribute('aria-pressed'), 'true');
  await chosen.getByRole('button', { name: 'Remove verdict dropped' }).click();
  await chosen.waitFor({ state: 'detached' });
  await page.tab.goBack();
  await chosen.getByText('3 of 308 packets').waitFor();
  await page.close();
});

Shell('an address with a selection shows it', async ({ browser }) => {
  const page = await OpenPage.open(browser, path, { hash: 'view=Rules&verdict=rejected' });
  assert.is(await panelName(page), 'tab-Rules');
  await page.tab.getByText('19 of 308 packets').waitFor();
  await page.close();
});

Shell('the theme is that of the system until another one is chosen', async ({ browser }) => {
  const page = await OpenPage.open(browser, path, { theme: 'dark' });
  const surface = () => page.tab.evaluate<string>('getComputedStyle(document.body).backgroundColor');
  const dark = await surface();
  await page.tab.getByRole('button', { name: 'Theme: automatic' }).click();
  const light = await surface();
  assert.is.not(light, dark);
  await page.tab.getByRole('button', { name: 'Theme: light' }).click();
  assert.is(await surface(), dark);
  await page.close();
});

/** The page with what CHANGE makes of its HTML. */
async function openChanged({ browser, dir }: BrowserTest, change: (html: string) => string): Promise<OpenPage> {
  const changed = join(dir, 'changed.html');
  const html = readFileSync(path, 'utf8');
  assert.is.not(change(html), html);
  writeFileSync(changed, change(html));
  return OpenPage.open(browser, changed);
}

Shell('damaged sections are said where they are needed, and the rest goes on', async (test) => {
  for (const broken of ['>!!!<', '>AAAA<', '><']) {
    const page = await openChanged(test, (html) => html.replace(/(id="0\/packets\/0")>[^<]*</, `$1${broken}`));
    await page.tab.getByText('308 packets').first().waitFor();
    for (const view of ['Packets', 'Host', 'Connections', 'Timeline', 'Comparison']) await page.choose(view);
    await page.choose('Packets');
    await page.tab.getByText('This part of the report cannot be shown').first().waitFor();
    await page.choose('Rules');
    await page.tab.getByText('policy never decides').first().waitFor();
    assert.is(await page.tab.locator('.failure').count(), 0);
    await page.close();
  }
});

Shell('a damaged index, another format and an old browser are said in place of the report', async (test) => {
  const said = async (page: OpenPage, words: RegExp) => {
    await page.tab.getByRole('alert').getByText(words).waitFor();
    assert.equal(await page.accessibilityProblems(), []);
    await page.close();
  };
  await said(await openChanged(test, (html) => html.replace('"format":1,', '"format":1;')), /The file is damaged/);
  await said(
    await openChanged(test, (html) => html.replace('"format":1,', '"format":99,')),
    /format 99; this page reads format 1/,
  );
  const old = await OpenPage.open(test.browser, path, { before: 'delete globalThis.DecompressionStream' });
  await said(old, /This browser cannot unpack the report/);
});

Shell('prints the view without what is there to be clicked', async ({ browser }) => {
  const page = await OpenPage.open(browser, path);
  await page.tab.emulateMedia({ media: 'print' });
  assert.not(await page.tab.getByRole('tablist').isVisible());
  await page.tab.getByText('308 packets').first().waitFor();
  await page.close();
});

Shell.run();
