/** The Packets view: its table, its filter, and the packet that is open. */
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { browserSuite, OpenPage } from './browser.js';
import { caseReport, writePage } from './case-page.js';

const Packets = browserSuite('the list of packets');

let path: string | undefined;
function pageOf(dir: string): string {
  if (path === undefined) {
    path = join(dir, 'packets.html');
    writePage(caseReport('pcaps/article-restart', join(dir, 'out')), path);
  }
  return path;
}

/** How many packets the capture of this case has. */
const ALL = 308;

const tableOf = (tab: Page) => tab.getByRole('table', { name: 'Packets' });
/** All at once: a locator finds the cells first and reads them later, when they may be those of other rows. */
const numbersOf = (tab: Page) =>
  tab.evaluate<string[]>("Array.from(document.querySelectorAll('.packet-table td.no'), (cell) => cell.textContent)");
const currentOf = (tab: Page) => tableOf(tab).locator('tbody tr[aria-current]');

async function currentNumber(tab: Page, number: number): Promise<void> {
  await currentOf(tab)
    .filter({ hasText: new RegExp(`^${number}(?!\\d\\d\\d)`) })
    .waitFor();
  assert.is(await currentOf(tab).getAttribute('aria-rowindex'), `${number + 1}`);
}

Packets('keys move through all rows of the table, of which only those in sight are drawn', async ({ browser, dir }) => {
  const page = await OpenPage.open(browser, pageOf(dir), { hash: 'view=Packets' });
  const { tab } = page;
  await tableOf(tab).focus();
  assert.is(await tableOf(tab).getAttribute('aria-rowcount'), `${ALL + 1}`);
  await tab.keyboard.press('ArrowDown');
  await currentNumber(tab, 1);
  await tab.keyboard.press('ArrowDown');
  await currentNumber(tab, 2);
  await tab.keyboard.press('End');
  await currentNumber(tab, ALL);
  assert.is((await numbersOf(tab)).at(-1), `${ALL}`);
  assert.ok((await numbersOf(tab)).length < 60);
  await tab.keyboard.press('PageUp');
  await page.settled();
  const page1 = Number(await currentOf(tab).locator('td').first().textContent());
  assert.ok(page1 < ALL - 5 && page1 > ALL - 60, `${page1}`);
  await tab.keyboard.press('Home');
  await currentNumber(tab, 1);
  assert.is((await numbersOf(tab))[0], '1');
  // Rows without keys: the wheel reaches the last one, and there is no gap between rows on the way.
  await tableOf(tab).hover();
  for (let i = 0; i < 40; i++) {
    await tab.mouse.wheel(0, 400);
    await tab.waitForTimeout(10);
    const numbers = (await numbersOf(tab)).map(Number);
    assert.ok(
      numbers.every((number, at) => at === 0 || number === numbers[at - 1] + 1),
      numbers.join(' '),
    );
  }
  await tab.waitForTimeout(300);
  assert.is((await numbersOf(tab)).at(-1), `${ALL}`);
  await page.close();
});

Packets('the filter takes sentences and plain text, and what is typed half loses nothing', async ({ browser, dir }) => {
  const page = await OpenPage.open(browser, pageOf(dir), { hash: 'view=Packets' });
  const { tab } = page;
  const filter = tab.getByLabel('Filter', { exact: true });
  // tcpdump -r any.pcap 'icmp[0] = 8' has two frames that are not copies of others.
  await filter.fill('icmp echo-request');
  await tableOf(tab).and(tab.locator('[aria-rowcount="3"]')).waitFor();
  await filter.fill('icmp 192.0.2.50 >');
  await tab.getByText('Column 17: the destination is missing').waitFor();
  await tableOf(tab).and(tab.locator('[aria-rowcount="3"]')).waitFor();
  await filter.fill('redistest "no such text"');
  await tab.getByText(/None of the 308 listed packets/).waitFor();
  await filter.fill('');
  await tableOf(tab)
    .and(tab.locator(`[aria-rowcount="${ALL + 1}"]`))
    .waitFor();
  await page.close();
});

Packets('rows are sorted by their length, the longest first', async ({ browser, dir }) => {
  const page = await OpenPage.open(browser, pageOf(dir), { hash: 'view=Packets' });
  const { tab } = page;
  const length = tab.getByRole('columnheader', { name: 'Length' });
  await length.getByRole('button').click();
  await length.getByRole('button').click();
  assert.is(await length.getAttribute('aria-sort'), 'descending');
  await page.settled();
  const lengths = (await tableOf(tab).locator('tbody td.length').allTextContents()).map((text) =>
    Number(text.replace(',', '')),
  );
  assert.ok(lengths[0] > 1000);
  assert.equal(
    lengths,
    [...lengths].sort((a, b) => b - a),
  );
  await page.close();
});

Packets('a packet opens with its steps, its fields and its bytes, by keyboard alone', async ({ browser, dir }) => {
  const page = await OpenPage.open(browser, pageOf(dir), { hash: 'view=Packets' });
  const { tab } = page;
  await tab.getByLabel('Filter', { exact: true }).fill('tcp > redistest SA forwarded');
  await page.settled();
  await tab.getByLabel('Filter', { exact: true }).fill('tcp redistest > * SA forwarded');
  await page.settled();
  await tableOf(tab).focus();
  await tab.keyboard.press('ArrowDown');
  await tab.keyboard.press('Enter');
  const open = tab.getByRole('region', { name: /^Packet \d+$/ });
  await open.getByRole('heading', { name: 'Bytes' }).waitFor();
  // The way back through NAT: its source was 172.17.0.2:6379 and is the host's own.
  const source = open.getByRole('row', { name: /^Source 172\.17\.0\.2 192\.0\.2\.10/ });
  assert.match((await source.getAttribute('class')) ?? '', /changed/);
  await source.getByRole('button').focus();
  assert.equal(await open.locator('.hex .marked').allTextContents(), ['ac 11 00 02 ', '····', 'c0 00 02 0a ', '····']);
  await open.getByRole('button', { name: 'Next step' }).click();
  await open.getByText(/^step 2 of /).waitFor();
  assert.is(await open.locator('.step-list [aria-current]').count(), 1);
  await tableOf(tab).focus();
  const before = await open.getAttribute('aria-label');
  await tab.keyboard.press('ArrowDown');
  await page.settled();
  assert.is.not(await open.getAttribute('aria-label'), before);
  await open.getByRole('button', { name: 'Close the packet' }).click();
  await open.waitFor({ state: 'detached' });
  await page.close();
});

Packets(
  'a rejected packet tells which rule did it, why others did not, and what the host answered',
  async ({ browser, dir }) => {
    const page = await OpenPage.open(browser, pageOf(dir), { hash: 'view=Packets&text=tcp%20rejected' });
    const { tab } = page;
    await tableOf(tab).locator('tbody tr').first().click();
    const open = tab.getByRole('region', { name: /^Packet \d+$/ });
    await open.getByText('input interface eth0 is not docker0').first().waitFor();
    await open.getByText('--reject-with').first().waitFor();
    await open.getByRole('heading', { name: 'The host answered' }).click();
    await open.getByRole('row', { name: 'IPv4 (quoted)' }).waitFor();
    for (const theme of ['light', 'dark'] as const) {
      await tab.emulateMedia({ colorScheme: theme });
      assert.equal(await page.accessibilityProblems(), [], theme);
    }
    await page.close();
  },
);

Packets('on a narrow screen rows have two lines, and nothing is wider than it', async ({ browser, dir }) => {
  const page = await OpenPage.open(browser, pageOf(dir), { width: 360, height: 780, hash: 'view=Packets&packet=42' });
  const { tab } = page;
  await page.settled();
  const box = await tableOf(tab).locator('tbody tr').first().boundingBox();
  assert.is(box?.height, 46);
  assert.is(await tab.evaluate<number>('document.documentElement.scrollWidth'), 360);
  await page.close();
});

Packets.run();
