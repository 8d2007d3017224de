// Whatever happens to the process, and whatever other processes do, a folder of results is complete.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { recover } from '../../io/staged-dir.js';

const Killed = suite('killed runs');

let parent = '';
Killed.before.each(() => {
  parent = mkdtempSync(join(realpathSync(tmpdir()), 'nfreplay-test-'));
});
Killed.after.each(() => rmSync(parent, { recursive: true }));

const MAIN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
const KILL_AT = new URL('./kill-at.js', import.meta.url).href;
const CASE = fileURLToPath(new URL('../../../pcaps/hairpin/', import.meta.url));

/** The arguments of Node for a replay into `out`, preceded by OPTIONS of Node. */
function replayArgs(options: readonly string[], seed: number): string[] {
  const words = [MAIN, 'replay', '--rules', join(CASE, 'rules.v4'), '--host', join(CASE, 'host.json')];
  const input = ['--in', `docker0=${join(CASE, 'in/docker0.pcap')}`];
  return [...options, ...words, ...input, '--seed', String(seed), '--out', join(parent, 'out')];
}

const RESULT = ['conntrack.txt', 'docker0.pcap', 'dropped.pcap', 'eth0.pcap', 'local.pcap', 'rules.v4', 'summary.json'];
const seedOf = () => JSON.parse(readFileSync(join(parent, 'out/summary.json'), 'utf8')).run.options.seed;

/** Expects that a run with seed 2 over results of seed 1, which was killed, has left one of the two, complete. */
function isOldOrNew(): void {
  recover(join(parent, 'out'));
  assert.equal(readdirSync(parent), ['out']);
  assert.equal(readdirSync(join(parent, 'out')), RESULT);
  assert.ok([1, 2].includes(seedOf()));
  for (const name of RESULT) assert.ok(readFileSync(join(parent, 'out', name)).length > 0, name);
}

Killed('a command that is killed before any call that changes something loses nothing', () => {
  const first = spawnSync(process.execPath, replayArgs(['--import', KILL_AT], 1), { encoding: 'utf8' });
  assert.is(first.status, 0, first.stderr);
  const second = spawnSync(process.execPath, replayArgs(['--import', KILL_AT], 2), { encoding: 'utf8' });
  const calls = Number(/calls: (\d+)\n$/.exec(second.stderr)?.[1]);
  assert.ok(calls > 15, second.stderr);
  for (let killAt = 1; killAt <= calls; killAt++) {
    const env = { ...process.env, KILL_AT: String(killAt) };
    const { signal } = spawnSync(process.execPath, replayArgs(['--import', KILL_AT], 2), { env });
    if (killAt < calls) assert.is(signal, 'SIGKILL', `call ${killAt}`);
    isOldOrNew();
  }
});

/** Whether strace is here and may trace. */
const hasStrace = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0;

(hasStrace ? Killed : Killed.skip)('killed by the kernel at each system call, nothing is lost either', () => {
  assert.is(spawnSync(process.execPath, replayArgs([], 1)).status, 0);
  const calls = 'rename,renameat,renameat2,rmdir,unlink,unlinkat,mkdir,mkdirat';
  let killed = 0;
  for (let when = 1; when <= 40; when++) {
    const inject = ['-f', '-o', '/dev/null', '-e', `inject=${calls}:signal=KILL:when=${when}`];
    const { status } = spawnSync('strace', [...inject, process.execPath, ...replayArgs([], 2)]);
    isOldOrNew();
    if (status === 0) break;
    killed++;
  }
  assert.ok(killed >= 4, `${killed}`);
});

Killed(
  'results that a killed run has moved away are there again for the next command that reads or replaces them',
  () => {
    const args = replayArgs([], 1);
    assert.is(spawnSync(process.execPath, args).status, 0);
    for (const out of [join(parent, 'out'), join(parent, 'other')]) {
      renameSync(join(parent, 'out'), join(parent, '.out.previous-x-1'));
      const again = args.map((word) => (word === join(CASE, 'rules.v4') ? join(parent, 'out/rules.v4') : word));
      const read = out === join(parent, 'out') ? args : [...again.slice(0, -1), out];
      assert.is(spawnSync(process.execPath, read).status, 0);
      assert.equal(readdirSync(join(parent, 'out')), RESULT);
    }
    assert.equal(readdirSync(parent), ['other', 'out']);
  },
);

Killed('two runs at the same time leave the results of one of them', async () => {
  const runs = Array.from({ length: 8 }, (_, seed) => {
    const child = spawn(process.execPath, replayArgs([], seed), { stdio: 'ignore' });
    return new Promise((done) => child.on('exit', done));
  });
  assert.equal(
    await Promise.all(runs),
    runs.map(() => 0),
  );
  assert.equal(readdirSync(join(parent, 'out')), RESULT);
  assert.equal(readdirSync(parent), ['out']);
});

Killed.run();
