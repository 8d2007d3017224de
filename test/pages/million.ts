/**
 * `node dist/test/pages/million.js [PACKETS] [--keep FILE.html]`: how long a report of a million packets takes to make
 * and to open, until its number of packets is on the page, and how many frames a second its packets scroll at. Not a
 * test: a busy machine takes longer.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Page } from 'playwright-core';
import { writeEst64 } from '../../bench/est64.js';
import { makeReport } from '../../explain/report/make-report.js';
import { launchChromium } from './browser.js';
import { writePage } from './case-page.js';

const RUNS = 5;
const SCROLL_MS = 3000;

const keptAt = process.argv.indexOf('--keep');
const packets = Number(process.argv.slice(2).find((arg) => /^\d+$/.test(arg)) ?? 1_000_000);
const counted = `${packets.toLocaleString('en')} packets`;

/** Milliseconds that WORK takes. */
async function timed(work: () => unknown): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

/** Frames a second while the table of packets is scrolled through for a moment. */
function framesPerSecond(tab: Page): Promise<number> {
  return tab.evaluate(`new Promise((resolve) => {
    const box = [...document.querySelectorAll('#view *')].find((one) => one.scrollHeight > one.clientHeight + 1000 &&
      getComputedStyle(one).overflowY !== 'visible');
    const startedMs = performance.now();
    let frames = 0;
    const step = (nowMs) => {
      const part = (nowMs - startedMs) / ${SCROLL_MS};
      if (part >= 1) return resolve(frames / ((nowMs - startedMs) / 1000));
      frames++;
      box.scrollTop = part * (box.scrollHeight - box.clientHeight);
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  })`);
}

const dir = mkdtempSync(join(tmpdir(), 'nfreplay-million-'));
const browser = await launchChromium();
try {
  const work = writeEst64(dir, packets);
  const path = keptAt < 0 ? join(dir, 'report.html') : process.argv[keptAt + 1];
  const options = {
    rulesPath: 'pcaps/docker/rules.v4',
    hostPath: 'pcaps/docker/host.json',
    inputs: [
      { iface: 'eth0', path: work.eth0 },
      { iface: 'docker0', path: work.docker0 },
    ],
    outDir: join(dir, 'out'),
  };
  const madeMs = await timed(() => writePage(makeReport(counted, [{ name: 'million', options }]), path));
  console.log(`made in ${(madeMs / 1000).toFixed(1)} s: ${(statSync(path).size / 1e6).toFixed(1)} MB`);
  const opened: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const tab = await browser.newPage();
    opened.push(
      await timed(async () => {
        await tab.goto(pathToFileURL(path).href, { waitUntil: 'commit' });
        await tab.locator('.total', { hasText: counted }).waitFor();
      }),
    );
    if (run < RUNS - 1) await tab.close();
    else {
      for (const view of await tab.getByRole('tab').allTextContents()) {
        const ms = await timed(async () => {
          await tab.getByRole('tab', { name: view, exact: true }).click();
          await tab.locator('.loading').waitFor({ state: 'detached' });
          await tab.evaluate('new Promise((done) => requestAnimationFrame(() => setTimeout(done)))');
        });
        console.log(`${view}: there after ${Math.round(ms)} ms`);
        if (view === 'Packets') console.log(`scrolls at ${(await framesPerSecond(tab)).toFixed(0)} frames a second`);
      }
    }
  }
  console.log(`opens in ${opened.map((ms) => `${Math.round(ms)} ms`).join(', ')}`);
} finally {
  await browser.close();
  rmSync(dir, { recursive: true, force: true });
}
