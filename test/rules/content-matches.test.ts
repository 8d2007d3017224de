/** Matches and targets that look at any byte of a packet: string, u32, bpf and HMARK. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Linktype } from '../../codecs/linktypes.js';
import { createEmulator } from '../../core/emulator.js';
import { Hook } from '../../core/hooks.js';
import { loadHost } from '../../core/host/host.js';
import { Frame } from '../../core/link/frame.js';
import { TextSearch } from '../../core/matches/text-search.js';
import type { Packet } from '../../core/packet.js';
import { createCounters } from '../../core/rules/model.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { buildTable } from '../../core/rules/run/build.js';
import { fragmentsOf, udpPacket } from '../packets/packets.js';
import { seededRandom, testSeed } from '../random.js';
import { packetOf, testContext } from './random.js';

const content = suite('matches on content');
const seed = testSeed();

const ENDS = { source: '10.0.0.2', destination: '10.1.0.2', sport: 4000, dport: 53 };
const text = (data: string): Uint8Array => Uint8Array.from(Buffer.from(data, 'latin1'));

/** Runs RULE of the table mangle on PACKET; returns whether it matched. */
function runs(rule: string, packet: Packet): boolean {
  const table = parseRuleset(`*mangle\n-A FORWARD ${rule}\nCOMMIT\n`, 'f').tables[0];
  const counters = createCounters(table);
  buildTable(table, testContext(seededRandom(1), 1), counters, 'interpreter').run(packet, Hook.FORWARD);
  return counters.rules[0] === 1;
}

/** Whether RULE matches a datagram with this DATA, which begins at byte 28. */
function matches(rule: string, data: string): boolean {
  return runs(rule, packetOf(udpPacket({ ...ENDS, data: text(data) })));
}

content('a search ends where --to says, and starts at --from', () => {
  for (const algorithm of ['bm', 'kmp']) {
    const has = (options: string): boolean =>
      matches(`-m string --string def --algo ${algorithm} ${options}`, 'abcdefgh');
    assert.equal(['', '--from 31', '--from 32', '--to 34', '--to 33', '--from 31 --to 34', '--from 65535'].map(has), [
      true,
      true,
      false,
      true,
      false,
      true,
      false,
    ]);
    assert.is(matches(`-m string ! --string def --algo ${algorithm}`, 'abcdefgh'), false);
    assert.is(matches(`-m string ! --string def --algo ${algorithm} --to 33`, 'abcdefgh'), true);
  }
});

content('the header is searched, too', () => {
  assert.ok(matches('-m string --hex-string |0a000002| --algo bm --to 16', ''));
});

content('--icase knows the letters of Latin-1, and ß and ÿ as the kernel does', () => {
  const has = (pattern: string, data: string, algorithm = 'kmp'): boolean =>
    matches(`-m string --hex-string |${pattern}| --algo ${algorithm} --icase`, data);
  assert.equal(
    [has('6742', 'Gb'), has('c9', '\xe9'), has('e9', '\xc9'), has('d7', '\xf7'), has('f7', '\xf7'), has('5b', '{')],
    [true, true, true, false, true, false],
  );
  assert.equal([has('bf', '\xdf'), has('df', '\xbf'), has('ff', '\xff'), has('df', '\xff')], [true, true, true, false]);
  // The kernel's bm moves past this one.
  assert.equal([has('ffbf', '\xff\xff\xdf'), has('ffbf', '\xff\xff\xdf', 'bm')], [true, false]);
});

content(`both searches find the first place, unless ß and ÿ are looked for in any case (seed ${seed})`, () => {
  const random = seededRandom(seed);
  const letters = (length: number): string => Array.from({ length }, () => 'aAbBc'[random(5)]).join('');
  for (let round = 0; round < 3000; round++) {
    const [pattern, data, start] = [letters(1 + random(7)), letters(random(60)), random(20)];
    for (const algorithm of ['bm', 'kmp'] as const) {
      for (const ignoresCase of [false, true]) {
        const plain = (one: string): string => (ignoresCase ? one.toUpperCase() : one);
        const found = new TextSearch(text(pattern), ignoresCase, algorithm).find(text(data), start, data.length);
        assert.is(found, plain(data).indexOf(plain(pattern), start), `${pattern} in ${data} from ${start}`);
      }
    }
  }
});

content('in a reassembled packet, bm finds nothing that fragments cut, and kmp does', () => {
  const rules = ['bm', 'kmp'].flatMap((algorithm) =>
    ['abcdefgh', 'efgh', 'ijkl'].map((one) => `-A PREROUTING -m string --string ${one} --algo ${algorithm}`),
  );
  const ruleset = parseRuleset(`*mangle\n${rules.join('\n')}\nCOMMIT\n`, 'f');
  const host = loadHost(
    JSON.stringify({
      addr: [{ ifname: 'eth0', mtu: 1500, addr_info: [{ family: 'inet', local: '10.0.0.1', prefixlen: 24 }] }],
    }),
    'host.json',
  );
  const emulator = createEmulator({ ruleset, host }, { egress: () => {}, local: () => {}, dropped: () => {} });
  const packet = Buffer.from(udpPacket({ ...ENDS, data: text('0123abcdefghijkl') }));
  for (const bytes of fragmentsOf(packet, [16, 8]).reverse()) {
    emulator.receive(
      new Frame({ bytes, dev: host.interfaceIndex('eth0'), linktype: Linktype.RAW, tsSec: 0, tsNsec: 0 }),
    );
  }
  const [counters] = emulator.counters.values();
  assert.equal(
    [0, 1, 2, 3, 4, 5].map((rule) => counters.rules[rule * 2]),
    [0, 1, 1, 1, 1, 1],
  );
});

content('u32 computes with 32 bits, and a number beyond the packet matches nothing', () => {
  const has = (test: string): boolean => matches(`-m u32 --u32 "${test}"`, 'GET /');
  for (const [test, expected] of [
    ['6&0xff=17', true],
    ['0>>22&0x3c@0>>16=4000', true],
    ['0>>22&0x3c@8=0x47455420', true],
    ['28<<31=0x00000000', true],
    ['28<<8=0x45542000', true],
    ['29>>31=0', true],
    ['29=0x4554202f', true],
    ['30=0:0xffffffff', false],
    ['4294967295=0:0xffffffff', false],
    ['0@0=0:0xffffffff', false],
    ['0&0@28=0x47455420', true],
    ['0=0&&6&0xff=17', false],
    ['6&0xff=1:5,16:20', true],
    ['6&0xff=20:16', false],
  ] as const) {
    assert.is(has(test), expected, test);
    assert.is(matches(`-m u32 ! --u32 "${test}"`, 'GET /'), !expected, test);
  }
});

content('bpf: offsets are from the IP header, shifts take five bits, and what is not there returns 0', () => {
  const has = (program: string): boolean => matches(`-m bpf --bytecode "${program}"`, 'GET /');
  for (const [program, expected] of [
    ['4,48 0 0 9,21 0 1 17,6 0 0 1,6 0 0 0', true],
    ['4,128 0 0 0,21 0 1 33,6 0 0 1,6 0 0 0', true],
    // 1 << 33 is 2.
    ['6,0 0 0 1,1 0 0 33,108 0 0 0,21 0 1 2,6 0 0 1,6 0 0 0', true],
    // The protocol is IPv4; the same byte by way of the network header.
    ['4,40 0 0 4294963200,21 0 1 2048,6 0 0 1,6 0 0 0', true],
    ['4,48 0 0 4293918729,21 0 1 17,6 0 0 1,6 0 0 0', true],
    // X is added with 32 bits.
    ['5,1 0 0 13,80 0 0 4294967292,21 0 1 17,6 0 0 1,6 0 0 0', true],
    ['2,48 0 0 33,6 0 0 1', false],
    ['4,0 0 0 5,1 0 0 0,60 0 0 0,6 0 0 1', false],
  ] as const) {
    assert.is(has(program), expected, program);
  }
});

content('what depends on bytes that were not captured is uncertain, and what does not is not', () => {
  const data = 'GET / HTTP/1.0 Host: a';
  const whole = udpPacket({ ...ENDS, data: text(data) });
  const uncertainty = (rule: string, available: number): readonly [isMatched: boolean, isUncertain: boolean] => {
    const context = testContext(seededRandom(1), 1);
    const table = parseRuleset(`*mangle\n-A FORWARD ${rule}\nCOMMIT\n`, 'f').tables[0];
    const counters = createCounters(table);
    const packet = packetOf(whole.subarray(0, available));
    packet.mark = 7;
    buildTable(table, context, counters, 'interpreter').run(packet, Hook.FORWARD);
    return [counters.rules[0] === 1, context.asked.some((one) => one.startsWith('uncertain'))];
  };
  // The datagram is 50 bytes long, its data begins at byte 28.
  for (const [rule, available, expected] of [
    ['-m string --string Host --algo bm', 40, [false, true]],
    ['-m string --string GET --algo kmp', 40, [true, false]],
    ['-m string ! --string GET --algo kmp', 40, [false, false]],
    ['-m string ! --string Host --algo kmp', 40, [false, true]],
    ['-m string --string Host --algo kmp --to 40', 40, [false, false]],
    ['-m u32 --u32 28=0x47455420', 32, [true, false]],
    ['-m u32 --u32 28=0x47455420', 31, [false, true]],
    ['-m u32 --u32 6&0xff=6&&28=0x47455420', 31, [false, false]],
    ['-m u32 --u32 60=0:0xffffffff', 31, [false, false]],
    ['-m bpf --bytecode "2,48 0 0 31,22 0 0 0"', 32, [true, false]],
    ['-m bpf --bytecode "2,48 0 0 32,22 0 0 0"', 32, [false, true]],
    ['-m bpf --bytecode "2,48 0 0 50,22 0 0 0"', 32, [false, false]],
    ['-j HMARK --hmark-tuple sport --hmark-rnd 1 --hmark-mod 9', 24, [true, false]],
    ['-j HMARK --hmark-tuple sport --hmark-rnd 1 --hmark-mod 9', 23, [true, true]],
  ] as const) {
    assert.equal(uncertainty(rule, available), expected, `${rule} of ${available} bytes`);
  }
});

/** Packets from 10.0.0.2 to 10.1.0.2, and the marks that Linux 6.18 gave them with the rules of HMARK_RULES. */
const MARKED: readonly (readonly [packet: string, marks: readonly number[]])[] = [
  ['4500002000010000401166c80a0000020a0100020fa00035000c033a64617461', [0xbdf3be33, 0x2b9e9014, 0xc2aa]],
  // The reply.
  ['4500002000020000401166c70a0100020a00000200350fa0000c033a64617461', [0xbdf3be33, 0xdea6ba20, 0xf0ec]],
  // An echo request has no ports; an error is what it is about, unless that is cut.
  ['4500001c00030000400166da0a0000020a0100020800f7fd00010001', [0x96ee60e0, 0x1b6b5662, 0x341d]],
  [
    '4500004400040000400166b10a0000020a0100020301111e00000000' +
      '4500002800010000400666cb0a0100020a0000020fa0005000000001000000005002ffff8bed0000',
    [0x45651973, 0x7127daff, 0xbb3a],
  ],
  [
    '4500002f00050000400166c50a0000020a0100020301fd00000000004500002800010000400666cb0a0100020a0000',
    [0x77, 0x77, 0x77],
  ],
  // The SPI of ESP and AH stands for ports.
  ['4500001800060000403266aa0a0000020a01000212345678', [0xb5cc9b12, 0xc14cb5de, 0xc767]],
  ['4500001c00070000403366a40a0000020a0100020404000012345678', [0xb5cc9b11, 0xc14cb5de, 0xc767]],
  ['4500001c00080000402f66a70a0000020a0100020000000000000000', [0x96ee60ce, 0x1b6b5662, 0x341d]],
  ['4500001700090000403266a80a0000020a010002010203', [0x96ee60d1, 0x1b6b5662, 0x341d]],
];
const HMARK_RULES = [
  '--hmark-tuple src,dst,sport,dport,proto --hmark-rnd 0xfeedcafe --hmark-mod 4294967295',
  '--hmark-src-prefix 24 --hmark-dst-prefix 8 --hmark-sport-mask 0xff00 --hmark-dport-mask 0xf --hmark-sport 1 ' +
    '--hmark-rnd 1 --hmark-mod 4294967295',
  '--hmark-spi-mask 0xffffff --hmark-spi 0x1000000 --hmark-rnd 7 --hmark-mod 65536',
];

content('HMARK gives packets the marks of the kernel', () => {
  for (const [hex, marks] of MARKED) {
    for (const [i, rule] of HMARK_RULES.entries()) {
      const packet = packetOf(Uint8Array.from(Buffer.from(hex, 'hex')));
      packet.mark = 0x77;
      runs(`-j HMARK ${rule}`, packet);
      assert.is(packet.mark >>> 0, marks[i], `${hex} ${rule}`);
    }
  }
});

content('HMARK of a connection leaves packets without one alone', () => {
  const packet = packetOf(udpPacket(ENDS));
  packet.mark = 5;
  runs('-j HMARK --hmark-tuple ct,src --hmark-rnd 1 --hmark-mod 9', packet);
  assert.is(packet.mark, 5);
});

content.run();
