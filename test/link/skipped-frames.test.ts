import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ETHERNET_LENGTH } from '../../codecs/layouts.js';
import { Linktype } from '../../codecs/linktypes.js';
import { EMULATOR_ENGINES } from '../../core/emulator.js';
import { replay } from '../../replay/replay.js';
import { PcapngBlocks, pcap, readFile } from '../codecs/capture-files.js';
import { buildFrame, buildIpv4, buildUdp, withChecksum } from '../packets/packets.js';

const Skipped = suite('skipped frames');

const HOST = JSON.stringify({
  addr: [
    ['eth0', '02:00:00:00:00:10', '203.0.113.10'],
    ['lan0', '02:00:00:00:00:20', '192.168.0.1'],
  ].map(([ifname, address, local]) => ({ ifname, address, addr_info: [{ family: 'inet', local, prefixlen: 24 }] })),
  route: [{ dst: 'default', gateway: '203.0.113.1', dev: 'eth0' }],
  sysctl: { 'net.ipv4.ip_forward': 1 },
});

/** Replies are accepted only for existing connections: if the connection has expired, they are dropped. */
const RULES = `*filter
:FORWARD DROP [0:0]
-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A FORWARD -s 192.168.0.0/24 -j ACCEPT
COMMIT
`;

const TO_HOST = Buffer.from('020000000020', 'hex');
const FROM_NEIGHBOUR = Buffer.from('020000000001', 'hex');
const CLIENT = 0xc0a8_0005;
const SERVER = 0xc633_6409;
const UDP = 17;

function datagram(source: number, destination: number, sport: number, dport: number): Buffer {
  const packet = buildIpv4({ source, destination, protocol: UDP }, buildUdp(sport, dport, Buffer.from('?')));
  return buildFrame(TO_HOST, FROM_NEIGHBOUR, withChecksum(packet));
}

const QUESTION = datagram(CLIENT, SERVER, 5000, 53);
const ANSWER = datagram(SERVER, CLIENT, 53, 5000);

/** The Ethernet header of FRAME with another EtherType, or with tags before it, and PAYLOAD in place of the packet. */
const ethernet = (typeAndPayload: string): Buffer => Buffer.from(`020000000020020000000001${typeAndPayload}`, 'hex');

/** Frames that never reach the host, by reason. */
const SKIPPED: readonly [reason: string, frame: Buffer][] = [
  ['arp', ethernet(`0806${'00'.repeat(28)}`)],
  ['ipv6', ethernet(`86dd60000000${'00'.repeat(36)}`)],
  ['lldp', ethernet('88cc0200')],
  ['llc', ethernet(`0026424203${'00'.repeat(35)}`)],
  ['vlan', Buffer.concat([ethernet('81000064'), QUESTION.subarray(12)])],
  ['not-ip', ethernet('88b5110000010000')],
  ['pppoe', Buffer.concat([ethernet('8864110000070020'), Buffer.from('0021', 'hex'), QUESTION.subarray(14)])],
  ['mpls', Buffer.concat([ethernet('88470001013f'), QUESTION.subarray(14)])],
  ['link-too-short', QUESTION.subarray(0, 13)],
];

const START_SEC = 1_700_000_000;
/** Long after every time-out of UDP. */
const LATE_SEC = START_SEC + 1000;

type Timed = readonly [seconds: number, frame: Buffer];

let dir = '';
Skipped.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-skipped-'));
  writeFileSync(join(dir, 'host.json'), HOST);
  writeFileSync(join(dir, 'rules.v4'), RULES);
});
Skipped.after(() => rmSync(dir, { recursive: true }));

/** IEEE 802.11, which is unsupported. */
const WIRELESS = 105;

/** A pcapng of Ethernet frames. Those shorter than an Ethernet header are on an interface with LINKTYPE. */
function pcapng(frames: readonly Timed[], linktype: number): Buffer {
  const blocks = new PcapngBlocks();
  const packets = frames.map(([seconds, frame]) =>
    blocks.packet(frame.length < ETHERNET_LENGTH ? 1 : 0, BigInt(seconds) * 1_000_000n, frame),
  );
  return Buffer.concat([blocks.section(), blocks.interface(Linktype.ETHERNET), blocks.interface(linktype), ...packets]);
}

const FORMATS: Record<string, (frames: readonly Timed[]) => Buffer> = {
  pcap: (frames) => pcap({ records: frames.map(([seconds, frame]) => [seconds, 0, frame]) }),
  'big-endian pcap': (frames) =>
    pcap({ isLittleEndian: false, records: frames.map(([seconds, frame]) => [seconds, 0, frame]) }),
  pcapng: (frames) => pcapng(frames, Linktype.ETHERNET),
};

const ORDERS: Record<string, (skipped: Buffer) => Timed[]> = {
  'before the first packet': (skipped) => [
    [LATE_SEC, skipped],
    [START_SEC, QUESTION],
    [START_SEC + 1, ANSWER],
  ],
  'between packets': (skipped) => [
    [START_SEC, QUESTION],
    [LATE_SEC, skipped],
    [START_SEC + 1, ANSWER],
  ],
  'after the last packet': (skipped) => [
    [START_SEC, QUESTION],
    [START_SEC + 1, ANSWER],
    [LATE_SEC, skipped],
  ],
};

/** The output for CAPTURE, which arrives on lan0 (no rule here reads the interface). */
function results(capture: Buffer, engine: (typeof EMULATOR_ENGINES)[number]) {
  const path = join(dir, 'in.cap');
  writeFileSync(path, capture);
  const outDir = join(dir, 'out');
  const summary = replay({
    rulesPath: join(dir, 'rules.v4'),
    hostPath: join(dir, 'host.json'),
    inputs: [{ iface: 'lan0', path }],
    outDir,
    engine,
  });
  const files = readdirSync(outDir).filter((name) => name !== 'summary.json');
  return {
    skipped: summary.skipped,
    forwarded: summary.packets.forwarded,
    files: Object.fromEntries(files.map((name) => [name, readFileSync(join(outDir, name), 'hex')])),
    sent: readFile(join(outDir, 'lan0.pcap')).records.length + readFile(join(outDir, 'eth0.pcap')).records.length,
  };
}

function leavesTheClockAlone(reason: string, frame: Buffer, write: (frames: readonly Timed[]) => Buffer): void {
  const without = results(
    write([
      [START_SEC, QUESTION],
      [START_SEC + 1, ANSWER],
    ]),
    'interpreter',
  );
  assert.is(without.forwarded, 2);
  for (const [when, order] of Object.entries(ORDERS)) {
    for (const engine of EMULATOR_ENGINES) {
      const { skipped, forwarded, sent, files } = results(write(order(frame)), engine);
      assert.equal(skipped, { [reason]: 1 }, `${engine}, ${when}`);
      assert.is(forwarded, 2, `${engine}, ${when}`);
      assert.is(sent, 2, `${engine}, ${when}`);
      assert.equal(files, without.files, `${engine}, ${when}`);
    }
  }
}

for (const [format, write] of Object.entries(FORMATS)) {
  for (const [reason, frame] of SKIPPED) {
    Skipped(`a skipped frame does not wind the clock: ${reason}, ${format}`, () =>
      leavesTheClockAlone(reason, frame, write),
    );
  }
}

Skipped('a skipped frame does not wind the clock: unknown-linktype, pcapng', () =>
  leavesTheClockAlone('unknown-linktype', Buffer.alloc(8), (frames) => pcapng(frames, WIRELESS)),
);

Skipped.run();
