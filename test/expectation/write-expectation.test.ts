/** expect.yaml as it is written and rewritten: whatever the texts are, they are read as they were meant. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { type DraftedClaim, formatExpectation } from '../../codecs/expectation/format-expectation.js';
import { readExpectation } from '../../codecs/expectation/read-expectation.js';
import { rewriteExpectation } from '../../codecs/expectation/rewrite-expectation.js';
import { yamlText } from '../../codecs/expectation/write-yaml.js';
import { pick, seededRandom, testSeed } from '../random.js';

const Writer = suite('expect.yaml, written');

Writer('claims are written as people write them, and can be read', () => {
  const text = formatExpectation({
    remark: 'What happens now.\nLook at it.',
    names: new Map([
      ['client', '203.0.113.7'],
      ['redis', '172.17.0.3'],
    ]),
    claims: [
      {
        it: 'Redis: published',
        connection: 'tcp client > 192.0.2.10:36379 in eth0',
        becomes: 'tcp client > redis:6379 out docker0',
        ends: 'accepted',
        by: 'filter DOCKER "--comment #1"',
      },
      { never: '!eth0 tcp * > *:22', remark: 'two\nlines' },
      { send: 'reply', it: 'it answers', after: "it's sent" },
      { send: 'eth0 tcp client > *:22', it: "it's sent" },
      { counters: { 'filter FORWARD 3': '>= 1 packet', 'filter FORWARD "a: b"': '0 packets' } },
    ],
  });
  assert.is(
    text,
    `# What happens now.
# Look at it.
names: { client: 203.0.113.7, redis: 172.17.0.3 }
expect:
  - it: "Redis: published"
    connection: tcp client > 192.0.2.10:36379 in eth0
    becomes: tcp client > redis:6379 out docker0
    ends: accepted
    by: 'filter DOCKER "--comment #1"'
  # two
  # lines
  - never: "!eth0 tcp * > *:22"
  - it: it answers
    send: reply
    after: it's sent
  - it: it's sent
    send: eth0 tcp client > *:22
  - counters:
      filter FORWARD 3: ">= 1 packet"
      'filter FORWARD "a: b"': 0 packets
`,
  );
  assert.is(readExpectation(text, 'expect.yaml', new Map()).claims.length, 5);
});

const PARTS = [
  ...[
    'a',
    'web',
    '"',
    "'",
    ':',
    ': ',
    ' #',
    '#',
    ',',
    '[',
    ']',
    '{',
    '}',
    '*',
    '&',
    '!',
    '|',
    '>',
    '%',
    '@',
    '`',
    '-',
    '- ',
  ],
  ...[
    '?',
    '? ',
    '~',
    '1',
    '0x1f',
    '.',
    '1e3',
    '-',
    '+',
    'null',
    'true',
    'Yes',
    'off',
    '12:30',
    '2020-01-01',
    '<<',
    '=',
  ],
  ...[
    ' ',
    '\\',
    '\\n',
    '---',
    '...',
    '\u00e9',
    '\u{1f600}',
    '\u202e',
    '\ufeff',
    '\u0085',
    '\udc80',
    '\n',
    '\t',
    '\u2028',
  ],
];

Writer('any text is read as the same again, in lists, between brackets, as a key, also by YAML 1.1', () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const note = `SEED=${seed}`;
  for (let i = 0; i < 3000; i++) {
    const text = Array.from({ length: random(6) }, () => pick(random, PARTS)).join('');
    const quote = pick(random, [undefined, undefined, '"', "'"] as const);
    const about = `${note} ${JSON.stringify(text)} ${quote}`;
    const written = (isInFlow: boolean) => yamlText(text, isInFlow, quote);
    for (const version of ['1.2', '1.1'] as const) {
      const options = { version, stringKeys: true, keepSourceTokens: false } as const;
      const block = parse(`a:\n  - ${written(false)} # b\n  - k: ${written(false)}\n`, options) as { a: unknown[] };
      assert.equal(block.a, [text, { k: text }], about);
      const flow = parse(`[${written(true)}, { k: ${written(true)}}]`, options) as unknown;
      assert.equal(flow, [text, { k: text }], about);
      assert.equal(Object.keys(parse(`${written(false)}: 1\n`, options) as object), [text], about);
      assert.equal(Object.keys(parse(`{ ${written(true)}: 1 }`, options) as object), [text], about);
    }
  }
});

const FILE = `# The client of customer 7.
names: { client: 203.0.113.7, "redis": '172.17.0.3' }   # two hosts

expect:
  # Redis for customer 7
  - it: customer 7 reaches Redis # still
    connection: tcp client >
      redis:6379 in eth0
    becomes: "tcp client > redis:6379 out docker0"
    by: filter DOCKER "customer 7"
  - {send: 'eth0 tcp client > redis:22', ends: dropped, by: martian-source}
  - send: reply
    after: eth0 tcp client > redis:22
  - send: close
    it: closed
    after: captures-not
  - { it: captures-not, send: eth0 tcp client > redis:23, after: captures }
  - counters: { filter DOCKER "customer 7": "1 packet", filter DOCKER policy: 0 packets }
`;

Writer('texts are replaced where they stand; comments, layout and quotes stay', () => {
  const text = rewriteExpectation(FILE, 'expect.yaml', {
    name: (name) => (name === 'client' ? 'host1' : name),
    address: (address, name) => (name === 'client' ? '198.51.100.1' : address),
    sentence: (sentence, member) => `${sentence.replace('client', 'host1')}${member === 'becomes' ? ', ttl 63' : ''}`,
    claim: (name) => name.replace('customer 7', 'a: customer'),
    decider: (decider) => decider.replace('customer 7', '#, :'),
    comment: (comment) => (comment.includes('7') ? undefined : comment),
  });
  assert.is(
    text,
    `names: { host1: 198.51.100.1, "redis": '172.17.0.3' }   # two hosts

expect:
  - it: "a: customer reaches Redis" # still
    connection: tcp host1 > redis:6379 in eth0
    becomes: "tcp host1 > redis:6379 out docker0, ttl 63"
    by: filter DOCKER "#, :"
  - {send: 'eth0 tcp host1 > redis:22', ends: dropped, by: martian-source}
  - send: reply
    after: eth0 tcp host1 > redis:22
  - send: close
    it: closed
    after: captures-not
  - { it: captures-not, send: eth0 tcp host1 > redis:23, after: captures }
  - counters: { 'filter DOCKER "#, :"': "1 packet", filter DOCKER policy: 0 packets }
`,
  );
  assert.is(rewriteExpectation(FILE, 'expect.yaml', {}), FILE);
  assert.is(rewriteExpectation(FILE, 'expect.yaml', { sentence: (same) => same, comment: (same) => same }), FILE);
});

Writer('without comments nothing of them is left', () => {
  const text = rewriteExpectation(`${FILE}# end`, 'expect.yaml', { comment: () => undefined });
  assert.not.match(text, /#/);
  assert.equal(parse(text), parse(FILE));
  const crlf = rewriteExpectation(FILE.replaceAll('\n', '\r\n'), 'expect.yaml', { comment: () => undefined });
  assert.is(crlf.replaceAll('\r\n', '\n'), text);
});

Writer('random texts in the places of others are read as they were meant', () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const oneLine = PARTS.filter((part) => !/[\n\t\u0085\u2028]/.test(part));
  for (let i = 0; i < 200; i++) {
    const used: string[] = [];
    const some = (): string => {
      used.push(`x${used.length}${Array.from({ length: random(5) }, () => pick(random, oneLine)).join('')}`);
      return used[used.length - 1];
    };
    const text = rewriteExpectation(FILE, 'expect.yaml', { sentence: some, claim: some, decider: some, name: some });
    const got: string[] = [];
    const collect = (value: unknown): void => {
      if (typeof value === 'string') got.push(value);
      else if (Array.isArray(value)) value.forEach(collect);
      else
        for (const [key, one] of Object.entries(value as object)) {
          got.push(key);
          collect(one);
        }
    };
    collect(parse(text));
    assert.equal(
      used.filter((one) => !got.includes(one)),
      [],
      `SEED=${seed}\n${text}`,
    );
  }
});

Writer('members that are left out are not written', () => {
  const claims: DraftedClaim[] = [{ never: 'tcp * > *:22', it: undefined }];
  assert.is(formatExpectation({ claims }), 'expect:\n  - never: tcp * > *:22\n');
});

Writer.run();
