// The packets that sentences describe: their bytes, where they get into the host, and what is chosen for them.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatSentence } from '../../codecs/sentence/format.js';
import { parseSentence } from '../../codecs/sentence/parse.js';
import { readSentencePacket, sentenceOf } from '../../codecs/sentence/read-packet.js';
import { SentenceError } from '../../codecs/sentence/sentence-error.js';
import { createEmulator } from '../../core/emulator.js';
import { type Host, loadHost } from '../../core/host/host.js';
import { Frame } from '../../core/link/frame.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { type PlannedPacket, planPacket } from '../../explain/packets/planned-packet.js';

const Packets = suite('planned packets');

const link = (ifname: string, local: string, prefixlen: number, address?: string) => ({
  ifname,
  mtu: 1500,
  ...(address === undefined ? { link_type: 'none' } : { address }),
  addr_info: [{ family: 'inet', local, prefixlen }],
});
const HOST = {
  addr: [
    link('eth0', '192.0.2.10', 24, '02:aa:00:00:00:01'),
    link('eth1', '10.0.0.1', 8, '02:aa:00:00:00:02'),
    link('wg0', '10.99.0.1', 24),
  ],
  route: [{ dst: 'default', gateway: '192.0.2.1', dev: 'eth0' }],
  neigh: [{ dst: '192.0.2.1', dev: 'eth0', lladdr: '02:bb:00:00:00:01' }],
};

const host = (): Host => loadHost(JSON.stringify(HOST), 'host.json');
const plan = (text: string): PlannedPacket => planPacket(parseSentence(text), host());
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

Packets('a frame comes from the router, to the MAC of the interface', () => {
  const { bytes, linktype, dev, packet, chosen } = plan('eth0 tcp 203.0.113.7:40000 > 192.0.2.10:8081 S len 40');
  assert.is(dev, 'eth0');
  assert.is(linktype, 1);
  assert.is(hex(bytes.subarray(0, 14)), '02aa0000000102bb000000010800');
  assert.is(hex(bytes.subarray(14)), hex(packet));
  // Checksums by hand: b62b for the IP header, 31e8 with the pseudo header.
  assert.is(
    hex(packet),
    `45000028000140004006${checksum(packet, 0, 20, 10)}cb007107c000020a` +
      `9c401f91000003e8000000005002faf0${tcpChecksum(packet)}0000`,
  );
  assert.equal(chosen, ['ttl 64']);
});

Packets('a sender on the link has its own MAC, an interface without MACs none', () => {
  assert.is(hex(plan('eth1 udp 10.1.2.3:5 > 10.0.0.1:53').bytes.subarray(0, 14)), '02aa0000000202000a0102030800');
  const tunnel = plan('wg0 udp 10.99.0.2:5 > 10.0.0.1:53');
  assert.is(tunnel.linktype, 101);
  assert.is(hex(tunnel.bytes), hex(tunnel.packet));
  const broadcast = plan('eth1 udp 10.1.2.3:5 > 10.255.255.255:137');
  assert.is(hex(broadcast.bytes.subarray(0, 6)), 'ffffffffffff');
  assert.is(hex(plan('eth1 udp 10.1.2.3:5 > 224.0.0.251:5353').bytes.subarray(0, 6)), '01005e0000fb');
});

Packets('without an interface, a packet comes in where the route to its source leads', () => {
  assert.is(plan('udp 10.1.2.3:5 > 10.0.0.1:53').dev, 'eth1');
  assert.is(plan('udp 198.51.100.1:5 > 10.0.0.1:53').dev, 'eth0');
  const own = plan('udp 10.0.0.1:5 > 198.51.100.1:53');
  assert.is(own.dev, undefined);
  assert.is(own.isSourced, true);
  assert.ok(own.chosen.includes('sent by the host itself'));
  assert.is(plan('local udp 1.2.3.4:5 > 198.51.100.1:53').isSourced, false);
});

Packets('what comes in over lo from an address of the host, the host itself has sent', () => {
  for (const ends of ['127.0.0.1 > 127.0.0.1:22', '192.0.2.10 > 192.0.2.10:631', '* > 127.0.0.1:22']) {
    const own = plan(`lo tcp ${ends}`);
    assert.is(own.dev, undefined);
    assert.is(own.isSourced, true);
    assert.ok(own.chosen.includes('sent by the host itself'));
  }
  // What nobody can have sent there stays what the sentence says.
  assert.is(plan('lo tcp 203.0.113.7 > 127.0.0.1:22').dev, 'lo');
  assert.is(plan('lo tcp 127.0.0.1 > 203.0.113.7:22').dev, 'lo');
});

Packets('whatever is left out is chosen, and said', () => {
  const { packet, chosen } = plan('tcp * > *:80');
  assert.is(described(packet), 'tcp 203.0.113.7:51515 > 192.0.2.10:80 S');
  assert.equal(chosen, [
    'to 192.0.2.10',
    'from 203.0.113.7',
    'in eth0',
    'source port 51515',
    'flags S',
    'ttl 64',
    '60 bytes',
  ]);
  assert.is(described(plan('wg0 icmp * > *').packet), 'icmp 10.99.0.2 > 10.99.0.1 echo-request');
  assert.is(described(plan('local udp * > *:53').packet), 'udp 192.0.2.10:51515 > 203.0.113.7:53');
  assert.is(
    described(plan('eth1 udp 10.0.0.0/8:1-9 > 10.0.0.1:53 ttl 3-7 len 100').packet),
    'udp 10.0.0.2:1 > 10.0.0.1:53',
  );
});

Packets('every protocol has a header with correct lengths and checksums', () => {
  const ends = '203.0.113.7:1000 > 192.0.2.10:2000';
  const hosts = '203.0.113.7 > 192.0.2.10';
  for (const text of [
    `tcp ${ends} S`,
    `tcp ${ends} PA len 1500`,
    `tcp ${ends} R`,
    `udp ${ends} len 29`,
    `udplite ${ends}`,
    `dccp ${ends}`,
  ]) {
    const { packet } = plan(text);
    assert.is(checksum(packet, 0, 20, 10), hex(packet.subarray(10, 12)), text);
    assert.is(sum(packet, 20, packet.length, pseudoHeader(packet)), 0xffff, text);
    assert.is(Buffer.from(packet).readUInt16BE(2), packet.length);
  }
  for (const text of [
    `icmp ${hosts}`,
    `icmp ${hosts} 13 len 33`,
    `icmp ${hosts} host-prohibited`,
    `icmp ${hosts} frag-needed`,
  ]) {
    const { packet } = plan(text);
    assert.is(sum(packet, 20, packet.length, 0), 0xffff, text);
  }
  // IP header, then the INIT of RFC 9260, section 3.3.2 with its CRC (computed bit by bit, appendix A).
  const init = plan(`sctp ${ends}`).packet;
  assert.is(init.length, 20 + 12 + 20);
  const zeroed = Buffer.from(init.subarray(20));
  zeroed.writeUInt32LE(0, 8);
  assert.is(Buffer.from(init).readUInt32LE(28), crc32c(zeroed));
  for (const text of [`gre ${hosts}`, `esp ${hosts}`, `ah ${hosts}`, `89 ${hosts}`, `igmp ${hosts} len 28`]) {
    const { packet } = plan(text);
    assert.is(Buffer.from(packet).readUInt16BE(2), packet.length, text);
  }
  assert.is(plan(`igmp ${hosts} len 28`).packet.length, 28);
});

Packets('an ICMP error quotes a packet of the other direction', () => {
  const { packet, chosen } = plan('icmp 203.0.113.7 > 192.0.2.10 port-unreachable');
  assert.is(described(packet.subarray(28)), 'udp 192.0.2.10:51515 > 203.0.113.7:33434');
  assert.ok(chosen.includes('about a datagram that nobody sent'));
});

const WRONG: readonly (readonly [text: string, message: RegExp])[] = [
  ['ip 10.0.0.2 > 10.0.0.1', /"ip" is any protocol/],
  ['tcp !10.0.0.2 > 10.0.0.1:80', /"!" describes a kind/],
  ['!eth0 tcp 10.0.0.2 > 10.0.0.1:80', /"!" describes a kind/],
  ['tcp 10.0.0.2 > 10.0.0.1', /no destination port: write it behind the address, as in 10.0.0.1:80/],
  ['eth9 tcp 10.0.0.2 > 10.0.0.1:80', /the host has no interface eth9; did you mean eth0\?/],
  ['tcp 10.0.0.2 > 10.0.0.1:80 out eth0', /"out eth0" cannot be chosen/],
  ['tcp 10.0.0.2 > 10.0.0.1:80 state INVALID', /"state INVALID" cannot be chosen/],
  ['tcp 10.0.0.2 > 10.0.0.1:80 len 39', /"len 39": a packet of tcp has at least 40 bytes/],
];

for (const [text, message] of WRONG) {
  Packets(`${text} cannot be sent`, () => {
    assert.throws(
      () => plan(text),
      (error: unknown) => error instanceof SentenceError && message.test(error.message),
    );
  });
}

Packets('IPv6 is refused as not supported', () => {
  try {
    plan('tcp [2001:db8::1]:1 > [2001:db8::2]:80');
    assert.unreachable();
  } catch (error) {
    assert.ok(error instanceof SentenceError && error.isUnsupported);
  }
});

Packets('a packet has its mark from the first hook on, also where a path was learned', () => {
  const rules = '*raw\n-A PREROUTING -m mark --mark 7 -j DROP\n-A OUTPUT -m mark --mark 0xffffffff -j DROP\nCOMMIT\n';
  const own = host();
  const emulator = createEmulator(
    { host: own, ruleset: parseRuleset(rules, 'rules.v4') },
    { egress() {}, local() {}, dropped() {} },
  );
  const send = (text: string): string | undefined => {
    const { bytes, linktype, dev, isSourced, mark } = planPacket(parseSentence(text), own);
    const frame = new Frame({ bytes: Uint8Array.from(bytes), linktype, tsSec: 1 });
    frame.mark = mark;
    if (dev === undefined) emulator.send(frame, isSourced);
    else {
      frame.dev = own.interfaceIndex(dev);
      emulator.receive(frame);
    }
    return emulator.dropCause?.reason;
  };
  const udp = 'eth0 udp 203.0.113.7:1 > 10.0.0.2:2';
  for (let i = 0; i < 3; i++) {
    assert.is(send(udp), undefined);
    assert.is(send('udp 10.0.0.2:2 > 203.0.113.7:1'), undefined);
  }
  assert.is(send(`${udp} mark 7`), 'rule');
  assert.is(send(`${udp} mark 8`), undefined);
  assert.is(send('local udp * > 10.0.0.2:2 mark 0xffffffff'), 'rule');
  assert.is(send(udp), undefined);
});

function described(packet: Uint8Array): string {
  return formatSentence(sentenceOf(readSentencePacket(packet)!));
}

/** The sum of the words of PACKET from AT to END in ones' complement (RFC 1071). */
function sum(packet: Uint8Array, at: number, end: number, start: number): number {
  let total = start;
  for (let i = at; i < end; i += 2) total += packet[i] * 256 + (i + 1 < end ? packet[i + 1] : 0);
  while (total > 0xffff) total = (total % 0x10000) + Math.floor(total / 0x10000);
  return total;
}

/** The checksum that belongs to CHECKSUM_AT. */
function checksum(packet: Uint8Array, at: number, end: number, checksumAt: number, start = 0): string {
  const copy = Uint8Array.from(packet);
  copy[checksumAt] = 0;
  copy[checksumAt + 1] = 0;
  return (0xffff - sum(copy, at, end, start)).toString(16).padStart(4, '0');
}

const pseudoHeader = (packet: Uint8Array): number => sum(packet, 12, 20, packet[9] + packet.length - 20);
const tcpChecksum = (packet: Uint8Array): string => checksum(packet, 20, packet.length, 36, pseudoHeader(packet));

function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

Packets.run();
