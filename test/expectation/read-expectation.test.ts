/** expect.yaml: what it says, and where it is wrong. */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { PacketClaim } from '../../codecs/expectation/expectation.js';
import { ExpectationError } from '../../codecs/expectation/expectation-error.js';
import { readExpectation } from '../../codecs/expectation/read-expectation.js';
import { DECIDING_REASONS } from '../../replay/expectation-file.js';

const Reader = suite('expect.yaml');

const NAMES = new Map([['web', ['172.17.0.2']]]);
const read = (text: string) => readExpectation(text, 'expect.yaml', NAMES, DECIDING_REASONS);

const EXAMPLE = `# Redis
names: { client: 203.0.113.7, host: 192.0.2.10, redis: 172.17.0.3 }
expect:
  - it: the published Redis answers            # as before
    connection: tcp client > host:36379 in eth0
    becomes: tcp client > redis:6379 out docker0
    ends: accepted
    by: filter DOCKER "--dport 6379"
  - send: 'eth0 tcp client:51515 > host:8081 S'
    ends: rejected
    answer: icmp host-prohibited
  - { send: reply, it: it answers, after: 'eth0 tcp client:51515 > host:8081 S' }
  - never: tcp * > 172.17.0.0/16:* in eth0
  - counters: { filter FORWARD 3: ">= 1 packet", filter INPUT policy: "0 packets, < 1500 bytes" }
`;

Reader('the example is read, each member with its place', () => {
  const { names, claims } = read(EXAMPLE);
  assert.equal(
    [...names].map(([name, address]) => `${name} ${address}`),
    ['client 203.0.113.7', 'host 192.0.2.10', 'redis 172.17.0.3'],
  );
  assert.equal(
    claims.map(({ kind, name, isNamed, line, column }) => [kind, name, isNamed, line, column]),
    [
      ['connection', 'the published Redis answers', true, 4, 5],
      ['send', 'eth0 tcp client:51515 > host:8081 S', false, 9, 5],
      ['send', 'it answers', true, 12, 7],
      ['never', 'never: tcp * > 172.17.0.0/16:* in eth0', false, 13, 5],
      [
        'counters',
        'counters: filter FORWARD 3: >= 1 packet, filter INPUT policy: 0 packets, < 1500 bytes',
        false,
        14,
        5,
      ],
    ],
  );
  const [redis, refused, reply, , counters] = claims;
  assert.ok(redis.kind === 'connection' && refused.kind === 'send' && reply.kind === 'send');
  assert.equal(placed(redis), ['subject 5:17', 'becomes 6:14', 'ends 7:11', 'by 8:9']);
  // Behind the quote.
  assert.equal(placed(refused), ['subject 9:12', 'ends 10:11', 'answer 11:13']);
  assert.is(String(redis.becomes?.value.ends?.destination.host?.addresses[0]), '172.17.0.3');
  assert.equal(redis.by?.value, { kind: 'words', table: 'filter', chain: 'DOCKER', words: '--dport 6379' });
  assert.is(reply.sentence, undefined);
  assert.is(reply.after?.value, refused.name);
  assert.ok(counters.kind === 'counters');
  assert.equal(
    counters.counters.map(({ of, bounds }) => [of.value, of.column, bounds.value, bounds.column]),
    [
      [
        { kind: 'number', table: 'filter', chain: 'FORWARD', number: 3 },
        17,
        [{ unit: 'packets', comparison: '>=', value: 1 }],
        36,
      ],
      [
        { kind: 'policy', table: 'filter', chain: 'INPUT' },
        50,
        [
          { unit: 'packets', comparison: '=', value: 0 },
          { unit: 'bytes', comparison: '<', value: 1500 },
        ],
        72,
      ],
    ],
  );
});

function placed(claim: PacketClaim): string[] {
  return (['subject', 'becomes', 'ends', 'by', 'answer'] as const).flatMap((member) => {
    const found = claim[member];
    return found === undefined ? [] : [`${member} ${found.line}:${found.column}`];
  });
}

Reader('the examples in docs/expectations.md can be read', () => {
  const blocks = readFileSync('docs/expectations.md', 'utf8').match(/(?:^ {4}.*\n|^\n)+/gm) ?? [];
  const examples = blocks.filter((block) => /^ {4}expect:$/m.test(block)).map((block) => block.replace(/^ {4}/gm, ''));
  assert.is(examples.length, 3);
  for (const example of examples) assert.ok(read(example).claims.length > 0);
});

Reader('where a packet leaves does not belong in the subject, however it is written', () => {
  for (const [sentence, column] of [
    ['tcp * > *:22 out docker0', 26],
    ['tcp * > *:22,out docker0', 26],
    ['tcp * > *:22 OUT docker0', 26],
    ['tcp * > *:22 out,docker0', 26],
    ['tcp * > *:22 in out out !docker0', 33],
    ['out tcp * > *:22 S, out out', 33],
  ] as const) {
    for (const subject of ['packet', 'never', 'send', 'connection'])
      assert.throws(
        () => read(`expect:\n  - ${subject}: ${sentence}\n`),
        (error: unknown) =>
          error instanceof ExpectationError &&
          error.column === column + subject.length - 'packet'.length &&
          /as they enter the host; say where they leave in `becomes:`/.test(error.message),
      );
  }
});

const claim = (members: string): string => `expect:\n  - packet: tcp * > *:22\n    ${members}\n`;

Reader('what decided is a rule by its words or number, a policy, a chain, a reason or nothing', () => {
  const by = (text: string) => (read(claim(`by: ${text}`)).claims[0] as PacketClaim).by?.value;
  const chain = { table: 'nat', chain: 'PREROUTING' };
  assert.equal(by('nat PREROUTING "-p tcp"'), { kind: 'words', ...chain, words: '-p tcp' });
  assert.equal(by(`'nat PREROUTING "a \\"b\\" # c: d"'`), { kind: 'words', ...chain, words: 'a "b" # c: d' });
  assert.equal(by(`"nat  PREROUTING '-p tcp' "`), { kind: 'words', ...chain, words: '-p tcp' });
  assert.equal(by('nat PREROUTING 12'), { kind: 'number', ...chain, number: 12 });
  assert.equal(by('nat PREROUTING policy'), { kind: 'policy', ...chain });
  assert.equal(by('nat PREROUTING'), { kind: 'chain', ...chain });
  // These are chains.
  assert.equal(by('nat policy 3'), { kind: 'number', table: 'nat', chain: 'policy', number: 3 });
  assert.equal(by('martian-source'), { kind: 'reason', reason: 'martian-source' });
  assert.equal(by('none'), { kind: 'none' });
});

Reader('bounds are written as people write them', () => {
  const bounds = (text: string) => {
    const [one] = read(`expect: [{ counters: { filter INPUT 1: '${text}' } }]`).claims;
    return one.kind === 'counters' ? one.counters[0].bounds.value : [];
  };
  for (const [text, comparison] of [
    ['1 packet', '='],
    ['= 1 packets', '='],
    ['==1 packet', '='],
    ['≥ 1 packet', '>='],
    ['<=1  packets', '<='],
    ['≤1 packet', '<='],
    ['> 1 packet', '>'],
    ['<1 packet', '<'],
  ] as const)
    assert.equal(bounds(text), [{ unit: 'packets', comparison, value: 1 }], text);
  assert.equal(bounds('999999999999999 bytes')[0].value, 999_999_999_999_999);
});

Reader('names of the file come before those that are known without it', () => {
  const [one] = read('names: { web: 10.0.0.1 }\nexpect: [{ packet: tcp * > web:80 }]').claims;
  assert.is(String((one as PacketClaim).sentence?.ends?.destination.host?.addresses[0]), '10.0.0.1');
  assert.is(read('names:\nexpect: [{ packet: tcp * > web:80 }]').claims.length, 1);
});

Reader('a text may go on in the next line, and the file may begin as YAML files do', () => {
  const [one] = read('\ufeff---\r\nexpect:\r\n- packet: tcp * >\r\n    web:80\r\n...\r\n').claims;
  assert.is((one as PacketClaim).text, 'tcp * > web:80');
});

function errorOf(text: string): unknown {
  try {
    read(text);
    return undefined;
  } catch (error) {
    return error;
  }
}

const FAULTS: readonly (readonly [text: string, message: RegExp])[] = [
  // The whole.
  ['', /^expect\.yaml:1:1: the file is empty; expected `expect:`/],
  ['# nothing\n', /^expect\.yaml:1:1: the file is empty/],
  ['~', /^expect\.yaml:1:1: the file is empty/],
  ['- packet: tcp * > *:22', /^expect\.yaml:1:1: expected `expect:`/],
  ['names: { a: 1.2.3.4 }', /^expect\.yaml:1:1: there are no claims/],
  ['expect:', /^expect\.yaml:1:1: there are no claims/],
  ['expect: []', /^expect\.yaml:1:9: there are no claims/],
  ['expect: tcp', /^expect\.yaml:1:9: expected a claim.*a "- " before each$/],
  ['expect: { packet: tcp * > *:22 }', /^expect\.yaml:1:9: expected a claim.*a "- " before each$/],
  ['expects: []', /^expect\.yaml:1:1: unknown member "expects"; did you mean expect\?/],
  ['expect: [tcp]', /^expect\.yaml:1:10: expected a claim/],
  ['expect:\n  -\n', /^expect\.yaml:2:4: expected a claim/],
  // Names.
  ['names: [a]\nexpect: []', /^expect\.yaml:1:8: expected addresses by name/],
  ['names: { a: }', /^expect\.yaml:1:10: no address for "a"/],
  ['names: { a: 1.2.3 }', /^expect\.yaml:1:13: "1\.2\.3" is not an address/],
  ['names: { a: 10.0.0.0/8 }', /^expect\.yaml:1:13: "10\.0\.0\.0\/8" is not an address/],
  ['names: { a: 1 }', /^expect\.yaml:1:13: expected addresses.*1 is a text only in quotes: "1"$/],
  ['names: { a b: 1.2.3.4 }', /^expect\.yaml:1:10: "a b" cannot be a name/],
  ['names: { "a:b": 1.2.3.4 }', /^expect\.yaml:1:11: "a:b" cannot be a name/],
  ['names: { 1.2.3.4: 1.2.3.4 }', /^expect\.yaml:1:10: "1\.2\.3\.4" is an address; expected a name/],
  // Members.
  [claim('end: dropped'), /^expect\.yaml:3:5: unknown member "end"; did you mean ends\?/],
  [claim('never: tcp * > *:22'), /^expect\.yaml:3:5: a claim is about one thing.*both packet and never/],
  [
    claim('after: captures'),
    /^expect\.yaml:3:5: "after" does not go with packet; expected it, becomes, ends, by, answer$/,
  ],
  [
    'expect:\n  - never: tcp * > *:22\n    ends: dropped\n',
    /^expect\.yaml:3:5: "ends" does not go with never; expected it$/,
  ],
  [
    'expect:\n  - it: works\n    ends: dropped\n',
    /^expect\.yaml:2:5: the claim is about nothing; expected one of packet/,
  ],
  [claim('ends: droped'), /^expect\.yaml:3:11: "droped" is no end; did you mean dropped\?/],
  ...['held', 'skipped'].map(
    (end) =>
      [
        `expect: [{ connection: 'tcp * > *:22', ends: ${end} }]`,
        /^expect\.yaml:1:46: only a packet can end so; expected accepted, .*, rejected or expired$/,
      ] as const,
  ),
  [claim('ends: expired'), /^expect\.yaml:3:11: only a connection can end so; expected accepted,/],
  [claim('ends:'), /^expect\.yaml:3:5: nothing behind "ends:"; expected accepted/],
  [claim('ends: [dropped]'), /^expect\.yaml:3:11: expected accepted, .* or skipped$/],
  [claim('it: 7'), /^expect\.yaml:3:9: expected a text.*7 is a text only in quotes: "7"$/],
  [claim('it: " "'), /^expect\.yaml:3:10: the name of the claim is empty/],
  [claim('it: "a\\nb"'), /^expect\.yaml:3:9: a line break or control character/],
  [claim('it: captures'), /^expect\.yaml:2:5: no claim is called "captures"/],
  [claim('it: a\n    it: b'), /^expect\.yaml:4:5: "it" is there twice, first in line 3/],
  // Sentences: the column is that of the word in the file.
  ['expect:\n  - packet: tcp * > 192.0.2.10:htpp\n', /^expect\.yaml:2:32: unknown service "htpp"; did you mean http/],
  [
    'expect:\n  - packet: "tcp * > wep:80"\n',
    /^expect\.yaml:2:22: no address is known for the name "wep"; did you mean web/,
  ],
  [
    'expect:\n  - packet: tcp * > *:22 out eth0\n',
    /^expect\.yaml:2:26: the sentence is about packets as they enter.*`becomes:`$/,
  ],
  ['expect:\n  - never: tcp * > out:22 out eth0\n', /^expect\.yaml:2:20: no address is known/],
  [claim('becomes: eth0 tcp * > *:22'), /^expect\.yaml:3:14: .* as it left; .*"out IFACE"$/],
  [claim('becomes: tcp * > *:22 in eth0'), /^expect\.yaml:3:14: .* as it left/],
  [claim('becomes: icmp host-prohibited'), /^expect\.yaml:3:34: no ">" between/],
  [claim('answer: icmp host-prohibitet'), /^expect\.yaml:3:18: .*did you mean host-prohibited/],
  // What decided.
  [claim('by: fliter DOCKER 1'), /^expect\.yaml:3:9: unknown table "fliter"; did you mean filter\?/],
  [claim('by: martian-sorce'), /^expect\.yaml:3:9: "martian-sorce" is no reason; did you mean martian-source\?/],
  [claim('by: policy'), /^expect\.yaml:3:9: "policy" is no reason; expected TABLE CHAIN/],
  [claim('by: filter'), /^expect\.yaml:3:15: no chain behind "filter"/],
  [claim('by: filter INPUT 0'), /^expect\.yaml:3:22: "0" is not the number of a rule; the first/],
  [
    claim('by: filter INPUT --dport 22'),
    /^expect\.yaml:3:22: words of a rule are in quotes: filter INPUT "--dport 22"/,
  ],
  [claim('by: filter INPUT "--comment #1"'), /^expect\.yaml:3:22: the quote is not closed.*a # behind a blank/],
  [claim('by: filter INPUT ""'), /^expect\.yaml:3:22: no words between the quotes/],
  // Counters.
  ['expect:\n  - counters:\n', /^expect\.yaml:2:5: nothing behind "counters:"/],
  ['expect:\n  - counters: {}\n', /^expect\.yaml:2:15: there are no counters/],
  ['expect:\n  - counters: { filter INPUT: 1 packet }\n', /^expect\.yaml:2:29: a rule or policy is missing/],
  ['expect:\n  - counters: { none: 1 packet }\n', /^expect\.yaml:2:17: unknown table "none"/],
  [
    'expect:\n  - counters: { filter INPUT 1: 1 frame }\n',
    /^expect\.yaml:2:33: "1 frame" is no bound; expected such as/,
  ],
  ['expect:\n  - counters: { filter INPUT 1: "1 packet, x" }\n', /^expect\.yaml:2:44: "x" is no bound/],
  ['expect:\n  - counters: { filter INPUT 1: 7 }\n', /^expect\.yaml:2:33: .*7 is a text only in quotes/],
  [
    'expect:\n  - counters: { filter INPUT 1: 9007199254740993 packets }\n',
    /^expect\.yaml:2:33: "9007199254740993 packets" is no bound/,
  ],
  // Which claim goes on after which.
  [
    'expect:\n  - packet: tcp * > *:22\n  - packet: tcp * > *:22\n',
    /^expect\.yaml:3:5: the claim in line 2 is called "tcp \* > \*:22", too; give one of the two a name with `it:`$/,
  ],
  ['expect:\n  - send: reply\n', /^expect\.yaml:2:11: "reply" goes on after another packet; expected `after:`/],
  ['expect:\n  - send: ping\n    after: captures\n', /^expect\.yaml:2:11: "ping" goes on after another packet/],
  [
    'expect:\n  - {it: one, send: tcp * > *:22}\n  - {send: reply, after: on}\n',
    /^expect\.yaml:3:26: no claim is called "on"; did you mean one\?; expected captures, or the name of a send claim$/,
  ],
  [
    'expect:\n  - {it: one, packet: tcp * > *:22}\n  - {send: reply, after: one}\n',
    /^expect\.yaml:3:26: the claim "one" is about packet, not about a packet that is sent/,
  ],
  ['expect:\n  - {it: one, send: reply, after: one}\n', /^expect\.yaml:2:35: the claim goes on after itself$/],
  [
    'expect:\n  - {it: one, send: reply, after: two}\n  - {it: two, send: reply, after: one}\n',
    /^expect\.yaml:2:35: the claims go on after each other, in a circle: "one" after "two" after "one"$/,
  ],
  // YAML that says something other than it seems to.
  ['expect: &all []', /^expect\.yaml:1:9: an anchor \(&NAME\) is not allowed here/],
  [
    'expect:\n  - never: *all',
    /^expect\.yaml:2:12: an alias \(\*NAME\) is not allowed here.*"tcp \* > 192\.0\.2\.10:5432"$/,
  ],
  ['expect:\n  - packet: !eth0 tcp * > *:22', /^expect\.yaml:2:13: a tag \(!NAME\) is not allowed here.*in quotes/],
  ['expect:\n  - packet: !!str tcp * > *:22', /^expect\.yaml:2:13: a tag/],
  ['expect:\n  - <<: a\n', /^expect\.yaml:2:5: a merge key \(<<\) is not allowed here$/],
  ['expect: []\n---\nexpect: []\n', /^expect\.yaml:2:1: a second document \(---\)/],
  ['%YAML 1.1\n---\nexpect: []\n', /^expect\.yaml:1:1: a directive \(%\)/],
  ['expect: []\nexpect: []\n', /^expect\.yaml:2:1: "expect" is there twice, first in line 1$/],
  ['expect:\n  - packet: |\n      tcp * > *:22\n', /^expect\.yaml:2:13: a text is one line here/],
  ['expect:\n  - it: >\n      folded\n    packet: tcp * > *:22\n', /^expect\.yaml:2:9: a text is one line here/],
  ['expect:\n  - [a]: b\n', /^expect\.yaml:2:5: expected a claim/],
  // What is not YAML.
  ['expect:\n  - it: a: b\n    packet: tcp * > *:22\n', /^expect\.yaml:2:9: a text in which a blank follows a colon/],
  ['expect:\n  - packet: tcp * > *:22\n     ends: dropped\n', /^expect\.yaml:3:6: "ends" begins in column 6/],
  ['expect:\n  - packet: tcp * > *:22\n   ends: dropped\n', /^expect\.yaml:3:4: "ends" begins in column 4/],
  ['expect:\n\t- packet: tcp * > *:22\n', /^expect\.yaml:2:1: a tab before the text/],
  ['expect:\n  - packet: "tcp * > *:22\n', /^expect\.yaml:2:13: the quote that begins here is not closed/],
  ['expect:\n  - packet: "tcp" web > *:22\n', /^expect\.yaml:2:19: something is behind the end of the text/],
  [
    'expect:\n  - { packet: tcp * > [2001:db8::1]:22 }\n',
    /^expect\.yaml:2:\d+: something is behind the end of the text/,
  ],
  ['expect:\n  - { packet: tcp * > *:22\n', /^expect\.yaml:[23]:\d+: the bracket is not closed/],
  ['expect:\n  - counters: { filter INPUT 1: >= 1 packet }\n', /^expect\.yaml:2:33: a text that begins with > or \|/],
  [
    'expect:\n  - counters:\n      filter INPUT 1: >= 1 packet\n',
    /^expect\.yaml:3:\d+: a text that begins with > or \|/,
  ],
  [claim('it: @home'), /^expect\.yaml:3:9: a text that begins with %, @ or `/],
  [claim('it: "a\\q"'), /^expect\.yaml:3:11: a backslash in double quotes is written \\\\/],
];

Reader('what is wrong is said with its place, and with the nearest name that there is', () => {
  const others = FAULTS.flatMap(([text, message]) => {
    const error = errorOf(text);
    return error instanceof ExpectationError && message.test(error.message) ? [] : [`${text}\n${error}\n${message}\n`];
  });
  assert.is(others.join('\n'), '');
});

const MANY = 5000;
const NESTED = Array.from({ length: 2000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n');

/** Texts on which a reader of YAML may recurse, compare each with each, or expand. */
const HOSTILE: readonly string[] = [
  ...['[', '{', '[{', '- ', '? ', ': ', '&a ', '*a ', '!a ', '---\n', '...\n', '%X\n', '\0', '"', "'", '\t'].map(
    (part) => part.repeat(MANY),
  ),
  ...['\n', '\r', '# c\n', '{a: ', 'a:\n', '?\n', '|\n'].map((part) => part.repeat(MANY)),
  `${'['.repeat(MANY)}${']'.repeat(MANY)}`,
  `[${','.repeat(MANY)}]`,
  NESTED,
  'a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nexpect: *c',
  `expect: "${'x\n '.repeat(MANY)}`,
  `expect: "${' '.repeat(MANY)}\n${' '.repeat(MANY)}"`,
  `expect: "${'\\q'.repeat(MANY)}"`,
  `expect:\n${'  -\n'.repeat(MANY)}`,
  ...['> ', '! ', '[', '-', ':', ',', 'tcp ', '"'].map((part) => `expect:\n - packet: tcp ${part.repeat(MANY)}`),
  ...['\\\\', '\\', ' ', 'a '].map((part) => `expect: [{packet: tcp * > *:1, by: 'filter X "${part.repeat(2000)}'}]`),
  ...['1 packet,', ' ', '1 '].map((part) => `expect: [{counters: { filter X 1: "1${part.repeat(400)}x"}}]`),
  'x'.repeat(2 ** 21),
];

Reader('no text makes it hang or fail otherwise', () => {
  for (const text of HOSTILE) {
    const start = performance.now();
    const error = errorOf(text);
    const about = JSON.stringify(text.slice(0, 40));
    assert.instance(error, ExpectationError, `${about}: ${error}`);
    assert.ok((error as Error).message.length < 10_000, about);
    assert.ok(performance.now() - start < 5000, about);
  }
});

Reader('thousands of claims are read in no time', () => {
  const claims = Array.from({ length: 3000 }, (_, i) => {
    const after = i === 0 ? '' : `, after: claim ${i - 1}`;
    return `  - { it: claim ${i}, send: tcp 203.0.113.7 > 192.0.2.10:${(i % 65_535) + 1}${after} }\n`;
  });
  const start = performance.now();
  assert.is(read(`expect:\n${claims.join('')}`).claims.length, 3000);
  assert.ok(performance.now() - start < 5000);
});

Reader.run();
