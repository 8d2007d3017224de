/** The timeline of a report in Chromium: a time is chosen by mouse, finger and keys, and everything follows it. */
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { browserSuite, OpenPage } from './browser.js';
import { caseReport, writePage } from './case-page.js';

const Timeline = browserSuite('timeline on a page');

let made: string | undefined;
async function opened({ browser, dir }: { browser: Parameters<typeof OpenPage.open>[0]; dir: string }) {
  if (made === undefined) {
    made = join(dir, 'restart.html');
    writePage(caseReport('pcaps/article-restart', join(dir, 'out')), made);
  }
  const page = await OpenPage.open(browser, made, { hash: 'view=Timeline' });
  await page.tab.locator('.brush').waitFor();
  await page.settled();
  return page;
}

/** The chosen time in seconds; undefined: any. */
function chosen(tab: Page): [number, number] | undefined {
  const time = new URLSearchParams(new URL(tab.url()).hash.slice(1)).get('time');
  const [from, to] = time?.split('..').map((ns) => Number(ns) / 1e9) ?? [];
  return from === undefined || to === undefined ? undefined : [from, to];
}

/** Where the part AT of the width is, on the charts. */
async function placeOf(tab: Page, at: number): Promise<[number, number]> {
  const box = await tab.locator('.brush').boundingBox();
  assert.ok(box);
  return [box.x + box.width * at, box.y + 100];
}

/** The numbers of the legend, by verdict. */
async function legend(tab: Page): Promise<Record<string, number>> {
  const texts = await tab.locator('.timeline-legend > span').allTextContents();
  return Object.fromEntries(
    texts.map((text) => {
      const [, verdict, count] = /([a-z]+)\s+([\d,]+)$/.exec(text.trim()) ?? [];
      return [verdict, Number(count.replaceAll(',', ''))];
    }),
  );
}

Timeline('the mouse chooses a time, the packets follow, and a click gives it up', async (test) => {
  const page = await opened(test);
  const { tab } = page;
  // As the kernel's capture of the case has them; they are also in its summary.
  assert.equal(await legend(tab), { forwarded: 70, sent: 15, delivered: 10, dropped: 3, rejected: 19, skipped: 191 });
  await tab.mouse.move(...(await placeOf(tab, 0.25)));
  await tab.mouse.down();
  await tab.mouse.move(...(await placeOf(tab, 0.4)));
  await tab.mouse.move(...(await placeOf(tab, 0.5)));
  await tab.mouse.up();
  await page.settled();
  const [from, to] = chosen(tab) ?? [];
  // The case lasts for 32 s.
  assert.ok(from !== undefined && Math.abs(from - 8) < 0.5, `${from}`);
  assert.ok(to !== undefined && Math.abs(to - 16) < 0.5, `${to}`);
  await page.tab.mouse.move(5, 5);
  const counts = Object.values(await legend(tab)).reduce((sum, count) => sum + count, 0);
  assert.match(await tab.locator('.panel').innerText(), new RegExp(`^${counts} of 308 packets`));
  await tab.mouse.click(...(await placeOf(tab, 0.8)));
  assert.is(chosen(tab), undefined);
  await page.close();
});

Timeline('a finger chooses a time', async (test) => {
  const page = await opened(test);
  const { tab } = page;
  const session = await tab.context().newCDPSession(tab);
  await session.send('Emulation.setTouchEmulationEnabled', { enabled: true });
  const touch = async (type: 'touchStart' | 'touchMove', at: number) => {
    const [x, y] = await placeOf(tab, at);
    await session.send('Input.dispatchTouchEvent', { type, touchPoints: [{ x, y }] });
  };
  await touch('touchStart', 0.5);
  for (const at of [0.52, 0.6, 0.75]) await touch('touchMove', at);
  await session.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  await page.settled();
  const [from, to] = chosen(tab) ?? [];
  assert.ok(from !== undefined && Math.abs(from - 16) < 0.5, `${from}`);
  assert.ok(to !== undefined && Math.abs(to - 24) < 0.5, `${to}`);
  await page.close();
});

Timeline('keys choose a time, by bars or more of them, and Escape gives it up', async (test) => {
  const page = await opened(test);
  const { tab } = page;
  const from = tab.getByRole('slider', { name: 'Choose time from' });
  await from.press('PageUp');
  const [first] = chosen(tab) ?? [];
  await from.press('ArrowRight');
  const [second] = chosen(tab) ?? [];
  await from.press('ArrowRight');
  const [third, end] = chosen(tab) ?? [];
  assert.ok(first !== undefined && second !== undefined && third !== undefined && end !== undefined);
  const bar = third - second;
  assert.ok(bar > 0 && Math.abs(second - first - bar) < 1e-6, `${first} ${second} ${third}`);
  await tab.getByRole('slider', { name: 'Choose time to' }).press('ArrowLeft');
  const [still, sooner] = chosen(tab) ?? [];
  assert.is(still, third);
  // The last bar may be cut by the end.
  assert.ok(sooner !== undefined && end - sooner > 0 && end - sooner < 2.01 * bar, `${end} ${sooner}`);
  await tab.keyboard.press('Escape');
  assert.is(chosen(tab), undefined);
  await page.close();
});

Timeline('zooming in shows bars of less time, and back again as before', async (test) => {
  const page = await opened(test);
  const { tab } = page;
  const title = () => tab.locator('.plot-title').first().innerText();
  const whole = await title();
  await tab.locator('.event-list').getByRole('button', { name: /^5\.8/ }).click();
  await tab.getByRole('button', { name: 'Zoom to selection' }).click();
  await page.settled();
  assert.match(whole, / ms$/);
  assert.match(await title(), / (?:µs|ms)$/);
  assert.is.not(await title(), whole);
  await tab.getByRole('button', { name: 'Reset zoom' }).click();
  assert.is(await title(), whole);
  await page.close();
});

Timeline('the numbers of the charts are a table, which adds up', async (test) => {
  const page = await opened(test);
  await page.tab.getByText('As a table').click();
  const [titles, ...rows] = await page.tab
    .locator('.bars-table tr')
    .evaluateAll((all) =>
      all.map((row) => Array.from(row.children as ArrayLike<{ textContent: string }>, (cell) => cell.textContent)),
    );
  const column = (title: string) => rows.map((row) => Number(row[titles.indexOf(title)]));
  assert.is(
    column('rejected').reduce((sum, count) => sum + count, 0),
    19,
  );
  assert.is(column('connections at the end').at(-1), 5);
  await page.close();
});

Timeline.run();
