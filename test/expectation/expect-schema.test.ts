/** docs/schema/expect.schema.json, which editors use, and the reader accept the same files. */
import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parse, stringify } from 'yaml';
import { EXPECTED_ENDS, EXPECTED_TABLES } from '../../codecs/expectation/expectation.js';
import { ExpectationError } from '../../codecs/expectation/expectation-error.js';
import { readExpectation } from '../../codecs/expectation/read-expectation.js';
import { FOLLOW_WORDS } from '../../codecs/sentence/follow-words.js';
import { DECIDING_REASONS } from '../../replay/expectation-file.js';
import { pick, type Random, seededRandom, testSeed } from '../random.js';

const Schema = suite('schema of expect.yaml');

const schema = JSON.parse(readFileSync('docs/schema/expect.schema.json', 'utf8'));
const validate = new Ajv({
  allErrors: true,
  strictTypes: false,
  strictRequired: false,
  keywords: ['patternErrorMessage'],
}).compile(schema);

/** What only the reader knows: which sentences there are, and what claims and names say of each other. */
const BEYOND_THE_SCHEMA = new RegExp(
  `^expect\\.yaml:\\d+:\\d+: (?:${[
    ...['no claim is called', 'the claim in line', 'the claim ".*" is about', 'the claims? goe?s? on after'],
    ...['unknown protocol', 'no protocol behind', '".*" is a service', '"ping" is', 'write .* without quotes'],
    ...['".*" is not understood', 'the sentence is about', 'no destination', 'no source'],
    ...['no address is known', '".*" is not an address', '".*" is one word too many', 'no ">"', 'a second ">"'],
  ].join('|')})`,
);

const ENDS_OF_CONNECTIONS: readonly string[] = EXPECTED_ENDS.filter((end) => end !== 'held' && end !== 'skipped');

function refusalOf(text: string): string | undefined {
  try {
    readExpectation(text, 'expect.yaml', new Map(), DECIDING_REASONS);
    return undefined;
  } catch (error) {
    assert.instance(error, ExpectationError, String(error));
    return (error as Error).message;
  }
}

Schema('all verdicts, tables, reasons and words are in it', () => {
  const accepts = (claim: object): boolean => validate({ expect: [claim] });
  const packet = 'tcp * > *:22';
  for (const ends of EXPECTED_ENDS) {
    assert.is(accepts({ connection: packet, ends }), ENDS_OF_CONNECTIONS.includes(ends), ends);
    assert.is(accepts({ packet, ends }), ends !== 'expired', ends);
  }
  for (const by of [...DECIDING_REASONS, 'none']) assert.ok(accepts({ packet, by }), by);
  for (const table of EXPECTED_TABLES) assert.ok(accepts({ packet, by: `${table} X policy` }), table);
  for (const send of FOLLOW_WORDS) assert.ok(accepts({ send, after: 'x' }) && !accepts({ send }), send);
});

const SENTENCES = ['tcp * > *:22', 'eth0 tcp 203.0.113.7:1024-65535 > client:80 S', 'ip * > !10.0.0.0/8 in !eth0'];
const LEFT = ['tcp * > client:80 out docker0', 'icmp * > * echo-reply', 'tcp 10.0.0.1 → 10.0.0.2:80 SYN, ttl 63'];
const COUNTED = [
  ...['filter DOCKER "--dport 80"', "nat X '-p tcp'", 'filter FORWARD 3', 'raw OUTPUT policy', ' filter  X  001 '],
  ...['mangle X "\\"a\\""', 'security X "a # b: c"'],
];
const DECIDERS = [...COUNTED, 'filter FORWARD', 'martian-source', 'none', ' none '];
const BOUNDS = ['1 packet', '>= 1 packet', '≥ 1 packets, < 1500 bytes', '0 packets', '=0 bytes', ' <=  7  bytes '];
const NAMES = ['client', 'web-1', 'a.b', 'ünder_score'];

/** Values that are right in some place, or in none. */
const JUNK: readonly unknown[] = [
  ...[
    null,
    0,
    1,
    true,
    '',
    ' ',
    'x',
    'captures',
    'reply',
    '*',
    '>',
    'tcp * >',
    'a\nb',
    '\u0007',
    [],
    {},
    ['x'],
    { a: 'b' },
  ],
  ...[
    'filter',
    'filter X 0',
    'filter X ""',
    'filter X " "',
    'filter X --dport',
    'filter X "a',
    'policy',
    'rule',
    'x y z',
  ],
  ...[
    'filter X 1234567890',
    "filter X ' '",
    'filter X "\\ "',
    'nat X "a" b',
    'Filter X 1',
    '1 frame',
    '1',
    '-1 packets',
  ],
  ...[
    '1 packet,',
    '1 packet 2 bytes',
    '9999999999999999 bytes',
    'accepted',
    'expired',
    'held',
    'ACCEPTED',
    'drop',
    '10.0.0.0/8',
  ],
  ...['203.0.113.7', '2001:db8::1', '1.2.3', 'a b', 'a:b', '1.2.3.4.5', ...SENTENCES, ...LEFT, ...DECIDERS, ...BOUNDS],
];

type Claim = Record<string, unknown>;

function randomClaim(random: Random, i: number): Claim {
  const kind = pick(random, ['packet', 'connection', 'send', 'never', 'counters']);
  const maybe = (member: string, values: readonly unknown[]): Claim =>
    random(2) === 0 ? {} : { [member]: pick(random, values) };
  const it = random(3) === 0 ? {} : { it: `claim ${i}` };
  if (kind === 'never') return { ...it, never: pick(random, SENTENCES) };
  if (kind === 'counters') return { ...it, counters: { [pick(random, COUNTED)]: pick(random, BOUNDS) } };
  const isWord = kind === 'send' && random(4) === 0;
  return {
    ...it,
    [kind]: pick(random, isWord ? FOLLOW_WORDS : SENTENCES),
    ...(isWord ? { after: 'first' } : kind === 'send' ? maybe('after', ['captures', 'first']) : {}),
    ...maybe('becomes', LEFT),
    ...maybe('answer', [...LEFT, 'icmp host-prohibited', 'tcp R']),
    ...maybe('ends', kind === 'connection' ? ENDS_OF_CONNECTIONS : EXPECTED_ENDS.filter((end) => end !== 'expired')),
    ...maybe('by', DECIDERS),
  };
}

function randomFile(random: Random): Record<string, unknown> {
  const claims = Array.from({ length: 1 + random(3) }, (_, i) => randomClaim(random, i));
  const address = (): string => pick(random, ['203.0.113.7', '2001:db8::1', '0.0.0.0', '::']);
  return {
    names: { client: address(), ...(random(2) === 0 ? {} : { [pick(random, NAMES)]: address() }) },
    expect: [{ it: 'first', send: 'eth0 tcp 203.0.113.7 > 192.0.2.10:22' }, ...claims],
  };
}

/** Changes one member of FILE to what it may not be, or another one that it may. */
function damage(random: Random, file: Record<string, unknown>): void {
  const claims = file.expect as Claim[];
  const claim = pick(random, claims);
  const members = Object.keys(claim);
  const names = file.names as Record<string, unknown>;
  const all = [
    'it',
    'packet',
    'connection',
    'send',
    'never',
    'counters',
    'after',
    'becomes',
    'ends',
    'by',
    'answer',
    'x',
  ];
  const change = random(9);
  if (change === 0) delete claim[pick(random, members)];
  else if (change === 1) claim[pick(random, all)] = pick(random, JUNK);
  else if (change === 2) claim.counters = { [String(pick(random, JUNK))]: pick(random, JUNK) };
  else if (change === 3) names[String(pick(random, JUNK))] = pick(random, JUNK);
  else if (change === 4) file[pick(random, ['names', 'expect', 'x'])] = pick(random, JUNK);
  else if (change === 5) claims[random(claims.length)] = pick(random, JUNK) as Claim;
  else claim[pick(random, members)] = pick(random, JUNK);
}

Schema('random files, whole and damaged, are accepted by both or by neither', () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const counts = { both: 0, neither: 0, reader: 0 };
  for (let i = 0; i < 600; i++) {
    const file = randomFile(random);
    if (random(3) > 0) damage(random, file);
    const text = stringify(file, { lineWidth: 0, blockQuote: false, aliasDuplicateObjects: false });
    const isValid = validate(parse(text));
    const refusal = refusalOf(text);
    const about = `SEED=${seed}\n${text}${refusal ?? 'accepted'}\n${JSON.stringify(validate.errors)}`;
    if (refusal === undefined) assert.ok(isValid, `the schema refuses\n${about}`);
    else if (isValid) assert.match(refusal, BEYOND_THE_SCHEMA, `the schema accepts\n${about}`);
    counts[refusal === undefined ? 'both' : isValid ? 'reader' : 'neither']++;
  }
  assert.ok(counts.both > 150 && counts.neither > 100 && counts.reader < 120, JSON.stringify(counts));
});

Schema.run();
