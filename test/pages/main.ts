/**
 * `npm run test:pages [-- PART OF A NAME …]`: pages of reports in Chromium. As root on Debian it is installed if there
 * is none. Where it cannot be, all of these tests are skipped, which is said.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { chromiumPath, launchChromium } from './browser.js';

const RUN = fileURLToPath(new URL('../run.js', import.meta.url));

/** Undefined: it is there. Else why not. */
function installChromium(): string | undefined {
  if (chromiumPath() !== undefined) return undefined;
  if (process.getuid?.() !== 0) return 'there is none, and only root can install it';
  console.log('installing chromium …');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const words of ['update', 'install -y --no-install-recommends chromium']) {
    const { status, error, stderr } = spawnSync('apt-get', ['-qq', ...words.split(' ')], { env, encoding: 'utf8' });
    if (status !== 0) return `apt-get ${words}: ${error?.message ?? stderr.trim().split('\n').at(-1)}`;
  }
  return chromiumPath() === undefined ? 'its package has no /usr/bin/chromium' : undefined;
}

/** Why there is no Chromium that starts; undefined: there is one. */
async function whyNot(): Promise<string | undefined> {
  const problem = installChromium();
  if (problem !== undefined) return problem;
  try {
    await (await launchChromium()).close();
    return undefined;
  } catch (error) {
    return `it does not start: ${error instanceof Error ? error.message.split('\n')[0] : error}`;
  }
}

const problem = await whyNot();
if (problem === undefined) {
  const args = [RUN, '--no-lint', '--browser', ...process.argv.slice(2)];
  process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;
} else {
  console.log(`skipped: all tests of pages in Chromium: ${problem}`);
  console.log('\n0 passed, 0 failed');
}
