/** The command shrink: what it says, writes and ends with, also when it is interrupted. */
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

interface Context {
  parent: string;
  dir: string;
  out: string;
  env: NodeJS.ProcessEnv;
}

const Shrink = suite<Context>('nfreplay shrink');

Shrink.before.each((context) => {
  context.parent = mkdtempSync(join(tmpdir(), 'nfreplay-shrink-cli-'));
  context.dir = join(context.parent, 'case');
  context.out = join(context.parent, 'out');
  const temporary = join(context.parent, 'tmp');
  mkdirSync(temporary);
  context.env = { ...process.env, NO_COLOR: '1', COLUMNS: '100', TMPDIR: temporary };
  cpSync('pcaps/docker', context.dir, { recursive: true });
});

Shrink.after.each(({ parent }) => {
  rmSync(parent, { recursive: true, force: true });
});

function run({ env }: Context, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ['dist/cli/main.js', 'shrink', ...args], { encoding: 'utf8', env });
}

/** Changes the rules of the case. */
function edit(dir: string, change: (rules: string) => string): void {
  const path = join(dir, 'rules.v4');
  writeFileSync(path, change(readFileSync(path, 'utf8')));
}

/** Makes the published port of the case unreachable. */
function breakPort(dir: string): void {
  edit(dir, (rules) => rules.replace(/^-A DOCKER -d 172\.17\.0\.3.*\n/m, ''));
}

Shrink('says what fails, what is left and how many replays it took, and writes a case that fails alike', (context) => {
  const { dir, out, parent } = context;
  breakPort(dir);
  const { status, stdout, stderr } = run(context, dir, '-o', out);
  assert.is(stderr, '');
  assert.is(status, 0);
  assert.match(stdout, /^docker0, caused by the input of 1700000000/);
  assert.match(stdout, / packets +35 +→ +1\n/);
  assert.match(stdout, /^35 packets → 1, 18 rules → 3, .*: \d+ replays in \d+ s/m);
  assert.match(stdout, 'no single one of these can be left out');
  assert.match(stdout, `written to ${out}`);
  const check = spawnSync(process.execPath, ['dist/cli/main.js', 'check', out], { encoding: 'utf8' });
  assert.is(check.status, 1);
  assert.match(check.stdout, 'filter FORWARD 1');
  assert.equal(readdirSync(join(parent, 'tmp')), []);
});

Shrink('without -o it only looks; a folder with something in it is not written to', (context) => {
  const { dir, out, parent } = context;
  breakPort(dir);
  assert.is(run(context, dir).status, 0);
  assert.equal(readdirSync(parent).sort(), ['case', 'tmp']);
  mkdirSync(out);
  writeFileSync(join(out, 'mine'), '');
  const refused = run(context, dir, '-o', out);
  assert.is(refused.status, 4);
  assert.match(refused.stderr, 'is not empty (it contains mine)');
});

Shrink('a case that does not fail is an error that says so; so is a wrong call', (context) => {
  const { dir } = context;
  const met = run(context, dir);
  assert.is(met.status, 2);
  assert.match(met.stderr, 'nothing to show: ');
  assert.match(run(context).stderr, 'requires one CASE folder');
  assert.match(run(context, dir, '--claim', 'x', '--exit-code', '1').stderr, 'cannot be combined');
  assert.match(run(context, dir, '--claim', 'x').stderr, 'has no expect.yaml');
  assert.match(run(context, dir, '--exit-code', '0').stderr, '--exit-code 0: expected a whole number, at least 1');
  assert.match(run(context, 'pcaps').stderr, 'contains several cases');
  assert.match(run(context, dir, '--rules', '/dev/null').stderr, '--rules /dev/null: a pipe can be read only once');
});

const CHAINS = 150;

Shrink('Ctrl-C ends the search: the smallest case so far is written, and said to be that', async (context) => {
  const { dir, out, env, parent } = context;
  // Each of these chains is needed, so that the search takes its time.
  const names = Array.from({ length: CHAINS }, (_, i) => `C${i}`);
  const jumps = names.map((name, i) => `-A ${name} -j ${names[i + 1] ?? 'DROP'}`);
  edit(dir, (rules) =>
    rules
      .replace(':DOCKER-ISOLATION', `${names.map((name) => `:${name} - [0:0]`).join('\n')}\n$&`)
      .replace('-A FORWARD -j DOCKER-ISOLATION', `-A FORWARD -j C0\n${jumps.join('\n')}`),
  );
  const child = spawn(process.execPath, ['dist/cli/main.js', 'shrink', dir, '-o', out], { env });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  const exit = new Promise((resolve) => {
    child.on('exit', resolve);
  });
  // The failure is said before the search begins.
  while (!stdout.includes('docker0, caused by')) await pause(10);
  await pause(100);
  child.kill('SIGINT');
  assert.is(await exit, 130);
  assert.match(stdout, 'interrupted: this is the smallest case so far');
  assert.match(readFileSync(join(out, 'rules.v4'), 'utf8'), '-A C149 -j DROP');
  const check = spawnSync(process.execPath, ['dist/cli/main.js', 'check', out], { encoding: 'utf8' });
  assert.is(check.status, 1);
  assert.equal(readdirSync(join(parent, 'tmp')), []);
  assert.ok(existsSync(join(out, 'host.json')));
});

Shrink.run();
