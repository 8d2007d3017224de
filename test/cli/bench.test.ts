import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseCommand } from '../../cli/args.js';
import { BENCH } from '../../cli/commands/bench.js';
import { helpOf } from '../../cli/help.js';
import { loadHost } from '../../core/host/host.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import type { BenchResult } from '../../replay/bench-result.js';
import { type RuleCost, rulesCost, withProbes } from '../../replay/bench-rules.js';
import { silentEmulator, Traffic } from '../../replay/bench-traffic.js';
import { inputsOf } from '../../replay/captures.js';
import { casesIn, type GoldenCase } from '../../replay/golden-case.js';

const Bench = suite('nfreplay bench');

const MAIN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
const PCAPS = fileURLToPath(new URL('../../../pcaps/', import.meta.url));
const EXAMPLE = join(PCAPS, 'docker');
const RULES = join(EXAMPLE, 'rules.v4');
const HOST = join(EXAMPLE, 'host.json');
const INPUTS = ['eth0', 'docker0', 'local'].flatMap((iface) => ['--in', `${iface}=${EXAMPLE}/in/${iface}.pcap`]);

function nfreplay(...args: string[]) {
  return spawnSync(process.execPath, [MAIN, 'bench', ...args], { encoding: 'utf8' });
}

function done(...args: string[]): string {
  const { status, stdout, stderr } = nfreplay(...args);
  assert.is(status, 0, stderr);
  return stdout;
}

function fails(exitCode: number, says: string, ...args: string[]): void {
  const { status, stdout, stderr } = nfreplay(...args);
  assert.match(stderr, says);
  assert.is(status, exitCode, stderr);
  assert.is(stdout, '');
}

Bench('the report has all sections', () => {
  const report = done('--rules', RULES, '--host', HOST, ...INPUTS, '--runs', '1');
  for (const title of [
    '35 packets from',
    'packets per second',
    'fast path',
    'slow path',
    'where the time goes',
    'reading the captures',
    'host: conntrack, NAT, routing',
    'rules outside nat',
    'chains with the most evaluations',
    'rules evaluated most often',
    'rules evaluated for every packet',
  ]) {
    assert.match(report, title);
  }
});

Bench("rules are evaluated as often as the kernel's counters imply", () => {
  const text = done('--rules', RULES, '--host', HOST, ...INPUTS, '--runs', '1', '--json');
  const { packets, entered, rulesets }: BenchResult = JSON.parse(text);
  assert.is(packets, 35);
  const [{ rules, chains, flowCachePackets, slowPathPackets }] = rulesets;
  assert.is(flowCachePackets + slowPathPackets, entered);
  const asked = (chain: string) =>
    rules.filter((rule) => rule.chain === chain && rule.table === 'filter').map((rule) => rule.asked);
  // want/rules.v4: 26 packets enter FORWARD and return from DOCKER-ISOLATION; 14 enter DOCKER, which accepts 8; then 5
  // and 12 are accepted, and the last one is rejected.
  assert.equal(asked('FORWARD'), [26, 26, 18, 13, 1, 1]);
  assert.equal(asked('DOCKER-ISOLATION'), [26]);
  assert.equal(asked('DOCKER'), [14]);
  assert.equal(asked('INPUT'), [6, 3, 2, 2, 1]);
  const forward = chains.find(({ table, chain }) => table === 'filter' && chain === 'FORWARD');
  assert.equal(forward, { table: 'filter', chain: 'FORWARD', packets: 26, asked: 85 });
});

/** The costs of the rules of a golden case. */
function costsOf({ rulesPath = '', hostPath, inputs }: GoldenCase): readonly RuleCost[] {
  const host = loadHost(readFileSync(hostPath, 'utf8'), hostPath);
  const probed = withProbes(parseRuleset(readFileSync(rulesPath, 'utf8'), rulesPath));
  const emulator = silentEmulator({ ruleset: probed.ruleset, host });
  new Traffic(inputsOf({ inputs }, host)).pass(emulator);
  return rulesCost(probed, emulator).rules;
}

/** Of cases whose rules change, the counters at the end are not those of the rules that are measured. */
const isMeasured = ({ stitchPaths, options }: GoldenCase): boolean =>
  stitchPaths.length === 0 && options.changes === undefined;

for (const golden of casesIn(PCAPS).filter(isMeasured)) {
  Bench(`probe rules change nothing: the counters of ${basename(golden.dir)} are the kernel's`, () => {
    const recorded = readFileSync(join(golden.wantDir, 'rules.v4'), 'utf8').matchAll(/^\[(\d+):\d+\] -A (\S+)/gm);
    const wanted = [...recorded].map(([, packets, chain]) => `${chain} ${packets}`).sort();
    const costs = costsOf(golden);
    assert.equal(costs.map(({ chain, matched }) => `${chain} ${matched}`).sort(), wanted);
    assert.ok(costs.every(({ asked, matched }) => asked >= matched));
  });
}

Bench('lists the fields that a rule reads and the connection does not fix', () => {
  const lines = ['*filter', ':INPUT ACCEPT [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]'];
  const rules = [
    ['-p tcp -m tcp --dport 80 -j ACCEPT', ''],
    ['-p tcp -m tcp --tcp-flags SYN,RST SYN -m length --length 0:99 -j ACCEPT', 'TCP flags, length'],
    ['-m ttl --ttl-lt 2 -j DROP', 'TTL'],
    ['-m limit --limit 5/min -j ACCEPT', 'which packets came before (limit, recent)'],
  ];
  const text = [...lines, ...rules.map(([rule]) => `-A FORWARD ${rule}`), 'COMMIT', ''].join('\n');
  const host = loadHost(readFileSync(HOST, 'utf8'), HOST);
  const probed = withProbes(parseRuleset(text, 'rules.v4'));
  const costs = rulesCost(probed, silentEmulator({ ruleset: probed.ruleset, host })).rules;
  assert.equal(
    costs.map(({ readsOfPacket }) => [...readsOfPacket].sort().join(', ')),
    rules.map(([, fields]) => fields),
  );
});

Bench('two rulesets are shown side by side', () => {
  const other = join(PCAPS, 'article/rules.v4');
  const report = done('--rules', RULES, '--rules', other, '--host', HOST, ...INPUTS, '--runs', '1', '--limit', '20');
  assert.match(report, '20 packets from');
  assert.match(report, `relative to ${RULES}`);
  assert.match(report, `chains of ${other} with the most evaluations`);
});

Bench('incorrect usage is reported', () => {
  fails(2, '--rules is required', '--host', HOST, ...INPUTS);
  fails(2, '--host is required', '--rules', RULES, ...INPUTS);
  fails(2, 'nothing to replay', '--rules', RULES, '--host', HOST);
  fails(2, 'the host has no interface eth7', '--rules', RULES, '--host', HOST, '--in', 'eth7=x.pcap');
  fails(2, 'standard input can be read only once', '--rules', RULES, '--host', HOST, '--in', 'eth0=-');
  fails(4, 'missing.pcap', '--rules', RULES, '--host', HOST, '--in', 'eth0=missing.pcap');
});

Bench('the help lists each option, and its examples parse', () => {
  const help = helpOf(BENCH);
  for (const { name } of BENCH.options) assert.match(help, `--${name}`);
  for (const { command } of BENCH.examples) {
    const [program, name, ...args] = command.replace(/ \| .*/, '').split(' ');
    assert.equal([program, name], ['nfreplay', 'bench']);
    parseCommand(BENCH, args);
  }
});

Bench.run();
