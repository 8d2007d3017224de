/** The Host view: its parts choose packets, say what they saw, and follow the packet that is open. */
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { browserSuite, OpenPage } from './browser.js';
import { caseReport, writePage } from './case-page.js';

const Host = browserSuite('the picture of the host');

let path: string | undefined;
function pageOf(dir: string): string {
  if (path === undefined) {
    path = join(dir, 'host.html');
    writePage(caseReport('pcaps/article-restart', join(dir, 'out')), path);
  }
  return path;
}

Host('counts what the verdicts of the case say, and a table chooses its packets', async ({ browser, dir }) => {
  const page = await OpenPage.open(browser, pageOf(dir), { hash: 'view=Host' });
  const { tab } = page;
  const table = tab.getByRole('button', { name: /^filter FORWARD, priority 0: 81 packets/ });
  await table.click();
  await tab.getByRole('heading', { name: 'filter FORWARD' }).waitFor();
  await page.settled();
  assert.match(tab.url(), /hook=FORWARD.*table=filter/);
  assert.is(await table.getAttribute('aria-pressed'), 'true');
  // Only these packets are left: none of them went to INPUT.
  await tab.getByRole('button', { name: 'Hook INPUT: 0 packets' }).waitFor();
  await table.click();
  await tab.getByRole('heading', { name: 'Where packets ended' }).waitFor();
  await page.close();
});

Host('leads from what was rejected in a table to these packets, by keyboard', async ({ browser, dir }) => {
  const page = await OpenPage.open(browser, pageOf(dir), { hash: 'view=Host' });
  const { tab } = page;
  await tab.getByRole('button', { name: '9 packets rejected in filter FORWARD' }).focus();
  await tab.keyboard.press('Enter');
  await tab.getByText('9 of 308 packets').waitFor();
  assert.match(tab.url(), /verdict=rejected/);
  await tab.keyboard.press('Tab');
  const next = await tab.evaluate<string>('document.activeElement.getAttribute("aria-label")');
  assert.match(next, /POSTROUTING/);
  await page.close();
});

Host('follows the packet that is open, with the arrow keys', async ({ browser, dir }) => {
  const page = await OpenPage.open(browser, pageOf(dir), { hash: 'view=Host&packet=100&step=0' });
  const { tab } = page;
  const steps = tab.getByRole('group', { name: 'Steps' });
  await steps.getByText('step 1 of 10').waitFor();
  await steps.getByRole('button', { name: 'Next step' }).focus();
  await tab.keyboard.press('ArrowRight');
  await tab.keyboard.press('ArrowRight');
  await steps.getByText('step 3 of 10').waitFor();
  assert.match(tab.url(), /step=2/);
  assert.is(await tab.locator('.drawing .at').count(), 1);
  for (const theme of ['light', 'dark'] as const) {
    await tab.emulateMedia({ colorScheme: theme });
    assert.equal(await page.accessibilityProblems(), [], theme);
  }
  await page.close();
});

Host('shows addresses that name what is not there', async ({ browser, dir }) => {
  for (const hash of [
    'inDev=999',
    'outDev=-1',
    'inDev=-1',
    'end=out 77',
    'packet=99999&step=5',
    'hook=INPUT&table=raw',
  ]) {
    const page = await OpenPage.open(browser, pageOf(dir), { hash: `view=Host&${hash}` });
    await page.tab.getByRole('heading', { level: 2 }).first().waitFor();
    assert.equal(await page.tab.locator('.failure').allTextContents(), [], hash);
    await page.close();
  }
});

Host.run();
