// What sentences mean, how they are written, and what is said about those that cannot be read.
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addressFromBytes, parseAddress } from '../../codecs/address.js';
import { fits } from '../../codecs/sentence/fits.js';
import { formatSentence, printSentence } from '../../codecs/sentence/format.js';
import { parseSentence } from '../../codecs/sentence/parse.js';
import { readSentencePacket, sentenceOf } from '../../codecs/sentence/read-packet.js';
import {
  ANY_PACKET,
  hasPorts,
  SENTENCE_STATES,
  type Sentence,
  type SentenceEnd,
} from '../../codecs/sentence/sentence.js';
import { SentenceError } from '../../codecs/sentence/sentence-error.js';
import { buildIcmp, buildIpv4, tcpPacket, udpPacket } from '../packets/packets.js';
import { testSeed } from '../random.js';

const Sentences = suite('sentences');

const NAMES = new Map([
  ['web', ['10.0.0.5']],
  ['both', ['10.0.0.6', '2001:db8::6']],
]);
const parse = (text: string) => parseSentence(text, { names: NAMES });

Sentences('a packet is described with all its parts', () => {
  assert.equal(parse('eth0 tcp 203.0.113.7:51515 > 192.0.2.10:8081 S'), {
    ...ANY_PACKET,
    input: { name: 'eth0', isNegated: false },
    protocol: 6,
    ends: {
      source: { isNegated: false, host: host('203.0.113.7'), ports: { min: 51515, max: 51515 } },
      destination: { isNegated: false, host: host('192.0.2.10'), ports: { min: 8081, max: 8081 } },
    },
    flags: 0x02,
  });
});

const SAME: readonly (readonly [typed: string, ...same: string[]])[] = [
  [
    'eth0 tcp 203.0.113.7:51515 > 192.0.2.10:8081 S state NEW',
    'in eth0 tcp 203.0.113.7:51515 > 192.0.2.10:8081 SYN state new',
    'tcp 203.0.113.7:51515 → 192.0.2.10:8081 SYN, in eth0, a new connection',
    'TCP 203.0.113.7:51515->192.0.2.10:8081 [S] in eth0, new connection',
  ],
  [
    'eth0 tcp 10.0.0.5:80 > 192.0.2.10:8081 SA state ESTABLISHED',
    'tcp 10.0.0.5:80 (web) → 192.0.2.10:8081 (gate) SYN/ACK, in eth0, a reply in its connection',
    'tcp 10.0.0.5:80 → 192.0.2.10:8081 SYN/ACK, in eth0, in a known connection',
  ],
  ['eth0 udp * > * state INVALID', 'udp * → *, in eth0, INVALID'],
  ['tcp * > web:80 SA', 'tcp *:* > web:http SYN/ACK', 'tcp * > web:http S.', 'tcp * > web:80, SYN, ACK'],
  ['local udp 10.0.0.1 > both:53', 'local udp 10.0.0.1 → both:domain', '  local   17 10.0.0.1 >both:53 '],
  ['in local icmp 10.0.0.0/8 > * echo-request', 'in local icmp 10.0.0.0/8 > * ping', 'icmp 10.0.0.0/8 > * 8 in local'],
  ['!eth0 icmp !10.0.0.0/8 > * host-prohibited', 'icmp ! 10.0.0.0/8 > * icmp-host-prohibited in ! eth0'],
  [
    'ip [2001:db8::1] > [2001:db8::]/32 ttl 1-64 len 1500 mark 0x10',
    'all [2001:DB8::1] > [2001:db8::/32] len 1500 mark 16 ttl 1-64',
  ],
  ['tcp 10.0.0.1:1-1023 > !web:443 FA out eth1', 'tcp 10.0.0.1:1-1023 > ! web:https FIN+ACK out eth1'],
  ['gre 10.0.0.1 > 10.0.0.2', '47 10.0.0.1/32 > 10.0.0.2'],
  ['0 10.0.0.1 > 10.0.0.2'],
  ['253 10.0.0.1 > 10.0.0.2'],
  ['tcp * > * NONE', 'tcp * > * [none]'],
  ['icmp * > * 3/13', 'icmp * > * admin-prohibited', 'icmp * > * communication-prohibited'].reverse() as [string],
];

for (const [typed, ...others] of SAME) {
  Sentences(`${typed} can also be written otherwise`, () => {
    const expected = parse(typed);
    for (const text of [typed, ...others, printSentence(expected)]) {
      assert.equal(parse(text), expected, text);
      assert.is(formatSentence(parse(text)), typed, text);
    }
  });
}

Sentences('reports print arrows, whole words and commas', () => {
  const text = 'eth0 tcp 203.0.113.7:51515 > 192.0.2.10:8081 S state NEW';
  assert.is(printSentence(parse(text)), 'tcp 203.0.113.7:51515 → 192.0.2.10:8081 SYN, in eth0, a new connection');
  const answer = 'icmp 192.0.2.10 > 203.0.113.7 host-prohibited out eth0';
  assert.is(printSentence(parse(answer)), 'icmp 192.0.2.10 → 203.0.113.7 host-prohibited, out eth0');
});

Sentences('an answer may leave out its ends', () => {
  const answer = parseSentence('icmp host-prohibited out eth0', { endsOptional: true });
  assert.equal(answer, { ...parse('icmp * > * host-prohibited out eth0'), ends: undefined });
  assert.equal(
    parseSentence('eth0 tcp RA', { endsOptional: true }),
    parseSentence('tcp RA in eth0', { endsOptional: true }),
  );
  assert.is(formatSentence(parseSentence('eth0 tcp RA', { endsOptional: true })), 'tcp RA in eth0');
});

const WRONG: readonly (readonly [text: string, column: number, message: RegExp])[] = [
  ['', 1, /empty sentence/],
  ['hello', 1, /"hello" does not begin a sentence/],
  ['tcp 10.0.0.1:1', 15, /no ">" between/],
  ['tcp 10.0.0.1:1 >', 17, /no destination/],
  ['> 10.0.0.1', 1, /no source/],
  ['tcp > 10.0.0.1', 1, /no protocol/],
  ['10.0.0.1 > 10.0.0.2', 1, /no protocol/],
  ['tcp 10.0.0.1 > 10.0.0.2 > 10.0.0.3', 25, /a second ">"/],
  ['eth0 tpc 10.0.0.1 > 10.0.0.2', 6, /unknown protocol "tpc"; did you mean tcp\?/],
  ['tcp eth0 10.0.0.1 > 10.0.0.2', 5, /the interface comes first, as in 'eth0 tcp …'/],
  ['in eth0 eth1 tcp 10.0.0.1 > 10.0.0.2', 14, /one word too many/],
  ['!tcp 10.0.0.1 > 10.0.0.2', 2, /cannot be negated/],
  ['tcp 10.0.0.256 > 10.0.0.2', 5, /"10.0.0.256" is not an address/],
  ['tcp 2001:db8::1 > 10.0.0.2', 5, /in brackets, as in \[2001:db8::1\]/],
  ['tcp [10.0.0.1] > 10.0.0.2', 5, /is not an address/],
  ['tcp 10.0.0.1/33 > 10.0.0.2', 14, /"33" is not a prefix length; expected 0 to 32/],
  ['tcp 10.0.0.1 > wbe:80', 16, /no address is known for the name "wbe"; did you mean web\?/],
  ['tcp 10.0.0.1 > 10.0.0.2:htpp', 25, /unknown service "htpp"; did you mean http\?/],
  ['tcp 10.0.0.1 > 10.0.0.2:70000', 25, /at most 65535/],
  ['tcp 10.0.0.1 > 10.0.0.2:90-80', 25, /first port is larger/],
  ['tcp 10.0.0.1 > 10.0.0.2:', 25, /no port behind ":"/],
  ['tcp :80 > 10.0.0.2', 5, /no address before ":"/],
  ['tcp !* > 10.0.0.2', 6, /no address at all/],
  ['tcp !!10.0.0.1 > 10.0.0.2', 5, /second "!"/],
  ['tcp 10.0.0.1 ! > 10.0.0.2', 14, /nothing behind "!"/],
  ['icmp 10.0.0.1:1 > 10.0.0.2', 15, /icmp can have no ports/],
  ['udp 10.0.0.1 > 10.0.0.2 S', 25, /"S" is flags of TCP, but the protocol is udp/],
  ['tcp 10.0.0.1 > 10.0.0.2 echo-request', 25, /a type of ICMP, but the protocol is tcp/],
  ['icmp 10.0.0.1 > 10.0.0.2 echo-requst', 26, /did you mean echo-request\?/],
  ['tcp 10.0.0.1 > 10.0.0.2 ttl', 28, /nothing behind "ttl"/],
  ['tcp 10.0.0.1 > 10.0.0.2 ttl 256', 29, /not a ttl; expected 0 to 255/],
  ['tcp 10.0.0.1 > 10.0.0.2 ttl 1 ttl 2', 31, /ttl is given twice/],
  ['tcp 10.0.0.1 > 10.0.0.2 mark -1', 30, /not a mark/],
  ['tcp 10.0.0.1 > 10.0.0.2 state OLD', 31, /unknown state "OLD"/],
  ['tcp 10.0.0.1 > 10.0.0.2 tll 3', 25, /"tll" is not understood; did you mean ttl\?/],
  ['local tcp 10.0.0.1 > 10.0.0.2 in eth0', 31, /comes in nowhere/],
  ['eth0 tcp 10.0.0.1 > 10.0.0.2 in eth0', 30, /given twice/],
];

for (const [text, column, message] of WRONG) {
  Sentences(`"${text}" is refused where its fault is`, () => {
    const error = errorOf(text);
    assert.match(error.message, message);
    assert.is(error.column, column, error.message);
  });
}

Sentences('an error shows no control characters, and can say whose sentence it is about', () => {
  const error = errorOf('tcp \u001b[31m > 10.0.0.2');
  assert.ok(!error.message.includes('\u001b'));
  assert.is(errorOf('tcp > 10.0.0.1').of('--then 2').message.split(': ')[0], '--then 2, column 1');
});

Sentences('packets fit the sentences that describe them, and no others', () => {
  const packet = {
    ...readSentencePacket(
      tcpPacket({ source: '10.0.0.5', destination: '192.0.2.10', sport: 40000, dport: 443, flags: 0x12, ttl: 63 }),
    )!,
    inDev: 'eth0',
    state: 'ESTABLISHED',
  };
  for (const yes of [
    'ip * > *',
    'tcp web:40000 > *:https',
    'tcp 10.0.0.0/8 > !10.0.0.0/8 SA',
    'eth0 tcp * > *:400-500',
    '!eth1 tcp * > *',
    'tcp * > * state ESTABLISHED ttl 60-64 len 40',
    'tcp !both > *',
    'tcp * > * out !eth0',
  ])
    assert.ok(fits(parse(yes), packet), yes);
  for (const no of [
    'udp * > *',
    'tcp web:40001 > *',
    'tcp !web > *',
    'tcp * > 10.0.0.0/8',
    'tcp * > * S',
    'tcp * > * A',
    'eth1 tcp * > *',
    'local tcp * > *',
    'tcp * > * mark 1',
    'tcp * > * out eth0',
    'tcp * > * ttl 64',
    'tcp both > *',
    'tcp [2001:db8::5] > *',
  ])
    assert.not(fits(parse(no), packet), no);
});

Sentences('flags fit as people mean them', () => {
  const flagsOf = (text: string) => parse(`tcp * > * ${text}`);
  const segment = (flags: number) =>
    readSentencePacket(tcpPacket({ source: '10.0.0.5', destination: '192.0.2.10', sport: 1, dport: 2, flags }))!;
  // FIN 1, SYN 2, RST 4, PSH 8, ACK 16, ECE 64, CWR 128.
  const cases: readonly (readonly [string, readonly number[], readonly number[]])[] = [
    ['S', [0x02, 0xc2], [0x12, 0x10, 0x03]],
    ['SA', [0x12, 0x52], [0x02, 0x10]],
    ['A', [0x10, 0x18], [0x11, 0x14, 0x12, 0x08, 0]],
    ['F', [0x01, 0x11, 0x19], [0x10, 0x05]],
    ['FA', [0x11], [0x01]],
    ['R', [0x04, 0x14], [0x10]],
    ['PA', [0x18], [0x10, 0x19]],
    ['NONE', [0], [0x10]],
  ];
  for (const [text, yes, no] of cases) {
    for (const flags of yes) assert.ok(fits(flagsOf(text), segment(flags)), `${text} ${flags}`);
    for (const flags of no) assert.not(fits(flagsOf(text), segment(flags)), `${text} ${flags}`);
  }
});

Sentences('a packet is described by the sentence that people would write', () => {
  const describe = (bytes: Uint8Array, more = {}) =>
    printSentence(sentenceOf({ ...readSentencePacket(bytes)!, ...more }));
  const ends = { source: '10.0.0.5', destination: '192.0.2.10' };
  assert.is(
    describe(tcpPacket({ ...ends, sport: 1, dport: 80, flags: 0x18 }), { inDev: 'eth0' }),
    'tcp 10.0.0.5:1 → 192.0.2.10:80 PSH/ACK, in eth0',
  );
  assert.is(
    describe(udpPacket({ ...ends, sport: 1, dport: 53 }), { isLocal: true }),
    'local udp 10.0.0.5:1 → 192.0.2.10:53',
  );
  const icmp = (type: number, code: number) =>
    buildIpv4({ ...ends, protocol: 1 }, buildIcmp(type, code, 1, 1, new Uint8Array(8)));
  assert.is(describe(icmp(8, 0)), 'icmp 10.0.0.5 → 192.0.2.10 echo-request');
  assert.is(describe(icmp(3, 1)), 'icmp 10.0.0.5 → 192.0.2.10 host-unreachable');
  assert.is(describe(icmp(3, 99)), 'icmp 10.0.0.5 → 192.0.2.10 3/99');
  assert.is(
    describe(buildIpv4({ ...ends, protocol: 6, fragment: 185 }, new Uint8Array(40))),
    'tcp 10.0.0.5 → 192.0.2.10',
  );
  assert.is(readSentencePacket(new Uint8Array(19)), undefined);
});

Sentences('every sentence is read as it was written', () => {
  const seed = testSeed();
  fc.assert(
    fc.property(anySentence(), (sentence) => {
      assert.equal(parse(formatSentence(sentence)), sentence, formatSentence(sentence));
      assert.equal(parse(printSentence(sentence)), sentence, printSentence(sentence));
    }),
    { seed, numRuns: 3000 },
  );
});

Sentences('whatever is typed is read or refused', () => {
  const seed = testSeed();
  const words = fc.constantFrom(
    'tcp',
    'udp',
    'icmp',
    'ip',
    '>',
    '→',
    '!',
    'in',
    'out',
    'local',
    'eth0',
    '10.0.0.1',
    '10.0.0.1:80',
    '[::1]',
    '[',
    ']',
    '/8',
    ':',
    '*',
    '*:*',
    'S',
    'ttl',
    '1',
    '3/1',
    'state',
    'NEW',
    'a',
    'new',
    'connection',
    'mark',
    '0x1',
    ',',
    '-',
    '->',
    'web',
  );
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.array(words).map((all) => all.join(' ')),
    fc.array(words).map((all) => all.join('')),
  );
  fc.assert(
    fc.property(text, fc.boolean(), (typed, endsOptional) => {
      try {
        const sentence = parseSentence(typed, { names: NAMES, endsOptional });
        assert.equal(parseSentence(formatSentence(sentence), { names: NAMES, endsOptional }), sentence);
      } catch (error) {
        if (!(error instanceof SentenceError)) throw error;
        assert.ok(
          error.column !== undefined && error.column >= 1 && error.column <= typed.length + 1,
          `column ${error.column} of ${typed}`,
        );
      }
    }),
    { seed, numRuns: 5000 },
  );
});

const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;

function anySentence(): fc.Arbitrary<Sentence> {
  const name = fc.oneof(
    fc.constantFrom('eth0', 'in', 'local', 'out', 'tcp', 'state', 'br-12ab', 'wg0', '5'),
    fc.stringMatching(/^[a-z0-9._:@*+-]{1,15}$/).filter((text) => !text.includes('->')),
  );
  const face = fc.option(record({ name, isNegated: fc.boolean() }), { nil: undefined });
  const range = (max: number) =>
    fc.tuple(fc.nat(max), fc.nat(max)).map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) }));
  const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
  const protocol = fc.oneof(fc.constantFrom(undefined, 1, 6, 17, 58, 132), fc.nat(255));
  return protocol.chain((number) =>
    record<Sentence>({
      isLocal: fc.boolean(),
      input: face,
      output: face,
      protocol: fc.constant(number),
      ends: record({ source: anyEnd(hasPorts(number)), destination: anyEnd(hasPorts(number)) }),
      flags: number === 6 ? maybe(fc.nat(255)) : fc.constant(undefined),
      icmp:
        number === 1 || number === 58
          ? maybe(record({ type: fc.nat(255), code: maybe(fc.nat(255)) }))
          : fc.constant(undefined),
      ttl: maybe(range(255)),
      length: maybe(range(65535)),
      mark: maybe(fc.nat(0xffffffff)),
      state: maybe(fc.constantFrom(...SENTENCE_STATES)),
    }).map((sentence) => (sentence.isLocal ? { ...sentence, input: undefined } : sentence)),
  );
}

function anyEnd(withPorts: boolean): fc.Arbitrary<SentenceEnd> {
  const address = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
  );
  const numeric = fc.tuple(address, fc.option(fc.nat(127), { nil: undefined })).map(([bytes, length]) => ({
    name: undefined,
    addresses: [addressFromBytes(bytes)],
    prefixLength: length === undefined ? undefined : length % (bytes.length * 8),
  }));
  const named = fc
    .constantFrom('web', 'both')
    .map((name) => ({ name, addresses: NAMES.get(name)!.map((text) => parseAddress(text)!), prefixLength: undefined }));
  const ports = fc.tuple(fc.nat(65535), fc.nat(65535)).map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) }));
  return record({
    isNegated: fc.boolean(),
    host: fc.option(fc.oneof(numeric, named), { nil: undefined }),
    ports: withPorts ? fc.option(ports, { nil: undefined }) : fc.constant(undefined),
  }).map((end) => (end.host === undefined ? { ...end, isNegated: false } : end));
}

function host(text: string) {
  return { name: undefined, addresses: [parseAddress(text)!], prefixLength: undefined };
}

function errorOf(text: string): SentenceError {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof SentenceError) return error;
    throw error;
  }
  throw new Error(`"${text}" was not refused`);
}

Sentences.run();
