/**
 * Rules that read each packet: every engine counts the packets of a flow alike, even after it has learned the flow's
 * path.
 */

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Linktype } from '../../codecs/linktypes.js';
import { createEmulator, EMULATOR_ENGINES } from '../../core/emulator.js';
import { loadHost } from '../../core/host/host.js';
import { Frame } from '../../core/link/frame.js';
import { PacketType } from '../../core/packet.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { saveRuleset } from '../../core/rules/save.js';
import { buildFrame, udpPacket } from '../packets/packets.js';
import { pick, type Random, seededRandom, testSeed } from '../random.js';
import { randomMeter } from './random-meters.js';

const matches = suite('matches that read per packet');

/** The simplest first: the others are compared with it. */
const ENGINES = [...EMULATOR_ENGINES].reverse();

const host = loadHost(
  JSON.stringify({
    addr: ['10.0.0.1', '10.1.0.1'].map((local, i) => ({
      ifname: `eth${i}`,
      address: `02:00:00:00:00:1${i}`,
      mtu: 1500,
      addr_info: [{ family: 'inet', local, prefixlen: 24 }],
    })),
    route: [{ dst: 'default', gateway: '10.0.0.254', dev: 'eth0' }],
  }),
  'host.json',
);
const ENDS = [
  { source: '10.0.0.2', destination: '10.1.0.2', sport: 4000, dport: 53 },
  { source: '10.1.0.2', destination: '10.0.0.2', sport: 53, dport: 4000 },
];

interface Arrival {
  readonly dev: number;
  readonly type: PacketType;
  readonly timeMs: number;
  readonly bytes: Uint8Array;
}

/** UDP between 10.0.0.2 and 10.1.0.2, soon a stream: unusual lengths, TTLs and TOS, and a broadcast frame. */
function conversation(random: Random, count: number): Arrival[] {
  let timeMs = 0;
  return Array.from({ length: count }, (_, i) => {
    timeMs += i < 3 ? 1500 : random(40);
    const dev = i < 2 ? i : random(2);
    const bytes = udpPacket({
      ...ENDS[dev],
      tos: pick(random, [0, 0, 0x10, 0xb8, 3]),
      ttl: pick(random, [2, 63, 64, 64, 255]),
      data: new Uint8Array(pick(random, [0, 1, 20, 20, 100])),
    });
    return { dev, type: random(12) === 0 ? PacketType.BROADCAST : PacketType.HOST, timeMs, bytes };
  });
}

function randomRules(random: Random): string {
  const not = (): string => (random(3) === 0 ? '! ' : '');
  const match = (): string =>
    pick(random, [
      `-m length ${not()}--length ${pick(random, ['28', '30:', ':48'])}`,
      `-m ttl ${pick(random, ['--ttl-eq 63', '! --ttl-eq 63', '--ttl-lt 64', '--ttl-gt 1'])}`,
      `-m limit --limit ${pick(random, ['1/hour', '2/second', '30/second'])} --limit-burst ${1 + random(6)}`,
      `-m statistic --mode nth ${not()}--every ${1 + random(4)} --packet 0`,
      '-m statistic --mode random --probability 0.5',
      randomMeter(random),
      randomMeter(random),
      randomMeter(random),
      `-m tos ${not()}--tos 0x10`,
      `-m dscp ${not()}--dscp-class EF`,
      `-m ecn ${not()}--ecn-ip-ect 3`,
      `-m pkttype ${not()}--pkt-type unicast`,
      `-m iprange ${not()}--src-range 10.0.0.0-10.0.0.9`,
      '-m conntrack --ctdir ORIGINAL',
      `-m connlimit --connlimit-${pick(random, ['upto', 'above'])} ${random(3)} --connlimit-mask ${8 * random(5)}`,
      `-m connbytes ${not()}--connbytes ${random(9)}:9 --connbytes-mode packets --connbytes-dir both`,
      `-m cluster --cluster-total-nodes 2 ${not()}--cluster-local-node 1 --cluster-hash-seed ${random(9)}`,
      `-m string ${not()}--hex-string "|00 00 00|" --algo ${pick(random, ['bm', 'kmp'])} --from ${20 + random(40)}`,
      `-m u32 ${not()}--u32 "${pick(random, ['0>>16&0xff=0x10', '2&0xffff=0x30:0xff', '8>>24=63', '16=0x0a010002'])}"`,
      `-m bpf --bytecode "4,${pick(random, ['48 0 0 8,21 0 1 63', '128 0 0 0,37 0 1 40'])},6 0 0 1,6 0 0 0"`,
    ]);
  const rule = (chain: string): string => {
    const [first, second] = [match(), match()];
    const isPair = random(2) === 0 && first.split(' ')[1] !== second.split(' ')[1];
    const target = chain !== 'u' && random(3) === 0 ? '-j u' : pick(random, ['', '', '-j RETURN', '-j ACCEPT']);
    return `-A ${chain} ${isPair ? `${first} ${second}` : first} ${target}`;
  };
  const table = (name: string, chains: string[]): string[] => [
    `*${name}`,
    ':u - [0:0]',
    ...[...chains, 'u'].flatMap((chain) => Array.from({ length: random(4) }, () => rule(chain))),
    'COMMIT',
  ];
  return [...table('mangle', ['PREROUTING', 'FORWARD', 'POSTROUTING']), ...table('filter', ['FORWARD']), ''].join('\n');
}

matches('every engine counts alike', () => {
  const seed = testSeed();
  console.log(`seed ${seed}`);
  for (let round = 0; round < 40; round++) {
    const random = seededRandom(seed + round);
    const rules = randomRules(random);
    const ruleset = parseRuleset(rules, 'random');
    const arrivals = conversation(random, 80);
    const counted = ENGINES.map((engine) => {
      const sent: string[] = [];
      const emulator = createEmulator(
        { ruleset, host, engine },
        {
          egress: (dev, bytes, at, available) => sent.push(`${dev} ${bytes.subarray(at, at + available).join(' ')}`),
          local() {},
          dropped() {},
        },
      );
      for (const { dev, type, timeMs, bytes } of arrivals) {
        const [tsSec, tsNsec] = [Math.floor(timeMs / 1000), (timeMs % 1000) * 1e6];
        const frame = new Frame({ bytes: Uint8Array.from(bytes), dev, linktype: Linktype.RAW, tsSec, tsNsec });
        frame.packetType = type;
        emulator.receive(frame);
      }
      return { saved: saveRuleset(ruleset, emulator.counters), sent };
    });
    for (const [i, engine] of ENGINES.entries()) {
      assert.is(counted[i].saved, counted[0].saved, `${engine}, seed ${seed}, round ${round}`);
      assert.equal(counted[i].sent, counted[0].sent, `${engine}, seed ${seed}, round ${round}`);
    }
  }
});

matches(
  'mac asks each frame for its sender; a packet without a MAC address matches neither it nor its negation',
  () => {
    const rules = ['-m mac --mac-source 02:00:00:00:00:aa', '-m mac ! --mac-source 02:00:00:00:00:aa'];
    const text = ['*mangle', ...rules.map((rule) => `-A FORWARD ${rule}`), 'COMMIT', ''].join('\n');
    const ruleset = parseRuleset(text, 'macs');
    for (const engine of ENGINES) {
      const emulator = createEmulator({ ruleset, host, engine }, { egress() {}, local() {}, dropped() {} });
      for (let i = 0; i < 60; i++) {
        const packet = udpPacket(ENDS[0]);
        const to = Uint8Array.of(2, 0, 0, 0, 0, 0x10);
        // Of three packets the first is from :aa, the second from :ab, and the third has no Ethernet header.
        const isRaw = i % 3 === 2;
        const bytes = isRaw
          ? packet
          : buildFrame(to, Uint8Array.of(2, 0, 0, 0, 0, 0xaa + (i % 3)), Buffer.from(packet));
        const linktype = isRaw ? Linktype.RAW : Linktype.ETHERNET;
        emulator.receive(new Frame({ bytes, dev: 0, linktype, tsSec: i, tsNsec: 0 }));
      }
      const counted = saveRuleset(ruleset, emulator.counters).match(/^\[\d+/gm);
      assert.equal(counted, ['[20', '[20'], engine);
    }
  },
);

matches('the host receives its own broadcasts and multicasts, as the kernel counted', () => {
  const rules = ['unicast', 'broadcast', 'multicast'].map((type) => `-A PREROUTING -m pkttype --pkt-type ${type}`);
  const ruleset = parseRuleset(['*mangle', ...rules, 'COMMIT', ''].join('\n'), 'types');
  for (const engine of ENGINES) {
    const emulator = createEmulator({ ruleset, host, engine }, { egress() {}, local() {}, dropped() {} });
    const destinations = ['10.0.0.255', '10.1.0.255', '255.255.255.255', '224.0.0.1', '10.0.0.1', '10.0.0.7'];
    for (const [i, destination] of destinations.entries()) {
      const bytes = udpPacket({ source: '10.0.0.1', destination, id: i + 1, sport: 9, dport: 9 });
      emulator.send(new Frame({ bytes, linktype: Linktype.RAW, tsNsec: i * 1e6 }));
    }
    const counted = saveRuleset(ruleset, emulator.counters).match(/^\[\d+/gm);
    assert.equal(counted, ['[1', '[3', '[1'], engine);
  }
});

matches('before conntrack, in raw, no packet has a connection: every engine counts what the kernel counts', () => {
  // Every third packet, and all or none of these: without a connection the state is INVALID, and nothing else is known.
  const every = '-m statistic --mode nth --every 3 --packet 0';
  const asked: readonly (readonly [match: string, packets: number])[] = [
    ['-m state --state INVALID', 20],
    ['-m state ! --state INVALID', 0],
    ['-m state --state ESTABLISHED', 0],
    ['-m conntrack --ctstate INVALID', 20],
    ['-m conntrack --ctdir ORIGINAL', 0],
    ['-m connmark --mark 0x0', 0],
    ['-m connmark ! --mark 0x1', 0],
  ];
  for (const [match, packets] of asked) {
    const ruleset = parseRuleset(`*raw\n-A PREROUTING ${every} ${match}\nCOMMIT\n`, 'raw');
    for (const engine of ENGINES) {
      const emulator = createEmulator({ ruleset, host, engine }, { egress() {}, local() {}, dropped() {} });
      for (let i = 0; i < 60; i++) {
        const dev = i % 2;
        emulator.receive(new Frame({ bytes: udpPacket(ENDS[dev]), dev, linktype: Linktype.RAW, tsSec: 10 + i }));
      }
      const counted = /^\[(\d+):/m.exec(saveRuleset(ruleset, emulator.counters))?.[1];
      assert.is(counted, `${packets}`, `${match}, ${engine}`);
    }
  }
});

matches.run();
