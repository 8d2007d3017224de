/**
 * Rules that ask sets: in every engine each packet gets what the sets say at its time, and a change of a set costs the
 * connections that ask it no slow path, unless the answer for them is another one.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Linktype } from '../../codecs/linktypes.js';
import { describeCause } from '../../core/drop.js';
import { createEmulator, EMULATOR_ENGINES, type EmulatorEngine } from '../../core/emulator.js';
import { Frame } from '../../core/link/frame.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { saveRuleset } from '../../core/rules/save.js';
import { type CreateOptions, DEFAULT_CREATE_OPTIONS } from '../../core/sets/create-options.js';
import { Element } from '../../core/sets/element.js';
import { HostSets } from '../../core/sets/host-sets.js';
import type { SetStore } from '../../core/sets/store.js';
import { setTypeOf } from '../../core/sets/types.js';
import { pick, type Random, seededRandom, testSeed } from '../random.js';
import { bytesOf, type Datagram, HOST, REPLY, REQUEST } from './conversation.js';

const sets = suite('flow: sets');

const CLIENTS = 40;
const clientOf = (i: number): string => `172.17.1.${1 + i}`;
const hostOrder = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

/** What happens: a packet, a change of sets, or time that passes. */
type Step = Datagram | ((sets: SetStore) => void) | { readonly passMs: number };

interface Result {
  /** What left, or why it was dropped, with the counters of the set BANNED if it has any. */
  readonly fates: string[];
  readonly saved: string;
  /** How many packets had taken the slow path, after each packet. */
  readonly slow: number[];
  readonly counts: string[];
}

/** The sets of a case: type and options by name. */
type Described = Readonly<Record<string, readonly [type: string, options?: Partial<CreateOptions>]>>;

function loaded(described: Described): HostSets {
  const created = new HostSets(HOST);
  for (const [name, [type, options]] of Object.entries(described)) {
    created.store.create(name, setTypeOf(type)!, { ...DEFAULT_CREATE_OPTIONS, ...options }, false);
  }
  return created;
}

/** `ipset add NAME ADDRESS` and `ipset del NAME ADDRESS`; with a prefix, a network. */
const change =
  (command: 'add' | 'del') =>
  (name: string, address: string, parts: Partial<Element> = {}) =>
  (store: SetStore): void => {
    const [ip, cidr] = address.split('/');
    const given = { ip: hostOrder(ip), ...(cidr === undefined ? {} : { cidr: Number(cidr) }), ...parts };
    store.get(name)![command](Object.assign(new Element(), given), true);
  };
const add = change('add');
const del = change('del');

function play(engine: EmulatorEngine, rules: string, described: Described, steps: readonly Step[]): Result {
  const fates: string[] = [];
  const ruleset = parseRuleset(rules, 'rules.v4');
  const emulator = createEmulator(
    { ruleset, host: HOST, engine, sets: loaded(described) },
    {
      egress: (dev, bytes, at, available) =>
        fates.push(`${dev} ${Buffer.from(bytes.subarray(at, at + available)).toString('hex')}`),
      local: () => fates.push('local'),
      dropped: ({ cause }) => fates.push(describeCause(cause)),
    },
  );
  const slow: number[] = [];
  let nowMs = 0;
  for (const step of steps) {
    if (typeof step === 'function') step(emulator.sets);
    else if ('passMs' in step) nowMs += step.passMs;
    else {
      nowMs += 5;
      const time = { tsSec: Math.floor(nowMs / 1000), tsNsec: (nowMs % 1000) * 1e6 };
      emulator.receive(new Frame({ bytes: bytesOf(step), dev: step.dev, linktype: Linktype.RAW, ...time }));
      slow.push(emulator.slowPathPackets);
    }
  }
  const counts: string[] = [];
  for (const set of emulator.sets) {
    set.forEach(({ ip, packets, bytes }) => {
      counts.push(`${set.name} ${ip.toString(16)} ${packets} ${bytes}`);
    });
  }
  return { fates, saved: saveRuleset(ruleset, emulator.counters), slow, counts: counts.sort() };
}

/** Checks that every engine does the same as the interpreter; returns what the one with the fast path did. */
function agree(rules: string, described: Described, steps: readonly Step[]): Result {
  const { fates, saved, counts } = play('interpreter', rules, described, steps);
  const results = EMULATOR_ENGINES.map((engine) => play(engine, rules, described, steps));
  for (const [i, result] of results.entries()) {
    assert.equal(result.fates, fates, EMULATOR_ENGINES[i]);
    assert.is(result.saved, saved, EMULATOR_ENGINES[i]);
    assert.equal(result.counts, counts, EMULATOR_ENGINES[i]);
  }
  return results[EMULATOR_ENGINES.indexOf('remembered')];
}

/** A packet of client I to the server, and the answer. */
const ask = (i: number): Datagram => ({ ...REQUEST, source: clientOf(i) });
const answer = (i: number): Datagram => ({ ...REPLY, destination: clientOf(i) });
const round = (): Datagram[] => Array.from({ length: CLIENTS }, (_, i) => [ask(i), answer(i)]).flat();
const rounds = (count: number): Datagram[] => Array.from({ length: count }, round).flat();

/** Until all connections are assured and known to the fast path. */
const SETTLED: readonly Step[] = [...rounds(1), { passMs: 3000 }, ...rounds(3)];

/** How many packets took the slow path from packet FROM on. */
function slowSince({ slow }: Result, from: number): number {
  return slow.at(-1)! - slow[from - 1];
}
const packetsIn = (steps: readonly Step[]): number => steps.filter((step) => 'dev' in step).length;

const filter = (...rules: string[]): string => `*filter\n${rules.map((rule) => `${rule}\n`).join('')}COMMIT\n`;
const BAN = filter('-A FORWARD -m set --match-set banned src -j DROP');
const HASH_IP: Described = { banned: ['hash:ip'] };

sets('connections that ask a set take the fast path', () => {
  const result = agree(BAN, HASH_IP, [...SETTLED, ...rounds(3)]);
  assert.is(slowSince(result, packetsIn(SETTLED)), 0);
});

sets('a ban of one address costs the other connections no slow path', () => {
  const steps = [...SETTLED, add('banned', clientOf(7)), ...rounds(3)];
  const result = agree(BAN, HASH_IP, steps);
  assert.is(slowSince(result, packetsIn(SETTLED)), 3, 'the packets of the banned client');
  const before = packetsIn(SETTLED);
  assert.equal(
    result.fates.slice(before).flatMap((fate, i) => (fate.startsWith('rules.v4') ? [i] : [])),
    [14, 14 + 2 * CLIENTS, 14 + 4 * CLIENTS],
  );
});

sets('a ban that ends gives the connection its fast path back', () => {
  const steps = [...SETTLED, add('banned', clientOf(7)), ...rounds(1), del('banned', clientOf(7)), ...rounds(1)];
  const result = agree(BAN, HASH_IP, [...steps, ...rounds(3)]);
  assert.is(slowSince(result, packetsIn(steps)), 0);
});

sets('an entry expires while packets take the fast path', () => {
  const rules = filter('-A FORWARD -m set --match-set allowed src -j ACCEPT', '-A FORWARD -i lan -j DROP');
  const described: Described = { allowed: ['hash:ip', { timeout: 10 }] };
  const allowed = Array.from({ length: CLIENTS }, (_, i) =>
    add('allowed', clientOf(i), { timeout: i === 3 ? 5 : 100 }),
  );
  const steps = [...allowed, ...SETTLED, ...rounds(20)];
  const { fates, slow } = agree(rules, described, steps);
  const drops = fates.flatMap((fate, i) => (fate.startsWith('rules.v4') ? [i] : []));
  assert.ok(drops.length > 5);
  // Client 3, from the first packet after 5 s on.
  assert.ok(drops.every((at) => at % (2 * CLIENTS) === 6));
  assert.is(slow.at(-1)! - slow[packetsIn(steps) - 5 * 2 * CLIENTS], 5);
});

sets('flush and swap are seen by every connection, and a set of its own name by nobody else', () => {
  const described: Described = { banned: ['hash:net'], next: ['hash:net'], other: ['hash:net'] };
  const steps = [
    add('next', '172.17.1.0/28'),
    ...SETTLED,
    add('other', '172.17.1.0/24'),
    ...rounds(2),
    (store: SetStore) => store.swap('banned', 'next'),
    ...rounds(2),
    (store: SetStore) => store.flush('banned'),
    ...rounds(2),
  ];
  const result = agree(BAN, described, steps);
  const ofRounds = Array.from({ length: 6 }, (_, i) => {
    const from = packetsIn(SETTLED) + i * 2 * CLIENTS;
    return result.fates.slice(from, from + 2 * CLIENTS).filter((fate) => fate.startsWith('rules.v4')).length;
  });
  assert.equal(ofRounds, [0, 0, 15, 15, 0, 0]);
  assert.is(result.slow[packetsIn(SETTLED) + 4 * CLIENTS - 1], result.slow[packetsIn(SETTLED) - 1], 'of another set');
});

sets('each packet is counted by a set with counters, and compared with them', () => {
  const described: Described = { banned: ['hash:ip', { counters: true }] };
  const steps = [add('banned', clientOf(7)), ...SETTLED, ...rounds(5)];
  const { counts } = agree(filter('-A FORWARD -m set --match-set banned src'), described, steps);
  assert.equal(counts, [`banned ${hostOrder(clientOf(7)).toString(16)} 9 288`]);
  // A packet counts before the counters are compared: the seventh matches. Nine are counted all the same.
  const limited = filter('-A FORWARD -m set --match-set banned src --packets-gt 6 -j DROP');
  const compared = agree(limited, described, steps);
  assert.is(compared.fates.filter((fate) => fate.startsWith('rules.v4')).length, 9 - 6);
  assert.equal(compared.counts, counts);
});

sets('new connections follow a megaflow whose path asks a set', () => {
  const rules = filter(
    '-A FORWARD -m set --match-set allowed dst -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    '-A FORWARD -m set --match-set banned src -j DROP',
  );
  const described: Described = { allowed: ['hash:net'], banned: ['hash:ip'] };
  const first = (i: number): Datagram => ({ ...ask(i % 200), sport: 10_000 + i });
  const steps = [
    add('allowed', '198.51.100.0/24'),
    add('banned', clientOf(150)),
    ...Array.from({ length: 1000 }, (_, i) => first(i)),
  ];
  const { fates, slow } = agree(rules, described, steps);
  assert.is(fates.filter((fate) => fate.startsWith('rules.v4')).length, 5);
  assert.ok(slow.at(-1)! < 40, `${slow.at(-1)} on the slow path`);
});

sets('SET adds and deletes for every packet that reaches it, and others see it at once', () => {
  const rules = filter(
    '-A FORWARD -p udp --dport 9 -j SET --add-set banned src --exist --timeout 2',
    '-A FORWARD -p udp --dport 10 -j SET --del-set banned src',
    '-A FORWARD -m set --match-set banned src -j DROP',
  );
  const described: Described = { banned: ['hash:ip', { timeout: 0 }] };
  const knock = (i: number, dport: number): Datagram => ({ ...ask(i), sport: 5000, dport });
  const steps = [
    ...SETTLED,
    knock(5, 9),
    ...rounds(2),
    knock(5, 10),
    ...rounds(2),
    knock(6, 9),
    ...rounds(1),
    { passMs: 2000 },
    ...rounds(2),
  ];
  const { fates } = agree(rules, described, steps);
  assert.is(fates.filter((fate) => fate.startsWith('rules.v4')).length, 1 + 2 + 1 + 1);
});

sets('SET renews an entry: a hash keeps its comment, a bitmap does not', () => {
  const rules = filter('-A FORWARD -j SET --add-set hash src --exist', '-A FORWARD -j SET --add-set map src --exist');
  const range = { first: hostOrder('172.17.1.0'), last: hostOrder('172.17.1.255') };
  const described: Described = { hash: ['hash:ip', { comment: true }], map: ['bitmap:ip', { comment: true, range }] };
  const comments: string[] = [];
  const steps: Step[] = [
    ...['hash', 'map'].map((name) => add(name, clientOf(1), { comment: 'by hand' })),
    ask(1),
    (store) => {
      for (const set of store) set.forEach(({ comment }) => void comments.push(`${set.name} ${comment}`));
    },
  ];
  play('interpreter', rules, described, steps);
  assert.equal(comments, ['hash by hand', 'map undefined']);
});

const RANDOM_SETS: Described = {
  brief: ['hash:ip', { timeout: 5 }],
  counted: ['hash:ip', { counters: true }],
  nets: ['hash:net', { timeout: 20 }],
  others: ['hash:net', { counters: true }],
  ports: ['hash:ip,port'],
  devices: ['hash:net,iface'],
  map: ['bitmap:ip', { range: { first: hostOrder('172.17.0.0'), last: hostOrder('172.17.255.255') } }],
  list: ['list:set', { counters: true }],
};
const SET_ENDS: Readonly<Record<string, readonly string[]>> = {
  ports: ['src,src', 'dst,dst', 'src,dst'],
  devices: ['src,src', 'dst,dst'],
};

function randomSetRule(random: Random): string {
  const names = Object.keys(RANDOM_SETS);
  const ask = (): string => {
    const name = pick(random, names);
    const negated = pick(random, ['', '', '! ']);
    const options = ['', '', '', ' ! --update-counters ! --update-subcounters', ' --packets-gt 3', ' --return-nomatch'];
    const ends = pick(random, SET_ENDS[name] ?? ['src', 'dst']);
    return `-m set ${negated}--match-set ${name} ${ends}${pick(random, options)}`;
  };
  const more = ['', '', ' -m conntrack --ctstate ESTABLISHED', ' -m length --length 33:', ` ${ask()}`];
  const before = ['', '', '-p udp -m udp --dport 53 ', '-m length --length :32 '];
  const set = pick(random, ['brief', 'counted', 'nets', 'map']);
  const targets = [
    ...['', '', ' -j ACCEPT', ' -j DROP', ' -j RETURN'],
    ...[` -j SET --add-set ${set} ${pick(random, ['src', 'dst'])} --exist`, ` -j SET --del-set ${set} src`],
  ];
  return `${pick(random, before)}${ask()}${pick(random, more)}${pick(random, targets)}`;
}

function randomStep(random: Random): Step {
  const client = random(10);
  const names = ['brief', 'counted', 'nets', 'others', 'map'];
  const network = `172.17.1.${client & 8}/${pick(random, [29, 30])}`;
  switch (random(30)) {
    case 0:
      return add(pick(random, names), clientOf(client));
    case 1:
      return pick(random, [add('nets', network), add('others', network, { isNomatch: random(3) === 0 })]);
    case 2:
      return del(pick(random, names), clientOf(client));
    case 3: {
      const name = pick(random, names);
      return (store) => store.flush(name);
    }
    case 4:
      return (store) => store.swap('brief', 'counted');
    case 5: {
      const set = pick(random, ['brief', 'nets', 'ports', 'map']);
      return (store) => store.get('list')!.add(Object.assign(new Element(), { set }), true);
    }
    case 6:
      return add('devices', network, { iface: pick(random, ['lan', 'wan']) });
    case 7:
      return add('ports', clientOf(client), { port: pick(random, [53, 40_000]), proto: 17 });
    case 8:
      return { passMs: random(4000) };
    default: {
      const length = pick(random, [4, 4, 4, 40]);
      return { ...(random(2) === 0 ? ask(client) : answer(client)), length };
    }
  }
}

sets('every engine does the same with random rules, and with sets that change while packets pass', () => {
  const seed = testSeed();
  console.log(`seed ${seed}`);
  for (let round = 0; round < 25; round++) {
    const random = seededRandom(seed + round);
    const rules = (count: number, chain: string): string =>
      Array.from({ length: random(count) }, () => `-A ${chain} ${randomSetRule(random)}\n`).join('');
    const text = [
      `*raw\n${rules(3, 'PREROUTING')}COMMIT\n`,
      `*mangle\n${rules(3, 'POSTROUTING')}COMMIT\n`,
      `*filter\n${rules(6, 'FORWARD')}COMMIT\n`,
    ].join('');
    const steps = Array.from({ length: 500 }, () => randomStep(random));
    try {
      agree(text, RANDOM_SETS, [...SETTLED.slice(0, 20), { passMs: 3000 }, ...steps]);
    } catch (error) {
      throw new Error(`seed ${seed}, round ${round}\n${text}\n${(error as Error).message}`, { cause: error });
    }
  }
});

sets('a rule holds its set, and names a set that is there', () => {
  const { store } = loaded({ banned: ['hash:ip'], other: ['hash:ip'] });
  assert.is(store.references('banned'), 0);
  assert.throws(
    () => play('interpreter', BAN, { other: ['hash:ip'] }, []),
    /^rules\.v4:2:31: Set banned doesn't exist; there are: other/,
  );
  play('interpreter', BAN, HASH_IP, [
    (all) => {
      assert.is(all.references('banned'), 1);
      assert.throws(() => all.destroy('banned'));
    },
  ]);
});

sets.run();
