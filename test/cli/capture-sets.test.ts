/** How captures are named on the command line: patterns, several words, standard input. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const Sets = suite('sets of captures');

const MAIN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
const CASE = fileURLToPath(new URL('../../../pcaps/docker/', import.meta.url));
const HEADER_BYTES = 24;

let dir = '';
let eth0: Buffer;
Sets.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-sets-'));
  eth0 = readFileSync(join(CASE, 'in/eth0.pcap'));
  const middle = boundary(eth0);
  const header = eth0.subarray(0, HEADER_BYTES);
  writeFileSync(join(dir, 'x.pcap1'), eth0.subarray(0, middle));
  writeFileSync(join(dir, 'x.pcap2'), Buffer.concat([header, eth0.subarray(middle)]));
});
Sets.after(() => rmSync(dir, { recursive: true }));

/** The beginning of a record near the middle of FILE. */
function boundary(file: Buffer): number {
  let at = HEADER_BYTES;
  while (at < file.length / 2) at += 16 + file.readUInt32LE(at + 8);
  return at;
}

interface Outcome {
  status: number | null;
  stderr: string;
  /** Packets by input, if there is a summary. */
  packets: number[];
}

function run(words: readonly string[], input: Uint8Array = Buffer.alloc(0)): Outcome {
  const args = ['replay', '--rules', join(CASE, 'rules.v4'), '--host', join(CASE, 'host.json'), '--json', ...words];
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    encoding: 'utf8',
    cwd: dir,
    input,
  });
  const inputs: { packets: number }[] = status === 0 ? JSON.parse(stdout).inputs : [];
  return { status, stderr, packets: inputs.map(({ packets }) => packets) };
}

const total = ({ packets }: Outcome): number => packets.reduce((sum, count) => sum + count, 0);

Sets('a quoted pattern, a pattern that the shell expanded, and two options are the same packets', () => {
  const whole = run(['--in', `eth0=${join(CASE, 'in/eth0.pcap')}`]);
  assert.is(whole.packets.length, 1);
  for (const words of [
    ['--in', 'eth0=x.pcap*'],
    ['--in', `eth0=${dir}/x.pcap[12]`],
    ['--in', 'eth0=x.pcap1', 'eth0=x.pcap2'],
    ['--in', 'eth0=x.pcap2', '--in', 'eth0=x.pcap1'],
    ['--stitch', 'x.pcap1', 'x.pcap2'],
    ['--stitch', 'x.pcap?'],
  ]) {
    const outcome = run(words);
    assert.is(outcome.status, 0, outcome.stderr);
    assert.is(outcome.packets.length, 2, words.join(' '));
    assert.is(total(outcome), total(whole), words.join(' '));
  }
});

Sets('standard input may be compressed, or captures in a row', () => {
  const whole = run(['--in', `eth0=${join(CASE, 'in/eth0.pcap')}`]);
  const rotated = Buffer.concat(['x.pcap1', 'x.pcap2'].map((name) => readFileSync(join(dir, name))));
  for (const input of [gzipSync(eth0), rotated, gzipSync(rotated)]) {
    assert.is(total(run(['--in', 'eth0=-'], input)), total(whole));
  }
});

Sets('a pattern that matches nothing, or something that is no capture, is an error about the file', () => {
  const nothing = run(['--in', 'eth0=y*.pcap']);
  assert.is(nothing.status, 4);
  assert.is(nothing.stderr, 'nfreplay: y*.pcap: no file matches this pattern\n');
  writeFileSync(join(dir, 'x.txt'), 'hello');
  const foreign = run(['--in', 'eth0=x.*']);
  assert.is(foreign.status, 4);
  assert.match(foreign.stderr, /^nfreplay: x\.txt: byte 0: /);
});

Sets('a word that belongs to no option is refused', () => {
  const outcome = run(['--in', 'eth0=x.pcap1', '--lax', 'eth0=x.pcap2']);
  assert.is(outcome.status, 2);
  assert.match(outcome.stderr, /unexpected argument: eth0=x\.pcap2/);
});

Sets.run();
