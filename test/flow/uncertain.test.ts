/**
 * Packets that a rule which is not supported may decide about are uncertain, in every engine; of all others, what
 * becomes of them does not depend on it.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Linktype } from '../../codecs/linktypes.js';
import { createEmulator, EMULATOR_ENGINES, type EmulatorEngine } from '../../core/emulator.js';
import type { PacketEvent } from '../../core/events.js';
import { loadHost } from '../../core/host/host.js';
import { Frame } from '../../core/link/frame.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { saveRuleset } from '../../core/rules/save.js';
import type { UncertainCause } from '../../core/uncertainty.js';
import { tcpPacket, udpPacket } from '../packets/packets.js';
import { pick, type Random, seededRandom, testSeed } from '../random.js';

const uncertain = suite('uncertain packets');

const HOST = loadHost(
  JSON.stringify({
    addr: [
      ['wan', '192.0.2.10', 24],
      ['lan', '172.17.0.1', 16],
    ].map(([ifname, local, prefixlen], i) => ({
      ifname,
      address: `02:00:00:00:00:1${i}`,
      mtu: 1500,
      addr_info: [{ family: 'inet', local, prefixlen }],
    })),
    route: [{ dst: 'default', gateway: '192.0.2.1', dev: 'wan' }],
  }),
  'host.json',
);
const WAN = HOST.interfaceIndex('wan');
const LAN = HOST.interfaceIndex('lan');

/** Not supported, whatever follows. */
const UNASKED = '-m helper --helper ftp';

interface Arrival {
  readonly dev: number;
  readonly source: string;
  readonly destination: string;
  readonly sport: number;
  readonly dport: number;
  /** Of the data, in bytes. */
  readonly length?: number;
  /** TCP flags; undefined: UDP. */
  readonly flags?: number;
}

function bytesOf({ source, destination, sport, dport, length = 4, flags }: Arrival): Buffer {
  const fields = { source, destination, sport, dport, data: new Uint8Array(length) };
  return flags === undefined
    ? udpPacket(fields)
    : tcpPacket({ ...fields, flags, sequence: 1, acknowledgment: 1, window: 8000 });
}

interface Result {
  /** What the host did because of each packet. */
  readonly did: string[][];
  /** The numbers of the uncertain packets, and of those by cause. */
  readonly uncertain: Set<number>;
  readonly counts: string[];
  readonly saved: string;
  readonly slowPathPackets: number;
  readonly drawnPorts: number;
}

function play(
  rules: string,
  arrivals: readonly Arrival[],
  engine: EmulatorEngine,
  observer?: (e: PacketEvent) => void,
): Result {
  const did: string[][] = [];
  const doubted = new Set<number>();
  const ruleset = parseRuleset(rules, 'rules.v4', { lax: true });
  const note = (text: string): void => void did.at(-1)!.push(text);
  const hex = (bytes: Uint8Array, at: number, length: number) =>
    Buffer.from(bytes.subarray(at, at + length)).toString('hex');
  const emulator = createEmulator(
    { ruleset, host: HOST, engine, ...(observer ? { observer } : {}) },
    {
      egress: (dev, bytes, at, available) => note(`${dev} ${hex(bytes, at, available)}`),
      local: (bytes, at, available) => note(`local ${hex(bytes, at, available)}`),
      dropped: ({ cause }, bytes, at, available) => note(`${cause.reason} ${hex(bytes, at, available)}`),
      uncertain: () => void doubted.add(did.length - 1),
    },
  );
  for (const [i, arrival] of arrivals.entries()) {
    did.push([]);
    const { dev } = arrival;
    emulator.receive(new Frame({ bytes: bytesOf(arrival), dev, linktype: Linktype.RAW, tsSec: i >> 4, tsNsec: 0 }));
  }
  assert.is(emulator.uncertain.packets, doubted.size);
  return {
    did,
    uncertain: doubted,
    counts: emulator.uncertain.causes.map(({ cause, packets }) => `${packets} ${describe(cause)}`),
    saved: saveRuleset(ruleset, emulator.counters),
    slowPathPackets: emulator.slowPathPackets,
    drawnPorts: emulator.drawnPorts,
  };
}

const describe = ({ table, rule, reason }: UncertainCause): string =>
  rule === undefined ? reason : `${table} ${rule.chain} ${rule.number} ${reason}`;

const REQUEST: Arrival = { dev: LAN, source: '172.17.0.2', destination: '198.51.100.7', sport: 40_000, dport: 53 };

function replyTo({ source, destination, sport, dport }: Arrival): Arrival {
  return { dev: WAN, source: destination, destination: source, sport: dport, dport: sport };
}

const talk = (request: Arrival, packets: number): Arrival[] =>
  Array.from({ length: packets }, (_, i) => (i % 2 === 0 ? request : replyTo(request)));

/** The result of RULES, which is the same in every engine. */
function inAllEngines(rules: string, arrivals: readonly Arrival[]): Result {
  const [first, ...others] = EMULATOR_ENGINES.map((engine) => play(rules, arrivals, engine));
  for (const other of others) {
    assert.equal(other.uncertain, first.uncertain, rules);
    assert.equal(other.counts, first.counts, rules);
    assert.equal(other.did, first.did, rules);
    assert.is(other.saved, first.saved);
  }
  return first;
}

const table = (name: string, ...lines: string[]): string => [`*${name}`, ...lines, 'COMMIT', ''].join('\n');

uncertain('what meets all else of a rule, before and behind what was not asked, is uncertain', () => {
  const rules = table(
    'filter',
    `-A FORWARD -p udp -m udp --dport 53 ${UNASKED} -m length --length 40 -j DROP`,
    '-A FORWARD -j ACCEPT',
  );
  const longer = { ...REQUEST, length: 13 };
  const { uncertain: doubted, counts } = inAllEngines(rules, [
    { ...longer, sport: 1 },
    { ...REQUEST, length: 12 },
    longer,
    { ...REQUEST, length: 12, dport: 54 },
    replyTo(REQUEST),
  ]);
  assert.equal(counts, ['3 filter FORWARD 1 `-m helper` was not asked']);
  // Packet 1 opened a connection, if it was not dropped: the others of the connection are uncertain with it.
  assert.equal([...doubted], [1, 2, 4]);
});

uncertain('a rule that only decides about packets makes no connection uncertain that there is already', () => {
  const rules = table(
    'filter',
    `-A FORWARD -m conntrack --ctstate ESTABLISHED -m length --length 100: ${UNASKED} -j DROP`,
    '-A FORWARD -j ACCEPT',
  );
  const arrivals = [...talk(REQUEST, 6), { ...REQUEST, length: 200 }, ...talk(REQUEST, 3)];
  assert.equal([...inAllEngines(rules, arrivals).uncertain], [6]);
  const marks = `*mangle\n-A FORWARD -m length --length 100: ${UNASKED} -j CONNMARK --set-mark 1\nCOMMIT\n`;
  assert.equal([...inAllEngines(marks, arrivals).uncertain], [6, 7, 8, 9]);
});

uncertain('a target that is not supported makes connections uncertain, before conntrack too', () => {
  const ftp: Arrival = { ...REQUEST, dport: 21, flags: 2 };
  const other = { ...REQUEST, destination: '198.51.100.8' };
  const arrivals = [ftp, { ...replyTo(ftp), flags: 0x12 }, other, { ...ftp, flags: 0x10 }, replyTo(other)];
  const rules = table('raw', '-A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp');
  const { uncertain: doubted, counts } = inAllEngines(rules, arrivals);
  assert.equal([...doubted], [0, 1, 3]);
  assert.equal(counts, ['3 raw PREROUTING 1 `-j CT` was not done']);
});

uncertain('a connection that a helper may expect is uncertain, whatever NAT makes of its ends', () => {
  const ftp: Arrival = { ...REQUEST, dport: 21, flags: 2 };
  const answer: Arrival = { ...replyTo(ftp), destination: '192.0.2.10', flags: 0x12 };
  const other = { ...REQUEST, destination: '198.51.100.8', dport: 80, flags: 2 };
  const passive = { ...ftp, sport: 40_001, dport: 50_000 };
  const active: Arrival = { ...answer, sport: 20, dport: 40_002, flags: 2 };
  const rules = `${table('raw', '-A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp')}${table(
    'nat',
    '-A POSTROUTING -o wan -j MASQUERADE',
  )}`;
  const arrivals = [ftp, answer, { ...ftp, flags: 0x10 }, other, passive, active];
  assert.equal([...inAllEngines(rules, arrivals).uncertain], [0, 1, 2, 4, 5]);
});

uncertain('in the nat table, the connection is uncertain', () => {
  const rules = table('nat', `-A POSTROUTING -p udp -m udp --dport 53 ${UNASKED} -j MASQUERADE`);
  const arrivals = [...talk(REQUEST, 100), ...talk({ ...REQUEST, dport: 54 }, 100)];
  assert.equal([...inAllEngines(rules, arrivals).uncertain], [...Array(100).keys()]);
});

uncertain('a connection that only the real host may have is uncertain', () => {
  const rules = table(
    'filter',
    ':FORWARD DROP',
    '-A FORWARD -i wan -m conntrack --ctstate ESTABLISHED -j ACCEPT',
    `-A FORWARD -i lan -p udp -m udp --dport 53 ${UNASKED} -j ACCEPT`,
    '-A FORWARD -p udp -m udp --dport 54 -j ACCEPT',
  );
  const other = { ...REQUEST, dport: 54 };
  const arrivals = [other, replyTo(other), REQUEST, replyTo(REQUEST), other, replyTo(REQUEST), replyTo(other)];
  assert.equal([...inAllEngines(rules, arrivals).uncertain], [2, 3, 5]);
});

uncertain('a connection in the place of an uncertain one that ended is uncertain too: the other may go on', () => {
  const rule = `-A FORWARD -p tcp -m conntrack --ctstate ESTABLISHED ${UNASKED} -j REJECT --reject-with tcp-reset`;
  const syn = { ...REQUEST, dport: 80, flags: 2 };
  const arrivals = [syn, { ...replyTo(syn), flags: 0x12 }, { ...syn, flags: 4 }, syn];
  assert.equal([...inAllEngines(table('filter', rule), arrivals).uncertain], [1, 2, 3]);
});

uncertain(
  'no path leads past a rule that is reached; where it is certain to be missed, packets take the fast path',
  () => {
    const rules = (port: number): string =>
      table('filter', `-A FORWARD -p udp -m udp --dport ${port} ${UNASKED} -j DROP`);
    const arrivals = talk(REQUEST, 400);
    const missed = inAllEngines(rules(54), arrivals);
    assert.is(missed.uncertain.size, 0);
    assert.ok(play(rules(54), arrivals, 'remembered').slowPathPackets < 60);
    assert.is(inAllEngines(rules(53), arrivals).uncertain.size, 400);
    assert.is(play(rules(53), arrivals, 'remembered').slowPathPackets, 400);
  },
);

uncertain('in a long chain, only what the rule may match is uncertain, and the rest takes the fast path', () => {
  const ports = Array.from({ length: 400 }, (_, i) => `-A FORWARD -p udp -m udp --dport ${1000 + i} -j ACCEPT`);
  ports.splice(200, 0, `-A FORWARD -p udp -m udp --dport 1150:1250 ${UNASKED} -m length --length 32 -j DROP`);
  const rules = table('filter', ':FORWARD DROP', ...ports);
  const flows = Array.from({ length: 60 }, (_, i) => ({ ...REQUEST, sport: 30_000 + i, dport: 1100 + i * 5 }));
  const arrivals = Array.from({ length: 20 }, () => flows).flat();
  const { uncertain: doubted } = inAllEngines(rules, arrivals);
  // The ports below 1200 are accepted before the rule.
  const expected = arrivals.flatMap(({ dport }, i) => (dport >= 1200 && dport <= 1250 ? [i] : []));
  assert.equal([...doubted], expected);
});

uncertain('a rule that could not be parsed may decide about all packets that reach it', () => {
  const rules = table('filter', '-A FORWARD -p udp -m udp --dport 54 -j ACCEPT', '-A FORWARD -j standard');
  const { uncertain: doubted, counts } = inAllEngines(rules, [REQUEST, { ...REQUEST, dport: 54 }]);
  assert.equal([...doubted], [0]);
  assert.equal(counts, ['1 filter FORWARD 2 the rule was not understood']);
});

uncertain('a cut header may be what a match behind would drop', () => {
  const rules = table('filter', `-A FORWARD -p udp ${UNASKED} -m udp --dport 53 -j ACCEPT`);
  const whole = bytesOf(REQUEST);
  const emulator = createEmulator(
    { ruleset: parseRuleset(rules, 'f', { lax: true }), host: HOST },
    { egress() {}, local() {}, dropped() {} },
  );
  const frame = new Frame({ dev: LAN, linktype: Linktype.RAW });
  frame.setBytes(whole.subarray(0, 24), whole.length);
  emulator.receive(frame);
  assert.is(emulator.uncertain.packets, 1);
});

uncertain('events tell of each cause of a packet once', () => {
  const causes: UncertainCause[] = [];
  const rule = `-A FORWARD ${UNASKED} -j DROP`;
  const rules = table('filter', rule, rule, '-A FORWARD -m ipvs --ipvs -m helper --helper irc');
  play(rules, [REQUEST, REQUEST], 'indexed', (event) => {
    if (event.kind === 'uncertain') causes.push(event.cause);
  });
  assert.equal(causes.map(describe), [
    'filter FORWARD 1 `-m helper` was not asked',
    'filter FORWARD 2 `-m helper` was not asked',
    'filter FORWARD 3 `-m ipvs`, `-m helper` were not asked',
    'filter FORWARD 1 `-m helper` was not asked',
    'filter FORWARD 2 `-m helper` was not asked',
    'filter FORWARD 3 `-m ipvs`, `-m helper` were not asked',
  ]);
});

const BASES = [
  '',
  '',
  '-p udp -m udp --dport 53',
  '-p tcp -m tcp --dport 80',
  '-p udp',
  '-s 172.17.0.0/16',
  '-s 198.51.100.7',
];
const MATCHES = [
  ...['', '', '', '-m mark --mark 1', '-m conntrack --ctstate NEW', '-m conntrack --ctstate ESTABLISHED'],
  ...[
    '-m length --length 40:',
    '-m connmark --mark 2',
    '-m conntrack --ctstate INVALID',
    '-m conntrack --ctstate DNAT',
  ],
];
const TARGETS: Readonly<Record<string, readonly string[]>> = {
  raw: ['-j NOTRACK', '-j ACCEPT', '-j MARK --set-mark 1', '-j u', '', '-j RETURN'],
  mangle: ['-j MARK --set-mark 1', '-j CONNMARK --set-mark 2', '-j ACCEPT', '-j DROP', '-j TTL --ttl-set 9', '-j u'],
  nat: ['-j DNAT --to-destination 172.17.0.9', '-j REDIRECT', '-j ACCEPT', '-j u', '-j RETURN'],
  filter: ['-j ACCEPT', '-j DROP', '-j REJECT --reject-with tcp-reset', '-j u', '-j RETURN', '-j LOG', '', '-g u'],
};
const CHAINS: Readonly<Record<string, readonly string[]>> = {
  raw: ['PREROUTING', 'u'],
  mangle: ['PREROUTING', 'FORWARD', 'u'],
  nat: ['PREROUTING', 'u'],
  filter: ['FORWARD', 'INPUT', 'u'],
};
const UNASKED_MARK = '@';

/** Always, never, sometimes. */
const ANSWERS = [
  '',
  '-m length --length 0',
  ...[2, 3, 5].map((n) => `-m statistic --mode nth --every ${n} --packet 1`),
];

/** A ruleset in which some rules have UNASKED_MARK in place of a match. */
function randomRules(random: Random): string {
  const tables = Object.keys(TARGETS).map((name) => {
    const rules = Array.from({ length: random(5) }, () => randomRule(random, name));
    const policy = name === 'filter' && random(2) === 0 ? [':FORWARD DROP'] : [];
    return table(name, ...policy, ':u - [0:0]', ...rules);
  });
  return tables.join('');
}

function randomRule(random: Random, name: string): string {
  const chain = pick(random, CHAINS[name]);
  const target = pick(
    random,
    TARGETS[name].filter((one) => chain !== 'u' || !one.endsWith(' u')),
  );
  const base = target.includes('tcp-reset') ? '-p tcp' : pick(random, BASES);
  const parts = [base, pick(random, MATCHES), pick(random, MATCHES)];
  if (random(3) === 0) parts.splice(1 + random(3), 0, UNASKED_MARK);
  return `-A ${chain} ${[...parts, target].filter((one) => one !== '').join(' ')}`;
}

const DESTINATIONS = ['198.51.100.7', '198.51.100.8', '172.17.0.1'];

function randomArrivals(random: Random): Arrival[] {
  const flows = Array.from({ length: 6 }, (): Arrival => {
    const isTcp = random(2) === 0;
    const port = isTcp ? 80 : pick(random, [53, 54]);
    const end = random(DESTINATIONS.length);
    // No two flows get the same tuple by DNAT, so NAT draws no ports.
    const sport = 40_000 + random(3) * DESTINATIONS.length + end;
    return { ...REQUEST, destination: DESTINATIONS[end], sport, dport: port, ...(isTcp ? { flags: 2 } : {}) };
  });
  return Array.from({ length: 80 }, () => {
    const flow = pick(random, flows);
    const sent = random(3) === 0 ? replyTo(flow) : flow;
    const flags =
      flow.flags === undefined
        ? {}
        : { flags: pick(random, sent === flow ? [2, 0x10, 0x10, 0x11, 4] : [0x12, 0x10, 0x11]) };
    return { ...sent, length: pick(random, [4, 4, 40]), ...flags };
  });
}

uncertain('what the answer to the unasked part decides is uncertain, whatever the answer', () => {
  const seed = testSeed();
  console.log(`seed ${seed}`);
  let doubted = 0;
  let packets = 0;
  let compared = 0;
  for (let round = 0; round < 60; round++) {
    const random = seededRandom(seed + round);
    const rules = randomRules(random);
    const arrivals = randomArrivals(random);
    const unknown = inAllEngines(rules.replaceAll(UNASKED_MARK, UNASKED), arrivals);
    doubted += unknown.uncertain.size;
    packets += arrivals.length;
    for (const answers of ANSWERS) {
      const answered = play(rules.replaceAll(UNASKED_MARK, answers), arrivals, 'interpreter');
      // Of a port that NAT draws at random, another one is as good.
      if (answered.drawnPorts + unknown.drawnPorts > 0) continue;
      compared++;
      for (const [i, did] of answered.did.entries()) {
        if (unknown.uncertain.has(i)) continue;
        assert.equal(did, unknown.did[i], `seed ${seed}, round ${round}, packet ${i}, ${answers}\n${rules}`);
      }
    }
  }
  assert.ok(compared > 60, `${compared} compared`);
  assert.ok(doubted > packets / 20 && doubted < packets * 0.8, `${doubted} of ${packets}`);
});

uncertain.run();
