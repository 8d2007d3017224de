/** Two rulesets beside each other in Chromium: what differs, and the way from there to the packets of either. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { reportCommand } from '../../cli/report-command.js';
import { browserSuite, OpenPage } from './browser.js';

const Compared = browserSuite('comparison on a page');

const CASE = 'pcaps/docker';
const GONE = '-A DOCKER -d 172.17.0.3/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 6379 -j ACCEPT\n';

Compared('shows what a rule that is gone has let through, and leads to the packets of both sides', async (test) => {
  const { browser, dir } = test;
  const [rules, out] = [join(dir, 'new.v4'), join(dir, 'compared.html')];
  writeFileSync(rules, readFileSync(`${CASE}/rules.v4`, 'utf8').replace(GONE, ''));
  assert.is(await reportCommand([CASE, '--rules', rules, '-o', out]), 0);

  const page = await OpenPage.open(browser, out);
  const { tab } = page;
  assert.is((await page.views())[0], 'Comparison');
  const first = tab.locator('article').first();
  await first.waitFor();
  assert.match(await first.innerText(), /newly dropped/);
  assert.match(await tab.locator('.rule-lines .gone').innerText(), /--dport 6379 -j ACCEPT/);
  assert.equal(await page.accessibilityProblems(), []);

  await first.getByRole('button', { name: 'Open in new' }).click();
  await tab.getByRole('tabpanel', { name: 'Packets' }).waitFor();
  await page.settled();
  const selection = new URLSearchParams(new URL(tab.url()).hash.slice(1));
  assert.is(selection.get('result'), '1');
  assert.match(await tab.getByRole('tabpanel').innerText(), /REJECT/);
  await page.close();
});

Compared.run();
