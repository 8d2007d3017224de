/** `--at WHEN=WHAT`: rules and sets change before the first packet at that time, in every engine. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TCP_ACK, TCP_SYN } from '../../codecs/layouts.js';
import { Linktype } from '../../codecs/linktypes.js';
import { EMULATOR_ENGINES } from '../../core/emulator.js';
import { createPcapFile } from '../../io/capture-file.js';
import { type ReplayOptions, replay } from '../../replay/replay.js';
import type { Summary } from '../../replay/summary.js';
import { tcpPacket, udpPacket } from '../packets/packets.js';
import { pick, seededRandom, testSeed } from '../random.js';

const Changes = suite('changes while packets flow');

const START = 1_795_761_583;
const MAC = [2, 0, 0, 0, 0, 0x11, 2, 0, 0, 0, 0, 0x22, 8, 0];
const CLIENT = '203.0.113.5';
const SERVER = '192.0.2.10';

let dir = '';
Changes.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-test-'));
  const iface = (ifname: string, address: string, local: string) => ({
    ifname,
    address,
    addr_info: [{ family: 'inet', local, prefixlen: 24 }],
  });
  const addr = [iface('out', '02:00:00:00:00:11', '203.0.113.1'), iface('in', '02:00:00:00:00:12', '192.0.2.1')];
  writeFileSync(join(dir, 'host.json'), JSON.stringify({ addr }));
});
Changes.after(() => rmSync(dir, { recursive: true }));

const file = (name: string, ...lines: string[]): string => {
  const path = join(dir, name);
  writeFileSync(path, [...lines, ''].join('\n'));
  return path;
};
const rules = (name: string, ...lines: string[]): string => file(name, '*filter', ...lines, 'COMMIT');

/** One datagram of the client at each of these times, in milliseconds after the start. */
function datagrams(name: string, timesMs: readonly number[]): string {
  const path = join(dir, name);
  const writer = createPcapFile(path, Linktype.ETHERNET);
  for (const [i, timeMs] of timesMs.entries()) {
    const ip = udpPacket({
      source: CLIENT,
      destination: SERVER,
      sport: 1000 + (i % 5),
      dport: 53,
      data: new Uint8Array(i % 7),
    });
    const frame = Uint8Array.from([...MAC, ...ip]);
    const tsSec = START + Math.floor(timeMs / 1000);
    writer.write(tsSec, (timeMs % 1000) * 1e6, frame, 0, frame.length, frame.length);
  }
  writer.close();
  return path;
}

function run(path: string, changes: readonly string[], more: Partial<ReplayOptions> = {}): Summary {
  return replay({
    hostPath: join(dir, 'host.json'),
    rulesPath: rules('rules.v4', '-A FORWARD'),
    inputs: [{ iface: 'out', path }],
    outDir: join(dir, 'result'),
    changes,
    ...more,
  });
}

const saved = (): string => readFileSync(join(dir, 'result', 'rules.v4'), 'utf8');
/** How many packets met the first rule, and how many the one that came later. */
function counts({ rules: counted }: Summary): number[] {
  const of = (name: string): number => counted.find((rule) => rule.file.endsWith(name))?.packets ?? 0;
  return [of('rules.v4'), of('later.v4')];
}

Changes('the change comes before the first packet at its time or after it, in every engine and form of capture', () => {
  const later = rules('later.v4', '-A FORWARD -p udp');
  const times = Array.from({ length: 300 }, (_, i) => i * 10);
  const capture = datagrams('plain.pcap', times);
  const cases: readonly [when: string, before: number][] = [
    ['0s', 0],
    ['0.005s', 1],
    ['1s', 100],
    ['1.0001s', 101],
    ['n1', 0],
    ['n64', 63],
    ['n65', 64],
    ['n130', 129],
    [`@${START + 2}`, 200],
    [`@${START - 5}`, 0],
    ['2026-11-27T06:39:44Z', 100],
    ['2.99s', 299],
  ];
  for (const [when, before] of cases) {
    for (const engine of EMULATOR_ENGINES) {
      for (const more of [{}, { filter: 'udp' }]) {
        const summary = run(capture, [`${when}=${later}`], { engine, ...more });
        assert.equal(counts(summary), [before, 300 - before], `${when} ${engine}`);
        assert.equal(summary.changes?.[0].framesBefore, before);
      }
    }
    assert.match(saved(), `[${300 - before}:`);
  }
});

Changes('equal times, times that run backwards, and several inputs', () => {
  const later = rules('later.v4', '-A FORWARD -p udp');
  for (const engine of EMULATOR_ENGINES) {
    const equal = datagrams('equal.pcap', [0, 500, 500, 500, 500, 700]);
    assert.equal(counts(run(equal, [`0.5s=${later}`], { engine })), [1, 5]);
    // What comes behind the change stays behind it.
    const backwards = datagrams('backwards.pcap', [0, 100, 900, 200, 300, 950]);
    assert.equal(counts(run(backwards, [`0.9s=${later}`], { engine })), [2, 4]);
    assert.equal(counts(run(backwards, [`0.25s=${later}`], { engine })), [2, 4]);
    const [a, b] = [datagrams('a.pcap', [0, 200, 400, 600]), datagrams('b.pcap', [100, 300, 500, 700])];
    const inputs = [
      { iface: 'out', path: a },
      { iface: 'out', path: b },
    ];
    assert.equal(counts(run(a, [`0.3s=${later}`], { engine, inputs })), [3, 5]);
    assert.equal(counts(run(a, [`n6=${later}`], { engine, inputs })), [5, 3]);
  }
});

Changes('several changes at one time are made in the order given; one after the last packet at the end', () => {
  const [a, b] = [rules('a.v4', '-A FORWARD -p udp'), rules('b.v4', '-A FORWARD -p udp -m udp')];
  const capture = datagrams('plain.pcap', [0, 1000, 2000, 3000]);
  run(capture, [`1s=${a}`, `1s=${b}`]);
  assert.match(saved(), '[3:90] -A FORWARD -p udp -m udp');
  run(capture, [`1s=${b}`, `1s=${a}`]);
  assert.match(saved(), '[3:90] -A FORWARD -p udp\n');
  // The earlier one first, whatever comes first.
  run(capture, [`1.5s=${b}`, `1.2s=${a}`]);
  assert.match(saved(), '-A FORWARD -p udp -m udp');
  const { changes, warnings } = run(capture, [`100s=${b}`, `50s=${a}`]);
  assert.equal(
    changes?.map(({ when, atEnd }) => [when, atEnd]),
    [
      ['50s', true],
      ['100s', true],
    ],
  );
  assert.match(warnings.join('\n'), '--at 50s: after the last packet');
  assert.match(saved(), '[0:0] -A FORWARD -p udp -m udp');
  const limited = run(capture, [`2s=${a}`], { limit: 2 });
  assert.is(limited.changes?.[0].atEnd, true);
  assert.is(limited.changes?.[0].framesBefore, 2);
});

Changes('random changes at random moments: the capture loop does as every other engine', () => {
  const seed = testSeed();
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  const targets = ['-j ACCEPT', '-j DROP', '', '-m limit --limit 5/second --limit-burst 2', '-m recent --name r --set'];
  for (let round = 0; round < 8; round++) {
    const files = Array.from({ length: 4 }, (_, i) =>
      rules(`random-${i}.v4`, ...Array.from({ length: random(4) }, () => `-A FORWARD -p udp ${pick(random, targets)}`)),
    );
    let timeMs = 0;
    const times = Array.from({ length: 400 }, () => {
      timeMs = Math.max(0, timeMs + pick(random, [0, 0, 1, 5, 20, 300, -10]));
      return timeMs;
    });
    const capture = datagrams('random.pcap', times);
    const changes = Array.from({ length: random(12) }, () => {
      const when = pick(random, [`n${1 + random(400)}`, `${(random(timeMs + 500) / 1000).toFixed(3)}s`]);
      const command = pick(random, [
        '-A FORWARD -p udp -j ACCEPT',
        '-I FORWARD -p udp',
        '-F FORWARD',
        '-P FORWARD DROP',
        '-Z',
      ]);
      return `${when}=${random(2) === 0 ? pick(random, files) : `iptables ${command}`}`;
    });
    const backend = pick(random, ['legacy', 'nft'] as const);
    const results = EMULATOR_ENGINES.map((engine) => {
      const { rules: counted, changes: done, packets } = run(capture, changes, { engine, backend });
      return { counted, done, packets, saved: saved() };
    });
    for (const result of results.slice(1))
      assert.equal(result, results[0], `seed ${seed}, round ${round}: ${changes.join(' ')}`);
  }
});

Changes('a rule that went is still reported, told apart; counters that stay go on', () => {
  const capture = datagrams('plain.pcap', [0, 1000, 2000, 3000]);
  const { rules: counted, changes } = run(capture, ['1s=iptables -I FORWARD -p tcp', '2s=iptables -D FORWARD 2']);
  assert.equal(
    counted.map(({ rule, packets, until }) => [rule, packets, until]),
    [['', 2, 2]],
  );
  assert.equal(
    changes?.map(({ rules: differ }) => differ),
    [
      { added: 1, removed: 0 },
      { added: 0, removed: 1 },
    ],
  );
  run(capture, ['1s=iptables -I FORWARD -p tcp', '2s=iptables -Z FORWARD 2']);
  assert.match(saved(), '[2:61] -A FORWARD\n');
  assert.is(run(capture, ['2s=iptables -Z FORWARD']).rules[0].packets, 4);
});

Changes('--keep-counters and --expect-counters are about the last rules', () => {
  const capture = datagrams('plain.pcap', [0, 1000, 2000, 3000]);
  const first = rules('first.v4', '[5:500] -A FORWARD');
  const later = rules('later.v4', '[7:700] -A FORWARD -p udp');
  const expected = rules('expected.v4', '[9:761] -A FORWARD -p udp');
  const { counters } = run(capture, [`2s=${later}`], {
    rulesPath: first,
    keepCounters: true,
    expectCounters: [expected],
  });
  assert.match(saved(), '[9:761] -A FORWARD -p udp');
  assert.is(counters?.different, 0);
  run(capture, ['2s=iptables -A FORWARD -p udp'], { rulesPath: first, keepCounters: true });
  assert.match(saved(), '[9:618] -A FORWARD\n');
});

Changes('sets change: a ban while a connection lives', () => {
  const path = join(dir, 'ban.pcap');
  const writer = createPcapFile(path, Linktype.ETHERNET);
  for (let i = 0; i < 10; i++) {
    const flags = i === 0 ? TCP_SYN : TCP_ACK;
    const ends = { source: CLIENT, destination: SERVER, sport: 1000, dport: 80 };
    const ip = tcpPacket({ ...ends, flags, sequence: i === 0 ? 1 : 2, acknowledgment: 0, window: 8192 });
    const frame = Uint8Array.from([...MAC, ...ip]);
    writer.write(START + i, 0, frame, 0, frame.length, frame.length);
  }
  writer.close();
  const sets = file('sets.txt', 'create banned hash:ip', `add banned ${CLIENT}`, 'add banned 198.51.100.1');
  const drops = rules('drops.v4', '-A FORWARD -m set --match-set banned src -j DROP');
  for (const engine of EMULATOR_ENGINES) {
    const at = [`2s=${sets}`, `4s=${drops}`, `6s=ipset del banned ${CLIENT}`, `8s=ipset add banned ${CLIENT}`];
    const { packets, changes } = run(path, at, { engine });
    assert.is(packets.dropped, 4);
    assert.equal(
      changes?.map(({ sets: changed }) => changed),
      [
        [{ name: 'banned', after: 2 }],
        undefined,
        [{ name: 'banned', before: 2, after: 1 }],
        [{ name: 'banned', before: 1, after: 2 }],
      ],
    );
  }
});

Changes('a snapshot: its rules come into force, those that stay go on, and so the host is as it is there', () => {
  const capture = datagrams('plain.pcap', [0, 1000, 2000, 3000]);
  const folder = join(dir, 'later');
  mkdirSync(folder, { recursive: true });
  const host = JSON.parse(readFileSync(join(dir, 'host.json'), 'utf8'));
  const other = { ifname: 'later', address: '02:00:00:00:00:99', addr_info: [] };
  writeFileSync(join(folder, 'addr.json'), JSON.stringify([...host.addr, other]));
  writeFileSync(join(folder, 'ipset.txt'), 'create banned hash:ip\n');
  writeFileSync(join(folder, 'iptables-save.txt'), '*filter\n-A FORWARD\n-A FORWARD -p udp\nCOMMIT\n');
  const { warnings, outputs } = run(capture, [`2s=snapshot:${folder}`]);
  assert.match(saved(), '[4:118] -A FORWARD\n');
  assert.match(saved(), '[2:61] -A FORWARD -p udp');
  assert.match(warnings.join('\n'), 'also differs in sets, which is not followed');
  assert.equal(outputs.map(({ file }) => file).sort(), [
    'dropped.pcap',
    'in.pcap',
    'later.pcap',
    'local.pcap',
    'out.pcap',
  ]);
  // Where its server was.
  writeFileSync(join(folder, 'addr.json'), JSON.stringify(host.addr.slice(0, 1)));
  assert.equal(run(capture, [`2s=snapshot:${folder}`]).packets.forwarded, 2);
});

Changes('interfaces that come later: what leaves by them and what arrives on them, while they are there', () => {
  const capture = datagrams('plain.pcap', [0, 1000, 2000, 3000, 4000]);
  const { addr } = JSON.parse(readFileSync(join(dir, 'host.json'), 'utf8'));
  const snapshot = (name: string, ...links: readonly unknown[]): string => {
    const folder = join(dir, name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'addr.json'), JSON.stringify([...addr.slice(0, 1), ...links]));
    writeFileSync(join(folder, 'iptables-save.txt'), '*filter\n-A FORWARD\n-A FORWARD -o br-+\nCOMMIT\n');
    return `snapshot:${folder}`;
  };
  const bridge = { ifname: 'br-1', address: '02:00:00:00:00:99' };
  const towards = { ...bridge, addr_info: [{ family: 'inet', local: '192.0.2.1', prefixlen: 24 }] };
  const other = { ...bridge, ifname: 'br-2', addr_info: [] };
  const at = [`2s=${snapshot('with', towards, other)}`, `4s=${snapshot('without')}`];
  for (const engine of EMULATOR_ENGINES) {
    const { packets, outputs } = run(capture, at, { engine });
    assert.is(packets.forwarded, 4, engine);
    const written = Object.fromEntries(outputs.map(({ file, packets }) => [file, packets]));
    assert.equal(written, {
      'out.pcap': 1,
      'in.pcap': 2,
      'local.pcap': 0,
      'dropped.pcap': 1,
      'br-1.pcap': 2,
      'br-2.pcap': 0,
    });
    const arriving = run(capture, at, { engine, inputs: [{ iface: 'br-2', path: capture }] });
    assert.equal(arriving.skipped, { 'no-interface': 3 }, engine);
    assert.is(arriving.packets.forwarded, 2, engine);
    assert.not.match(arriving.warnings.join('\n'), 'has brought');
    const never = run(capture, at, { engine, inputs: [{ iface: 'br-3', path: capture }] });
    assert.match(never.warnings.join('\n'), 'no change has brought interface br-3');
  }
  assert.throws(() => run(capture, [], { inputs: [{ iface: 'br-2', path: capture }] }), /no interface br-2/);
});

// As iptables-legacy-restore and iptables-nft-restore 1.8.9 leave it.
Changes(
  'a file that sets no policy for a built-in chain leaves it as it was with legacy, and at ACCEPT with nft',
  () => {
    const capture = datagrams('plain.pcap', [0, 1000]);
    const policies = (): string[] => saved().match(/(?<=^:)[A-Z]+ [A-Z]+(?= \[)/gm) ?? [];
    const first = rules('first.v4', ':INPUT DROP [0:0]', ':FORWARD DROP [0:0]', ':OUTPUT DROP [0:0]');
    const later = rules('later.v4', ':FORWARD - [5:6]', ':OUTPUT ACCEPT [0:0]', '-A INPUT -j ACCEPT');
    for (const [backend, policy] of [
      ['legacy', 'DROP'],
      ['nft', 'ACCEPT'],
    ] as const) {
      const wanted = [`INPUT ${policy}`, `FORWARD ${policy}`, 'OUTPUT ACCEPT'];
      for (const engine of EMULATOR_ENGINES) {
        const options = { rulesPath: first, backend, engine };
        const { packets } = run(capture, [`1s=${later}`], options);
        assert.is(packets.dropped, policy === 'DROP' ? 2 : 1);
        assert.equal(policies(), wanted, `--at ${backend} ${engine}`);
        run(capture, [], { ...options, apply: [`iptables-restore ${later}`] });
        assert.equal(policies(), wanted, `--apply ${backend} ${engine}`);
      }
    }
  },
);

Changes('which chains nf_tables has in a nat table without rules is assumed', () => {
  const capture = datagrams('plain.pcap', [0, 1000]);
  const folder = join(dir, 'nft');
  mkdirSync(folder, { recursive: true });
  const { addr } = JSON.parse(readFileSync(join(dir, 'host.json'), 'utf8'));
  writeFileSync(join(folder, 'addr.json'), JSON.stringify(addr));
  const told = (rule: string): string => {
    const nat = `*nat\n:PREROUTING ACCEPT [0:0]\n${rule}COMMIT\n`;
    const text = `# Generated by iptables-save v1.8.9 (nf_tables)\n${nat}`;
    writeFileSync(join(folder, 'iptables-save.txt'), text);
    return run(capture, [`1s=snapshot:${folder}`]).assumed.join('\n');
  };
  const said =
    /iptables-save.txt:2:1: nft: whether the empty chains of table nat exist is not known from iptables-save/;
  assert.match(told(''), said);
  assert.not.match(told('-A PREROUTING -j ACCEPT\n'), said);
});

Changes('faults are found before the first packet, or say when', () => {
  const capture = datagrams('plain.pcap', [0, 1000]);
  const fails = (at: string, message: string): void => {
    assert.throws(
      () => run(capture, [at]),
      ({ message: text }: Error) => text.includes(message) || assert.match(text, message),
    );
  };
  fails('1s', 'expected WHEN=WHAT');
  fails('soon=x', 'soon is no time; expected 10s');
  fails('1s=snapshot:', 'snapshot: needs a folder');
  fails('1s=nowhere.v4', 'nowhere.v4');
  fails(`1s=${rules('faulty.v4', '-A FORWARD -j NOWHERE')}`, 'faulty.v4:2:15');
  fails('1s=iptables -A FORWARD -j DROP; true', '";" separates commands');
  fails('1s=iptables-nft -F', 'the rules are those of iptables-legacy');
  fails('1s=iptables -D FORWARD 7', '--at 1s: word 2: ');
  fails('1s=ipset add nowhere 192.0.2.1', '--at 1s: word 3: ');
  fails(`1s=${rules('set.v4', '-A FORWARD -m set --match-set nowhere src')}`, "Set nowhere doesn't exist");
});

Changes.run();
