import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Est64, writeEst64 } from '../../bench/est64.js';
import { CaptureError } from '../../codecs/capture-error.js';
import { EMULATOR_ENGINES } from '../../core/emulator.js';
import { ReplayOptionsError } from '../../replay/errors.js';
import { type ReplayOptions, replay, replaySteps } from '../../replay/replay.js';
import { bytesEqual } from '../bytes.js';
import { readFile } from '../codecs/capture-files.js';
import { unfinish } from '../offload/unfinished.js';

const Replay = suite('replay');

const EXAMPLE = fileURLToPath(new URL('../../../pcaps/docker/', import.meta.url));
const RULES = join(EXAMPLE, 'rules.v4');
const HOST = join(EXAMPLE, 'host.json');
const PACKETS = 2000;
const CONNECTIONS = 20;

let dir = '';
let work: Est64;
Replay.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-test-'));
  work = writeEst64(dir, PACKETS, CONNECTIONS);
});
Replay.after(() => rmSync(dir, { recursive: true }));

const out = (name: string) => join(dir, name);

/** Replays the benchmark's conversations with a published port. */
function options(outName: string, changes: Partial<ReplayOptions> = {}): ReplayOptions {
  return {
    rulesPath: RULES,
    hostPath: HOST,
    inputs: [
      { iface: 'eth0', path: work.eth0 },
      { iface: 'docker0', path: work.docker0 },
    ],
    outDir: out(outName),
    ...changes,
  };
}

/** A copy of a file with other content. */
function changed(path: string, name: string, change: (text: string) => string): string {
  const copy = out(name);
  writeFileSync(copy, change(readFileSync(path, 'utf8')));
  return copy;
}

function sameFolders(one: string, other: string): void {
  assert.equal(readdirSync(one), readdirSync(other));
  for (const name of readdirSync(one)) bytesEqual(readFileSync(join(one, name)), readFileSync(join(other, name)), name);
}

Replay("has the kernel's counters and writes every file", () => {
  const summary = replay(options('whole'));
  assert.equal(readdirSync(out('whole')), [
    'conntrack.txt',
    'docker0.pcap',
    'dropped.pcap',
    'eth0.pcap',
    'local.pcap',
    'rules.v4',
    'summary.json',
  ]);
  // The output of Linux 6.18 after the same packets.
  const rules = readFileSync(join(out('whole'), 'rules.v4'), 'utf8');
  for (const line of [
    '[20:800] -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER',
    '[20:800] -A DOCKER ! -i docker0 -p tcp -m tcp --dport 36379 -j DNAT --to-destination 172.17.0.3:6379',
    '[2000:99400] -A FORWARD -j DOCKER-ISOLATION',
    '[1020:50600] -A FORWARD -o docker0 -j DOCKER',
    '[980:48800] -A FORWARD -i docker0 ! -o docker0 -j ACCEPT',
  ]) {
    assert.match(rules, line);
  }
  const connections = readFileSync(join(out('whole'), 'conntrack.txt'), 'utf8')
    .trimEnd()
    .split('\n');
  assert.is(connections.length, CONNECTIONS);
  assert.ok(
    connections.includes(
      'ipv4     2 tcp      6 299 ESTABLISHED src=198.18.0.3 dst=192.0.2.10 sport=24781 dport=36379 ' +
        'packets=51 bytes=2530 src=172.17.0.3 dst=198.18.0.3 sport=6379 dport=24781 ' +
        'packets=49 bytes=2440 [ASSURED] mark=0 use=1',
    ),
  );
  assert.is(summary.packets.forwarded, PACKETS);
  assert.equal(summary.outputs, [
    { file: 'eth0.pcap', packets: 980 },
    { file: 'docker0.pcap', packets: 1020 },
    { file: 'local.pcap', packets: 0 },
    { file: 'dropped.pcap', packets: 0 },
  ]);
  assert.is(summary.connections.count, CONNECTIONS);
  assert.equal(summary.connections.listed[3].translatedDestination, { address: '172.17.0.3', port: 6379 });
  assert.equal(JSON.parse(readFileSync(join(out('whole'), 'summary.json'), 'utf8')), summary);
});

Replay('writes the same files, byte for byte, with every engine', () => {
  replay(options('first'));
  for (const engine of EMULATOR_ENGINES) {
    replay(options(engine, { engine }));
    sameFolders(out('first'), out(engine));
  }
});

Replay('writes the same files with every engine if captures have many blocks', () => {
  // About 10 MB per side: a block is 256 KiB, and output is written in chunks of 512 KiB.
  const { eth0, docker0 } = writeEst64(dir, 140_000, 500, [64, 200]);
  const inputs = [
    { iface: 'eth0', path: eth0 },
    { iface: 'docker0', path: docker0 },
  ];
  for (const engine of ['interpreter', 'remembered'] as const) {
    replay(options(`blocks-${engine}`, { engine, inputs }));
    sameFolders(out('blocks-interpreter'), out(`blocks-${engine}`));
  }
});

Replay('reads from standard input and writes what leaves to standard output, in order', () => {
  replay(options('folder'));
  const captures = ['eth0', 'docker0'].map((name) => readFile(join(out('folder'), `${name}.pcap`)));
  const expected = captures.flatMap(({ records }) => records).sort((a, b) => a.tsSec - b.tsSec || a.tsNsec - b.tsNsec);
  const words = ['--rules', RULES, '--host', HOST, '--in', 'eth0=-', '--in', `docker0=${work.docker0}`, '--out', '-'];
  for (const engine of ['remembered', 'interpreter']) {
    const main = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
    const { stdout, stderr, status } = spawnSync(process.execPath, [main, 'replay', ...words, '--engine', engine], {
      input: readFileSync(work.eth0),
    });
    assert.is(status, 0, stderr.toString());
    assert.match(stderr.toString(), 'written: standard output (2,000)');
    const path = out(`stream-${engine}.pcap`);
    writeFileSync(path, stdout);
    const { records } = readFile(path);
    assert.is(records.length, PACKETS);
    for (const [i, { packet, tsSec, tsNsec }] of records.entries()) {
      assert.equal([tsSec, tsNsec], [expected[i].tsSec, expected[i].tsNsec]);
      bytesEqual(packet, expected[i].packet, `packet ${i}`);
    }
  }
});

Replay('stitches the clients’ side to the same connections', () => {
  // The clients saw what left by eth0 and what arrived there: together, a capture of whole conversations.
  replay(options('both-sides'));
  const one = out('one-side.pcap');
  writeFileSync(one, mergeCaptures(work.eth0, join(out('both-sides'), 'eth0.pcap')));
  const { inputs: _, ...rest } = options('stitched');
  const summary = replay({ ...rest, stitchPaths: [one] });
  assert.is(summary.packets.forwarded, PACKETS);
  const connections = (name: string) =>
    readFileSync(join(out(name), 'conntrack.txt'), 'utf8')
      .split('\n')
      .sort();
  assert.equal(connections('stitched'), connections('both-sides'));
  bytesEqual(
    readFileSync(join(out('stitched'), 'docker0.pcap')),
    readFileSync(join(out('both-sides'), 'docker0.pcap')),
  );
});

Replay('replays only the first packets if there is a limit', () => {
  const summary = replay(options('limited', { limit: 7 }));
  assert.is(summary.packets.read, 7);
  assert.is(summary.packets.forwarded, 7);
  assert.is(replay(options('none', { limit: 0 })).packets.read, 0);
});

Replay('replays the complete records of a truncated capture, with a warning', () => {
  const path = out('cut.pcap');
  writeFileSync(path, readFileSync(work.eth0));
  truncateSync(path, 24 + 80 * 10 + 33);
  const summary = replay(options('cut', { inputs: [{ iface: 'eth0', path }] }));
  assert.is(summary.packets.read, 10);
  assert.is(summary.warnings.length, 1);
  assert.match(summary.warnings[0], `${path}: byte 824: `);
});

Replay('leaves the result folder unchanged if it fails in the middle', () => {
  replay(options('kept'));
  const before = readFileSync(join(out('kept'), 'summary.json'));
  const path = out('damaged.pcap');
  const bytes = readFileSync(work.docker0);
  bytes.writeUInt32LE(0xffffffff, 24 + 8);
  writeFileSync(path, bytes);
  const inputs = [
    { iface: 'eth0', path: work.eth0 },
    { iface: 'docker0', path },
  ];
  assert.throws(
    () => replay(options('kept', { inputs })),
    (error: unknown) => error instanceof CaptureError,
  );
  bytesEqual(readFileSync(join(out('kept'), 'summary.json')), before);
  assert.equal(
    readdirSync(dir).filter((name) => name.includes('partial')),
    [],
  );
});

Replay('removes what it wrote if it is abandoned', () => {
  const steps = replaySteps(options('given-up', { limit: 100_000, inputs: repeated(60) }));
  assert.is(steps.next().done, false);
  assert.not(readdirSync(dir).some((name) => name.startsWith('.given-up.partial-')));
  assert.is(steps.next().done, false);
  assert.ok(readdirSync(dir).some((name) => name.startsWith('.given-up.partial-')));
  steps.return(undefined as never);
  assert.not(existsSync(out('given-up')));
  assert.not(readdirSync(dir).some((name) => name.includes('partial')));
});

Replay('an unsupported rule is an error, or with lax a warning and never matches', () => {
  const rulesPath = changed(RULES, 'odd.v4', (text) =>
    text.replace('-A INPUT -p icmp', '-A INPUT -j standard\n-A INPUT -p icmp'),
  );
  assert.throws(() => replay(options('odd', { rulesPath })), 'standard');
  assert.not(existsSync(out('odd')));
  const summary = replay(options('odd', { rulesPath, lax: true }));
  assert.is(summary.warnings.length, 1);
  assert.match(summary.warnings[0], `${rulesPath}:`);
  assert.is(summary.packets.forwarded, PACKETS);
  assert.not('uncertain' in summary);
});

Replay('uncertain packets are counted by cause, with the first of them, and their connections are marked', () => {
  const rulesPath = changed(RULES, 'unasked.v4', (text) =>
    text.replace('-A FORWARD -o docker0 -j DOCKER', '-A FORWARD -i eth0 -m set --match-set bad src -j DROP\n$&'),
  );
  const results = EMULATOR_ENGINES.map((engine) => replay(options('unasked', { rulesPath, lax: true, engine })));
  for (const { uncertain, connections } of results) {
    assert.equal(uncertain, results[0].uncertain);
    assert.is(connections.listed.filter((one) => one.uncertain).length, connections.listed.length);
  }
  const { packets, causes } = results[0].uncertain!;
  const [{ reason, table, chain, number, rule, frames }] = causes;
  assert.is(packets, PACKETS);
  assert.equal([reason, table, chain, number], ['`-m set` was not asked', 'filter', 'FORWARD', 2]);
  assert.is(rule, '-i eth0 -m set --match-set bad src -j DROP');
  assert.equal(frames.slice(0, 2), [
    { file: work.eth0, number: 1 },
    { file: work.eth0, number: 2 },
  ]);
});

Replay('refuses invalid inputs', () => {
  const refuse = (changes: Partial<ReplayOptions>, says: string) =>
    assert.throws(
      () => replay(options('refused', changes)),
      (error: unknown) => error instanceof ReplayOptionsError && error.message.includes(says),
      says,
    );
  refuse({ inputs: [] }, 'nothing to replay');
  refuse({ stitchPaths: [work.eth0] }, 'cannot be combined');
  refuse(
    { inputs: [{ iface: 'eth9', path: work.eth0 }] },
    'the host has no interface eth9; expected one of lo, eth0, docker0, local',
  );
  assert.not(existsSync(out('refused')));
});

/** A capture repeated COUNT times. */
function repeated(times: number): { iface: string; path: string }[] {
  return Array.from({ length: times }, () => ({ iface: 'eth0', path: work.eth0 }));
}

/** Two captures of records of 80 bytes each (nanoseconds, little-endian) merged by time, those of the first first. */
function mergeCaptures(one: string, other: string): Buffer {
  const header = readFileSync(one).subarray(0, 24);
  const records = [one, other].flatMap((path) => {
    const bytes = readFileSync(path);
    const found: { tsNs: bigint; record: Buffer }[] = [];
    for (let at = 24; at < bytes.length; ) {
      const end = at + 16 + bytes.readUInt32LE(at + 8);
      const tsNs = BigInt(bytes.readUInt32LE(at)) * 1_000_000_000n + BigInt(bytes.readUInt32LE(at + 4));
      found.push({ tsNs, record: bytes.subarray(at, end) });
      at = end;
    }
    return found;
  });
  records.sort((a, b) => Number(a.tsNs - b.tsNs));
  return Buffer.concat([header, ...records.map(({ record }) => record)]);
}

/** A copy of the capture at PATH in which EDIT has changed each packet, given its offset in the bytes. */
function withPackets(path: string, name: string, edit: (bytes: Buffer, at: number) => void): string {
  const bytes = readFileSync(path);
  for (let at = 24; at < bytes.length; at += 16 + bytes.readUInt32LE(at + 8)) edit(bytes, at + 16 + 14);
  const copy = out(name);
  writeFileSync(copy, bytes);
  return copy;
}

Replay('of offloaded checksums: the same results in every engine as of finished ones, and said', () => {
  replay(options('finished'));
  const inputs = [
    { iface: 'eth0', path: withPackets(work.eth0, 'offloaded-eth0.pcap', unfinish) },
    { iface: 'docker0', path: withPackets(work.docker0, 'offloaded-docker0.pcap', unfinish) },
  ];
  const verified = replay(options('verified', { inputs, checksums: 'verify' }));
  assert.match(verified.warnings.join(), /^(1999|2000) of 2000 packets: the checksum was left to the network card/);
  for (const engine of EMULATOR_ENGINES) {
    const { assumed, warnings } = replay(options('offloaded', { inputs, engine }));
    assert.match(assumed[0], /^(1999|2000) packets with offloaded checksums: taken as good and finished$/);
    assert.equal(warnings, []);
    for (const name of ['eth0.pcap', 'docker0.pcap', 'rules.v4', 'conntrack.txt'])
      bytesEqual(readFileSync(join(out('offloaded'), name)), readFileSync(join(out('finished'), name)), name);
  }
});

Replay('a warning if more than 5 % of the checksums are bad, unless they are trusted', () => {
  let seen = 0;
  const spoil = (bytes: Buffer, at: number) => {
    if (seen++ % 9 === 0) bytes[at + 36] ^= 1;
  };
  const inputs = [
    { iface: 'eth0', path: withPackets(work.eth0, 'bad-eth0.pcap', spoil) },
    { iface: 'docker0', path: work.docker0 },
  ];
  assert.match(
    replay(options('bad', { inputs })).warnings.join(),
    /^11[0-4] of 2000 packets: bad checksum, .* --checksums trust$/,
  );
  assert.equal(replay(options('bad', { inputs, checksums: 'trust' })).warnings, []);
  assert.equal(replay(options('bad', { inputs, checksums: 'verify' })).warnings, []);
});

Replay('--expect-egress fails if nothing was compared', () => {
  const host = fileURLToPath(new URL('../../../test/replay/hosts/docker24/', import.meta.url));
  const files = ['--rules', join(host, 'iptables-save.txt'), '--host', join(host, 'host.json')];
  const args = [...files, '--capture', join(host, 'any.pcap'), '--expect-egress'];
  const run = (...more: string[]) =>
    spawnSync(process.execPath, ['dist/cli/main.js', 'replay', ...args, ...more], { encoding: 'utf8' });
  assert.is(run().status, 0);
  // The host's own connection, which leaves as it was captured.
  const { status, stdout, stderr } = run('--filter', 'host 172.17.0.1');
  assert.is(status, 1);
  assert.match(stderr, /nothing was compared/);
  assert.match(stdout, /^ +0 +the same\n +6 +sent by the host itself, and left as captured$/m);
});

Replay.run();
