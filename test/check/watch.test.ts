/** `nfreplay check --watch`: what depends on a file that changes is checked again, until a signal. */
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const MOST_SECONDS = 60;

interface Context {
  parent: string;
  watching: Watching | undefined;
}

const Watch = suite<Context>('check --watch');

Watch.before.each((context) => {
  context.parent = mkdtempSync(join(tmpdir(), 'nfreplay-watch-'));
  context.watching = undefined;
  for (const name of ['a', 'b']) cpSync('pcaps/hairpin', join(context.parent, 'cases', name), { recursive: true });
});

Watch.after.each(async ({ parent, watching }) => {
  watching?.child.kill('SIGKILL');
  await watching?.ended;
  rmSync(parent, { recursive: true, force: true });
});

class Watching {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
  #output = '';

  constructor(...args: string[]) {
    this.child = spawn(process.execPath, ['dist/cli/main.js', 'check', '--watch', ...args], {
      env: { ...process.env, NO_COLOR: '1' },
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on('data', (chunk) => {
        this.#output += chunk;
      });
    this.ended = new Promise((resolve) => {
      this.child.on('close', (code, signal) => resolve({ code, signal }));
    });
  }

  /** What it prints until the end of a round. */
  async round(): Promise<string> {
    for (let i = 0; i < MOST_SECONDS * 20; i++) {
      const output = this.#output;
      if (/^watching .*\n/m.test(output)) {
        this.#output = '';
        return output;
      }
      await sleep(50);
    }
    throw new Error(`no round within ${MOST_SECONDS} s: ${this.#output}`);
  }
}

Watch(
  'what depends on a changed file is checked again; Ctrl-C ends with the code of the last results',
  async (context) => {
    const cases = join(context.parent, 'cases');
    const watching = new Watching(cases);
    context.watching = watching;
    assert.match(await watching.round(), /2 cases: 2 passed, 0 failed/);
    const path = join(cases, 'b', 'rules.v4');
    const rules = readFileSync(path, 'utf8');
    writeFileSync(path, rules.replace(':6379', ':6380'));
    const changed = await watching.round();
    assert.match(changed, /^failed .*b /);
    assert.not.match(changed, /cases\/a/);
    writeFileSync(path, '*filter\n-A NOWHERE\n');
    assert.match(await watching.round(), /error .*b .*[\s\S]*rules\.v4:2/);
    cpSync('pcaps/hairpin', join(cases, 'c'), { recursive: true });
    assert.match(await watching.round(), /^ok .*c /, 'a case that is new');
    rmSync(join(cases, 'c'), { recursive: true });
    writeFileSync(path, rules);
    assert.match(await watching.round(), /^ok .*b /);
    watching.child.kill('SIGINT');
    assert.equal(await watching.ended, { code: 0, signal: null });
  },
);

Watch('a change of --rules is one of all cases', async (context) => {
  const rules = join(context.parent, 'new.v4');
  cpSync('pcaps/hairpin/rules.v4', rules);
  const watching = new Watching(
    '--rules',
    rules,
    '--keep',
    join(context.parent, 'cases/kept'),
    join(context.parent, 'cases'),
  );
  context.watching = watching;
  assert.match(await watching.round(), /2 cases: 2 passed/);
  writeFileSync(rules, readFileSync(rules, 'utf8').replace(':6379', ':6380'));
  assert.match(await watching.round(), /2 cases: 0 passed, 2 failed/);
  watching.child.kill('SIGINT');
  assert.equal(await watching.ended, { code: 1, signal: null });
});

Watch('another signal ends it as it ends other commands', async (context) => {
  const watching = new Watching(join(context.parent, 'cases'));
  context.watching = watching;
  await watching.round();
  watching.child.kill('SIGTERM');
  assert.equal(await watching.ended, { code: 143, signal: null });
});

Watch.run();
