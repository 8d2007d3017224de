// Which packets the filter of a report's page chooses: what a sentence says is as everywhere else, plain text is found
// in what is shown, and what is typed half does not lose the packets.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fits } from '../../codecs/sentence/fits.js';
import { parseSentence } from '../../codecs/sentence/parse.js';
import type { SentencePacket } from '../../codecs/sentence/sentence.js';
import type { RulesSection } from '../../explain/report/format/model.js';
import { selectRows, textProblem } from '../../pages/data/select-rows.js';
import { pick, type Random, seededRandom, testSeed } from '../random.js';
import { type Made, type MadePacket, type MadeTuple, madeResult, plainTraversal } from './made-result.js';

const Filters = suite('filter of packets on a page');

const INTERFACES = ['eth0', 'docker0', 'br-1f2e3d'];
const STATES = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED'];
const ADDRESSES = ['10.0.0.1', '10.0.0.12', '10.1.2.3', '192.0.2.10', '203.0.113.7', '255.255.255.255', '0.0.0.0'];
const PORTS = [1, 22, 53, 80, 443, 8080, 51_515, 65_535];
const NAMES = { '10.0.0.12': 'web', '192.0.2.10': 'db' };

function randomTuple(random: Random): MadeTuple {
  const protocol = pick(random, [6, 17, 1, 47, 50]);
  const ends = [pick(random, ADDRESSES), pick(random, ADDRESSES)] as const;
  if (protocol === 1) return [protocol, ...ends, pick(random, [0, 3, 8, 11]), random(3)];
  return protocol > 20 ? [protocol, ...ends] : [protocol, ...ends, pick(random, PORTS), pick(random, PORTS)];
}

function randomPackets(random: Random): Made {
  const tuples = Array.from({ length: 40 }, () => randomTuple(random));
  const packets = Array.from({ length: 300 }, (): MadePacket => {
    const tuple = random(tuples.length + 1) - 1;
    return {
      tuple,
      length: pick(random, [20, 40, 60, 576, 1500]),
      inDev: random(4) - 1,
      outDev: random(5) - 2,
      flags: tuple >= 0 && tuples[tuple][0] === 6 ? random(256) : -1,
      traversal: random(STATES.length + 1),
    };
  });
  const traversals = [...STATES.map((ctstate) => plainTraversal({ ctstate })), plainTraversal()];
  return { interfaces: INTERFACES, names: NAMES, tuples, traversals, packets };
}

/** PACKET as the language of sentences knows it; undefined: it is no IP packet. */
function sentencePacket({ tuples, traversals }: Made, packet: MadePacket): SentencePacket | undefined {
  if (packet.tuple === undefined || packet.tuple < 0) return undefined;
  const [protocol, source, destination, sport, dport] = tuples[packet.tuple];
  const [inDev, outDev] = [INTERFACES[packet.inDev!], INTERFACES[packet.outDev!]];
  return {
    ...{ protocol, source, destination, inDev, outDev, lengthBytes: packet.length, isLocal: packet.inDev === -1 },
    ...(protocol === 1 ? { icmp: { type: sport!, code: dport! } } : { sport, dport }),
    flags: packet.flags! >= 0 ? packet.flags : undefined,
    state: traversals[packet.traversal!].ctstate,
  };
}

function randomEnd(random: Random, hasPorts: boolean): string {
  const host = pick(random, [
    '*',
    ...[`${random(4) === 0 ? '!' : ''}${pick(random, [...ADDRESSES, ...Object.values(NAMES)])}`],
    `${random(4) === 0 ? '!' : ''}${pick(random, ADDRESSES)}/${random(33)}`,
  ]);
  const port = pick(random, PORTS);
  return host + (hasPorts ? pick(random, ['', '', ':*', `:${port}`, `:${random(port + 1)}-${port}`, ':http']) : '');
}

function randomSentence(random: Random): string {
  const protocol = pick(random, ['tcp', 'tcp', 'udp', 'icmp', 'ip', '47', 'esp']);
  const hasPorts = protocol === 'tcp' || protocol === 'udp';
  const dev = () => (random(3) === 0 ? '!' : '') + pick(random, INTERFACES);
  const more = [
    `out ${dev()}`,
    `len ${pick(random, [40, 60])}-${pick(random, [60, 1500])}`,
    `state ${pick(random, STATES)}`,
    ...(protocol === 'tcp' ? [pick(random, ['S', 'SA', 'A', 'F', 'R', 'PA', 'SYN/ACK', 'NONE', 'E'])] : []),
    ...(protocol === 'icmp' ? [pick(random, ['echo-request', 'echo-reply', '3/1', 'host-unreachable', '11'])] : []),
  ].filter(() => random(3) === 0);
  const head = pick(random, ['', '', `${dev()} `, 'local ', `in ${dev()} `]);
  const ends = `${randomEnd(random, hasPorts)} ${pick(random, ['>', '->', '→'])} ${randomEnd(random, hasPorts)}`;
  return `${head}${protocol} ${ends} ${more.join(pick(random, [' ', ', ']))}`.trimEnd();
}

const hosts = new Map(Object.entries(NAMES).map(([address, name]) => [name, [address]]));

Filters('a sentence chooses the packets that it describes', async () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  for (let i = 0; i < 400; i++) {
    const made = randomPackets(random);
    const text = randomSentence(random);
    const sentence = parseSentence(text, { names: hosts });
    const isAny = sentence.protocol === undefined && text.includes('ip * > *');
    const expected = made.packets.flatMap((packet, row) => {
      const known = sentencePacket(made, packet);
      return known !== undefined && fits(sentence, known) ? [row] : [];
    });
    const result = madeResult(made);
    assert.is(textProblem(result, text), undefined, text);
    const rows = await selectRows(result, { text });
    if (!isAny) assert.equal([...rows!], expected, `SEED=${seed}: ${text}`);
  }
});

const RULES: RulesSection = {
  rulesets: [],
  connectionStates: [],
  connectionTimeouts: [],
  chains: [
    { table: 'filter', name: 'FORWARD', hook: 'FORWARD', policy: 'DROP', packets: 0, bytes: 0, rules: [0, 1] },
    { table: 'filter', name: 'DOCKER', packets: 0, bytes: 0, rules: [2] },
  ],
  rules: [
    rule(0, 1, '-o docker0 -j DOCKER', 'published ports'),
    rule(0, 2, '-p udp -j ACCEPT'),
    rule(1, 1, '-d 10.0.0.12/32 -p tcp --dport 80 -j ACCEPT', 'web 8080'),
  ],
};

function rule(chain: number, number: number, text: string, comment?: string): RulesSection['rules'][number] {
  const file = { file: 'rules.v4', line: 10 + number };
  return { chain, number, ...file, text, ...(comment && { comment }), packets: 0, bytes: 0, asked: 0 };
}

const step = (number: number, isMatched: boolean) =>
  ({ kind: 'rule', table: 'filter', rule: number, level: 0, isMatched, failed: [], effects: [] }) as const;

const PLAIN: Made = {
  interfaces: INTERFACES,
  names: NAMES,
  tuples: [
    [6, '203.0.113.7', '192.0.2.10', 51_515, 8080],
    [6, '203.0.113.7', '10.0.0.12', 51_515, 80],
    [17, '10.0.0.1', '10.1.2.3', 53, 5353],
    [1, '10.0.0.1', '10.1.2.3', 8, 0],
  ],
  rules: RULES,
  traversals: [
    plainTraversal({
      ctstate: 'NEW',
      decider: { kind: 'rule', hook: 'FORWARD', rule: 2 },
      stages: [
        { hook: 'PREROUTING', steps: [] },
        { hook: 'FORWARD', steps: [step(0, true), step(2, true)] },
      ],
    }),
    plainTraversal({
      verdict: 'dropped',
      ctstate: 'INVALID',
      decider: { kind: 'policy', hook: 'FORWARD', chain: 0 },
      stages: [
        { hook: 'FORWARD', steps: [step(0, false), step(1, false), { kind: 'policy', table: 'filter', chain: 0 }] },
      ],
    }),
    plainTraversal({
      ctstate: 'NEW',
      stages: [
        { hook: 'PREROUTING', steps: [] },
        { hook: 'FORWARD', steps: [step(0, true)] },
      ],
    }),
  ],
  packets: [
    { tuple: 0, after: 1, inDev: 0, outDev: 1, traversal: 0, flags: 2, timeNs: 0, connection: 0 },
    { tuple: 2, inDev: 2, traversal: 1, timeNs: 1000, connection: 1 },
    { tuple: 3, inDev: -1, outDev: 0, traversal: 2, timeNs: 2000, connection: 2 },
    { tuple: -1, inDev: 0, traversal: 1, timeNs: 3000 },
  ],
};

async function chosen(filter: Parameters<typeof selectRows>[1]): Promise<string> {
  const rows = await selectRows(madeResult(PLAIN), filter);
  return rows === undefined ? 'all' : [...rows].join(' ');
}

const EXPECTED: Readonly<Record<string, string>> = {
  '': 'all',
  '   ': 'all',
  // Ends, as they arrived and as they left; names; whole numbers.
  '10.0.0.12': '0',
  '10.0.0.1': '1 2',
  '10.0.0': '0 1 2',
  web: '0',
  WEB: '0',
  '!web': '1 2 3',
  'web:80': '0',
  'web:81': '',
  ':80': '0',
  '80': '0',
  '53': '1',
  http: '0',
  'tcp * > *:http': '0',
  'udp *:domain > *': '1',
  '535': '',
  // Type 8 of ICMP is not a port.
  '8': '',
  echo: '2',
  docker0: '0',
  local: '2',
  syn: '0',
  udp: '1',
  // Verdicts, states, rules that decided, comments and chains on the way.
  dropped: '1 3',
  invalid: '1 3',
  'a new connection': '0 2',
  published: '0 2',
  docker: '0',
  '"docker"': '0',
  'rules.v4:11': '0',
  policy: '1 3',
  'dropped udp': '1',
  '"udp" dropped': '1',
  // Parts of sentences.
  tcp: '0',
  'in eth0': '0 3',
  'in !eth0': '1 2',
  'in ': 'all',
  'in br': '1',
  'in nowhere': 'all',
  'out docker0 tcp': '0',
  'state N': '0 2',
  'state x': 'all',
  'len 60': '0 1 2 3',
  'len 61': '',
  'len ': 'all',
  'len x': 'all',
  'ttl 64': 'all',
  'icmp echo-request': '2',
  'icmp 8': '2',
  'tcp S': '0',
  // What is typed half.
  'tcp 203.0.113.7': '0',
  'tcp 203.0.113.7 -': '0',
  'tcp 203.0.113.7 >': '0',
  'tcp 203.0.113.7 > 10.': '0',
  'tcp 203.0.113.7 > 10.0.0': '0',
  'tcp 203.0.113.7 > 10.0.0.12:': '0',
  'tcp 203.0.113.7 > we': '0',
  'tcp 203.0.113.7 > web:8': '',
  'tcp 203.0.113.7 > nobody': '0',
  'tcp 203.0.113.7:51515 → 192.0.2.10:8080 (db) SYN, in eth0, a new connection': '0',
  '>': 'all',
  '> web': '0',
  '!': 'all',
  '[2001:db8::1]:80 > *': '0 1 2',
};

for (const [text, rows] of Object.entries(EXPECTED)) {
  Filters(`"${text}" chooses ${rows === '' ? 'none' : rows}`, async () => assert.is(await chosen({ text }), rows));
}

Filters('what is not a text asks for traversals, times and connections', async () => {
  assert.is(await chosen({ verdict: 'dropped' }), '1 3');
  assert.is(await chosen({ time: [1000, 2000] }), '1 2');
  assert.is(await chosen({ connection: 2 }), '2');
  assert.is(await chosen({ hook: 'PREROUTING' }), '0 2');
  assert.is(await chosen({ table: 'filter' }), '0 1 2 3');
  assert.is(await chosen({ hook: 'PREROUTING', table: 'filter' }), '');
  assert.is(await chosen({ chain: 1 }), '0');
  assert.is(await chosen({ rule: 0 }), '0 1 2 3');
  assert.is(await chosen({ rule: 0, isMatched: true }), '0 2');
  assert.is(await chosen({ outDev: -1 }), '1 3');
  assert.is(await chosen({ verdict: 'dropped', text: 'udp' }), '1');
});

Filters('what cannot be read is told with its place', () => {
  const problem = (text: string) => textProblem(madeResult(PLAIN), text);
  assert.match(problem('tcp 10.0.0.1 >')!.message, /destination is missing/);
  assert.is(problem('tcp 10.0.0.1 >')!.column, 14);
  assert.match(problem('tcp * > 10.0.0.1:')!.message, /port is missing/);
  assert.match(problem('tcp * > 10.0.0')!.message, /not an address yet/);
  assert.match(problem('tcp * > *:70000')!.message, /at most 65535/);
  assert.match(problem('len')!.message, /number is missing behind "len"/);
  assert.match(problem('ttl 64')!.message, /not listed with their ttl/);
  assert.is(problem('in nowhere')!.column, 4);
  assert.is(problem('docker 80'), undefined);
});

Filters('that ask for nothing unpack nothing', async () => {
  const asked = new Proxy(madeResult(PLAIN), { get: (_, name) => assert.unreachable(`asked for ${String(name)}`) });
  assert.is(await selectRows(asked, {}), undefined);
});

Filters('a search that is not wanted any more ends', async () => {
  const controller = new AbortController();
  controller.abort();
  const packets = Array.from({ length: 100_000 }, (): MadePacket => ({ tuple: 0 }));
  const search = selectRows(madeResult({ ...PLAIN, packets }), { text: 'web' }, controller.signal);
  await search.then(
    () => assert.unreachable(),
    (error) => assert.is(error.name, 'AbortError'),
  );
});

Filters.run();
