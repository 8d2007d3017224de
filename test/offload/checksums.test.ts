/**
 * Checksums that were left to the network card: finished where a packet leaves, unfinished where the kernel shows them
 * so, and the same in every engine.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TCP_ACK, TCP_SYN } from '../../codecs/layouts.js';
import { EMULATOR_ENGINES } from '../../core/emulator.js';
import { bytesEqual } from '../bytes.js';
import { buildIpv4, tcpPacket, udpPacket } from '../packets/packets.js';
import { buildInit, buildSctp, ChunkType } from '../packets/sctp.js';
import { seededRandom, testSeed } from '../random.js';
import { FAR, NEAR, Router } from './router.js';
import { unfinished } from './unfinished.js';

const Offload = suite('offloaded checksums');
const seed = testSeed();

const DNAT = `*nat
-A PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination ${FAR}:8080
-A PREROUTING -p udp -m udp --dport 53 -j DNAT --to-destination ${FAR}:5353
-A POSTROUTING -o eth1 -j MASQUERADE
COMMIT
`;
const NO_INVALID = '*filter\n-A FORWARD -m conntrack --ctstate INVALID -j DROP\nCOMMIT\n';

const syn = (dport: number, fields: { sport?: number; ttl?: number } = {}) =>
  tcpPacket({
    ...{ source: NEAR, destination: FAR, fragment: 0x4000, sport: 177, dport, ...fields },
    ...{ flags: TCP_SYN, sequence: 5, window: 64_240 },
  });

/** What Linux 6.18 quoted in its ICMP errors about the same segments, injected with VIRTIO_NET_HDR_F_NEEDS_CSUM. */
const KERNEL_QUOTES = {
  rejected: '45000028000140003f0626be0a0000090a00010900b1006200000005000000005002faf0152c0000',
  expiredAfterDnat: '4500002800014000010664be0a0000090a000109004d005000000005000000005002faf0346c0000',
};

Offload("ICMP errors quote it unfinished, as the kernel's do", () => {
  for (const engine of EMULATOR_ENGINES) {
    const rejecting = new Router('*filter\n-A FORWARD -p tcp -j REJECT\nCOMMIT\n', { engine });
    const [rejected] = rejecting.receive(unfinished(syn(98)));
    assert.is(rejected.subarray(28).toString('hex'), KERNEL_QUOTES.rejected);
    const port = '*nat\n-A PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.1.9:8080\nCOMMIT\n';
    const [expired] = new Router(port, { engine }).receive(unfinished(syn(80, { sport: 77, ttl: 1 })));
    assert.is(expired.subarray(28).toString('hex'), KERNEL_QUOTES.expiredAfterDnat);
  }
});

Offload('the host itself sees it unfinished, with the addresses after NAT', () => {
  const redirect = '*nat\n-A PREROUTING -p tcp -j DNAT --to-destination 10.0.1.1:8080\nCOMMIT\n';
  const router = new Router(redirect);
  router.receive(unfinished(syn(98)));
  const [delivered] = router.delivered;
  assert.is(delivered.readUInt16BE(22), 8080);
  bytesEqual(delivered, unfinished(delivered));
});

Offload('with auto, what leaves is what would have left had the sender finished it', () => {
  const random = seededRandom(seed);
  for (const sysctl of [{}, { 'net.netfilter.nf_conntrack_checksum': 0 }]) {
    for (const engine of EMULATOR_ENGINES) {
      const finished = new Router(DNAT + NO_INVALID, { engine, checksums: 'verify', sysctl });
      const offloaded = new Router(DNAT + NO_INVALID, { engine, sysctl });
      let count = 0;
      for (const { packet, dev } of conversations(random)) {
        const copy = unfinished(packet);
        if (!copy.equals(packet)) count++;
        const [want] = finished.receive(packet, dev);
        const [got] = offloaded.receive(copy, dev);
        assert.ok(want !== undefined && got !== undefined, `seed ${seed}`);
        bytesEqual(got, want, `seed ${seed}, ${engine}`);
      }
      assert.is(offloaded.emulator.checksums.offloaded, count, `seed ${seed}, ${engine}`);
      assert.equal([...finished.emulator.counters], [...offloaded.emulator.counters]);
    }
  }
});

/** Established TCP, UDP and SCTP conversations of random data through DNAT and MASQUERADE. */
function* conversations(random: (below: number) => number): Generator<{ packet: Buffer; dev: string }> {
  const data = () => Buffer.from(Array.from({ length: random(300) }, () => random(256)));
  const to = { source: NEAR, destination: '10.0.0.1', sport: 1024 + random(60_000) };
  const back = { source: FAR, destination: '10.0.1.1', dport: to.sport };
  let mine = random(2 ** 31);
  let yours = random(2 ** 31);
  const tcp = { window: 65_535 };
  yield { dev: 'eth0', packet: tcpPacket({ ...to, ...tcp, dport: 80, flags: TCP_SYN, sequence: mine++ }) };
  const synAck = { flags: TCP_SYN | TCP_ACK, sequence: yours++, acknowledgment: mine };
  yield { dev: 'eth1', packet: tcpPacket({ ...back, ...tcp, sport: 8080, ...synAck }) };
  for (let turn = 0; turn < 30; turn++) {
    const request = data();
    const answer = data();
    const asked = { flags: TCP_ACK, sequence: mine, acknowledgment: yours, data: request };
    mine += request.length;
    const answered = { flags: TCP_ACK, sequence: yours, acknowledgment: mine, data: answer };
    yours += answer.length;
    yield { dev: 'eth0', packet: tcpPacket({ ...to, ...tcp, dport: 80, ...asked }) };
    yield { dev: 'eth1', packet: tcpPacket({ ...back, ...tcp, sport: 8080, ...answered }) };
    yield { dev: 'eth0', packet: udpPacket({ ...to, dport: 53, data: request }) };
    yield { dev: 'eth1', packet: udpPacket({ ...back, sport: 5353, data: answer }) };
  }
  const chunks = [buildInit(ChunkType.INIT, 7)];
  yield { dev: 'eth0', packet: sctpPacket({ source: NEAR, destination: FAR, sport: 9 }, 0, chunks) };
}

function sctpPacket(
  ends: { source: string; destination: string; sport: number },
  tag: number,
  chunks: readonly Buffer[],
): Buffer {
  return buildIpv4({ ...ends, protocol: 132 }, buildSctp(ends.sport, 2905, tag, chunks));
}

Offload('with verify, it is bad: INVALID', () => {
  for (const packet of [syn(80), udpPacket({ source: NEAR, destination: FAR, sport: 9, dport: 53 })]) {
    const router = new Router(NO_INVALID, { checksums: 'verify' });
    assert.equal(router.receive(unfinished(packet)), []);
    assert.equal([router.emulator.checksums.offloaded, router.emulator.checksums.bad], [0, 1]);
  }
});

Offload('a UDP datagram without a checksum stays without one', () => {
  const datagram = udpPacket({ source: NEAR, destination: FAR, sport: 9, dport: 53 });
  datagram.writeUInt16BE(0, 26);
  const router = new Router(DNAT);
  assert.is(router.receive(datagram)[0].readUInt16BE(26), 0);
  assert.is(router.emulator.checksums.offloaded, 0);
});

Offload('with trust, a bad one is good and stays as wrong as it was', () => {
  const rules = DNAT + NO_INVALID.replace('COMMIT', `-A FORWARD -p tcp -m tcp --dport 99 -j REJECT\nCOMMIT`);
  for (const engine of EMULATOR_ENGINES) {
    const trusting = new Router(rules, { engine, checksums: 'trust' });
    const exact = new Router(rules, { engine, checksums: 'verify' });
    for (let turn = 0; turn < 3; turn++) {
      const good = tcpPacket({ source: NEAR, destination: '10.0.0.1', sport: 177, dport: 80, flags: TCP_SYN });
      const bad = Buffer.from(good);
      bad.writeUInt16BE((good.readUInt16BE(36) + 0x1234) % 0xffff, 36);
      const [want] = exact.receive(good);
      const [got] = trusting.receive(bad);
      assert.ok(want !== undefined && got !== undefined);
      assert.is(got.readUInt16BE(36), (want.readUInt16BE(36) + 0x1234) % 0xffff);
    }
    const rejected = syn(99);
    rejected.writeUInt16BE(1, 36);
    assert.is(trusting.receive(rejected)[0][20], 3, 'REJECT answers it');
    assert.equal([trusting.emulator.checksums.offloaded, trusting.emulator.checksums.bad], [0, 0]);
  }
});

Offload('of a packet cut by a snaplen it cannot be finished, and follows NAT unfinished', () => {
  const whole = tcpPacket({ ...{ source: NEAR, destination: FAR, sport: 7, dport: 80 }, flags: TCP_SYN });
  const long = tcpPacket({ ...{ source: NEAR, destination: FAR, sport: 7, dport: 80 }, flags: TCP_ACK, data: whole });
  const router = new Router(DNAT);
  router.receive(whole);
  const [sent] = router.receive(unfinished(long).subarray(0, 60), 'eth0', long.length);
  assert.ok(sent !== undefined);
  bytesEqual(sent, unfinished(sent));
  assert.equal([router.emulator.checksums.offloaded, router.emulator.checksums.cut], [1, 1]);
});

Offload('a fragmented datagram is verified: a host finishes the checksum before it fragments', () => {
  const data = Buffer.alloc(64, 7);
  const whole = unfinished(udpPacket({ source: NEAR, destination: FAR, sport: 9, dport: 53, data }));
  const header = { source: NEAR, destination: FAR, protocol: 17 };
  const router = new Router(NO_INVALID);
  router.receive(buildIpv4({ ...header, fragment: 0x2000 }, whole.subarray(20, 60)));
  assert.equal(router.receive(buildIpv4({ ...header, fragment: 5 }, whole.subarray(60))), []);
  assert.equal([router.emulator.checksums.offloaded, router.emulator.checksums.bad], [0, 1]);
});

Offload.run();
