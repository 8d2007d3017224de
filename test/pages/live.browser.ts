import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { ReportIndex } from '../../explain/report/format/model.js';
import type { Report } from '../../explain/report/format/report.js';
import { livePageHtml } from '../../explain/report/page.js';
import { readPageAssets } from '../../io/page-assets.js';
import { browserSuite, OpenPage } from './browser.js';
import { caseReport } from './case-page.js';

const Live = browserSuite('a report that grows');

/** Serves a report as `nfreplay view` does. */
class GrowingReport {
  readonly #server: Server;
  readonly #streams = new Set<ServerResponse>();
  #report: Report;
  index: ReportIndex | undefined;
  /** Details are not sent before. */
  detailsMayGo: Promise<void> = Promise.resolve();

  constructor(report: Report) {
    this.#report = report;
    const page = livePageHtml('a report that grows', readPageAssets());
    this.#server = createServer(({ url = '' }, response) => {
      const [, path] = /^\/token\/([^?]*)/.exec(url) ?? [];
      if (path === '') response.setHeader('Content-Type', 'text/html; charset=utf-8').end(page);
      else if (path === 'index') response.writeHead(this.index ? 200 : 503).end(JSON.stringify(this.index));
      else if (path === 'events') this.#stream(response);
      else this.#send(path?.replace('sections/', '') ?? '', response);
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/token/`;
  }

  async #send(name: string, response: ServerResponse): Promise<void> {
    const bytes = this.#report.sections.get(name);
    if (name.includes('details')) await this.detailsMayGo;
    response.end(bytes);
  }

  /** INDEX is there from now on, and the sections of REPORT. */
  grow(index: ReportIndex, report = this.#report): void {
    this.index = index;
    this.#report = report;
    this.#say('event: grew\ndata: 1\n\n');
  }

  end(): void {
    this.#say('event: end\ndata:\n\n');
    this.#server.close();
    // What was just written leaves first.
    setTimeout(() => this.#server.closeAllConnections(), 200);
  }

  #say(words: string): void {
    for (const stream of this.#streams) stream.write(words);
  }

  #stream(response: ServerResponse): void {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('retry: 100\n\n');
    this.#streams.add(response);
  }
}

/** INDEX while its first result is replayed, after READ packets. */
function running(index: ReportIndex, read: number): ReportIndex {
  const [{ summary, ...first }, ...others] = index.results;
  const progress = { packets: read, consumedBytes: read, totalBytes: 2 * read };
  return {
    ...index,
    results: [{ ...first, isRunning: true, progress, packets: { ...first.packets, read } }, ...others],
  };
}

Live('fills while it is looked at, keeps what was chosen, and says when nobody serves it any more', async (test) => {
  const report = caseReport('pcaps/udp-and-ping', join(test.dir, 'live'));
  const served = new GrowingReport(report);
  const page = await OpenPage.visit(test.browser, await served.listen(), {});
  await page.tab.getByText('Waiting for the first packets').waitFor();
  served.grow(running(report.index, 5));
  await page.tab.getByText('5 packets').waitFor();
  await page.tab.getByText('replaying, 50 %').waitFor();
  await page.choose('Timeline');
  await page.tab.getByRole('tab', { name: 'Timeline' }).focus();
  served.grow(running(report.index, 6));
  await page.tab.getByText('6 packets').waitFor();
  served.grow(report.index);
  await page.tab.getByText(`${report.index.results[0].packets.read} packets`).first().waitFor();
  assert.is(await page.tab.evaluate('document.activeElement.id'), 'tab-Timeline');
  assert.is(await page.tab.getByText('replaying').count(), 0);
  served.end();
  await page.tab.getByText('nfreplay view has ended').waitFor();
  await page.tab.getByText(`${report.index.results[0].packets.read} packets`).first().waitFor();
  // What it says of connections that are refused is no problem of the page.
  page.problems.length = 0;
  await page.close();
});

Live('shows packets with what was read at the same time, however late the rest of it comes', async (test) => {
  const [small, large] = ['traceroute', 'log'].map((name) => caseReport(`pcaps/${name}`, join(test.dir, name)));
  const [few, many] = [small, large].map(({ index }) => index.results[0].packets.verdicts.forwarded.packets);
  assert.ok(few > 0 && many > small.index.results[0].packets.listed, `${few} of few, ${many} of many`);
  const served = new GrowingReport(small);
  served.index = running(small.index, 3);
  const hash = 'view=Packets&verdict=forwarded';
  const page = await OpenPage.visit(test.browser, await served.listen(), { hash });
  await page.tab.getByText(`${few} of`).waitFor();
  let release = () => {};
  served.detailsMayGo = new Promise((resolve) => {
    release = resolve;
  });
  served.grow(running(large.index, many), large);
  // The filter has read what it needs, the table has not.
  await page.tab.getByText(`${many} of`).waitFor();
  await page.tab.waitForTimeout(200);
  assert.is(await page.tab.getByRole('alert').count(), 0);
  release();
  await page.tab.getByText('cannot be shown').waitFor({ state: 'detached' });
  await page.tab
    .getByRole('row')
    .nth(few + 1)
    .waitFor();
  served.end();
  page.problems.length = 0;
  await page.close();
});

Live('shows several results, one at a time or side by side', async (test) => {
  const [a, b] = ['udp-and-ping', 'ssh-to-host'].map((name) => caseReport(`pcaps/${name}`, join(test.dir, name)));
  const sections = new Map(a.sections);
  for (const [name, bytes] of b.sections) sections.set(name.replace(/^0/, '1'), bytes);
  const index = { ...a.index, results: [...a.index.results, ...b.index.results] };
  const served = new GrowingReport({ index, sections });
  served.index = index;
  const page = await OpenPage.visit(test.browser, await served.listen(), {});
  const panels = page.tab.getByRole('tabpanel').getByRole('region', { name: /udp-and-ping|ssh-to-host/ });
  await page.tab.getByRole('button', { name: 'ssh-to-host' }).click();
  assert.is(await panels.count(), 0);
  await page.tab.getByRole('button', { name: 'side by side' }).click();
  await panels.nth(1).waitFor();
  assert.is(await panels.count(), 2);
  for (const view of ['Host', 'Connections', 'Rules', 'Packets', 'Timeline']) {
    await page.choose(view);
    assert.is(await panels.count(), 2, view);
    assert.equal(await page.accessibilityProblems(), [], view);
  }
  served.end();
  page.problems.length = 0;
  await page.close();
});

Live.run();
