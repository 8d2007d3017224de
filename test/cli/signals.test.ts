// A signal ends every command, whatever it is waiting for or working on; nothing stays behind. On a live input the
// first SIGINT is its end.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { writeEst64 } from '../../bench/est64.js';

const Signals = suite('signals');

const MAIN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
const EXAMPLE = fileURLToPath(new URL('../../../pcaps/docker/', import.meta.url));
const RULES = join(EXAMPLE, 'rules.v4');
const HOST = join(EXAMPLE, 'host.json');
const PACKETS = 100;

/** The exit codes: 128 and the signal's number. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
type Signal = keyof typeof SIGNALS;

/** Inputs and rules, and for each test a folder in which nothing may stay. */
let files = '';
let dir = '';
let eth0 = '';
let large = '';
let endless = '';

Signals.before(() => {
  files = mkdtempSync(join(tmpdir(), 'nfreplay-test-'));
  eth0 = writeEst64(files, PACKETS, 5).eth0;
  large = writeEst64(files, 400_000, 100).eth0;
  endless = join(files, 'endless.v4');
  writeFileSync(endless, endlessRules());
});
Signals.after(() => rmSync(files, { recursive: true }));
Signals.before.each(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-test-'));
});
Signals.after.each(() => rmSync(dir, { recursive: true }));

/** Rules that a packet is busy with for hours: each of 45 chains enters the next one twice. */
function endlessRules(): string {
  const names = Array.from({ length: 45 }, (_, i) => `C${i}`);
  const rules = names.slice(1).flatMap((name, i) => [`-A C${i} -j ${name}`, `-A C${i} -j ${name}`]);
  const chains = [':INPUT ACCEPT [0:0]', ':FORWARD ACCEPT [0:0]', ...names.map((name) => `:${name} - [0:0]`)];
  const lines = ['*filter', ...chains, '-A INPUT -j C0', '-A FORWARD -j C0', ...rules, 'COMMIT'];
  return `${lines.join('\n')}\n`;
}

/** Options of Node for the commands. */
let nodeOptions: readonly string[] = [];

/** A command that runs in the folder of the test, and for temporary files uses it too. */
class Command {
  readonly child: ChildProcess;
  readonly exit: Promise<number | string | null>;
  stderr = '';
  /** There is something to read on its standard output, which nobody does. */
  hasPrinted = false;

  constructor(...args: string[]) {
    const words = [...nodeOptions, MAIN, ...args];
    this.child = spawn(process.execPath, words, { cwd: dir, env: { ...process.env, TMPDIR: dir } });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.child.stdout?.once('readable', () => {
      this.hasPrinted = true;
    });
    this.exit = new Promise((resolve) => this.child.on('exit', (code, signal) => resolve(code ?? signal)));
  }

  /** Waits until the command is in the state that IS_REACHED detects. */
  async until(isReached: () => boolean): Promise<void> {
    while (!isReached()) {
      if (this.hasEnded) throw new Error(`it has ended: ${await this.exit} ${this.stderr}`);
      await pause(10);
    }
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Whether the command has asked for signals (proc(5), status): of these, Node itself does not ask for SIGHUP. */
  get isListening(): boolean {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    return (Number.parseInt(/^SigCgt:\s*\w*(\w)$/m.exec(status)?.[1] ?? '0', 16) & 1) !== 0;
  }

  get isStaged(): boolean {
    return readdirSync(dir).some((name) => name.startsWith('.out.partial-'));
  }
}

const replayArgs = (rules: string, input: string, ...more: string[]) => [
  'replay',
  ...['--rules', rules, '--host', HOST, '--in', `eth0=${input}`],
  ...more,
];

/** Expects that each of SIGNALS ends a command started with ARGS as soon as it IS_BUSY, and that nothing stays. */
async function isEnded(
  args: readonly string[],
  isBusy: (command: Command) => boolean,
  signals: readonly Signal[] = ['SIGINT', 'SIGTERM', 'SIGHUP'],
): Promise<void> {
  const before = readdirSync(dir);
  for (const signal of signals) {
    const command = new Command(...args);
    await command.until(() => isBusy(command));
    command.child.kill(signal);
    assert.is(await command.exit, SIGNALS[signal], `${signal}: ${command.stderr}`);
    assert.is(command.stderr, '');
    assert.equal(readdirSync(dir), before, signal);
  }
}

const hasProc = existsSync('/proc/self/status');
const OnLinux = hasProc ? Signals : Signals.skip;

Signals('a replay between two steps', async () => {
  await isEnded(replayArgs(RULES, large, '--out', 'out'), ({ isStaged }) => isStaged);
});

Signals('a packet that meets billions of rules', async () => {
  for (const engine of ['remembered', 'interpreter']) {
    await isEnded(replayArgs(endless, eth0, '--out', 'out', '--engine', engine), ({ isStaged }) => isStaged);
  }
});

Signals('missing parents of the results go away as well', async () => {
  const args = replayArgs(endless, eth0, '--out', 'a/b/c');
  await isEnded(args, () => existsSync(join(dir, 'a/b')) && readdirSync(join(dir, 'a/b')).length > 0, ['SIGTERM']);
});

OnLinux('a named pipe that nobody opens', async () => {
  execFileSync('mkfifo', [join(dir, 'pipe')]);
  await isEnded(replayArgs(RULES, 'pipe', '--out', 'out'), ({ isListening }) => isListening, ['SIGTERM', 'SIGHUP']);
  await isEnded(replayArgs('pipe', eth0, '--out', 'out'), ({ isListening }) => isListening);
});

Signals('a pipe in which nothing comes', async () => {
  const args = replayArgs(RULES, '-', '--out', 'out');
  await isEnded(args, ({ isStaged }) => isStaged, ['SIGTERM', 'SIGHUP']);
});

OnLinux('rules that do not end', async () => {
  await isEnded(replayArgs('-', eth0, '--out', 'out'), ({ isListening }) => isListening);
});

Signals('a reader of the packets that reads nothing', async () => {
  await isEnded(replayArgs(RULES, large, '--out', '-'), ({ hasPrinted }) => hasPrinted);
});

Signals('a check of golden cases', async () => {
  mkdirSync(join(files, 'case'));
  for (const name of ['host.json', 'in', 'want']) {
    cpSync(join(EXAMPLE, name), join(files, 'case', name), { recursive: true });
  }
  cpSync(endless, join(files, 'case/rules.v4'));
  const isBusy = () => readdirSync(dir).some((name) => name.startsWith('nfreplay-check-'));
  await isEnded(['check', join(files, 'case')], isBusy);
  await isEnded(['check', '--update', join(files, 'case')], isBusy, ['SIGTERM']);
});

OnLinux('a measurement', async () => {
  const args = ['bench', '--rules', endless, '--host', HOST, '--in', `eth0=${eth0}`];
  await isEnded(args, ({ isListening }) => isListening);
});

/** Whether script(1) can run a command in a terminal of its own. */
const hasScript =
  hasProc &&
  spawnSync('script', ['-qec', 'true', '/dev/null'], { env: { ...process.env, SHELL: '/bin/sh' } }).status === 0;

/**
 * Starts nfreplay with ARGS in a terminal, and closes that when the results are staged. Resolves with the process id of
 * nfreplay, and a promise of its exit code.
 */
async function inClosedTerminal(args: readonly string[]): Promise<{ pid: number; exit: Promise<string> }> {
  const words = [process.execPath, MAIN, ...args].map((word) => `'${word}'`);
  const code = join(files, 'code');
  rmSync(code, { force: true });
  // The shell is told that its terminal is gone; it survives, to tell the exit code of nfreplay, which is not told.
  writeFileSync(join(files, 'closed.sh'), `trap '' HUP\n${words.join(' ')}\necho $? > '${code}'\n`);
  // With `exec` in any shell: one that stays would be told as well, and its end would end nfreplay.
  const closed = ['-qec', `exec sh ${join(files, 'closed.sh')}`, '/dev/null'];
  const terminal = spawn('script', closed, { cwd: dir, env: { ...process.env, SHELL: '/bin/sh' } });
  let pid: string | undefined;
  while (pid === undefined) {
    await pause(10);
    pid = /^\.out\.partial-\w+\.(\d+)\./m.exec(readdirSync(dir).join('\n'))?.[1];
  }
  terminal.kill('SIGKILL');
  const exit = (async () => {
    while (!existsSync(code) || readFileSync(code).length === 0) await pause(10);
    return readFileSync(code, 'utf8').trim();
  })();
  return { pid: Number(pid), exit };
}

(hasScript ? Signals : Signals.skip)('the terminal is closed', async () => {
  const { pid, exit } = await inClosedTerminal(replayArgs(endless, eth0, '--out', 'out'));
  process.kill(pid, 'SIGHUP');
  assert.is(await exit, String(SIGNALS.SIGHUP));
  assert.equal(readdirSync(dir), []);
});

(hasScript ? Signals : Signals.skip)('without a terminal, the exit code is that of the work', async () => {
  execFileSync('mkfifo', [join(dir, 'pipe')]);
  // Whoever opens the pipe first waits for the other.
  const writer = spawn('sh', ['-c', 'exec 3> pipe; read go; cat "$0" >&3', eth0], { cwd: dir });
  const { exit } = await inClosedTerminal(replayArgs(RULES, 'pipe', '--out', 'out'));
  writer.stdin.end('go\n');
  assert.is(await exit, '0');
  assert.equal(readdirSync(dir), ['out', 'pipe']);
});

/** More than what waits between two processes: pipes hold 64 KiB (man 7 pipe), sockets some hundred (man 7 socket). */
const MORE_THAN_WAITS = 1 << 22;

Signals('the first SIGINT is the end of a live input, and the results are put in place', async () => {
  const capture = readFileSync(eth0);
  const packetsOnce = capture.subarray(24);
  // When all of it has been written, some has been read, whatever else the machine does.
  const times = Math.ceil(MORE_THAN_WAITS / packetsOnce.length);
  const command = new Command(...replayArgs(RULES, '-', '--out', 'out'));
  const bytes = Buffer.concat([capture, ...Array(times).fill(packetsOnce)]);
  await new Promise((written) => command.child.stdin?.write(bytes, written));
  command.child.kill('SIGINT');
  assert.is(await command.exit, 0, command.stderr);
  assert.equal(readdirSync(dir), ['out']);
  const { packets, warnings } = JSON.parse(readFileSync(join(dir, 'out/summary.json'), 'utf8'));
  assert.ok(packets.read > 0 && packets.read <= (bytes.length - 24) / 80);
  const warning = `the input was ended by an interrupt (SIGINT) after ${packets.read} packets`;
  assert.equal(warnings, [warning]);
  assert.is(command.stderr, `nfreplay: warning: ${warning}\n`);
});

Signals('a signal after everything is done does not change the exit code', async () => {
  const script = join(files, 'late-signal.cjs');
  const send = "process.on('exit', () => process.kill(process.pid, 'SIGTERM'))";
  writeFileSync(script, `if (require('node:worker_threads').isMainThread) ${send};\n`);
  nodeOptions = ['--require', script];
  try {
    for (const input of [eth0, '-']) {
      const command = new Command(...replayArgs(RULES, input, '--out', 'out'));
      command.child.stdin?.end(readFileSync(eth0));
      assert.is(await command.exit, 0, `${input}: ${command.stderr}`);
      assert.equal(readdirSync(dir), ['out']);
    }
  } finally {
    nodeOptions = [];
  }
});

Signals('a live input that ends by itself gives no such warning', async () => {
  const command = new Command(...replayArgs(RULES, '-', '--out', 'out'));
  command.child.stdin?.end(readFileSync(eth0));
  assert.is(await command.exit, 0, command.stderr);
  assert.is(command.stderr, '');
});

Signals('SIGINT before the first packet leaves earlier results as they were', async () => {
  const header = readFileSync(eth0).subarray(0, 24);
  const earlier = new Command(...replayArgs(RULES, eth0, '--out', 'out'));
  assert.is(await earlier.exit, 0, earlier.stderr);
  const summary = readFileSync(join(dir, 'out/summary.json'));
  for (const written of [header.subarray(0, 0), header]) {
    const command = new Command(...replayArgs(RULES, '-', '--out', 'out'));
    command.child.stdin?.write(written);
    await command.until(() => command.isStaged);
    command.child.kill('SIGINT');
    assert.is(await command.exit, SIGNALS.SIGINT, command.stderr);
    assert.is(command.stderr, '');
    assert.equal(readdirSync(dir), ['out']);
    assert.equal(readFileSync(join(dir, 'out/summary.json')), summary);
  }
});

OnLinux('SIGINT ends a named pipe that nobody has opened, and there are no results', async () => {
  execFileSync('mkfifo', [join(dir, 'pipe')]);
  const command = new Command(...replayArgs(RULES, 'pipe', '--out', 'out'));
  await command.until(() => command.isListening);
  command.child.kill('SIGINT');
  assert.is(await command.exit, SIGNALS.SIGINT, command.stderr);
  assert.equal(readdirSync(dir), ['pipe']);
});

Signals('another SIGINT ends the work on a live input', async () => {
  const command = new Command(...replayArgs(endless, '-', '--out', 'out'));
  command.child.stdin?.write(readFileSync(eth0));
  await command.until(() => command.isStaged);
  while (!command.hasEnded) {
    command.child.kill('SIGINT');
    await pause(50);
  }
  // One that comes while Node ends the process ends it itself. For a shell, that is 130 too.
  const exit = await command.exit;
  assert.ok(exit === SIGNALS.SIGINT || exit === 'SIGINT', `${exit} ${command.stderr}`);
  assert.equal(readdirSync(dir), []);
});

OnLinux('a named pipe is read like a file, also if its writer has nothing to say', async () => {
  execFileSync('mkfifo', [join(dir, 'pipe')]);
  const full = new Command(...replayArgs(RULES, 'pipe', '--out', 'out'));
  execFileSync('sh', ['-c', `cat "${eth0}" > "${join(dir, 'pipe')}"`]);
  assert.is(await full.exit, 0, full.stderr);
  const { packets, run } = JSON.parse(readFileSync(join(dir, 'out/summary.json'), 'utf8'));
  assert.is(packets.read, (readFileSync(eth0).length - 24) / 80);
  assert.equal(run.captures, [{ path: 'pipe', option: 'in', interface: 'eth0', input: 0 }]);
  const empty = new Command(...replayArgs(RULES, 'pipe', '--out', 'none'));
  execFileSync('sh', ['-c', `: > "${join(dir, 'pipe')}"`]);
  assert.is(await empty.exit, 4);
  assert.match(empty.stderr, 'pipe: byte 0: the file is empty');
});

Signals.run();
