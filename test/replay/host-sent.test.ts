/** How packets of a capture taken on the host are told apart: arrivals, answers, the own ones, and differences. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ETHERTYPE_IPV4, IPPROTO_ICMP, SLL2_LENGTH, sll2, TCP_ACK, TCP_RST, TCP_SYN } from '../../codecs/layouts.js';
import { Linktype } from '../../codecs/linktypes.js';
import { createPcapFile } from '../../io/capture-file.js';
import { type ReplayOptions, replay } from '../../replay/replay.js';
import type { Summary } from '../../replay/summary.js';
import { buildIcmp, buildIpv4, tcpPacket, udpPacket } from '../packets/packets.js';

const Sent = suite('host-sent packets');

const [LO, ETH0, DOCKER0, VETH] = [1, 2, 3, 4];
const [IN, OTHERHOST, OUT] = [0, 3, 4];
const dir = mkdtempSync(join(tmpdir(), 'nfreplay-host-sent-'));

Sent.after(() => rmSync(dir, { recursive: true }));

const link = (ifindex: number, ifname: string, cidr?: string, more = {}) => ({
  ...{ ifindex, ifname, address: `02:00:00:00:00:0${ifindex}`, mtu: 1500, flags: ['UP'], ...more },
  addr_info:
    cidr === undefined ? [] : [{ family: 'inet', local: cidr.split('/')[0], prefixlen: Number(cidr.split('/')[1]) }],
});

const HOST = {
  addr: [
    link(LO, 'lo', '127.0.0.1/8'),
    link(ETH0, 'eth0', '192.0.2.10/24'),
    link(DOCKER0, 'docker0', '172.17.0.1/16'),
    link(VETH, 'veth0', undefined, { master: 'docker0' }),
  ],
  route: [],
  neigh: [],
  sysctl: { 'net.bridge.bridge-nf-call-iptables': 0 },
};

/** A captured packet: the interface, the direction, the packet, and when; by default a millisecond lies between two. */
type Seen = readonly [ifindex: number, type: number, packet: Uint8Array, atMs?: number];

function captured(
  rules: string,
  seen: readonly Seen[],
  more: { host?: object } & Partial<ReplayOptions> = {},
): Summary {
  const { host = HOST, ...options } = more;
  writeFileSync(join(dir, 'host.json'), JSON.stringify(host));
  writeFileSync(join(dir, 'rules.v4'), rules);
  const writer = createPcapFile(join(dir, 'any.pcap'), Linktype.LINUX_SLL2);
  seen.forEach(([interfaceIndex, packetType, packet, atMs], i) => {
    const frame = Buffer.alloc(SLL2_LENGTH + packet.length);
    const address = Buffer.alloc(8);
    const fixed = { reserved: 0, hardwareType: 1, addressLength: 6, address };
    sll2.encode({ protocol: ETHERTYPE_IPV4, interfaceIndex, packetType, ...fixed }, frame);
    frame.set(packet, SLL2_LENGTH);
    const ms = atMs ?? i;
    writer.write(1_700_000_000 + Math.floor(ms / 1000), (ms % 1000) * 1_000_000, frame, 0, frame.length, frame.length);
  });
  writer.close();
  return replay({
    rulesPath: join(dir, 'rules.v4'),
    hostPath: join(dir, 'host.json'),
    captures: [{ path: join(dir, 'any.pcap') }],
    outDir: join(dir, 'out'),
    expectEgress: true,
    ...options,
  });
}

const table = (name: string, chains: string, rules: string) => `*${name}\n${chains}${rules}COMMIT\n`;
const ACCEPTING = table('filter', ':INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n', '');

/** A segment; the TTL of one that was forwarded is one less. */
function segment(from: string, to: string, flags: number, sequence: number, more: { id?: number; ttl?: number } = {}) {
  const [source, sport] = from.split(':');
  const [destination, dport] = to.split(':');
  const acknowledgment = (flags & TCP_ACK) === 0 ? 0 : 2;
  return tcpPacket({
    ...{ source, destination, sport: Number(sport), dport: Number(dport), flags, sequence, acknowledgment },
    ...{ id: sequence, fragment: 0x4000, ...more },
  });
}

const countsOf = ({ egress }: Summary) => {
  const { matched, missing, extra, different, own } = egress!;
  return { matched, missing, extra, different, own };
};

Sent('a port that the kernel drew for NAT is taken from the capture', () => {
  const rules = table(
    'nat',
    ':PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n',
    '-A POSTROUTING -o eth0 -j MASQUERADE --random\n',
  );
  const client = '172.17.0.2:5000';
  const server = '192.0.2.50:80';
  const summary = captured(rules, [
    [DOCKER0, IN, segment(client, server, TCP_SYN, 1)],
    [ETH0, OUT, segment('192.0.2.10:40000', server, TCP_SYN, 1, { ttl: 63 })],
    [ETH0, IN, segment(server, '192.0.2.10:40000', TCP_SYN | TCP_ACK, 2)],
    [DOCKER0, OUT, segment(server, client, TCP_SYN | TCP_ACK, 2, { ttl: 63 })],
  ]);
  assert.equal(countsOf(summary), { matched: 2, missing: 0, extra: 0, different: 0, own: 0 });
  assert.ok(summary.assumed.includes('1 source port drawn by NAT: as in the capture'));
  assert.match(readFileSync(join(dir, 'out', 'conntrack.txt'), 'utf8'), / dst=192\.0\.2\.10 sport=80 dport=40000 /);
});

Sent('packets of a connection that was open before are not judged', () => {
  const rules = table('filter', ':INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n', '');
  const ack = segment('192.0.2.50:80', '172.17.0.2:5000', TCP_ACK, 7);
  const forwarded = segment('192.0.2.50:80', '172.17.0.2:5000', TCP_ACK, 7, { ttl: 63 });
  const summary = captured(rules, [
    [ETH0, IN, ack],
    [DOCKER0, OUT, forwarded],
  ]);
  assert.equal(countsOf(summary), { matched: 0, missing: 0, extra: 0, different: 0, own: 0 });
  assert.is(summary.egress?.unjudged.openBefore, 1);
  assert.ok(summary.assumed.includes('1 connection open before the capture began: not translated'));
});

Sent('what uncertain packets lead to is compared where it is the same, and is no difference where it is not', () => {
  const rules = table(
    'filter',
    ':INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n',
    '-A FORWARD -p tcp -m set --match-set allowed src -j ACCEPT\n-A FORWARD -d 192.0.2.51/32 -j ACCEPT\n',
  );
  const client = '172.17.0.2:5000';
  const ask = (server: string, sequence: number): Seen[] => [
    [DOCKER0, IN, segment(client, server, TCP_SYN, sequence)],
    [ETH0, OUT, segment(client, server, TCP_SYN, sequence, { ttl: 63 })],
  ];
  const seen = [...ask('192.0.2.50:80', 1), ...ask('192.0.2.51:80', 2)];
  const summary = captured(rules, seen, { lax: true });
  assert.equal(countsOf(summary), { matched: 1, missing: 0, extra: 0, different: 0, own: 0 });
  assert.is(summary.egress?.unjudged.uncertain, 1);
  assert.is(summary.uncertain?.packets, 2);
});

Sent('what the host answers although the rules drop the question is a difference, with the rule', () => {
  const rules = table(
    'filter',
    ':INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n',
    '-A INPUT -p tcp -m tcp --dport 22 -j DROP\n',
  );
  const summary = captured(rules, [
    [ETH0, IN, segment('192.0.2.50:5000', '192.0.2.10:22', TCP_SYN, 1)],
    [ETH0, OUT, segment('192.0.2.10:22', '192.0.2.50:5000', TCP_SYN | TCP_ACK, 2)],
  ]);
  assert.equal(countsOf(summary), { matched: 0, missing: 1, extra: 0, different: 0, own: 0 });
  assert.is(summary.egress?.listed[0].droppedBy?.rule, '-p tcp -m tcp --dport 22 -j DROP');
});

Sent('a rule that sends a packet elsewhere shows in a difference, side by side', () => {
  const rules = table(
    'nat',
    ':PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n',
    '-A PREROUTING -i eth0 -p tcp -m tcp --dport 80 -j DNAT --to-destination 172.17.0.3:80\n',
  );
  const summary = captured(rules, [
    [ETH0, IN, segment('192.0.2.50:5000', '192.0.2.10:80', TCP_SYN, 1)],
    [DOCKER0, OUT, segment('192.0.2.50:5000', '172.17.0.2:80', TCP_SYN, 1, { ttl: 63 })],
  ]);
  assert.equal(countsOf(summary), { matched: 0, missing: 0, extra: 0, different: 1, own: 0 });
  const [{ captured: theirs, emulated, decidedBy }] = summary.egress!.listed;
  // The destination is at 16 of an IPv4 header (RFC 791).
  assert.is(theirs?.bytes.slice(32, 40), 'ac110002');
  assert.is(emulated?.bytes.slice(32, 40), 'ac110003');
  assert.is(decidedBy?.[0].rule, '-i eth0 -p tcp -m tcp --dport 80 -j DNAT --to-destination 172.17.0.3:80');
});

Sent('what the emulated host sends and the host did not is extra, unless the capture ends then', () => {
  const syn = segment('192.0.2.50:5000', '172.17.0.2:80', TCP_SYN, 1);
  const later = Array.from({ length: 30 }, (_, i): Seen => {
    const packet = udpPacket({ source: '192.0.2.10', destination: '192.0.2.50', sport: 4000, dport: 9, id: 100 + i });
    return [ETH0, OUT, packet];
  });
  const summary = captured(ACCEPTING, [[ETH0, IN, syn], ...later]);
  assert.equal(countsOf(summary), { matched: 30, missing: 0, extra: 1, different: 0, own: 30 });
  const ending = captured(ACCEPTING, [[ETH0, IN, syn]]);
  assert.is(ending.egress?.extra, 0);
  assert.is(ending.egress?.unjudged.atEnd, 1);
});

Sent('a packet over lo that is seen twice is sent once, and an answer of REJECT is no packet of a socket', () => {
  const rules = table(
    'filter',
    ':INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n',
    '-A INPUT -i lo -p tcp -m tcp --dport 80 -j REJECT --reject-with tcp-reset\n',
  );
  const syn = segment('127.0.0.1:5000', '127.0.0.1:80', TCP_SYN, 1);
  // What Linux answers a SYN with: sequence 0, acknowledged, ID 0 (RFC 9293, section 3.10.7.1).
  const fields = { source: '127.0.0.1', destination: '127.0.0.1', sport: 80, dport: 5000, id: 0, fragment: 0x4000 };
  const reset = tcpPacket({ ...fields, flags: TCP_RST | TCP_ACK, sequence: 0, acknowledgment: 2, window: 0 });
  const summary = captured(rules, [
    [LO, OUT, syn],
    [LO, IN, syn],
    [LO, OUT, reset],
    [LO, IN, reset],
  ]);
  assert.equal(countsOf(summary), { matched: 0, missing: 0, extra: 0, different: 0, own: 1 });
  assert.equal(summary.skipped, { 'loopback-copy': 2 });
  assert.is(summary.packets.departed, 1);
  assert.is(summary.packets.rejected, 1);
});

Sent('what only passes between the ports of a bridge is counted, and said if the rules of the host meet it', () => {
  const packet = segment('172.17.0.2:5000', '172.17.0.3:80', TCP_SYN, 1);
  const seen: Seen[] = [
    [VETH, OTHERHOST, packet],
    [VETH, OUT, packet],
  ];
  const summary = captured(ACCEPTING, seen);
  assert.equal(summary.skipped, { bridged: 2 });
  assert.equal(summary.warnings, []);
  const filtered = { ...HOST, sysctl: { 'net.bridge.bridge-nf-call-iptables': 1 } };
  const [warning] = captured(ACCEPTING, seen, { host: filtered }).warnings;
  assert.match(warning, /^2 frames were seen only on ports of docker0, and skipped: bridges are not emulated/);
});

Sent(
  'an arrival is taken as the port of the bridge has seen it: the bridge may show it as PREROUTING has left it',
  () => {
    const before = segment('172.17.0.2:80', '172.17.0.1:5000', TCP_SYN | TCP_ACK, 1);
    const after = segment('172.17.0.2:80', '127.0.0.1:5000', TCP_SYN | TCP_ACK, 1);
    captured(ACCEPTING, [
      [VETH, IN, before],
      [DOCKER0, IN, after],
    ]);
    const local = readFileSync(join(dir, 'out', 'local.pcap'));
    // Behind the file header (24), the record header (16) and the first 16 bytes of the packet: the destination.
    assert.equal([...local.subarray(56, 60)], [172, 17, 0, 1]);
  },
);

Sent('the route of a packet to a group follows its source', () => {
  const query = udpPacket({
    source: '172.17.0.1',
    destination: '224.0.0.251',
    sport: 5353,
    dport: 5353,
    ttl: 1,
    id: 9,
  });
  const withDefault = { ...HOST, route: [{ dst: 'default', gateway: '192.0.2.1', dev: 'eth0' }] };
  const summary = captured(ACCEPTING, [[DOCKER0, OUT, query]], { host: withDefault });
  assert.equal(countsOf(summary), { matched: 1, missing: 0, extra: 0, different: 0, own: 1 });
});

Sent('a clock that was set back is said', () => {
  const packet = (id: number) =>
    udpPacket({ source: '192.0.2.10', destination: '192.0.2.50', sport: 4000, dport: 9, id });
  const { warnings } = captured(ACCEPTING, [
    [ETH0, OUT, packet(1), 20_000],
    [ETH0, OUT, packet(2), 8000],
  ]);
  assert.match(warnings[0], /^frame 2 is 12\.0 s earlier than one before it: the clock of the host was set/);
});

const MASQUERADING = table(
  'nat',
  ':PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n',
  '-A POSTROUTING -s 172.17.0.0/16 -o eth0 -j MASQUERADE\n',
);
const CLIENT = '172.17.0.2:5000';
const SERVER = '192.0.2.50:80';
const OUTSIDE = '192.0.2.10:5000';

/** A connection of a container, up to its first segment of data, as it arrives and leaves. */
const FORWARDED: readonly Seen[] = [
  [DOCKER0, IN, segment(CLIENT, SERVER, TCP_SYN, 1)],
  [ETH0, OUT, segment(OUTSIDE, SERVER, TCP_SYN, 1, { ttl: 63 })],
  [ETH0, IN, segment(SERVER, OUTSIDE, TCP_SYN | TCP_ACK, 2)],
  [DOCKER0, OUT, segment(SERVER, CLIENT, TCP_SYN | TCP_ACK, 2, { ttl: 63 })],
  [DOCKER0, IN, segment(CLIENT, SERVER, TCP_ACK, 3)],
  [ETH0, OUT, segment(OUTSIDE, SERVER, TCP_ACK, 3, { ttl: 63 })],
];

Sent('a filter leaves out packets, but not what they tell about the others', () => {
  const all = captured(MASQUERADING, FORWARDED);
  assert.equal(countsOf(all), { matched: 3, missing: 0, extra: 0, different: 0, own: 0 });

  // The answer is left out: what came after it may have been treated otherwise.
  const asked = captured(MASQUERADING, FORWARDED, { filter: 'src host 172.17.0.2' });
  assert.equal(countsOf(asked), { matched: 1, missing: 0, extra: 0, different: 0, own: 0 });
  assert.is(asked.egress?.unjudged.leftOut, 2);

  // Only departures and answers are chosen: the departures are no packets of the host itself.
  const outside = captured(MASQUERADING, FORWARDED, { filter: 'host 192.0.2.10' });
  assert.equal(countsOf(outside), { matched: 0, missing: 0, extra: 0, different: 0, own: 0 });
  assert.is(outside.egress?.unjudged.leftOut, 3);
  const { read, filteredOut, departed, delivered } = outside.packets;
  assert.equal({ read, filteredOut, departed, delivered }, { read: 6, filteredOut: 3, departed: 2, delivered: 1 });

  // It begins within the connection, which was not open before the capture.
  const { assumed, egress } = captured(MASQUERADING, FORWARDED, { from: 'n3' });
  assert.not(assumed.some((line) => line.includes('open before')));
  assert.is(egress!.missing + egress!.extra + egress!.different, 0);
});

Sent('what the host itself sent is counted apart, since it leaves as it was captured', () => {
  const { egress, assumed, warnings } = captured(ACCEPTING, [
    [ETH0, OUT, segment('192.0.2.10:6000', SERVER, TCP_SYN, 1)],
    [ETH0, IN, segment(SERVER, '192.0.2.10:6000', TCP_SYN | TCP_ACK, 2)],
  ]);
  assert.equal([egress?.matched, egress?.ownMatched], [1, 1]);
  // No rule translates sources.
  assert.not([...assumed, ...warnings].some((line) => line.includes('docker0')));
});

Sent('a connection from an own address may be a translated one of an interface that was not captured', () => {
  const { assumed, warnings } = captured(
    MASQUERADING,
    FORWARDED.filter(([ifindex]) => ifindex === ETH0),
  );
  assert.ok(
    assumed.includes(
      "1 connection from an own address: taken as the host's own; no frame of docker0 was captured, so it may be " +
        'forwarded and translated',
    ),
  );
  assert.match(warnings[0], /^no frame of docker0 was captured: what was forwarded from there and translated cannot/);
});

Sent('a listed connection was not open before in the sense that its translation is unknown', () => {
  const conntrackPath = join(dir, 'conntrack.txt');
  writeFileSync(
    conntrackPath,
    'ipv4     2 tcp      6 431999 ESTABLISHED src=172.17.0.2 dst=192.0.2.50 sport=5000 dport=80 ' +
      'src=192.0.2.50 dst=192.0.2.10 sport=80 dport=5000 [ASSURED] mark=0 use=1\n',
  );
  // The departure stands before the arrival that it came from, as captures of two interfaces may have it.
  const { assumed, egress } = captured(MASQUERADING, [FORWARDED[5], FORWARDED[4]], { conntrackPath });
  assert.not(assumed.some((line) => line.includes('open before')));
  assert.is(egress?.matched, 1);
});

Sent('an ICMP error of a router behind an interface that was not captured is not missing', () => {
  const syn = segment('192.0.2.50:5000', '172.17.0.2:80', TCP_SYN, 1);
  const passed = segment('192.0.2.50:5000', '172.17.0.2:80', TCP_SYN, 1, { ttl: 63 });
  const unreachable = buildIcmp(3, 3, 0, 0, passed);
  const addressed = { source: '172.17.0.9', destination: '192.0.2.50', protocol: IPPROTO_ICMP, ttl: 63 };
  const error = buildIpv4(addressed, unreachable);
  const { egress } = captured(ACCEPTING, [
    [ETH0, IN, syn],
    [ETH0, OUT, error],
  ]);
  assert.equal([egress?.missing, egress?.unjudged.noArrival], [0, 1]);
});

Sent('the host let a connection begin that the rules refuse: its later packets are said to be doubtful', () => {
  const rules = table('filter', ':INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n', '');
  const { warnings } = captured(rules + MASQUERADING, FORWARDED);
  assert.match(warnings[0], /^1 connection was refused here, but not by the captured host: what followed was replayed/);
});

/** Snapshots of a host, each with interfaces of its own, for `--at`. */
function laterHost(name: string, ...links: readonly unknown[]): string {
  const folder = join(dir, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'addr.json'), JSON.stringify([...HOST.addr, ...links]));
  writeFileSync(join(folder, 'iptables-save.txt'), ACCEPTING);
  return `snapshot:${folder}`;
}

Sent('bridges and their ports that come, go, and are made again under other ifindexes while the capture runs', () => {
  const bridge = (ifindex: number) => link(ifindex, 'br-1', '172.30.0.1/16', { link_type: 'ether' });
  const port = (ifindex: number) => link(ifindex, `veth${ifindex}`, undefined, { link_type: 'ether', master: 'br-1' });
  const request = (ms: number, ttl: number) =>
    udpPacket({ source: '172.30.0.2', destination: '192.0.2.50', sport: 1000 + ms, dport: 53, ttl });
  const answer = (ms: number, ttl: number) =>
    udpPacket({ source: '192.0.2.50', destination: '172.30.0.2', sport: 53, dport: 1000 + ms, ttl });
  /** A request of a container, as it is seen on the port, on the bridge and as it leaves, and its answer. */
  const exchange = (ms: number, br: number, veth: number): Seen[] => [
    [veth, IN, request(ms, 64), ms],
    [br, IN, request(ms, 64), ms],
    [ETH0, OUT, request(ms, 63), ms],
    [ETH0, IN, answer(ms, 64), ms + 1],
    [br, OUT, answer(ms, 63), ms + 1],
    [veth, OUT, answer(ms, 63), ms + 1],
  ];
  const seen = [...exchange(1000, 5, 6), ...exchange(2000, 5, 6), ...exchange(3000, 8, 9)];
  // Each change is due with the frame before which it is: all of them are looked at ahead of it.
  const first = segment('192.0.2.50:999', '192.0.2.10:22', TCP_SYN, 1);
  const changes = [
    `1s=${laterHost('made', bridge(5), port(6))}`,
    `2.5s=${laterHost('removed')}`,
    `3s=${laterHost('again', bridge(8), port(9))}`,
  ];
  const { egress, skipped, packets, warnings } = captured(ACCEPTING, [[ETH0, IN, first, 0], ...seen], { changes });
  assert.equal(skipped, { 'bridge-port': 6 });
  assert.is(packets.forwarded, 6);
  assert.is(egress!.matched, 6);
  assert.equal([egress!.missing, egress!.extra, egress!.different], [0, 0, 0]);
  assert.equal(warnings, []);
  // Where the change that brings them is late, nobody knows them.
  const late = captured(ACCEPTING, [[ETH0, IN, first, 0], ...seen], { changes: changes.slice(0, 2) });
  assert.equal(late.skipped, { 'bridge-port': 4, 'unknown-interface': 4 });
});

Sent.run();
