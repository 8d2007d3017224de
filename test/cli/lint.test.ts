// The command nfreplay lint: text, JSON, SARIF, exit codes.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FINDINGS } from '../../explain/findings.js';

const Lint = suite('nfreplay lint');

const MAIN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'nfreplay-lint-'));
Lint.after(() => rmSync(dir, { recursive: true }));

const RULES = `*filter
:INPUT DROP [0:0]
-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT
-A INPUT -p tcp -m multiport --dports 80,443 -j ACCEPT
-A INPUT -s 192.0.2.0/24 -p tcp -m tcp --dport 443 -j DROP
COMMIT
`;
const CLEAN = RULES.split('\n').slice(0, 3).concat('COMMIT', '').join('\n');

interface Result {
  readonly ruleId: string;
  readonly level: string;
  readonly locations: readonly { readonly physicalLocation: unknown }[];
}

function lint(rules: string, ...args: string[]) {
  writeFileSync(join(dir, 'rules v4'), rules);
  const options = { cwd: dir, encoding: 'utf8' } as const;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [MAIN, 'lint', '--rules', 'rules v4', ...args],
    options,
  );
  return { status, stdout, stderr };
}

Lint('one line a finding, and exit code 1', () => {
  const { status, stdout, stderr } = lint(RULES);
  assert.is(stderr, '');
  assert.is(status, 1);
  assert.equal(stdout.split('\n'), [
    'rules v4:4 in part: -A INPUT -p tcp -m multiport --dports 80,443 -j ACCEPT: 80 is accepted before; left is e.g. ' +
      'eth0 tcp 203.0.113.7:51515 > 192.0.2.10:443 S state NEW  (rules v4:3)',
    'rules v4:5 never matches: -A INPUT -s 192.0.2.0/24 -p tcp -m tcp --dport 443 -j DROP: ' +
      'all of it is accepted before  (rules v4:4)',
    '2 findings in 3 rules',
    '',
  ]);
});

Lint('nothing found: exit code 0', () => {
  assert.equal(lint(CLEAN), { status: 0, stdout: 'nothing found in 1 rule\n', stderr: '' });
  assert.equal(JSON.parse(lint(CLEAN, '--json').stdout).findings, []);
});

Lint('JSON is as the schema says, which has all codes', () => {
  const schema = JSON.parse(readFileSync('docs/schema/lint.schema.json', 'utf8'));
  const validate = new Ajv2020({ allErrors: true, strictTypes: false }).compile(schema);
  const document = JSON.parse(lint(RULES, '--json').stdout);
  const { findings } = document;
  assert.ok(validate(document), JSON.stringify(validate.errors, null, 1));
  assert.is(findings.length, 2);
  assert.equal(findings[1].rules, [
    { file: 'rules v4', line: 5 },
    { file: 'rules v4', line: 4 },
  ]);
  assert.equal(schema.properties.findings.items.properties.code.enum, Object.keys(FINDINGS.lint));
});

Lint('SARIF names file and line of each finding, and the rules of the tool', () => {
  const { status, stdout } = lint(RULES, '--sarif');
  assert.is(status, 1);
  const { version, runs } = JSON.parse(stdout);
  assert.is(version, '2.1.0');
  const [{ tool, results }] = runs;
  assert.equal(
    (results as Result[]).map(({ ruleId, level, locations }) => [ruleId, level, locations[0].physicalLocation]),
    [
      ['shadowed-in-part', 'note', { artifactLocation: { uri: 'rules%20v4' }, region: { startLine: 4 } }],
      ['shadowed', 'warning', { artifactLocation: { uri: 'rules%20v4' }, region: { startLine: 5 } }],
    ],
  );
  for (const { ruleId, ruleIndex } of results) assert.is(tool.driver.rules[ruleIndex].id, ruleId);
});

Lint('what is missing or excludes each other is an error of usage', () => {
  const run = (...args: string[]) => spawnSync(process.execPath, [MAIN, 'lint', ...args], { encoding: 'utf8' });
  assert.is(run().status, 2);
  assert.match(run().stderr, 'nfreplay lint requires --rules or --host');
  assert.is(lint(RULES, '--json', '--sarif').status, 2);
  assert.is(lint('*filter\n-A INPUT -j NOWHERE\nCOMMIT\n').status, 2);
});

Lint.run();
