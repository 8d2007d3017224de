/** Protects the connections of a report as somebody uses them: by keys, filters, groups, and as ladders. */
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { browserSuite, OpenPage } from './browser.js';
import { caseReport, writePage } from './case-page.js';

const Connections = browserSuite('connections of a report');

const VIEW = { name: 'Connections' } as const;

async function opened(test: { browser: Parameters<typeof OpenPage.open>[0]; dir: string }, folder: string) {
  const path = join(test.dir, 'report.html');
  writePage(caseReport(folder, join(test.dir, 'out')), path);
  const page = await OpenPage.open(test.browser, path);
  await page.choose(VIEW.name);
  return page;
}

Connections('are sorted, filtered by verdict and grouped by service', async (test) => {
  const page = await opened(test, 'pcaps/out-of-window-escape');
  const { tab } = page;
  const table = tab.getByRole('table', VIEW);
  assert.is(await table.getAttribute('aria-rowcount'), '2');
  await tab.getByRole('button', { name: 'Bytes' }).click();
  assert.is(await tab.getByRole('columnheader', { name: 'Bytes' }).getAttribute('aria-sort'), 'descending');
  await tab.getByRole('checkbox', { name: 'By service' }).check();
  const head = table.getByRole('row').nth(1);
  assert.match(await head.innerText(), /1 connection TCP to 192\.0\.2\.10:36379 ⇒ 172\.17\.0\.3:6379/);
  await head.click();
  assert.is(await table.getAttribute('aria-rowcount'), '3');
  await page.close();
});

Connections('open as ladders by keys, which say what was INVALID and why, and lead to packets', async (test) => {
  const page = await opened(test, 'pcaps/out-of-window-escape');
  const { tab } = page;
  await tab.getByRole('table', VIEW).focus();
  await tab.keyboard.press('ArrowDown');
  await tab.keyboard.press('Enter');
  const ladder = tab.getByRole('region', { name: 'Ladder of the connection' });
  const text = await ladder.innerText();
  assert.match(text, /destination 192\.0\.2\.10:36379 ⇒ 172\.17\.0\.3:6379 by nat DOCKER 2/);
  assert.match(text, /SYN_SENT → SYN_RECV/);
  assert.match(text, /INVALID: its sequence number is \d+ bytes beyond the window/);
  assert.match(text, /the host answers/);
  assert.equal(await page.accessibilityProblems(), []);
  // The handshake and the data, counted from the first segment on: 6 bytes of a question.
  const rungs = ladder.locator('li > button');
  assert.match(await rungs.nth(0).innerText(), /SYN seq 0/);
  assert.match(await rungs.nth(3).innerText(), /PSH\/ACK seq 1 ack 1 len 6/);
  await rungs.nth(0).focus();
  await tab.keyboard.press('ArrowDown');
  await tab.keyboard.press('Enter');
  assert.is(await tab.getByRole('tab', { selected: true }).innerText(), 'Packets');
  await tab.goBack();
  await ladder.waitFor();
  await tab.keyboard.press('Tab');
  await ladder.getByRole('button', { name: 'Close the ladder' }).click();
  assert.is(await ladder.count(), 0);
  await page.close();
});

Connections.run();
