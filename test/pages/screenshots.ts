/**
 * `node dist/test/pages/screenshots.js PAGE.html|CASE FOLDER [VIEW …]`: pictures of each view, dark and light, narrow
 * and wide, to be looked at.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { launchChromium } from './browser.js';
import { caseReport, writePage } from './case-page.js';

const SIZES = [
  [360, 780],
  [1280, 800],
  [2560, 1440],
] as const;
const VIEWS = ['Host', 'Connections', 'Rules', 'Packets', 'Timeline'];

const [from, folder, ...views] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const dir = mkdtempSync(join(tmpdir(), 'nfreplay-pages-'));
const browser = await launchChromium();
try {
  let page = from;
  if (!from.endsWith('.html')) {
    page = join(dir, 'report.html');
    writePage(caseReport(from, join(dir, 'out')), page);
  }
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const [width, height] of SIZES) {
      const context = await browser.newContext({ viewport: { width, height }, colorScheme });
      const tab = await context.newPage();
      tab.on('console', (message) => console.log(message.text()));
      tab.on('pageerror', (error) => console.log(error.stack ?? error.message));
      for (const view of views.length > 0 ? views : VIEWS) {
        const [name] = view.split('&');
        await tab.goto('about:blank');
        await tab.goto(`${pathToFileURL(resolve(page))}#view=${view}`);
        await tab.getByRole('tab', { name, exact: true }).waitFor();
        await tab.waitForTimeout(400);
        await tab.screenshot({ path: join(folder, `${view.replace(/\W+/g, '-')}-${width}-${colorScheme}.png`) });
      }
      await context.close();
    }
  }
} finally {
  await browser.close();
  rmSync(dir, { recursive: true, force: true });
}
