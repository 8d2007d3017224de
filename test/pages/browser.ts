/** Chromium, as Debian has it, and pages of reports in it. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { suite, type uvu } from 'uvu';
import * as assert from 'uvu/assert';

const PATHS = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** Where it is; undefined: nowhere. */
export function chromiumPath(): string | undefined {
  return PATHS.find((path) => path !== undefined && existsSync(path));
}

/** @throws if there is none, or it does not start */
export function launchChromium(): Promise<Browser> {
  const executablePath = chromiumPath();
  if (executablePath === undefined) throw new Error('there is no chromium; `npm run test:pages` as root installs it');
  // Its sandbox does not work for root.
  return chromium.launch({ executablePath, chromiumSandbox: process.getuid?.() !== 0 });
}

/** What each test of a browserSuite is given. */
export interface BrowserTest {
  readonly browser: Browser;
  /** A folder that is removed after the last test. */
  readonly dir: string;
}

/** A suite NAME whose tests share a browser. Its file is called `*.browser.ts`. */
export function browserSuite(name: string): uvu.Test<BrowserTest> {
  const tests = suite<BrowserTest>(name);
  tests.before(async (context) => {
    const dir = mkdtempSync(join(tmpdir(), 'nfreplay-pages-'));
    Object.assign(context, { dir, browser: await launchChromium() });
  });
  tests.after(async ({ browser, dir }) => {
    await browser?.close();
    rmSync(dir, { recursive: true, force: true });
  });
  return tests;
}

export interface OpenOptions {
  readonly theme?: 'light' | 'dark';
  readonly width?: number;
  readonly height?: number;
  /** The selection: `view=Packets&verdict=dropped`. */
  readonly hash?: string;
  /** Runs in the page before its own script. */
  readonly before?: string;
}

/** A page that is open, and what it has done that it should not do. */
export class OpenPage {
  readonly tab: Page;
  readonly #context: BrowserContext;
  /** Errors and warnings on the console, exceptions, dialogs, and requests. */
  readonly problems: string[] = [];

  private constructor(context: BrowserContext, tab: Page, ownAddress: string) {
    this.#context = context;
    this.tab = tab;
    tab.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.problems.push(message.text());
    });
    tab.on('pageerror', (error) => this.problems.push(error.stack ?? error.message));
    tab.on('dialog', (dialog) => {
      this.problems.push(`dialog: ${dialog.message()}`);
      dialog.dismiss();
    });
    tab.on('request', (request) => {
      const address = request.url().replace(/#.*/, '');
      if (!address.startsWith(ownAddress) && address !== 'data:,') this.problems.push(`asked for ${address}`);
    });
  }

  /** Opens the file at PATH with the network off, and waits for its tabs. */
  static async open(browser: Browser, path: string, options: OpenOptions = {}): Promise<OpenPage> {
    return OpenPage.visit(browser, pathToFileURL(path).href, { ...options, isOffline: true });
  }

  /** Opens ADDRESS. */
  static async visit(
    browser: Browser,
    address: string,
    options: OpenOptions & { readonly isOffline?: boolean },
  ): Promise<OpenPage> {
    const { theme = 'light', width = 1280, height = 800, hash = '', before, isOffline = false } = options;
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, offline: isOffline });
    if (before !== undefined) await context.addInitScript(before);
    const page = new OpenPage(context, await context.newPage(), address);
    await page.tab.goto(`${address}#${hash}`);
    return page;
  }

  /** The names of its tabs. */
  async views(): Promise<string[]> {
    await this.tab.getByRole('tab').first().waitFor();
    return this.tab.getByRole('tab').allTextContents();
  }

  /** Chooses the tab NAME and waits until nothing of its panel is on its way any more. */
  async choose(name: string): Promise<void> {
    await this.tab.getByRole('tab', { name, exact: true }).click();
    await this.tab.getByRole('tabpanel', { name, exact: true }).waitFor();
    await this.settled();
  }

  /** Waits until the page has been the same for a moment. */
  async settled(): Promise<void> {
    const content = () => this.tab.evaluate<number>('document.body.innerHTML.length');
    let [before, same] = [-1, 0];
    for (let i = 0; i < 200 && same < 3; i++) {
      const now = await content();
      same = now === before ? same + 1 : 0;
      before = now;
      await this.tab.waitForTimeout(50);
    }
  }

  /** What axe-core finds that is serious, in words. */
  async accessibilityProblems(): Promise<string[]> {
    await this.tab.evaluate(readFileSync(AXE, 'utf8'));
    const { violations } = await this.tab.evaluate<AxeResult>(
      "axe.run(document, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice'] })",
    );
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, help, nodes }) =>
        nodes.map(({ html, any }) => `${id}: ${help}: ${html} ${any[0]?.message ?? ''}`),
      );
  }

  /** Closes it. Fails if it has done what it should not do. */
  async close(): Promise<void> {
    await this.#context.close();
    assert.equal(this.problems, []);
  }
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly help: string;
    readonly impact: string;
    readonly nodes: readonly { readonly html: string; readonly any: readonly { readonly message: string }[] }[];
  }[];
}
