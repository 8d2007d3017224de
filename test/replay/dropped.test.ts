/** What a summary says of dropped packets: by cause, by service, by flow. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Linktype } from '../../codecs/linktypes.js';
import { createPcapFile } from '../../io/capture-file.js';
import type { DropCount } from '../../replay/drops.js';
import { replay } from '../../replay/replay.js';
import type { Summary } from '../../replay/summary.js';
import { buildIcmp, buildIpv4, tcpPacket, udpPacket } from '../packets/packets.js';

const Dropped = suite('dropped packets');

const SYN = 0x02;
const RST_ACK = 0x14;
const SYN_ACK = 0x12;
const CLIENT = '203.0.113.7';
const WAN = '192.0.2.10';
const SERVER = '172.17.0.3';

let dir = '';
Dropped.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-test-'));
});
Dropped.after(() => rmSync(dir, { recursive: true }));

const HOST = {
  addr: [
    { ifname: 'wan', address: '02:00:00:00:00:01', addr_info: [{ family: 'inet', local: WAN, prefixlen: 24 }] },
    {
      ifname: 'lan',
      address: '02:00:00:00:00:02',
      addr_info: [{ family: 'inet', local: '172.17.0.1', prefixlen: 16 }],
    },
  ],
  route: [{ dst: 'default', gateway: '192.0.2.1', dev: 'wan' }],
};

/** A packet, and the interface that it arrives on. */
type Arrival = readonly [iface: 'wan' | 'lan', packet: Uint8Array];

/** Replays ARRIVALS, a second apart. */
function summaryOf(rules: string, arrivals: readonly Arrival[]): Summary {
  const inputs = (['wan', 'lan'] as const).map((iface) => ({ iface, path: join(dir, `${iface}.pcap`) }));
  for (const { iface, path } of inputs) {
    const writer = createPcapFile(path, Linktype.RAW);
    for (const [i, [from, packet]] of arrivals.entries()) {
      if (from === iface) writer.write(i, 0, packet, 0, packet.length, packet.length);
    }
    writer.close();
  }
  const rulesPath = join(dir, 'rules.v4');
  const hostPath = join(dir, 'host.json');
  writeFileSync(rulesPath, rules);
  writeFileSync(hostPath, JSON.stringify(HOST));
  return replay({ rulesPath, hostPath, inputs, outDir: join(dir, 'out') });
}

/** The line of each cause, with its services and replies. */
function servicesOf({ dropped }: Summary) {
  return dropped.map(({ line, packets, services, replies }: DropCount) => ({
    line,
    packets,
    services: services.listed,
    ...(replies === undefined ? {} : { replies }),
  }));
}

const tcp = (source: string, sport: number, destination: string, dport: number, flags: number) =>
  tcpPacket({ source, sport, destination, dport, flags });

const RULES = `*nat
-A PREROUTING -i wan -p tcp -m tcp --dport 8081 -j DNAT --to-destination ${SERVER}:80
-A POSTROUTING -o wan -s 172.17.0.0/16 -j MASQUERADE
COMMIT
*filter
-A FORWARD -m conntrack --ctstate INVALID -j DROP
-A FORWARD -i lan -p udp -m udp --dport 53 -j ACCEPT
-A FORWARD -j DROP
-A INPUT -j DROP
COMMIT
`;
const INVALID = 6;
const FORWARD = 8;
const INPUT = 9;

Dropped('retransmissions and further attempts are one flow, and the answers to them none', () => {
  const syn = (sport: number): Arrival => ['wan', tcp(CLIENT, sport, WAN, 8081, SYN)];
  // What the container once answered; conntrack knows no connection.
  const synAck: Arrival = ['lan', tcp(SERVER, 80, CLIENT, 40_000, SYN_ACK)];
  const summary = summaryOf(RULES, [...Array.from({ length: 10 }, () => syn(40_000)), synAck, synAck, syn(40_001)]);
  assert.is(summary.packets.dropped, 13);
  assert.equal(servicesOf(summary), [
    {
      line: FORWARD,
      packets: 11,
      services: [
        {
          protocol: 6,
          port: 8081,
          packets: 11,
          sources: 1,
          destinations: 1,
          source: CLIENT,
          destination: WAN,
          translatedDestination: { address: SERVER, port: 80 },
        },
      ],
    },
    { line: INVALID, packets: 2, services: [], replies: 2 },
  ]);
  assert.is(summary.droppedFlows.count, 1);
});

Dropped('packets that may answer nothing are flows of their own', () => {
  const ping = (source: string, destination: string, type: number) =>
    buildIpv4({ source, destination, protocol: 1 }, buildIcmp(type, 0, 1, 1, new Uint8Array(8)));
  const request = 8;
  const reply = 0;
  const summary = summaryOf(RULES, [
    ['wan', ping(CLIENT, SERVER, request)],
    ['lan', ping(SERVER, CLIENT, request)],
    ['lan', ping(SERVER, CLIENT, reply)],
    ['wan', tcp(CLIENT, 20, SERVER, 80, SYN)],
    ['lan', tcp(SERVER, 80, CLIENT, 20, SYN)],
    ['lan', tcp(SERVER, 80, CLIENT, 20, RST_ACK)],
    // Conntrack has no state for UDP: this is a new connection to it.
    ['wan', udpPacket({ source: CLIENT, sport: 123, destination: SERVER, dport: 123 })],
    ['lan', udpPacket({ source: SERVER, sport: 123, destination: CLIENT, dport: 123 })],
  ]);
  assert.is(summary.droppedFlows.count, 5);
  const replies = summary.dropped.map(({ line, replies }) => [line, replies]);
  assert.equal(replies, [
    [FORWARD, 1],
    [INVALID, 2],
  ]);
});

Dropped('a port that many ask for is one line, and so is each port of a scan', () => {
  const sources = ['203.0.113.1', '203.0.113.2', '203.0.113.3'];
  const telnet = sources.flatMap((source, i) => Array.from({ length: 3 - i }, () => tcp(source, 1, WAN, 23, SYN)));
  const scan = [1, 2, 3].map((port) => tcp(CLIENT, 4, WAN, port, SYN));
  const [cause] = servicesOf(
    summaryOf(
      RULES,
      [...telnet, ...scan].map((packet) => ['wan', packet]),
    ),
  );
  assert.is(cause.line, INPUT);
  const ends = { destinations: 1, destination: WAN };
  assert.equal(cause.services, [
    { protocol: 6, port: 23, packets: 6, sources: 3, ...ends, source: '203.0.113.1' },
    { protocol: 6, port: 1, packets: 1, sources: 1, ...ends, source: CLIENT },
    { protocol: 6, port: 2, packets: 1, sources: 1, ...ends, source: CLIENT },
    { protocol: 6, port: 3, packets: 1, sources: 1, ...ends, source: CLIENT },
  ]);
});

Dropped('replies in a known connection are for the service that they come from', () => {
  const query = udpPacket({ source: SERVER, sport: 40_000, destination: CLIENT, dport: 53 });
  const answer = udpPacket({ source: CLIENT, sport: 53, destination: WAN, dport: 40_000 });
  const summary = summaryOf(RULES, [
    ['lan', query],
    ['wan', answer],
  ]);
  assert.equal(servicesOf(summary), [
    {
      line: FORWARD,
      packets: 1,
      services: [
        {
          protocol: 17,
          port: 53,
          reply: true,
          packets: 1,
          sources: 1,
          destinations: 1,
          source: CLIENT,
          destination: WAN,
          translatedDestination: { address: SERVER, port: 40_000 },
        },
      ],
    },
  ]);
});

Dropped('packets beyond the flows that are counted separately still count for their service', () => {
  const packets = Array.from({ length: 10_500 }, (_, i) =>
    tcp(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, 1, WAN, 80, SYN),
  );
  const late = Array.from({ length: 3 }, () => tcp(CLIENT, 1, WAN, 443, SYN));
  const [cause] = servicesOf(
    summaryOf(
      RULES,
      [...packets, ...late].map((packet) => ['wan', packet]),
    ),
  );
  assert.is(cause.packets, 10_503);
  assert.equal(cause.services, [
    {
      protocol: 6,
      port: 80,
      packets: 10_500,
      sources: 10_000,
      destinations: 1,
      source: '10.0.0.0',
      destination: WAN,
    },
    { protocol: 6, port: 443, packets: 3, sources: 0, destinations: 0 },
  ]);
});

Dropped('the connections with the most bytes are listed first', () => {
  const query = (sport: number, length: number): Arrival => [
    'lan',
    udpPacket({ source: SERVER, sport, destination: CLIENT, dport: 53, data: new Uint8Array(length) }),
  ];
  const { connections } = summaryOf(RULES, [query(1, 10), query(2, 30), query(3, 10), query(4, 20)]);
  assert.equal(
    connections.listed.map(({ source }) => source.port),
    [2, 4, 1, 3],
  );
});

Dropped('a port that NAT drew because the wanted one was taken is said to be assumed', () => {
  const masquerade = '*nat\n-A POSTROUTING -o wan -j MASQUERADE\nCOMMIT\n';
  const from = (source: string): Arrival => [
    'lan',
    udpPacket({ source, sport: 5000, destination: CLIENT, dport: 53, data: new Uint8Array(8) }),
  ];
  const ports = ({ assumed }: Summary) => assumed.filter((line) => line.includes('NAT'));
  assert.equal(ports(summaryOf(masquerade, [from(SERVER)])), []);
  assert.equal(ports(summaryOf(masquerade, [from(SERVER), from('172.17.0.4')])), [
    '1 port of NAT drawn at random (--seed): the host may draw others',
  ]);
});

Dropped.run();
