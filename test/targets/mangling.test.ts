/** Targets that change packets do what the kernel does, in every engine, and keep checksums as they should be. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { transportChecksum } from '../../codecs/checksum.js';
import { IPPROTO_SCTP, IPPROTO_TCP, TCP_ACK, TCP_SYN } from '../../codecs/layouts.js';
import { EMULATOR_ENGINES } from '../../core/emulator.js';
import { bytesEqual } from '../bytes.js';
import { FAR, NEAR, Router } from '../offload/router.js';
import { unfinished } from '../offload/unfinished.js';
import { buildIpv4, tcpPacket, udpPacket } from '../packets/packets.js';
import { buildChunk, buildSctp, ChunkType } from '../packets/sctp.js';
import { MANGLING_CASES } from './mangling-cases.js';

const Mangling = suite('targets that change packets');

const mangle = (...rules: string[]): string => `*mangle\n${rules.join('\n')}\nCOMMIT\n`;
const CLAMP = '-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu';
const STRIP_MSS = '-A FORWARD -p tcp -j TCPOPTSTRIP --strip-options mss';
const NO_ECN = '-A FORWARD -p tcp -j ECN --ecn-tcp-remove';
const FILL = '-A PREROUTING -j CHECKSUM --checksum-fill';

for (const { name, rule, packet, expected } of MANGLING_CASES) {
  Mangling(name, () => {
    for (const engine of EMULATOR_ENGINES) {
      const router = new Router(mangle(rule), { engine, checksums: 'verify', mtus: [1500, 1400] });
      const left = router.receive(packet).map((sent) => sent.subarray(1).toString('hex'));
      // An answer about a TTL of 0 goes back.
      if (rule.includes('PREROUTING')) assert.ok(!left.some((sent) => sent.startsWith('000021')), engine);
      else assert.is(left.join(' '), expected, engine);
    }
  });
}

const syn = (tcpOptions: readonly number[], flags = TCP_SYN): Buffer =>
  tcpPacket({
    ...{ source: NEAR, destination: FAR, sport: 40_000, dport: 80, flags, sequence: 7 },
    tcpOptions: Uint8Array.from(tcpOptions),
  });

function isTcpChecksumRight(packet: Buffer): boolean {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  return transportChecksum(view, 0, 20, IPPROTO_TCP, packet.length - 20) === 0;
}

Mangling('a checksum that was left to the network card is right after a change, wherever the option was', () => {
  const rules = mangle(CLAMP, NO_ECN);
  for (const engine of EMULATOR_ENGINES) {
    for (const options of [[2, 4, 5, 180], [1, 2, 4, 5, 180], [3, 3, 7, 2, 4, 5, 180, 1], [], [1, 1, 4, 2]]) {
      const router = new Router(rules, { engine, mtus: [1500, 1400] });
      const [sent] = router.receive(unfinished(syn(options, 0xc2)));
      assert.ok(isTcpChecksumRight(sent), `${engine} ${options}`);
      assert.is(sent[33], TCP_SYN, engine);
    }
  }
});

Mangling('the host itself sees an unfinished checksum until CHECKSUM has filled it', () => {
  const toHost = udpPacket({ source: NEAR, destination: '10.0.0.1', sport: 67, dport: 68, data: Buffer.from('offer') });
  for (const engine of EMULATOR_ENGINES) {
    const unfilled = new Router('', { engine });
    unfilled.receive(unfinished(toHost));
    bytesEqual(unfilled.delivered[0], unfinished(toHost));
    const filled = new Router(mangle(FILL), { engine });
    filled.receive(unfinished(toHost));
    bytesEqual(filled.delivered[0], toHost);
  }
});

Mangling('the program behind NFQUEUE is shown a finished checksum, so the host sees it too', () => {
  const toHost = udpPacket({ source: NEAR, destination: '10.0.0.1', sport: 67, dport: 68, data: Buffer.from('offer') });
  for (const engine of EMULATOR_ENGINES) {
    for (const rule of ['-j NFQUEUE --queue-num 3', '-j QUEUE']) {
      const router = new Router(mangle(`-A INPUT ${rule}`), { engine, queueVerdict: 'accept' });
      router.receive(unfinished(toHost));
      bytesEqual(router.delivered[0], toHost);
    }
    const unheard = new Router(mangle('-A INPUT -j NFQUEUE --queue-bypass'), { engine });
    unheard.receive(unfinished(toHost));
    bytesEqual(unheard.delivered[0], unfinished(toHost));
  }
});

Mangling('the segments of a coalesced packet have the changes, and right checksums', () => {
  const rules = mangle(STRIP_MSS, NO_ECN, '-A FORWARD -j DSCP --set-dscp 46', FILL);
  for (const engine of EMULATOR_ENGINES) {
    const router = new Router(rules, { engine });
    const data = Buffer.alloc(3000, 'x');
    const tcpOptions = Uint8Array.of(2, 4, 5, 180);
    const ends = { source: NEAR, destination: FAR, sport: 40_000, dport: 80 };
    const sent = router.receive(unfinished(tcpPacket({ ...ends, flags: TCP_ACK | 0xc0, tcpOptions, data })));
    assert.is(sent.length, 3, engine);
    for (const segment of sent) {
      assert.ok(isTcpChecksumRight(segment), engine);
      assert.is(segment[1], 46 << 2);
      assert.is(segment[33], TCP_ACK);
      assert.is(segment.subarray(40, 44).toString('hex'), '01010101');
    }
  }
});

Mangling('of a packet that a snaplen cut, what is there is changed', () => {
  for (const engine of EMULATOR_ENGINES) {
    const router = new Router(mangle(CLAMP, STRIP_MSS.replace('mss', 'wscale')), { engine, mtus: [1500, 1400] });
    const whole = syn([2, 4, 5, 180, 3, 3, 7, 1, 4, 2, 1, 1]);
    const [sent] = router.receive(whole.subarray(0, 48), 'eth0', whole.length);
    // 1400 − 40 = 1360; the window scale is all there, the rest is not.
    assert.is(sent.subarray(40).toString('hex'), '0204055001010101', engine);
  }
});

Mangling('of a packet that a snaplen cut, matches look at what is there, and say where that is not enough', () => {
  const fill = [1, 1, 1, 1, 1, 1, 1, 1];
  const chunks = [buildChunk(ChunkType.DATA), buildChunk(ChunkType.SACK)];
  const ends = { source: NEAR, destination: FAR, protocol: IPPROTO_SCTP };
  const association = buildIpv4(ends, buildSctp(5000, 5000, 1, chunks));
  const cases: readonly (readonly [match: string, packet: Buffer, bytes: number, isMatched: boolean | undefined])[] = [
    ['tcp -m tcpmss --mss 1460', syn([2, 4, 5, 180, ...fill]), 46, true],
    ['tcp -m tcpmss --mss 1460', syn([...fill, 2, 4, 5, 180]), 46, undefined],
    ['tcp -m tcp --tcp-option 8', syn([8, 10, 0, 0, 0, 0, 0, 0, 0, 0, ...fill]), 50, true],
    ['tcp -m tcp ! --tcp-option 19', syn([19, 3, 9, ...fill]), 44, false],
    ['tcp -m tcp ! --tcp-option 19', syn([...fill, 19, 3, 9]), 44, undefined],
    ['sctp -m sctp --chunk-types any DATA', association, 40, true],
    ['sctp -m sctp --chunk-types any SACK', association, 40, undefined],
    ['sctp -m sctp --chunk-types only SACK', association, 40, false],
    ['sctp -m sctp ! --chunk-types only DATA', association, 40, undefined],
  ];
  for (const engine of EMULATOR_ENGINES) {
    for (const [match, packet, bytes, isMatched] of cases) {
      const router = new Router(`*filter\n:FORWARD DROP\n-A FORWARD -p ${match} -j ACCEPT\nCOMMIT\n`, { engine });
      const left = router.receive(packet.subarray(0, bytes), 'eth0', packet.length);
      assert.is(left.length, isMatched === true ? 1 : 0, `${engine} ${match}`);
      assert.is(router.emulator.uncertain.packets, isMatched === undefined ? 1 : 0, `${engine} ${match}`);
    }
  }
});

Mangling('a rule for SYNs leaves the other packets of a connection to the fast path', () => {
  const router = new Router(mangle(CLAMP), { engine: 'remembered' });
  const ends = { source: NEAR, destination: FAR, sport: 40_000, dport: 80, window: 65_535 };
  const back = { source: FAR, destination: NEAR, sport: 80, dport: 40_000, window: 65_535 };
  router.receive(tcpPacket({ ...ends, flags: TCP_SYN, sequence: 1 }));
  router.receive(tcpPacket({ ...back, flags: TCP_SYN | TCP_ACK, sequence: 1, acknowledgment: 2 }), 'eth1');
  for (let i = 0; i < 100; i++) {
    router.receive(tcpPacket({ ...ends, flags: TCP_ACK, sequence: 2, acknowledgment: 2 }));
    router.receive(tcpPacket({ ...back, flags: TCP_ACK, sequence: 2, acknowledgment: 2 }), 'eth1');
  }
  assert.ok(router.emulator.slowPathPackets < 20, `${router.emulator.slowPathPackets}`);
});

Mangling.run();
