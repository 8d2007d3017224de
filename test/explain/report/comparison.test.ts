/** The comparison of a report: the groups of `diff`, with what a page needs to show them and to find their packets. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { comparisonSteps } from '../../../explain/report/comparison.js';
import type { Comparison } from '../../../explain/report/format/comparison.js';
import { optionsOf, readCase } from '../../../replay/golden-case.js';

const comparison = suite('comparison of a report');

const dir = mkdtempSync(join(tmpdir(), 'nfreplay-comparison-'));
comparison.after(() => rmSync(dir, { recursive: true }));

/** What the case NAME does with its rules, compared with those that CHANGE makes of them. */
function compared(name: string, change: (rules: string) => string): Comparison {
  const old = optionsOf(readCase(`pcaps/${name}`));
  const rulesPath = join(dir, 'new.v4');
  writeFileSync(rulesPath, change(readFileSync(`pcaps/${name}/rules.v4`, 'utf8')));
  const steps = comparisonSteps(old, { ...old, rulesPath });
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

comparison('the same rules differ in nothing', () => {
  const { compared: packets, differences } = compared('docker', (rules) => rules);
  assert.ok(packets > 0);
  assert.equal(differences, []);
});

comparison('a rule that is gone is told with what decides now, and the example with its way on both sides', () => {
  const gone = '-A DOCKER -d 172.17.0.3/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 6379 -j ACCEPT\n';
  const { differences, connections } = compared('docker', (rules) => rules.replace(gone, ''));
  const [group] = differences;
  assert.is(group.kind, 'newly-dropped');
  assert.is(
    differences.reduce((sum, one) => sum + one.connections, 0),
    connections,
  );
  assert.equal([group.old.verdict, group.new.verdict], ['forwarded', 'rejected']);
  assert.is(`-A DOCKER ${group.old.rule?.text}\n`, gone);
  assert.is(group.old.rule?.table, 'filter');
  assert.is(group.new.rule?.text, '-j REJECT --reject-with icmp-host-prohibited');
  assert.is(group.services[0].name, 'tcp 36379');

  const { example } = group;
  assert.match(example.packet ?? '', /^tcp .*:36379 SYN/);
  const only = (side: 'both' | 'old' | 'new') => example.steps.flatMap((steps) => steps[side]);
  assert.ok(only('old').some(({ text, result }) => text.includes('--dport 6379') && result === 'ACCEPT'));
  assert.ok(only('new').some(({ text, result }) => text.startsWith('-j REJECT') && result === 'REJECT'));
  assert.ok(only('both').some(({ text }) => text.includes('DNAT')));
  assert.is(example.oldSends?.length, 1);
  assert.match(example.newSends?.[0] ?? '', /^icmp .*host-prohibited/);
});

comparison.run();
