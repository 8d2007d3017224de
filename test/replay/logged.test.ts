/** What rules say and send besides the packet, in the files of a replay: log.txt, nflog.pcap, the summary. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Linktype } from '../../codecs/linktypes.js';
import { NflogPacket, nflogPacket } from '../../codecs/nflog.js';
import { createPcapFile, openCaptureFile } from '../../io/capture-file.js';
import { compareResults } from '../../replay/compare.js';
import { type ReplayOptions, replay } from '../../replay/replay.js';
import { udpPacket } from '../packets/packets.js';

const Logged = suite('what rules log');
let dir: string;

Logged.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-logged-'));
  const link = (ifname: string, local: string, last: string) => ({
    ifname,
    address: `02:00:00:00:00:${last}`,
    addr_info: [{ family: 'inet', local, prefixlen: 24 }],
  });
  writeFileSync(
    join(dir, 'host.json'),
    JSON.stringify({ addr: [link('eth0', '203.0.113.1', '01'), link('eth1', '10.0.0.1', '02')] }),
  );
  const writer = createPcapFile(join(dir, 'eth0.pcap'), Linktype.ETHERNET);
  for (const sport of [1000, 1001, 1002]) {
    const packet = udpPacket({ source: '203.0.113.7', destination: '10.0.0.2', sport, dport: 53, id: 7 });
    const frame = Buffer.concat([Buffer.from('020000000001' + '020000000099' + '0800', 'hex'), packet]);
    writer.write(1_700_000_000 + sport, 12_345_678, frame, 0, frame.length, frame.length);
  }
  writer.close();
});

Logged.after(() => rmSync(dir, { recursive: true, force: true }));

/** Replays the three datagrams through RULES, lines of the mangle table. */
function run(rules: string, options: Partial<ReplayOptions> = {}, name = 'out') {
  writeFileSync(join(dir, 'rules.v4'), `*mangle\n${rules}\nCOMMIT\n`);
  const outDir = join(dir, name);
  const summary = replay({
    hostPath: join(dir, 'host.json'),
    rulesPath: join(dir, 'rules.v4'),
    inputs: [{ iface: 'eth0', path: join(dir, 'eth0.pcap') }],
    outDir,
    ...options,
  });
  const log = join(outDir, 'log.txt');
  return { summary, outDir, log: existsSync(log) ? readFileSync(log, 'utf8').split('\n') : undefined };
}

const MESSAGE =
  'IN=eth0 OUT=eth1 MAC=02:00:00:00:00:01:02:00:00:00:00:99:08:00 SRC=203.0.113.7 DST=10.0.0.2 LEN=28 TOS=0x00 ' +
  'PREC=0x00 TTL=63 ID=7 PROTO=UDP SPT=1001 DPT=53 LEN=8 ';

Logged('a line is what the kernel writes, from the prefix on; without a prefix, all of it', () => {
  const { log, summary } = run(
    '-A FORWARD -p udp --sport 1001 -j LOG\n-A FORWARD -p udp --sport 1001 -j LOG --log-prefix "a: "',
  );
  assert.equal(log, [MESSAGE, `a: ${MESSAGE}`, '']);
  assert.equal(summary.logged, { lines: 2, packets: 0 });
});

Logged('what is not printable ASCII is escaped as in /dev/kmsg, and so is the backslash', () => {
  const { log } = run('-A FORWARD -p udp --sport 1001 -j LOG --log-prefix "\\\\é\u001b~ "');
  assert.is(log?.[0], `\\x5c\\xc3\\xa9\\x1b~ ${MESSAGE}`);
});

Logged('--log-time puts the packet time in front, in the form of the kernel, and comparisons leave it out', () => {
  const rules = '-A FORWARD -p udp --sport 1001 -j LOG';
  const timed = run(rules, { logTime: true }, 'timed');
  assert.is(timed.log?.[0], `[1700001001.012345] ${MESSAGE}`);
  assert.equal(timed.summary.run.options.logTime, true);
  assert.equal(compareResults(run(rules).outDir, timed.outDir).differences, []);
});

/** A frame of the container 172.17.0.2, and a packet of the host to it; HOST: what is known of the host besides. */
function bridged(host: object, rules: string) {
  const addresses = [{ family: 'inet', local: '172.17.0.1', prefixlen: 24 }];
  const addr = [
    { ifname: 'br0', address: '02:00:00:00:00:0a', linkinfo: { info_kind: 'bridge' }, addr_info: addresses },
    { ifname: 'veth1', address: '02:00:00:00:00:0b', master: 'br0', addr_info: [] },
  ];
  writeFileSync(join(dir, 'bridge.json'), JSON.stringify({ addr, ...host }));
  const packet = udpPacket({
    source: '172.17.0.2',
    destination: '172.17.0.1',
    sport: 5,
    dport: 6,
    data: Buffer.from('ab'),
  });
  const own = udpPacket({
    source: '172.17.0.1',
    destination: '172.17.0.2',
    sport: 6,
    dport: 5,
    data: Buffer.from('ab'),
  });
  const frame = Buffer.concat([Buffer.from('02000000000a' + '0200000000aa' + '0800', 'hex'), packet]);
  for (const [name, linktype, bytes] of [
    ['br0', Linktype.ETHERNET, frame],
    ['local', Linktype.RAW, own],
  ] as const) {
    const writer = createPcapFile(join(dir, `${name}.pcap`), linktype);
    writer.write(1_700_000_000, 0, bytes, 0, bytes.length, bytes.length);
    writer.close();
  }
  const inputs = ['br0', 'local'].map((iface) => ({ iface, path: join(dir, `${iface}.pcap`) }));
  return run(rules, { hostPath: join(dir, 'bridge.json'), inputs }, 'bridged');
}

Logged('the port of a bridge by which a packet came in is named, where the host says who is behind it', () => {
  const fdb = [{ mac: '02:00:00:00:00:aa', ifname: 'veth1', master: 'br0' }];
  const known = { fdb, sysctl: { 'net.bridge.bridge-nf-call-iptables': 1 } };
  const packet = 'SRC=172.17.0.2 DST=172.17.0.1 LEN=30 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=UDP SPT=5 DPT=6 LEN=10 ';
  const mac = 'MAC=02:00:00:00:00:0a:02:00:00:00:00:aa:08:00 ';
  const rules = '-A INPUT -j LOG --log-prefix "in "';
  assert.is(bridged(known, rules).log?.[0], `in IN=br0 OUT= PHYSIN=veth1 ${mac}${packet}`);
  const unknown = bridged({}, rules);
  assert.is(unknown.log?.[0], `in IN=br0 OUT= ${mac}${packet}`);
  assert.equal(
    unknown.summary.assumed.filter((line) => line.includes('port')),
    [],
  );
});

Logged('--log-uid names the owner of the socket, before the mark', () => {
  const packet = 'SRC=172.17.0.1 DST=172.17.0.2 LEN=30 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=UDP SPT=6 DPT=5 LEN=10 ';
  const rules = '-A OUTPUT -j MARK --set-mark 5\n-A OUTPUT -j LOG --log-uid';
  const sockets = [{ proto: 'udp', local: '172.17.0.1:6', uid: 33, gid: 4 }];
  assert.is(bridged({ sockets }, rules).log?.[0], `IN= OUT=br0 ${packet}UID=33 GID=4 MARK=0x5 `);
  const unknown = bridged({}, rules);
  assert.is(unknown.log?.[0], `IN= OUT=br0 ${packet}MARK=0x5 `);
  assert.equal(
    unknown.summary.assumed.filter((line) => line.includes('owner')),
    ["packets of the host's own that no entry of `sockets` sent have no owner"],
  );
});

Logged('nflog.pcap has group, prefix and the first bytes of each packet, at its time', () => {
  const { outDir, summary } = run('-A FORWARD -p udp -j NFLOG --nflog-group 5 --nflog-prefix "née" --nflog-size 20');
  const reader = openCaptureFile(join(outDir, 'nflog.pcap'));
  const record = new NflogPacket();
  const times: string[] = [];
  while (reader.next()) {
    assert.is(reader.linktype, Linktype.NFLOG);
    assert.ok(record.read(reader.view, reader.at, reader.caplen));
    assert.equal([record.family, record.group, record.payloadBytes], [2, 5, 20]);
    const prefix = Buffer.from(reader.bytes.subarray(record.prefixAt, record.prefixAt + record.prefixBytes));
    assert.is(prefix.toString(), 'née');
    times.push(`${reader.tsSec}.${reader.tsNsec}`);
  }
  reader.close();
  assert.equal(times, ['1700001000.12345678', '1700001001.12345678', '1700001002.12345678']);
  assert.equal(summary.logged, { lines: 0, packets: 3 });
  assert.equal(summary.outputs.at(-1), { file: 'nflog.pcap', packets: 3 });
});

Logged('a packet of the nflog device: header, prefix and payload, each padded to four bytes', () => {
  const packet = nflogPacket(258, 'ab', Uint8Array.of(0x45, 1, 2, 3, 4));
  assert.is(Buffer.from(packet).toString('hex'), '02000102' + '07000a0061620000' + '09000900' + '4501020304000000');
  assert.is(Buffer.from(nflogPacket(0, '', new Uint8Array(0))).toString('hex'), '0200000004000900');
});

Logged('where nothing is logged there are no such files, and nothing in the summary', () => {
  const { outDir, log, summary } = run('-A FORWARD -p tcp -j LOG\n-A FORWARD -p tcp -j NFLOG', {}, 'quiet');
  assert.is(log, undefined);
  assert.not.ok(existsSync(join(outDir, 'nflog.pcap')));
  assert.not.ok('logged' in summary);
});

Logged('files of an earlier run go away with it', () => {
  assert.ok(existsSync(join(run('-A FORWARD -j LOG\n-A FORWARD -j NFLOG', {}, 'again').outDir, 'nflog.pcap')));
  const { outDir, log } = run('-A FORWARD -p tcp', {}, 'again');
  assert.is(log, undefined);
  assert.not.ok(existsSync(join(outDir, 'nflog.pcap')));
});

Logged('a message or a packet that only one of two results has is a difference', () => {
  const all = run('-A FORWARD -j LOG --log-prefix "x "\n-A FORWARD -j NFLOG', {}, 'all').outDir;
  const fewer = run(
    '-A FORWARD -p udp --sport 1001 -j LOG --log-prefix "x "\n-A FORWARD -j NFLOG --nflog-group 1',
    {},
    'fewer',
  ).outDir;
  const logs = (wanted: string, got: string) =>
    compareResults(wanted, got).differences.flatMap((one) => (one.kind === 'log' ? [one] : []));
  assert.equal(
    logs(all, fewer).map(
      ({ file, wanted, got }) => `${file} ${wanted === null ? 'more' : 'missing'} ${got === null ? 1 : 2}`,
    ),
    [
      ...['log.txt missing 1', 'log.txt missing 1'],
      ...['nflog.pcap missing 1', 'nflog.pcap missing 1', 'nflog.pcap missing 1'],
      ...['nflog.pcap more 2', 'nflog.pcap more 2', 'nflog.pcap more 2'],
    ],
  );
  // An expectation that was recorded without them says nothing about them.
  assert.equal(logs(run('-A FORWARD -p tcp', {}, 'none').outDir, all), []);
});

Logged('what happens to queued packets without a program is said under assumed', () => {
  const assumed = (rule: string, options: Partial<ReplayOptions> = {}) =>
    run(`-A FORWARD -p udp -j NFQUEUE ${rule}`, options).summary.assumed.filter((line) => line.includes('NFQUEUE'));
  const said = 'no program listens to the queues of NFQUEUE: 3 packets';
  const hint = '(--nfqueue accept or drop: how one would answer)';
  assert.equal(assumed(''), [`${said} dropped ${hint}`]);
  assert.equal(assumed('--queue-bypass'), [`${said} passed by --queue-bypass ${hint}`]);
  assert.equal(assumed('', { nfqueue: 'accept' }), []);
  assert.equal(run('-A FORWARD -j NFQUEUE', { nfqueue: 'drop' }).summary.dropped[0].reason, 'queue-verdict');
});

Logged.run();
