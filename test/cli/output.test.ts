// What the commands print arrives whole, or the exit code says that it did not; a reader that has seen enough is no
// error. Without --out nothing is written.
import { spawnSync } from 'node:child_process';
import { existsSync, linkSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { writeEst64 } from '../../bench/est64.js';
import { readFile } from '../codecs/capture-files.js';

const Output = suite('output');

const MAIN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
const EXAMPLE = fileURLToPath(new URL('../../../pcaps/docker/', import.meta.url));
const RULES = join(EXAMPLE, 'rules.v4');
const HOST = join(EXAMPLE, 'host.json');
/** The report of so many connections does not fit into a pipe. */
const CONNECTIONS = 2000;

let dir = '';
let eth0 = '';
Output.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-test-'));
  eth0 = writeEst64(dir, 20_000, CONNECTIONS).eth0;
});
Output.after(() => rmSync(dir, { recursive: true }));

const replayArgs = (...more: string[]) => ['replay', '--rules', RULES, '--host', HOST, '--in', `eth0=${eth0}`, ...more];

function nfreplay(...args: string[]) {
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', maxBuffer: 2 ** 26 });
}

/** Runs SCRIPT in a shell, in which `run` runs nfreplay; returns what it printed and the exit code of nfreplay. */
function shell(script: string): { stderr: string; code: number } {
  const prelude = 'run() { "$NODE" "$MAIN" "$@"; echo $? >"$DIR/code"; }\n';
  const env = { ...process.env, NODE: process.execPath, MAIN, RULES, HOST, ETH0: eth0, DIR: dir };
  const { stderr } = spawnSync('sh', ['-c', prelude + script], { encoding: 'utf8', env });
  const code = readFileSync(join(dir, 'code'), 'utf8');
  rmSync(join(dir, 'code'));
  return { stderr, code: Number(code) };
}

const REPLAY = 'run replay --rules "$RULES" --host "$HOST" --in eth0="$ETH0"';

Output('a reader that has seen enough is no error, and the exit code is that of the work', () => {
  const out = join(dir, 'piped');
  const report = shell(`${REPLAY} --json --out "$DIR/piped" | head -n 1 >/dev/null`);
  assert.equal([report.stderr, report.code], ['', 0]);
  assert.ok(readdirSync(out).includes('summary.json'));

  const packets = shell(`${REPLAY} --out - | head -c 24 >"$DIR/packets"`);
  assert.equal([packets.stderr, packets.code], ['', 0]);
  assert.is(readFileSync(join(dir, 'packets')).length, 24);

  const cases = 'pcaps/docker pcaps/hairpin';
  const differing = shell(`cp -r pcaps/docker "$DIR/case"; sed -i 's/:6379$/:6380/' "$DIR/case/rules.v4"
    run check "$DIR/case" ${cases} | head -c 1 >/dev/null`);
  assert.equal([differing.stderr, differing.code], ['', 1]);
});

(existsSync('/dev/full') ? Output : Output.skip)('a full disk is one line and exit code 4', () => {
  const line = 'nfreplay: standard output: cannot write: no space is left on the device\n';
  for (const args of ['--out "$DIR/full"', '--json']) {
    const { stderr, code } = shell(`${REPLAY} ${args} >/dev/full`);
    assert.equal([stderr, code], [line, 4]);
  }
  for (const command of ['run --help', 'run replay --help', 'run --version', 'run check pcaps/docker']) {
    const { stderr, code } = shell(`${command} >/dev/full`);
    assert.equal([stderr, code], [line, 4], command);
  }
  const packets = shell(`${REPLAY} --out - >/dev/full`);
  assert.equal([packets.stderr, packets.code], [line, 4]);
  // Where no message can be written, the exit code still says it.
  const both = shell(`${REPLAY} --in eth1=missing >/dev/full 2>/dev/full`);
  assert.equal([both.stderr, both.code], ['', 2]);
});

Output('all of a long report arrives', () => {
  const summary = JSON.parse(nfreplay(...replayArgs('--json')).stdout);
  assert.is(summary.connections.count, CONNECTIONS);
  assert.is(summary.connections.listed.length, 1000);
});

Output('without --out nothing is written, and the report is the same', () => {
  const before = readdirSync(dir);
  for (const engine of ['remembered', 'interpreter']) {
    const summary = JSON.parse(nfreplay(...replayArgs('--json', '--engine', engine)).stdout);
    const written = JSON.parse(nfreplay(...replayArgs('--json', '--engine', engine, '-o', join(dir, 'looked'))).stdout);
    assert.ok(written.outputs.length > 0);
    assert.equal(summary, { ...written, outputs: [] });
    rmSync(join(dir, 'looked'), { recursive: true });
  }
  const { stdout, status } = nfreplay(...replayArgs());
  assert.is(status, 0);
  assert.match(stdout, /\nnothing was written; --out DIR writes the results\n$/);
  assert.equal(readdirSync(dir), before);
});

/** Expects that ARGS are refused as wrong usage, with a message, and that nothing in the folder changes. */
function refused(says: string, args: readonly string[], input?: string): void {
  const before = contents();
  const { status, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', input });
  assert.match(stderr, says);
  assert.is(status, 2, stderr);
  assert.equal(contents(), before);
}

const contents = () => readdirSync(dir, { recursive: true }).map(String).sort();

Output('standard input can be given once', () => {
  const twice = ['replay', '--rules', RULES, '--host', HOST, '--in', 'eth0=-'];
  refused('standard input is given twice', [...twice, '--in', 'docker0=-'], '');
  refused('standard input is given twice', [...twice, '--in', 'docker0=/dev/stdin'], '');
  refused('standard input is given twice', ['replay', '--rules', '-', '--host', HOST, '--in', 'eth0=-'], '');
  const rules = ['replay', '--rules', '-', '--host', HOST, '--in', `eth0=${eth0}`, '--json'];
  const { stdout } = spawnSync(process.execPath, [MAIN, ...rules], { input: readFileSync(RULES), encoding: 'utf8' });
  assert.is(JSON.parse(stdout).run.rules.path, '-');
});

Output('two names of one file, or an input that would be replaced, are refused', () => {
  const link = join(dir, 'link.pcap');
  linkSync(eth0, link);
  refused('are the same file', replayArgs('--in', `docker0=${link}`));
  rmSync(link);
  symlinkSync(eth0, link);
  refused('are the same file', replayArgs('--in', `docker0=${link}`));
  rmSync(link);

  const out = join(dir, 'mine');
  assert.is(nfreplay(...replayArgs('--out', out)).status, 0);
  const host = join(out, 'rules.v4');
  const inside = ['replay', '--rules', host, '--host', HOST, '--in', `eth0=${eth0}`, '--out', out];
  refused('which the results would replace', inside);
  refused('which the results would replace', replayArgs('--in', `docker0=${join(out, 'eth0.pcap')}`, '--out', out));
  symlinkSync(out, join(dir, 'alias'));
  refused('which the results would replace', [...inside.slice(0, -1), join(dir, 'alias')]);
  linkSync(join(out, 'docker0.pcap'), link);
  refused('which the results would replace', replayArgs('--in', `docker0=${link}`, '--out', out));

  const whole = readFileSync(eth0);
  const { code } = shell(`${REPLAY} --out - >>"$ETH0" 2>/dev/null`);
  assert.is(code, 2);
  assert.equal(readFileSync(eth0), whole);
});

Output('the same capture may be given twice by its name', () => {
  const { stdout } = nfreplay(...replayArgs('--in', `eth0=${eth0}`, '--json'));
  assert.is(JSON.parse(stdout).packets.read, 2 * readFile(eth0).records.length);
});

Output.run();
