// The rules of engines before 28, rule for rule and in order, as real engines wrote them, and the words in which they
// fail.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CaseRun, comparable, type FirewallCase, parseFirewallCase } from './firewall-case.js';

const Before28 = suite('rules of engines before 28');

const CASES = fileURLToPath(new URL('../../../../test/docker/before-28/cases/', import.meta.url));

function readCase(file: string): FirewallCase {
  return parseFirewallCase(readFileSync(`${CASES}${file}`, 'utf8'));
}

for (const file of readdirSync(CASES).sort()) {
  const { engines, steps } = readCase(file);
  for (const engine of engines) {
    Before28(`${file.replace('.txt', '')}, ${engine}`, () => {
      const run = new CaseRun(engine);
      for (const { line, failure, commands, rules } of steps) {
        assert.is(run.take(line), failure, line);
        assert.match(`${run.commands.join('\n')}\n`, commands.map((command) => `${command}\n`).join(''), line);
        if (rules !== undefined) assert.is(comparable(run.host.saveRules()), rules, `${engine}: rules behind ${line}`);
      }
    });
  }
}

Before28.run();
