/**
 * Coalesced frames: one packet for rules and conntrack, segments for the MTU and on the wire. What is expected is what
 * Linux 6.18 did with the same frames, injected with VIRTIO_NET_HDR_GSO_TCPV4 and GSO_UDP_L4.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { internetChecksum, transportChecksum } from '../../codecs/checksum.js';
import { TCP_ACK, TCP_CWR, TCP_FIN, TCP_PSH, TCP_SYN } from '../../codecs/layouts.js';
import { listConnection } from '../../core/conntrack/list.js';
import { EMULATOR_ENGINES } from '../../core/emulator.js';
import { bytesEqual } from '../bytes.js';
import { tcpPacket, udpPacket, withHeaderChecksum } from '../packets/packets.js';
import { seededRandom, testSeed } from '../random.js';
import { FAR, NEAR, Router, type RouterOptions } from './router.js';
import { unfinish, unfinished } from './unfinished.js';

const Segments = suite('coalesced frames');
const seed = testSeed();

const DF = 0x4000;
const ACCOUNTED = '*filter\n-A INPUT -m length --length 2892\n-A FORWARD -m length --length 2892:2900\nCOMMIT\n';
const TIMESTAMPS = Uint8Array.of(1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8);

/** Options of a SYN: an MSS. */
const mssOption = (mss: number) => Uint8Array.of(2, 4, mss >> 8, mss & 255);

interface Frame {
  data: number;
  flags?: number;
  id?: number;
  fragment?: number;
  ttl?: number;
  destination?: string;
  tcpOptions?: Uint8Array;
}

/** A coalesced frame from NEAR's port 2001 to port 80. */
function coalesced({ data, flags = TCP_ACK, id = 7, fragment = DF, destination = FAR, ...more }: Frame): Buffer {
  const bytes = Buffer.from(Array.from({ length: data }, (_, i) => i & 255));
  const ends = { source: NEAR, destination, sport: 2001, dport: 80 };
  return unfinished(
    tcpPacket({ ...ends, id, fragment, ...more, flags, sequence: 100, acknowledgment: 500, data: bytes }),
  );
}

/** A router that has seen a handshake with these MSS; NEAR is the opener. */
function connected(
  mss: number | undefined,
  options: RouterOptions = {},
  rules = ACCOUNTED,
  otherOptions = new Uint8Array(0),
): Router {
  const router = new Router(rules, { mtus: [1500, 1466], ...options });
  const there = { source: NEAR, destination: FAR, sport: 2001, dport: 80 };
  const back = { source: FAR, destination: NEAR, sport: 80, dport: 2001 };
  const tcpOptions = mss === undefined ? otherOptions : mssOption(mss);
  router.receive(tcpPacket({ ...there, flags: TCP_SYN, sequence: 99, tcpOptions }));
  const answer = { flags: TCP_SYN | TCP_ACK, sequence: 499, acknowledgment: 100, tcpOptions };
  router.receive(tcpPacket({ ...back, ...answer }), 'eth1');
  router.receive(tcpPacket({ ...there, flags: TCP_ACK, sequence: 100, acknowledgment: 500 }));
  return router;
}

/** What a packet is, in a line. Its checksums must be right. */
function lineOf(packet: Buffer): string {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  const headerLength = (packet[0] & 15) * 4;
  assert.is(internetChecksum(view, 0, headerLength), 0);
  const length = packet.readUInt16BE(2);
  assert.is(length, packet.length);
  const fragment = packet.readUInt16BE(6);
  const start = `${length} id ${packet.readUInt16BE(4)} ${fragment.toString(16)}`;
  if (packet[9] === 1) return `icmp ${packet[20]}/${packet[21]} mtu ${packet.readUInt16BE(26)}`;
  if ((fragment & 0x3fff) !== 0) return start;
  assert.is(transportChecksum(view, 0, headerLength, packet[9], length - headerLength), 0, start);
  if (packet[9] === 17) return `${start} udp ${packet.readUInt16BE(headerLength + 4)}`;
  return `${start} seq ${packet.readUInt32BE(headerLength + 4)} flags ${packet[headerLength + 13].toString(16)}`;
}

const leaves = (router: Router, packet: Buffer): string[] => router.receive(packet).map(lineOf);

Segments('leave as many packets, and their length counts for the MTU', () => {
  for (const engine of EMULATOR_ENGINES) {
    assert.equal(leaves(connected(1426, { engine }), coalesced({ data: 2852 })), [
      '1466 id 7 4000 seq 100 flags 10',
      '1466 id 8 4000 seq 1526 flags 10',
    ]);
    assert.equal(leaves(connected(1426, { engine }), coalesced({ data: 2853 })), [
      '1466 id 7 4000 seq 100 flags 10',
      '1466 id 8 4000 seq 1526 flags 10',
      '41 id 9 4000 seq 2952 flags 10',
    ]);
    assert.equal(leaves(connected(1427, { engine }), coalesced({ data: 2854 })), ['icmp 3/4 mtu 1466']);
    assert.equal(leaves(connected(1460, { engine }), coalesced({ data: 2920 })), ['icmp 3/4 mtu 1466']);
  }
});

Segments('are as long as the MSS that TCPMSS has left of the one announced', () => {
  const syn = '-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS';
  const clamp = `*mangle\n-A FORWARD ${syn} --clamp-mss-to-pmtu\nCOMMIT\n`;
  const set = `*filter\n-A FORWARD -i eth1 ${syn} --set-mss 1000\nCOMMIT\n`;
  const strip = '*mangle\n-A FORWARD -p tcp -j TCPOPTSTRIP --strip-options mss\nCOMMIT\n';
  for (const engine of EMULATOR_ENGINES) {
    // What fits into 1466 is 1426; without the option, a sender assumes 536 (RFC 9293, section 3.7.1).
    const full = (count: number, bytes: number, router: Router) =>
      assert.equal(
        leaves(router, coalesced({ data: count * bytes })).map((line) => line.split(' ')[0]),
        Array<string>(count).fill(String(40 + bytes)),
      );
    full(2, 1426, connected(1460, { engine }, clamp));
    full(3, 1000, connected(1400, { engine }, set));
    full(4, 536, connected(1400, { engine }, strip));
    full(4, 536, connected(undefined, { engine }, clamp));
  }
});

Segments('are 536 bytes long where the SYNs have options, but no MSS (RFC 9293, section 3.7.1)', () => {
  const windowScale = Uint8Array.of(3, 3, 7, 0);
  for (const engine of EMULATOR_ENGINES) {
    const router = connected(undefined, { engine }, ACCOUNTED, windowScale);
    assert.is(leaves(router, coalesced({ data: 4 * 536 }))[0], '576 id 7 4000 seq 100 flags 10', engine);
  }
});

Segments('of a copy that TEE sends are as long as those of the packet', () => {
  const tee = '*mangle\n-A PREROUTING -i eth0 -j TEE --gateway 10.0.1.8\nCOMMIT\n';
  for (const engine of EMULATOR_ENGINES) {
    const lengths = leaves(connected(1200, { engine }, tee), coalesced({ data: 2401 })).map(
      (line) => line.split(' ')[0],
    );
    assert.equal(lengths, ['1240', '1240', '41', '1240', '1240', '41'], engine);
  }
});

Segments('of a sender that ignores what TCPMSS has left are whole packets if they fit the MTU they came by', () => {
  const clamp = '*mangle\n-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu\nCOMMIT\n';
  for (const engine of EMULATOR_ENGINES) {
    assert.equal(leaves(connected(1460, { engine }, clamp), coalesced({ data: 1460 })), ['icmp 3/4 mtu 1466']);
  }
});

Segments('are fragmented one by one without DF', () => {
  assert.equal(leaves(connected(1460), coalesced({ data: 2920, fragment: 0 })), [
    '1460 id 7 2000',
    '60 id 7 b4',
    '1460 id 8 2000',
    '60 id 8 b4',
  ]);
});

Segments('have the flags that belong to them, IDs that count up, and all options', () => {
  const flags = TCP_ACK | TCP_PSH | TCP_FIN | TCP_CWR;
  assert.equal(leaves(connected(1426), coalesced({ data: 4200, flags, id: 65_535 })), [
    '1466 id 65535 4000 seq 100 flags 90',
    '1466 id 0 4000 seq 1526 flags 10',
    '1388 id 1 4000 seq 2952 flags 19',
  ]);
  // A sender fits its options into the MSS.
  const router = connected(1426);
  const stamped = router.receive(coalesced({ data: 2828, tcpOptions: TIMESTAMPS }));
  assert.equal(stamped.map(lineOf), ['1466 id 7 4000 seq 100 flags 10', '1466 id 8 4000 seq 1514 flags 10']);
  for (const packet of stamped) bytesEqual(packet.subarray(40, 52), TIMESTAMPS);
});

Segments('are one packet for rules and conntrack, and for the host itself', () => {
  const router = connected(1426);
  router.receive(coalesced({ data: 2852 }));
  const [, forward] = [...(router.emulator.counters.get('filter')?.rules ?? [])].filter((_, i) => i % 2 === 1);
  assert.is(forward, 2892);
  const { connections, nowMs } = router.emulator;
  const { original } = listConnection(connections, connections.next(nowMs, 0), nowMs);
  assert.equal([original.packets, original.bytes], [3, 44 + 40 + 2892]);
  router.receive(tcpPacket({ source: NEAR, destination: '10.0.0.1', sport: 2001, dport: 80, flags: TCP_SYN }));
  const own = coalesced({ data: 2852, destination: '10.0.0.1' });
  router.receive(own);
  bytesEqual(router.delivered[1], own);
});

Segments('have the smaller MSS of the handshake; else the size seen before; else what the MTU permits', () => {
  const counts = ({ emulator: { coalesced: c } }: Router) => [c.handshake, c.seen, c.mtu, c.datagrams];
  const known = connected(1200);
  assert.is(leaves(known, coalesced({ data: 2852 }))[0], '1240 id 7 4000 seq 100 flags 10');
  assert.equal(counts(known), [1, 0, 0, 0]);

  const unknown = new Router(ACCOUNTED);
  assert.is(leaves(unknown, coalesced({ data: 2852 }))[0], '1500 id 7 4000 seq 100 flags 10');
  assert.equal(counts(unknown), [0, 0, 1, 0]);

  for (const engine of EMULATOR_ENGINES) {
    const seen = new Router(ACCOUNTED, { engine });
    const there = { source: NEAR, destination: FAR, sport: 2001, dport: 80, flags: TCP_ACK };
    const back = { source: FAR, destination: NEAR, sport: 80, dport: 2001, flags: TCP_ACK };
    for (const size of [20, 900, 1100, 40]) {
      seen.receive(tcpPacket({ ...there, sequence: 100, acknowledgment: 500, data: Buffer.alloc(size) }));
      seen.receive(tcpPacket({ ...back, sequence: 500, acknowledgment: 100 + size, data: Buffer.alloc(7) }), 'eth1');
    }
    assert.is(leaves(seen, coalesced({ data: 2852 }))[0], '1140 id 7 4000 seq 100 flags 10', engine);
    assert.equal(counts(seen), [0, 1, 0, 0], engine);
  }
});

Segments('of UDP are datagrams of the size seen before', () => {
  const datagram = (size: number, id: number, fragment = DF) =>
    unfinished(
      udpPacket({ source: NEAR, destination: FAR, sport: 9, dport: 53, id, fragment, data: Buffer.alloc(size) }),
    );
  for (const engine of EMULATOR_ENGINES) {
    const router = new Router('*filter\nCOMMIT\n', { engine, mtus: [1500, 1466] });
    for (let turn = 0; turn < 3; turn++) router.receive(datagram(1000, 1));
    const sent = ['1028 id 7 4000 udp 1008', '1028 id 8 4000 udp 1008', '528 id 9 4000 udp 508'];
    assert.equal(leaves(router, datagram(2500, 7)), sent, engine);
    assert.is(router.emulator.coalesced.datagrams, 1);
  }
  const large = new Router('*filter\nCOMMIT\n', { mtus: [1500, 1466] });
  large.receive(datagram(1450, 1, 0));
  // 1,478 bytes do not fit 1,466: the first segment is fragmented, the second is not.
  assert.equal(leaves(large, datagram(2750, 7, 0)), ['1460 id 7 2000', '38 id 7 b4', '1328 id 8 0 udp 1308']);
  assert.equal(leaves(large, datagram(2750, 7)), ['icmp 3/4 mtu 1466']);
});

Segments('a datagram that a bridge has reassembled is fragmented', () => {
  const ends = { source: NEAR, destination: FAR, sport: 9, dport: 53 };
  const datagram = udpPacket({ ...ends, id: 7, fragment: 0, data: Buffer.alloc(2000, 'datagram') });
  for (const engine of EMULATOR_ENGINES) {
    const router = new Router('*filter\nCOMMIT\n', { engine, mtus: [1500, 1466] });
    // 1,440 is the largest multiple of 8 that fits, 2,008 bytes are to be sent (RFC 791, section 2.3).
    for (let turn = 0; turn < 3; turn++)
      assert.equal(leaves(router, datagram), ['1460 id 7 2000', '588 id 7 b4'], engine);
    assert.is(router.emulator.coalesced.datagrams, 0);
  }
});

Segments('a frame that only the way out is too small for is coalesced if the handshake permits no such segment', () => {
  assert.equal(leaves(connected(1200, { mtus: [9000, 1466] }), coalesced({ data: 2400 })), [
    '1240 id 7 4000 seq 100 flags 10',
    '1240 id 8 4000 seq 1300 flags 10',
  ]);
  assert.equal(leaves(connected(8960, { mtus: [9000, 1466] }), coalesced({ data: 2400 })), ['icmp 3/4 mtu 1466']);
});

Segments('are cut too where the way out takes longer packets, in every engine', () => {
  for (const engine of EMULATOR_ENGINES) {
    const router = connected(1426, { engine, mtus: [1500, 9000] });
    for (let turn = 0; turn < 5; turn++)
      assert.equal(leaves(router, coalesced({ data: 1426 })), ['1466 id 7 4000 seq 100 flags 10']);
    assert.is(leaves(router, coalesced({ data: 2852 })).length, 2, engine);
  }
});

Segments('with --checksums verify, a frame is what was on a wire', () => {
  const frame = tcpPacket({ source: NEAR, destination: FAR, sport: 1, dport: 2, flags: TCP_ACK, fragment: DF });
  const long = Buffer.concat([frame, Buffer.alloc(2852)]);
  long.writeUInt16BE(long.length, 2);
  assert.equal(leaves(connected(1426, { checksums: 'verify' }), withHeaderChecksum(long)), ['icmp 3/4 mtu 1466']);
});

Segments('of a frame without a total length (TSO, BIG TCP) are as long as any', () => {
  for (const data of [2852, 100_000]) {
    const whole = coalesced({ data: 1 });
    const frame = Buffer.concat([whole.subarray(0, 40), Buffer.alloc(data, 9)]);
    frame.writeUInt16BE(0, 2);
    const sent = connected(1426).receive(withHeaderChecksum(frame));
    assert.is(sent.length, Math.ceil(data / 1426));
    assert.is(lineOf(sent[0]), '1466 id 7 4000 seq 100 flags 10');
    assert.is(sent.map(lineOf).length, sent.length);
    assert.is(
      sent.reduce((sum, packet) => sum + packet.length - 40, 0),
      data,
    );
  }
});

Segments('of a BIG TCP packet are counted with its whole length, which no 16-bit length matches', () => {
  const rules = ['1:65535', '0:100', '34504', '65535'].map((range) => `-A FORWARD -m length --length ${range}`);
  const filter = ['*filter', ...rules, '-A FORWARD -m length ! --length 1:65535', 'COMMIT', ''].join('\n');
  const frame = Buffer.concat([coalesced({ data: 1 }).subarray(0, 40), Buffer.alloc(100_000)]);
  frame.writeUInt16BE(0, 2);
  for (const engine of EMULATOR_ENGINES) {
    const router = connected(1426, { engine }, filter);
    const counters = () => [...(router.emulator.counters.get('filter')?.rules ?? [])];
    const before = counters();
    assert.is(router.receive(withHeaderChecksum(Buffer.from(frame))).length, 71);
    const counted = counters().map((value, i) => value - before[i]);
    assert.equal(counted, [0, 0, 0, 0, 0, 0, 0, 0, 1, 100_040], engine);
  }
});

Segments('cut by a snaplen are as cut, with unfinished checksums', () => {
  const frame = coalesced({ data: 2852 });
  const sent = connected(1426).receive(frame.subarray(0, 100), 'eth0', frame.length);
  assert.equal(
    sent.map((packet) => [packet.length, packet.readUInt16BE(2)]),
    [
      [100, 1466],
      [40, 1466],
    ],
  );
  for (const packet of sent) {
    const copy = Buffer.from(packet);
    unfinish(copy);
    bytesEqual(packet, copy);
  }
});

Segments('of what the host itself sends, fit the interface that it leaves by', () => {
  const router = new Router('*filter\nCOMMIT\n', { mtus: [1500, 1466] });
  const data = Buffer.alloc(2852);
  const own = tcpPacket({
    source: '10.0.1.1',
    destination: FAR,
    sport: 1,
    dport: 2,
    flags: TCP_ACK,
    fragment: DF,
    data,
  });
  assert.equal(router.send(unfinished(own)).map(lineOf), [
    '1466 id 1 4000 seq 0 flags 10',
    '1466 id 2 4000 seq 1426 flags 10',
  ]);
});

Segments('an IP header checksum left to the card is filled in', () => {
  const packet = coalesced({ data: 100 });
  packet.writeUInt16BE(0, 10);
  assert.is(leaves(connected(1426), packet).length, 1);
  assert.equal(leaves(connected(1426, { checksums: 'verify' }), packet), []);
});

Segments('whatever is coalesced, the data that leaves is the data that came in', () => {
  const random = seededRandom(seed);
  for (let turn = 0; turn < 200; turn++) {
    const mss = 536 + random(925);
    const data = 1461 + random(60_000);
    const sent = connected(mss, { mtus: [1500, 1500] }).receive(coalesced({ data, id: random(65_536) }));
    const frame = coalesced({ data });
    bytesEqual(Buffer.concat(sent.map((packet) => packet.subarray(40))), frame.subarray(40), `seed ${seed}`);
    for (const packet of sent) lineOf(packet);
  }
});

Segments('a frame whose headers alone fill the MTU was not coalesced: cutting it would never end', () => {
  const router = new Router(ACCOUNTED, { mtus: [68, 68] });
  const ends = { source: NEAR, destination: FAR, sport: 2001, dport: 80 };
  const tcpOptions = new Uint8Array(28).fill(1);
  const packet = tcpPacket({ ...ends, flags: TCP_ACK, sequence: 100, tcpOptions, data: Buffer.alloc(28) });
  // 76 bytes behind the IP header: fragments of 48 and 28.
  assert.equal(
    router.receive(packet).map(({ length }) => length),
    [68, 48],
  );
});

Segments.run();
