/** The Rules view: finds rules, says what packets did with them, and follows jumps. Bench: its charts. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { BenchFile } from '../../explain/report/bench-file.js';
import { REPORT_FORMAT } from '../../explain/report/format/model.js';
import type { Report } from '../../explain/report/format/report.js';
import { makeReport } from '../../explain/report/make-report.js';
import { pageHtml } from '../../explain/report/page.js';
import { jsonSection } from '../../explain/report/sections.js';
import { readPageAssets } from '../../io/page-assets.js';
import type { RulesetResult } from '../../replay/bench-result.js';
import { browserSuite, OpenPage } from './browser.js';
import { caseReport, writePage } from './case-page.js';

const Rules = browserSuite('the rules of a page');

let path: string | undefined;
function pageOf(dir: string): string {
  if (path === undefined) {
    path = join(dir, 'rules.html');
    writePage(caseReport('pcaps/article-restart', join(dir, 'out')), path);
  }
  return path;
}

Rules('of each time are there, and those that can never match with the rule that is the reason', async (context) => {
  const page = await OpenPage.open(context.browser, pageOf(context.dir), { hash: 'view=Rules' });
  const { tab } = page;
  await tab.getByLabel('Rules', { exact: true }).first().waitFor();
  await tab
    .locator('.rules-bar select')
    .selectOption({ label: '9.6 s: iptables -A INPUT -p tcp --dport 46379 -j ACCEPT' });
  await tab.getByRole('button', { name: 'Cannot match 1' }).click();
  await tab.getByRole('rowheader', { name: /--dport 46379/ }).click();
  await tab.getByText('Can never match: all of it is rejected before').waitFor();
  await tab.getByRole('button', { name: 'filter INPUT 5' }).click();
  await tab.getByText('-A INPUT -j REJECT --reject-with icmp-host-prohibited').waitFor();
  assert.equal(await tab.locator('.trail > span').allTextContents(), ['filter INPUT 6', ' › filter INPUT 5']);
  await page.close();
});

Rules('lead along jumps and back, and to the packets that met them', async ({ browser, dir }) => {
  const page = await OpenPage.open(browser, pageOf(dir), { hash: 'view=Rules' });
  const { tab } = page;
  const grid = tab.getByRole('treegrid', { name: 'Rules' });
  // As many as the Host view counts, whatever rules there were then.
  await grid.getByRole('row', { name: /81 0 0 B :FORWARD ?ACCEPT/ }).click();
  await tab.getByRole('button', { name: '81 packets through it' }).click();
  await tab.getByText('81 of 308 packets').waitFor();
  await page.tab.getByRole('button', { name: 'Show all packets' }).click();
  await page.choose('Rules');
  await grid.getByRole('button', { name: 'DOCKER-ISOLATION-STAGE-1' }).click();
  await tab.getByRole('heading', { name: 'Called from' }).waitFor();
  await tab.locator('.trail').getByRole('button', { name: 'filter FORWARD 2' }).click();
  await tab.getByText('-A FORWARD -j DOCKER-ISOLATION-STAGE-1').waitFor();
  await grid.getByRole('rowheader', { name: /^4 ?-o docker0/ }).click();
  // By the packets of the case: eleven of those that came to it leave by eth0.
  await tab.getByRole('heading', { name: 'Why 11 packets did not match' }).waitFor();
  await tab.getByText('output interface eth0 is not docker0').waitFor();
  for (const theme of ['light', 'dark'] as const) {
    await tab.emulateMedia({ colorScheme: theme });
    assert.equal(await page.accessibilityProblems(), [], theme);
  }
  await tab.getByRole('button', { name: '1 packet it matched' }).click();
  await tab.getByText('1 of 308 packets').waitFor();
  assert.match(tab.url(), /view=Packets.*rule=\d+&isMatched=true/);
  // Back in Rules, what the packet did stands beside the whole.
  await page.choose('Rules');
  await grid.getByRole('row', { name: /1 \/ 12 1 \/ 1 .*4 ?-o docker0 -j DOCKER/ }).waitFor();
  await page.close();
});

Rules('open from a packet as they were when it came, and after an event as it left them', async ({ browser, dir }) => {
  const page = await OpenPage.open(browser, pageOf(dir), { hash: 'view=Packets&text=*+%3E+192.0.2.10%3A46379' });
  const { tab } = page;
  await tab.getByRole('row', { name: /54726/ }).click();
  // Its rules are those of the first file; at the end there is another fifth rule of INPUT.
  await tab.locator('.facts').getByText('(pcaps/article-restart/rules.v4:27)').waitFor();
  await tab.locator('.facts').getByRole('button', { name: 'filter INPUT 5' }).click();
  const detail = tab.getByRole('complementary', { name: 'Details' });
  await detail.getByText('pcaps/article-restart/rules.v4:27').waitFor();
  await detail.getByRole('button', { name: '4 packets it matched' }).waitFor();
  await page.choose('Timeline');
  await tab.getByRole('button', { name: 'Show all packets' }).click();
  // iptables had no more than the rules of its own file then.
  await tab
    .locator('.event-list')
    .getByRole('button', { name: /^11\.6/ })
    .click();
  await page.choose('Rules');
  const options = tab.locator('.rules-bar select');
  await tab.getByRole('row', { name: /1 -j REJECT/ }).waitFor();
  assert.is(await options.evaluate((one) => (one as unknown as { value: string }).value), '4');
  await page.choose('Connections');
  await tab.getByRole('row', { name: /45076.*filter FORWARD 1$/ }).click();
  await tab.getByText('4 s without a packet · ▲ 11.684706 systemctl restart iptables: 30 rules removed').waitFor();
  await page.close();
});

Rules('are walked through by keys', async ({ browser, dir }) => {
  const page = await OpenPage.open(browser, pageOf(dir), { hash: 'view=Rules', width: 360 });
  const { tab } = page;
  const grid = tab.getByRole('treegrid', { name: 'Rules' });
  await grid.focus();
  for (const [key, expected] of [
    ['Home', /\*filter/],
    ['ArrowDown', /:INPUT/],
    ['ArrowLeft', /:INPUT/],
    ['ArrowDown', /:FORWARD/],
    ['ArrowDown', /-j DOCKER-USER/],
    ['ArrowRight', /:DOCKER-USER/],
    ['End', /-j /],
    ['ArrowLeft', /:DOCKER/],
  ] as const) {
    await tab.keyboard.press(key);
    await grid.getByRole('row', { selected: true }).filter({ hasText: expected }).waitFor();
  }
  await tab.keyboard.press('Home');
  await tab.keyboard.press('Enter');
  await grid.getByRole('row', { expanded: false }).first().waitFor();
  await page.close();
});

Rules('in thousands are in the page only as far as they are in sight', async ({ browser, dir }) => {
  const count = 3000;
  const rules = Array.from({ length: count }, (_, i) => `-A FORWARD -s 10.0.${i >> 8}.${i & 255}/32 -j DROP`);
  const rulesPath = join(dir, 'many.v4');
  writeFileSync(rulesPath, `*filter\n:FORWARD ACCEPT [0:0]\n${rules.join('\n')}\nCOMMIT\n`);
  const inputs = [{ iface: 'eth0', path: 'pcaps/docker/in/eth0.pcap' }];
  const report = makeReport('many', [
    { name: 'many', options: { rulesPath, hostPath: 'pcaps/docker/host.json', inputs } },
  ]);
  const file = join(dir, 'many.html');
  writePage(report, file);
  const page = await OpenPage.open(browser, file, { hash: 'view=Rules' });
  const { tab } = page;
  const grid = tab.getByRole('treegrid', { name: 'Rules' });
  await grid.focus();
  await tab.keyboard.press('End');
  await grid
    .getByRole('row', { name: /10\.0\.11\.183/ })
    .or(grid.getByText('OUTPUT'))
    .first()
    .waitFor();
  assert.ok(Number(await grid.getAttribute('aria-rowcount')) > count);
  assert.ok((await grid.getByRole('row').count()) < 100);
  await tab.getByRole('searchbox', { name: 'Find in rules' }).fill('10.0.7.7/');
  await tab.getByText('1 rule', { exact: true }).waitFor();
  await page.close();
});

/** What bench might print of rulesets with COUNTS of rules. */
function benched(counts: readonly number[]): BenchFile {
  const spread = (median: number) => ({ median, min: median * 0.9, max: median * 1.2 });
  const rulesets = counts.map(
    (ruleCount, i): RulesetResult => ({
      ...{ file: `r${ruleCount}.v4`, ruleCount, buildMs: 1, costNs: spread(300 + 50 * i), bareNs: spread(280) },
      ...{ packetsPerSecond: 3e6, flowCachePackets: 900, slowPathPackets: 100, warnings: [] },
      rules: [
        {
          table: 'filter',
          chain: 'FORWARD',
          number: 1,
          rule: '-j DROP',
          asked: 7,
          matched: 3,
          readsOfPacket: ['length'],
        },
      ],
      chains: [{ table: 'filter', chain: 'FORWARD', packets: 7, asked: 7 }],
    }),
  );
  const result = { files: ['in.pcap'], packets: 1000, entered: 1000, runs: 3, readingNs: spread(40), rulesets };
  return { name: 'bench.json', result };
}

Rules('cost what bench has measured, in charts', async ({ browser, dir }) => {
  const sections = new Map([['bench', jsonSection([benched([10, 100, 1000])])]]);
  const report: Report = {
    index: { format: REPORT_FORMAT, generator: '', title: 'bench', results: [], isComparison: false, hasBench: true },
    sections,
  };
  const file = join(dir, 'bench.html');
  writeFileSync(file, pageHtml(report, readPageAssets('bench')));
  for (const theme of ['light', 'dark'] as const) {
    const page = await OpenPage.open(browser, file, { theme, width: theme === 'dark' ? 360 : 1280 });
    const { tab } = page;
    await tab.getByRole('heading', { name: 'Cost by number of rules' }).waitFor();
    assert.is(await tab.locator('.line-cost circle').count(), 3);
    assert.is(await tab.getByRole('heading', { name: 'Cost by number of connections' }).count(), 0);
    await tab
      .getByRole('row', { name: /r1000\.v4 1,000 1 ms 3,000,000 400 360 … 480 1\.33 × 40 240 120 90\.0 %/ })
      .waitFor();
    await tab.getByRole('row', { name: /filter FORWARD 1 -j DROP 7 3 length/ }).waitFor();
    assert.equal(await page.accessibilityProblems(), [], theme);
    await page.close();
  }
});

Rules.run();
