/** Frames and connections are traced out of captures: what is told of them, whatever form the captures have. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseCommand } from '../../cli/args.js';
import { TRACE } from '../../cli/commands/trace.js';
import { replayOptionsOf } from '../../cli/replay-options.js';
import { traceOfCaptures } from '../../cli/trace-captures.js';
import { styleOf } from '../../explain/text/style.js';
import { writeCapture } from '../kernel/capture-file.js';
import { fragmentsOf, tcpPacket, udpPacket } from '../packets/packets.js';

const capturesOf = suite('trace of captures');

const dir = mkdtempSync(join(tmpdir(), 'nfreplay-capture-trace-'));
capturesOf.after(() => rmSync(dir, { recursive: true }));

const ESCAPE = 'pcaps/out-of-window-escape';
const OF_ESCAPE = [
  ...['--rules', `${ESCAPE}/rules.v4`, '--host', `${ESCAPE}/host.json`],
  ...['--in', `eth0=${ESCAPE}/in/eth0.pcap`, '--in', `docker0=${ESCAPE}/in/docker0.pcap`],
];

const PLAIN = styleOf({ isTTY: false, columns: 0 }, 'never');

function reportOf(args: readonly string[]) {
  const given = parseCommand(TRACE, args);
  const report = traceOfCaptures(given, replayOptionsOf(given));
  assert.ok(report);
  return report;
}

function linesOf(args: readonly string[], width = 120): string[] {
  return reportOf(args).lines({ width, style: PLAIN });
}

/** LINES are those of the ladder NAME, written by hand. */
function isLadder(lines: readonly string[], name: string): void {
  assert.equal(lines, readFileSync(`test/explain/ladders/${name}.txt`, 'utf8').trimEnd().split('\n'));
}

function fails(args: readonly string[], words: RegExp): void {
  let message = '';
  try {
    reportOf(args);
  } catch (error) {
    ({ message } = error as Error);
  }
  assert.match(message, words);
}

capturesOf(
  'a connection whose segments leave the window: INVALID by which check and by how much, and what escapes',
  () => {
    // The states and verdicts are those of the kernel (want/); the bounds are computed by hand from the windows.
    isLadder(linesOf([...OF_ESCAPE, '--connection', 'tcp * > *:36379']), 'out-of-window');
  },
);

capturesOf('no line is wider than the terminal, and each packet is on it', () => {
  for (const width of [60, 72, 80, 96, 120, 200]) {
    const lines = linesOf([...OF_ESCAPE, '--connection', 'tcp * > *:36379'], width);
    assert.ok(Math.max(...lines.map((line) => line.length)) <= width, `${width} columns`);
    for (const name of ['eth0:7', 'docker0:5'])
      assert.ok(
        lines.some((line) => line.includes(` ${name} `)),
        name,
      );
  }
});

capturesOf('one frame, by its number: its verdict and decision first, and no other frame', () => {
  const lines = linesOf([...OF_ESCAPE, '--packet', 'eth0:5']);
  assert.match(lines[0], /^rejected {2}in filter INPUT by rule 5 \(.*rules\.v4:24\)/);
  assert.ok(lines.some((line) => /^frame +eth0:5, 2023-11-14T22:13:20\.006000000Z$/.test(line)));
  assert.match(linesOf([...OF_ESCAPE, '--packet', 'docker0.pcap:3'])[0], /^forwarded {2}in filter FORWARD by rule 4/);
});

capturesOf('frames that are not there are named', () => {
  fails([...OF_ESCAPE, '--packet', '5'], /there are several captures; expected one of eth0:5, docker0:5/);
  fails([...OF_ESCAPE, '--packet', 'eth0:8'], /eth0 has only 7 frames/);
  fails(
    [...OF_ESCAPE, '--packet', 'eth1:1'],
    /no such capture; expected one of eth0:1, docker0:1; did you mean eth0\?/,
  );
  for (const wrong of ['0', 'eth0:', 'eth0:x', '1.5'])
    fails([...OF_ESCAPE, '--packet', wrong], /expected the number of a frame/);
  fails([...OF_ESCAPE, '--connection', 'udp * > *'], /no packet of the captures that enters the host fits/);
  fails([...OF_ESCAPE, '--connection', 'udp * > * state NEW'], /leave them out/);
  fails([...OF_ESCAPE, '--packet', 'eth0:1', '--connection', 'tcp * > *'], /cannot be combined/);
});

capturesOf('JSON is as its schema says', () => {
  const schema = JSON.parse(readFileSync('docs/schema/trace.schema.json', 'utf8'));
  const validate = new Ajv2020({ strict: false }).compile(schema);
  for (const asked of [
    ['--packet', 'eth0:5'],
    ['--connection', 'tcp * > *'],
  ]) {
    const { json, summary } = reportOf([...OF_ESCAPE, ...asked]);
    const whole = JSON.parse(
      JSON.stringify({ schema: 1, generator: 'nfreplay 0', ...json, warnings: summary.warnings }),
    );
    assert.ok(validate(whole), JSON.stringify(validate.errors?.slice(0, 3)));
  }
});

const HOST = {
  addr: [
    { ifname: 'wan', address: '02:00:00:00:00:10', mtu: 1500, addr_info: [net('192.0.2.10', 24)] },
    { ifname: 'lan', address: '02:00:00:00:00:11', mtu: 1500, addr_info: [net('10.0.0.1', 24)] },
  ],
  route: [{ dst: 'default', gateway: '192.0.2.1', dev: 'wan' }],
  sysctl: { 'net.ipv4.ip_forward': 1, 'net.netfilter.nf_conntrack_udp_timeout': 7 },
};

function net(local: string, prefixlen: number) {
  return { family: 'inet', local, prefixlen };
}

/** Files for a replay of FRAMES, at their seconds; returns the arguments but for the captures. */
function written(frames: readonly (readonly [name: string, sec: number, bytes: Uint8Array])[]): string[] {
  writeFileSync(join(dir, 'host.json'), JSON.stringify(HOST));
  writeFileSync(join(dir, 'rules.v4'), '*nat\n-A POSTROUTING -o wan -j MASQUERADE\nCOMMIT\n');
  for (const name of new Set(frames.map(([of]) => of))) {
    const own = frames.filter(([of]) => of === name);
    const records = own.map(([, sec, frame]) => ({ tsNs: BigInt(1_700_000_000 + sec) * 1_000_000_000n, frame }));
    writeCapture(join(dir, `${name}.pcap`), true, records);
  }
  return ['--rules', join(dir, 'rules.v4'), '--host', join(dir, 'host.json')];
}

const ask = udpPacket({ source: '10.0.0.5', destination: '203.0.113.5', sport: 5060, dport: 5060 });
const answer = udpPacket({ source: '203.0.113.5', destination: '192.0.2.10', sport: 5060, dport: 5060 });

capturesOf(
  'a connection that had timed out: after how long, by which sysctl, and that what follows opens another',
  () => {
    const files = written([
      ['lan', 0, ask],
      ['wan', 1, answer],
      ['wan', 10, answer],
      ['lan', 30, ask],
    ]);
    const inputs = ['--in', `lan=${join(dir, 'lan.pcap')}`, '--in', `wan=${join(dir, 'wan.pcap')}`];
    isLadder(linesOf([...files, ...inputs, '--connection', 'udp 10.0.0.5 > *']).slice(3), 'timed-out');
  },
);

capturesOf('one that nothing follows has expired where the captures end long after', () => {
  const syn = (sport: number) =>
    tcpPacket({ source: '10.0.0.5', destination: '203.0.113.5', sport, dport: 80, flags: 2, sequence: 1 });
  const files = written([
    ['lan', 0, syn(1000)],
    ['lan', 200, syn(1001)],
  ]);
  const lines = linesOf([...files, '--in', `lan=${join(dir, 'lan.pcap')}`, '--connection', 'tcp *:1000 > *']);
  assert.match(lines[0], /^expired {2}1 forwarded$/);
  isLadder(lines.slice(4), 'expired');
});

capturesOf('compressed files, and files in a row, of which the numbers go on', () => {
  const files = written([
    ['a', 0, ask],
    ['a', 1, ask],
    ['b', 2, answer],
    ['b', 3, ask],
  ]);
  const whole = readFileSync(join(dir, 'a.pcap'));
  writeFileSync(join(dir, 'a.pcap.gz'), gzipSync(whole));
  const of = (path: string, packet: string): string =>
    linesOf([...files, '--in', `lan=${path}`, '--packet', packet]).join('\n');
  assert.is(of(join(dir, 'a.pcap.gz'), '2'), of(join(dir, 'a.pcap'), '2'));
  assert.match(of(join(dir, 'a.pcap.gz'), '2'), /frame +lan:2/);
  assert.match(of(join(dir, '[ab].pcap'), '4'), /frame +lan:4, 2023-11-14T22:13:23/);
  assert.is(of(join(dir, '[ab].pcap'), 'b.pcap:2'), of(join(dir, '[ab].pcap'), '4'));
  assert.is(of(join(dir, '[ab].pcap'), 'a.pcap:2'), of(join(dir, '[ab].pcap'), '2'));
  fails([...files, '--in', `lan=${join(dir, '[ab].pcap')}`, '--packet', 'a.pcap:3'], /a\.pcap has only 2 frames/);
  fails([...files, '--in', `lan=${join(dir, '[ab].pcap')}`, '--packet', '5'], /lan has only 4 frames/);
});

capturesOf('the entry of a connection outlives its fragments, the last of which have no ports', () => {
  const whole = udpPacket({
    source: '10.0.0.5',
    destination: '203.0.113.5',
    sport: 5060,
    dport: 5060,
    data: Buffer.alloc(40),
  });
  const files = written(fragmentsOf(whole, [24, 24]).map((fragment) => ['lan', 0, fragment] as const));
  const lines = linesOf([...files, '--in', `lan=${join(dir, 'lan.pcap')}`, '--connection', 'udp 10.0.0.5 > *']);
  // As the sysctl of the host says: no answer has come.
  assert.match(lines.join('\n'), /its entry expires in 7 s \(nf_conntrack_udp_timeout\)$/);
});

capturesOf('the sequence number after the last one is 0', () => {
  const end = { source: '192.0.2.7', destination: '192.0.2.10', sport: 1000, dport: 80 };
  const files = written([['wan', 0, tcpPacket({ ...end, flags: 2, sequence: 0xffffffff })]]);
  writeFileSync(join(dir, 'rules.v4'), '*filter\n:INPUT DROP [0:0]\nCOMMIT\n');
  const of = [...files, '--in', `wan=${join(dir, 'wan.pcap')}`, '--packet', '1'];
  assert.match(linesOf(of)[0], /^dropped .*INPUT/);
});

capturesOf('only states and verdicts are coloured, whatever interfaces are called', () => {
  const syn = tcpPacket({ source: '192.0.2.7', destination: '192.0.2.10', sport: 1000, dport: 80, flags: 2 });
  const files = written([['sent', 0, syn]]);
  const host = JSON.stringify(HOST).replaceAll('"wan"', '"sent"');
  writeFileSync(join(dir, 'host.json'), host);
  const args = [...files, '--in', `sent=${join(dir, 'sent.pcap')}`, '--connection', 'tcp * > *'];
  const style = styleOf({ isTTY: false, columns: 0 }, 'always');
  for (const width of [60, 80, 120]) {
    const rung = reportOf(args)
      .lines({ width, style })
      .find((line) => line.includes(' sent:1 '));
    const before = rung?.split(style.green('delivered'))[0];
    assert.match(before ?? '', /^[\d. ]* sent:1 {2}→ SYN {2}NEW SYN_SENT {2}$/);
  }
});

/** A capture of all interfaces of a real Docker host (test/replay/hosts/README.md). */
const REAL = 'test/replay/hosts/docker-article-28.5';
const OF_REAL = ['--host', `${REAL}/before`, '--capture', `${REAL}/any.pcap`];

capturesOf('a capture of the host itself: what left it is what became of another frame', () => {
  // tshark: 38 is a SYN to the published port, 39 to 41 the same on its way to the container, 42 the answer.
  assert.match(linesOf([...OF_REAL, '--packet', '38'])[0], /^forwarded {2}in filter FORWARD by rule/);
  assert.ok(linesOf([...OF_REAL, '--packet', 'eth0:38']).some((line) => /^frame +eth0:38, /.test(line)));
  fails(
    [...OF_REAL, '--packet', '39'],
    /captured as it left the host, and is what became of another frame: --packet 38$/,
  );
  fails([...OF_REAL, '--packet', '40'], /the same packet as on the bridge of its port/);
  fails([...OF_REAL, '--packet', '1'], /it is IPv6, which is not followed/);
  const lines = linesOf([...OF_REAL, '--connection', 'tcp 192.0.2.50:45126 > *']);
  assert.is(lines[0], 'forwarded  10 forwarded');
  const frames = lines.flatMap((line) => /(eth0|docker0):\d+/.exec(line)?.[0] ?? []);
  const numbers = [38, 42, 44, 47, 51, 54, 56, 59, 63, 65];
  assert.equal(
    frames.map((frame) => Number(frame.split(':')[1])),
    numbers,
  );
});

capturesOf.run();
