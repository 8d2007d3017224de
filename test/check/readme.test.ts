/** What README says under "Test a ruleset" works as it stands there, in an empty folder. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const Readme = suite('README, "Test a ruleset"');

const readme = readFileSync('README.md', 'utf8');
const section = readme.slice(readme.indexOf('## Test a ruleset'), readme.indexOf('## Golden cases'));
/** What is between fences. */
const blocks = [...section.matchAll(/^```\w*\n(.*?)^```$/gms)].map(([, block]) => block);
const [rules, host, expectations, passed, failed] = blocks;

let dir = '';
Readme.before.each(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-readme-'));
  mkdirSync(join(dir, 'web'));
  writeFileSync(join(dir, 'web/rules.v4'), rules);
  writeFileSync(join(dir, 'web/host.json'), host);
  writeFileSync(join(dir, 'web/expect.yaml'), expectations);
});
Readme.after.each(() => rmSync(dir, { recursive: true, force: true }));

const MAIN = resolve('dist/cli/main.js');

function nfreplay(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const env = { ...process.env, NO_COLOR: '1', COLUMNS: undefined };
  return spawnSync(process.execPath, [MAIN, ...args], { cwd: dir, encoding: 'utf8', env });
}

Readme('its three claims are met', () => {
  assert.is(blocks.length, 5);
  const { status, stdout, stderr } = nfreplay('check', 'web');
  assert.equal([stdout, status, stderr], [passed, 0, '']);
});

Readme('with 80 in place of 443, one fails as it is shown', () => {
  writeFileSync(join(dir, 'web/rules.v4'), rules.replace('443', '80'));
  const { status, stdout, stderr } = nfreplay('check', 'web');
  assert.equal([stdout, status, stderr], [failed, 1, '']);
});

Readme('a snapshot takes the place of host.json and the rules, and other rules are checked', () => {
  mkdirSync(join(dir, 'mine'));
  copyFileSync('docs/walkthrough/host.txt', join(dir, 'mine/host.txt'));
  const [, options] = /echo '(.*)' > mine\/case\.json/.exec(section)!;
  writeFileSync(join(dir, 'mine/case.json'), options);
  const [, sentence] = /nfreplay trace --host mine\/host\.txt '(.*)'/.exec(section)!;
  const traced = nfreplay('trace', '--host', 'mine/host.txt', sentence);
  assert.is(traced.status, 0, traced.stderr);
  const [verdict] = traced.stdout.split(' ');
  writeFileSync(join(dir, 'mine/expect.yaml'), `expect:\n  - send: ${sentence}\n    ends: ${verdict}\n`);
  const checked = nfreplay('check', 'mine');
  assert.is(checked.status, 0, checked.stdout + checked.stderr);
  // What was delivered is dropped by rules that let in nothing.
  writeFileSync(join(dir, 'new.v4'), '*filter\n:INPUT DROP\n:FORWARD DROP\n:OUTPUT ACCEPT\nCOMMIT\n');
  const other = nfreplay('check', '--rules', 'new.v4', 'mine');
  assert.is(other.status, 1, other.stdout + other.stderr);
  assert.match(other.stdout, 'dropped by policy of filter INPUT (new.v4:2)');
});

Readme('without captures there is no case with golden captures, or without claims', () => {
  mkdirSync(join(dir, 'web/want'));
  assert.match(nfreplay('check', 'web').stderr, /^nfreplay: web: no input; expected in\/IFACE\.pcap,/);
  rmSync(join(dir, 'web/want'), { recursive: true });
  rmSync(join(dir, 'web/expect.yaml'));
  assert.match(nfreplay('check', 'web').stderr, /no input; expected .* or claims in expect\.yaml/);
  writeFileSync(join(dir, 'web/expect.yaml'), 'expect: [{ packet: tcp * > *:22 }]\n');
  assert.match(nfreplay('check', 'web').stdout, 'expected at least one packet; found none in the captures');
});

Readme.run();
