// Lines that hosts write about packets and connections: the files here are what iptables, conntrack-tools, nftables and
// the kernel themselves have printed.
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Evidence, EvidenceError } from '../../codecs/evidence/evidence.js';
import { readEvidence } from '../../codecs/evidence/read-evidence.js';
import { testSeed } from '../random.js';

const Lines = suite('lines of evidence');

const linesOf = (name: string): string[] =>
  readFileSync(`test/evidence/${name}.txt`, 'utf8')
    .split('\n')
    .filter((line) => line !== '');

const KERNEL = linesOf('kernel');

/** EVIDENCE without members that are undefined. */
const plain = (evidence: Evidence): unknown => JSON.parse(JSON.stringify(evidence));

Lines('a line of LOG tells the packet, and what its prefix may be', () => {
  assert.equal(plain(readEvidence(KERNEL[0])), {
    kind: 'log',
    before: '[48854.318701] [UFW BLOCK] ',
    input: 'eth0',
    output: '',
    macs: { destination: '76:de:4f:45:ee:ae', source: '8e:4e:9d:a6:10:4f' },
    packet: {
      ...{ protocol: 6, source: '192.0.2.7', destination: '192.0.2.10', sport: 57796, dport: 81 },
      ...{ flags: 2, window: 64240, lengthBytes: 60, ttl: 64, id: 34984, mark: 0, isLaterFragment: false },
    },
  });
  const forwarded = readEvidence(KERNEL.find((line) => line.includes('fwd:'))!);
  assert.ok(forwarded.kind === 'log');
  assert.is(forwarded.output, 'docker0');
  assert.is(forwarded.packet.sequence, 1460719504);
  const marked = readEvidence(KERNEL.find((line) => line.includes('post IN=eth0'))!);
  assert.ok(marked.kind === 'log' && marked.packet.mark === 7);
});

Lines('whatever a log puts in front makes no difference', () => {
  const line = KERNEL[0].replace(/^\[[\d.]+\] /, '');
  for (const header of [
    '',
    'Nov 28 10:11:12 web1 kernel: ',
    'Nov 28 10:11:12 web1 kernel: [48854.318701] ',
    '2026-11-28T10:11:12.123456+01:00 web1 kernel: ',
    '<4>1 2026-11-28T10:11:12Z web1 kernel - - - ',
    '[Sat Nov 28 10:11:12 2026] ',
  ]) {
    const evidence = readEvidence(header + line);
    assert.ok(evidence.kind === 'log' && evidence.before === `${header}[UFW BLOCK] `);
    assert.is(evidence.packet.dport, 81);
  }
});

Lines('queries and errors of ICMP are told apart', () => {
  const echo = readEvidence(
    'IN=eth0 OUT= MAC= SRC=192.0.2.7 DST=192.0.2.10 LEN=84 TOS=0x00 PREC=0x00 TTL=64 ID=7 DF ' +
      'PROTO=ICMP TYPE=8 CODE=0 ID=77 SEQ=5 ',
  );
  assert.ok(echo.kind === 'log');
  assert.equal(echo.packet.query, { id: 77, sequence: 5 });
  assert.is(echo.packet.id, 7);
  const error = readEvidence(
    'IN=eth0 OUT= MAC= SRC=192.0.2.7 DST=192.0.2.10 LEN=88 TOS=0x00 PREC=0xC0 TTL=64 ID=7 PROTO=ICMP TYPE=3 CODE=3 ' +
      '[SRC=192.0.2.10 DST=192.0.2.7 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=9 DF PROTO=UDP SPT=4000 DPT=53 LEN=40 ] ',
  );
  assert.ok(error.kind === 'log');
  assert.equal(error.packet.icmp, { type: 3, code: 3 });
  assert.is(error.packet.lengthBytes, 88);
  assert.is(error.packet.quoted?.dport, 53);
});

Lines('what conntrack and routing say is told apart from what rules log', () => {
  const invalid = readEvidence(KERNEL.find((line) => line.includes('invalid tcp flag combination'))!);
  assert.ok(invalid.kind === 'log' && invalid.remark === 'invalid tcp flag combination');
  assert.is(invalid.packet.flags, 0x03);
  assert.equal(readEvidence(KERNEL.find((line) => line.includes('martian'))!), {
    kind: 'martian',
    what: 'source',
    source: '192.0.2.10',
    destination: '192.0.2.10',
    input: 'eth0',
  });
});

Lines('a line of TRACE tells one step', () => {
  const traced = KERNEL.filter((line) => line.includes('TRACE')).map(readEvidence);
  assert.equal(
    traced.map((evidence) => evidence.kind === 'trace' && plain(evidence as Evidence) && evidence.steps),
    [
      [{ what: 'policy', table: 'raw', chain: 'PREROUTING', number: 2 }],
      [{ what: 'rule', table: 'filter', chain: 'INPUT', number: 1 }],
      [{ what: 'return', table: 'filter', chain: 'chain', number: 2 }],
      [{ what: 'policy', table: 'filter', chain: 'INPUT', number: 3 }],
    ],
  );
});

Lines('xtables-monitor tells all steps of a packet', () => {
  const evidence = readEvidence(linesOf('xtables-monitor').join('\n'));
  assert.ok(evidence.kind === 'trace' && evidence.writer === 'xtables-monitor');
  assert.is(evidence.input, 'eth0');
  assert.is(evidence.output, '');
  assert.is(evidence.packet.protocol, 6);
  assert.is(evidence.packet.dport, 8081);
  assert.equal(
    evidence.steps.map(({ what, table, chain, verdict }) => `${table} ${chain} ${what} ${verdict}`),
    [
      'raw PREROUTING rule continue',
      'raw PREROUTING policy accept',
      'nat PREROUTING rule jump DOCKER',
      'nat DOCKER rule accept',
      'filter INPUT rule jump UFW',
      'filter UFW rule continue',
      'filter INPUT rule drop',
    ],
  );
  assert.is(evidence.steps[3].text, '-A DOCKER -p tcp -m tcp --dport 8081 -j DNAT --to-destination 192.0.2.10:81');
});

Lines('nft monitor trace tells the same', () => {
  const evidence = readEvidence(linesOf('nft-monitor').join('\n'));
  assert.ok(evidence.kind === 'trace' && evidence.writer === 'nft');
  assert.is(evidence.input, 'eth0');
  assert.equal([evidence.packet.protocol, evidence.packet.flags, evidence.packet.sport], [6, 2, 57796]);
  assert.equal(
    evidence.steps.map(({ what, table, chain, verdict }) => `${table} ${chain} ${what} ${verdict}`),
    [
      'raw PREROUTING rule continue',
      'raw PREROUTING policy accept',
      'nat PREROUTING rule jump DOCKER',
      'nat DOCKER rule accept',
      'filter INPUT rule jump UFW',
      'filter UFW rule continue',
      'filter INPUT rule drop',
    ],
  );
});

Lines('of several packets in a trace, the first counts', () => {
  const forward = readEvidence(linesOf('xtables-monitor-forward').join('\n'));
  assert.ok(forward.kind === 'trace' && forward.steps.length === 9);
  const answer = readEvidence(linesOf('nft-monitor-forward').slice(14).join('\n'));
  assert.ok(answer.kind === 'trace' && answer.packet.flags === 0x12 && answer.input === 'docker0');
});

Lines('events and lists of conntrack tell both directions', () => {
  const [first, ...more] = linesOf('conntrack-events');
  assert.equal(plain(readEvidence(first)), {
    kind: 'conntrack',
    event: 'NEW',
    protocol: 6,
    state: 'SYN_SENT',
    timeoutSec: 120,
    original: { source: '192.0.2.7', destination: '192.0.2.10', sport: 34288, dport: 8081 },
    reply: { source: '172.17.0.3', destination: '192.0.2.7', sport: 80, dport: 34288 },
    isSeenReply: false,
    isAssured: false,
    mark: 0,
  });
  for (const line of [...more, ...linesOf('conntrack-list')].filter((text) => text.includes('src='))) {
    assert.is(readEvidence(line).kind, 'conntrack', line);
  }
  const ping = readEvidence(
    'icmp     1 29 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=77 ' +
      'src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=77 mark=5 use=1',
  );
  assert.ok(ping.kind === 'conntrack' && ping.mark === 5 && ping.isSeenReply);
  assert.equal(ping.original.icmp, { type: 8, code: 0, id: 77 });
});

const WRONG: readonly (readonly [line: string, message: RegExp, isUnsupported?: boolean])[] = [
  ['', /empty/],
  ['hello', /not a line that is known/],
  ['IN=eth0 OUT= SRC=1.2.3.4 ', /no DST=: it may have been cut/],
  ['IN=eth0 OUT= SRC=1.2.3.999 DST=1.2.3.4 PROTO=TCP', /"1.2.3.999" is not an IPv4 address/],
  ['IN=eth0 OUT= SRC=1.2.3.4 DST=1.2.3.4 PROTO=TCP SPT=70000', /70000 is too large/],
  ['IN=eth0 OUT= SRC=fe80::1 DST=ff02::1 PROTO=UDP', /IPv6, which is not emulated/, true],
  ['IN=eth0 OUT= SRC=1.2.3.4 DST=1.2.3.4 PROTO=TCP INCOMPLETE [10 bytes] ', /cut short/, true],
  ['IN=eth0 OUT= SRC=1.2.3.4 DST=1.2.3.4 PROTO=TPC', /PROTO=TPC is no protocol/],
  ['tcp 6 9 CLOSE src=1.2.3.4 dst=1.2.3.5 sport=1 dport=2', /both directions/],
  ['ipv6 10 tcp 6 9 src=::1 dst=::1 sport=1 dport=2 src=::1 dst=::1 sport=2 dport=1', /IPv6/, true],
  [' TRACE: 2 62e16b05 raw:PREROUTING:policy:ACCEPT ', /paste the line with "PACKET:" too/],
  ['trace id 62e16b05 ip raw PREROUTING policy accept', /paste the line with "packet:" too/],
];

for (const [line, message, isUnsupported = false] of WRONG) {
  Lines(`"${line}" is refused`, () => {
    assert.throws(
      () => readEvidence(line),
      (error: unknown) =>
        error instanceof EvidenceError && message.test(error.message) && error.isUnsupported === isUnsupported,
    );
  });
}

Lines('damaged lines are read or refused', () => {
  const seed = testSeed();
  const texts = ['kernel', 'xtables-monitor', 'nft-monitor', 'conntrack-events', 'conntrack-list'].flatMap((name) => [
    ...linesOf(name),
    linesOf(name).slice(0, 6).join('\n'),
  ]);
  const cut = fc.tuple(fc.constantFrom(...texts), fc.nat(400), fc.nat(12), fc.string({ maxLength: 6 }));
  const damaged = cut.map(([text, at, length, put]) => text.slice(0, at) + put + text.slice(at + length));
  fc.assert(
    fc.property(fc.oneof(damaged, fc.string(), fc.string({ unit: 'binary' })), (text) => {
      try {
        readEvidence(text);
      } catch (error) {
        if (!(error instanceof EvidenceError)) throw error;
      }
    }),
    { seed, numRuns: 4000 },
  );
});

Lines.run();
