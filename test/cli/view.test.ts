/** `nfreplay view`: the page fills while packets are replayed, and how it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { writeEst64 } from '../../bench/est64.js';
import type { ReportIndex } from '../../explain/report/format/model.js';
import { replay } from '../../replay/replay.js';

const View = suite('nfreplay view');

const MAIN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
const CASE = fileURLToPath(new URL('../../../pcaps/docker/', import.meta.url));
const HOST = ['--rules', join(CASE, 'rules.v4'), '--host', join(CASE, 'host.json')];
const HEADER_BYTES = 24;

let dir = '';
View.before.each(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-view-'));
});
View.after.each(() => rmSync(dir, { recursive: true }));

class Viewing {
  readonly child: ChildProcess;
  readonly exit: Promise<number | null>;
  stdout = '';
  stderr = '';

  constructor(...args: string[]) {
    this.child = spawn(process.execPath, [MAIN, 'view', ...args], { cwd: dir, env: { ...process.env, TMPDIR: dir } });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.exit = once(this.child, 'close').then(([code]) => code);
  }

  /** Waits until the command is in the state that IS_REACHED detects. */
  async until(isReached: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await isReached())) {
      if (this.child.exitCode !== null) throw new Error(`it has ended: ${this.child.exitCode} ${this.stderr}`);
      await pause(10);
    }
  }

  /** The answer to a request for PATH, once it has said where to ask. */
  async ask(path: string): Promise<Response> {
    await this.until(() => this.stdout.includes('\n'));
    return fetch(this.stdout.trim() + path);
  }

  /** The index as it is now; undefined: there is none yet. */
  async index(): Promise<ReportIndex | undefined> {
    const answer = await this.ask('index');
    return answer.ok ? ((await answer.json()) as ReportIndex) : undefined;
  }

  async untilRead(packets: number): Promise<ReportIndex> {
    let index: ReportIndex | undefined;
    await this.until(async () => {
      index = await this.index();
      return index?.results[0]?.packets.read === packets;
    });
    return index!;
  }

  async untilDone(): Promise<void> {
    await this.until(() => this.stderr.includes('all packets have been replayed'));
  }
}

View('shows several results side by side, and ends with 0 by Ctrl-C when they have been replayed', async () => {
  const outDir = join(dir, 'out');
  replay({
    ...{ rulesPath: HOST[1], hostPath: HOST[3], outDir },
    inputs: [{ iface: 'eth0', path: join(CASE, 'in/eth0.pcap') }],
  });
  const before = readdirSync(dir);
  const viewing = new Viewing(CASE, outDir);
  await viewing.untilDone();
  assert.match(viewing.stdout, /^http:\/\/127\.0\.0\.1:\d+\/[\w-]{22,}\/\n$/);
  const page = await viewing.ask('');
  assert.match(await page.text(), '<!doctype html>');
  const { results, title } = (await viewing.index())!;
  assert.equal(
    results.map(({ name, isRunning }) => [name, isRunning]),
    [
      [CASE, false],
      [outDir, false],
    ],
  );
  assert.is(title, `${CASE}, ${outDir}`);
  assert.is(results[0].packets.read, 35);
  for (const [number, { sections }] of results.entries())
    for (const [kind, { chunks }] of Object.entries(sections))
      for (let chunk = 0; chunk < chunks; chunk++)
        assert.is((await viewing.ask(`sections/${number}/${kind}/${chunk}`)).status, 200, kind);
  viewing.child.kill('SIGINT');
  assert.is(await viewing.exit, 0);
  assert.equal(readdirSync(dir), before);
});

View('compares a ruleset with that of a case, and is ended by other signals as any command', async () => {
  const open = join(dir, 'open.v4');
  writeFileSync(open, '*filter\nCOMMIT\n');
  const viewing = new Viewing(CASE, '--rules', open);
  await viewing.untilDone();
  const { isComparison, results } = (await viewing.index())!;
  assert.ok(isComparison);
  assert.equal(
    results.map(({ name }) => name),
    [CASE, open],
  );
  assert.is((await viewing.ask('sections/comparison')).status, 200);
  viewing.child.kill('SIGTERM');
  assert.is(await viewing.exit, 143);
});

View('fills while packets arrive in a pipe, whose end is the first Ctrl-C', async () => {
  const capture = readFileSync(join(CASE, 'in/eth0.pcap'));
  const second = HEADER_BYTES + 16 + capture.readUInt32LE(HEADER_BYTES + 8);
  const third = second + 16 + capture.readUInt32LE(second + 8);
  const viewing = new Viewing(...HOST, '--in', 'eth0=-');
  const { stdin } = viewing.child;
  stdin?.write(capture.subarray(0, second));
  const { results } = await viewing.untilRead(1);
  assert.is(results[0].isRunning, true);
  assert.is((await viewing.ask('sections/0/packets/0')).status, 200);
  stdin?.write(capture.subarray(second, third));
  await viewing.untilRead(2);
  viewing.child.kill('SIGINT');
  await viewing.untilDone();
  const index = await viewing.untilRead(2);
  assert.is(index.results[0].isRunning, false);
  assert.match(viewing.stderr, 'warning: the input was ended by an interrupt (SIGINT) after 2 packets');
  viewing.child.kill('SIGINT');
  assert.is(await viewing.exit, 0);
});

View('answers while packets are replayed, and ends with 130 if that is not over', async () => {
  const { eth0 } = writeEst64(dir, 100_000, 100);
  const before = readdirSync(dir);
  const viewing = new Viewing('--rules', HOST[1], '--host', HOST[3], '--in', `eth0=${eth0}`);
  await viewing.until(async () => (await viewing.index()) !== undefined);
  const { results } = (await viewing.index())!;
  assert.is(results[0].isRunning, true);
  const reads = results[0].packets.read;
  await viewing.until(async () => (await viewing.index())!.results[0].packets.read > reads);
  viewing.child.kill('SIGINT');
  assert.is(await viewing.exit, 130);
  assert.equal(readdirSync(dir), before);
});

View('what is wrong with the command line, the rules or the port is said, and nothing is served', async () => {
  const rules = join(dir, 'rules.v4');
  writeFileSync(rules, '*filter\n-A NOWHERE -j DROP\nCOMMIT\n');
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const refused: [words: string[], exitCode: number, message: RegExp][] = [
    [['--rules', rules, '--host', HOST[3], '--in', `eth0=${CASE}/in/eth0.pcap`], 2, /rules\.v4:2/],
    [[CASE, '--port', '70000'], 2, /--port 70000/],
    [[CASE, '--port', String(port)], 4, /something else listens there/],
    [['no-such-folder'], 4, /no such file or folder/],
    [[], 2, /nothing to show/],
  ];
  await Promise.all(
    refused.map(async ([words, exitCode, message]) => {
      const viewing = new Viewing(...words);
      assert.is(await viewing.exit, exitCode, viewing.stderr);
      assert.match(viewing.stderr, message);
      assert.is(viewing.stdout, '');
    }),
  );
  taken.close();
});

View.run();
