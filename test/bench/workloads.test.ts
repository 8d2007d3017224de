import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { headersOf, parseFilters, repeatFilters, ruleOf, writeHeaders } from '../../bench/classbench.js';
import { SIZES_IMIX, writeEst64 } from '../../bench/est64.js';
import { writeNewConnections } from '../../bench/new-connections.js';
import { missingRules, PER_PACKET_RULES, PER_SOURCE_RULES, withForwardRules } from '../../bench/rulesets.js';
import { packetsOf, writeStream } from '../../bench/stream.js';
import { replay } from '../../replay/replay.js';
import type { Summary } from '../../replay/summary.js';
import { readCapture } from '../kernel/capture-file.js';

const Workloads = suite('workloads of the benchmark');

const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));
const RULES = join(PROJECT, 'pcaps/docker/rules.v4');
const HOST = join(PROJECT, 'pcaps/docker/host.json');
const DOCKER_RULES = readFileSync(RULES, 'utf8');

let dir = '';
Workloads.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-test-'));
});
Workloads.after(() => rmSync(dir, { recursive: true }));

/** Replays captures on eth0 and docker0, with LINES at the start of FORWARD in the rules of the Docker example. */
function replayed(files: { eth0?: string; docker0?: string }, lines: readonly string[] = []): Summary {
  const rulesPath = join(dir, 'rules.v4');
  writeFileSync(rulesPath, withForwardRules(DOCKER_RULES, lines));
  const inputs = (['eth0', 'docker0'] as const).flatMap((iface) => {
    const path = files[iface];
    return path === undefined ? [] : [{ iface, path }];
  });
  return replay({ rulesPath, hostPath: HOST, inputs, outDir: join(dir, 'out') });
}

const isHere = (program: string) => spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;

/** Frames of PATH that match FILTER in tshark, which checks all checksums and sequence numbers. */
function tsharkShows(path: string, filter: string): string {
  const checks = ['ip.check_checksum', 'tcp.check_checksum', 'udp.check_checksum'].flatMap((name) => [
    '-o',
    `${name}:TRUE`,
  ]);
  const { stdout, status, stderr } = spawnSync('tshark', ['-n', '-r', path, ...checks, '-Y', filter], {
    encoding: 'utf8',
  });
  assert.is(status, 0, stderr);
  return stdout;
}

const WRONG = 'ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0';

/** Both sides of a workload in one capture, as if there were no NAT between client and server. */
function expectSound(paths: readonly string[]): void {
  if (!isHere('tshark')) return;
  for (const path of paths) {
    assert.is(tsharkShows(path, WRONG), '');
    assert.is(
      tsharkShows(path, 'tcp.analysis.retransmission || tcp.analysis.lost_segment || tcp.analysis.window_full'),
      '',
    );
  }
}

Workloads('est64: 64-byte frames of established connections, all in window, forwarded and translated', () => {
  const { eth0, docker0 } = writeEst64(dir, 1000, 50);
  expectSound([eth0, docker0]);
  const frames = [...readCapture(eth0), ...readCapture(docker0)];
  assert.is(frames.length, 1000);
  assert.ok(frames.every(({ frame }) => frame.length === 64));
  const { packets, connections, dropped } = replayed({ eth0, docker0 });
  assert.equal(dropped, []);
  assert.is(packets.forwarded, 1000);
  assert.is(connections.count, 50);
  for (const { state, translatedDestination } of connections.listed) {
    assert.is(state, 'ESTABLISHED');
    assert.equal(translatedDestination, { address: '172.17.0.3', port: 6379 });
  }
});

Workloads('est64 is always the same for the same counts', () => {
  const first = writeEst64(dir, 500, 20);
  const bytes = [first.eth0, first.docker0].map((path) => readFileSync(path));
  const again = writeEst64(dir, 500, 20);
  assert.ok([again.eth0, again.docker0].every((path, i) => readFileSync(path).equals(bytes[i])));
});

Workloads(
  'imix: of every twelve packets with data seven are short, four middling and one long; all in their window',
  () => {
    const connections = 12;
    const { eth0, docker0 } = writeEst64(dir, connections * (3 + 24), connections, SIZES_IMIX);
    expectSound([eth0, docker0]);
    const count = new Map<number, number>();
    for (const { frame } of [...readCapture(eth0), ...readCapture(docker0)]) {
      count.set(frame.length, (count.get(frame.length) ?? 0) + 1);
    }
    // 24 packets with data for each of the 12 sizes, and 3 short ones for each handshake.
    assert.equal([...count].sort(), [
      [1514, 24],
      [594, 96],
      [64, 168 + 36],
    ]);
    const { packets, dropped } = replayed({ eth0, docker0 });
    assert.equal(dropped, []);
    assert.is(packets.forwarded, connections * 27);
  },
);

Workloads('new: every packet opens a connection', () => {
  const eth0 = writeNewConnections(dir, 2000);
  expectSound([eth0]);
  const { packets, connections } = replayed({ eth0 });
  assert.is(packets.forwarded, 2000);
  assert.is(connections.count, 2000);
});

Workloads('the rules before the matching one have the requested number, and none matches', () => {
  const { eth0, docker0 } = writeEst64(dir, 200, 10);
  const lines = missingRules(300);
  assert.is(lines.length, 300);
  assert.equal(missingRules(300), lines, 'always the same');
  const { packets, rules } = replayed({ eth0, docker0 }, lines);
  assert.is(packets.forwarded, 200);
  const forward = rules.filter(({ table, chain }) => table === 'filter' && chain === 'FORWARD');
  assert.ok(forward.length > 0);
  assert.ok(forward.every(({ number }) => number > 300));
});

Workloads('the rules that read each packet let all packets through; two of them count', () => {
  const { eth0, docker0 } = writeEst64(dir, 5000, 100);
  const { packets, rules } = replayed({ eth0, docker0 }, PER_PACKET_RULES);
  assert.is(packets.forwarded, 5000);
  const matched = (text: string) => rules.find(({ rule }) => rule.includes(text))?.packets;
  // 5,000 packets in 50 ms: the burst matches, and nothing more within the first 100 ms.
  assert.is(matched('-m limit'), 5);
  assert.is(matched('--mode nth'), 5);
  assert.is(matched('--tcp-flags'), undefined);
});

Workloads(
  'the rules that look up the source of each packet let all packets through; the list sees each of them',
  () => {
    const { eth0, docker0 } = writeEst64(dir, 5000, 100);
    const { packets, rules } = replayed({ eth0, docker0 }, PER_SOURCE_RULES);
    assert.is(packets.forwarded, 5000);
    assert.is(rules.find(({ rule }) => rule.includes('-m recent'))?.packets, 5000);
    assert.is(
      rules.find(({ rule }) => rule.includes('-m hashlimit')),
      undefined,
    );
  },
);

Workloads('ClassBench filters are parsed', () => {
  const [filter] = parseFilters(
    '@37.184.89.216/29\t37.184.85.16/29\t7648 : 7650\t0 : 65535\t0x11/0xFF\t0x0000/0x0000\t\n',
  );
  assert.is(ruleOf(filter), '-s 37.184.89.216/29 -d 37.184.85.16/29 -p udp -m udp --sport 7648:7650 -j ACCEPT');
  const [any] = parseFilters('@0.0.0.0/0 0.0.0.0/0 0 : 65535 0 : 65535 0x00/0x00 0x0000/0x0000');
  assert.is(ruleOf(any), '-j ACCEPT');
  assert.throws(() => parseFilters('@1.2.3.4/32 nonsense'), 'line 1 is no ClassBench filter');
});

Workloads('ClassBench rules are repeated with shifted addresses, and each header matches one of them', () => {
  const text = readFileSync(join(PROJECT, 'bench/classbench-fw1.txt'), 'utf8');
  const filters = repeatFilters(parseFilters(text), 3000);
  const lines = filters.map(ruleOf);
  assert.is(new Set(lines).size, 3000);
  const docker0 = join(dir, 'headers.pcap');
  writeHeaders(docker0, headersOf(filters, 2000));
  expectSound([docker0]);
  const { packets, connections, rules } = replayed({ docker0 }, lines);
  assert.is(packets.forwarded, 2000);
  assert.is(connections.count, 2000);
  const inFilters = rules.filter(
    ({ table, chain, number }) => table === 'filter' && chain === 'FORWARD' && number <= 3000,
  );
  const sum = inFilters.reduce((total, rule) => total + rule.packets, 0);
  assert.is(sum, 2000);
});

Workloads('the stream is a capture of complete packets with increasing timestamps', () => {
  const path = join(dir, 'stream.pcap');
  const bytes = 24 + 10_050 * (16 + 1514) + 700;
  writeFileSync(path, '');
  writeStream(bytes, (piece) => appendFileSync(path, piece));
  assert.is(packetsOf(bytes), 10_050);
  const frames = readCapture(path);
  assert.is(frames.length, 10_050);
  assert.ok(frames.every(({ tsNs }, i) => i === 0 || tsNs > frames[i - 1].tsNs));
  const { packets, connections, dropped } = replayed({ docker0: path });
  assert.equal(dropped, []);
  assert.is(packets.forwarded, 10_050);
  assert.is(connections.count, 10_000);
});

Workloads.run();
