/**
 * Targets take effect for every packet that reaches them, in every engine: nothing is learned past a target that must
 * run for every packet.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TCP_ACK, TCP_SYN } from '../../codecs/layouts.js';
import { Linktype } from '../../codecs/linktypes.js';
import { listConnection } from '../../core/conntrack/list.js';
import { describeCause } from '../../core/drop.js';
import { createEmulator, EMULATOR_ENGINES, type EmulatorEngine, type LogEntry } from '../../core/emulator.js';
import { Hook, Verdict } from '../../core/hooks.js';
import { Frame } from '../../core/link/frame.js';
import type { TargetExtension } from '../../core/rules/extension.js';
import type { Chain, Rule, Ruleset } from '../../core/rules/model.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { saveRuleset } from '../../core/rules/save.js';
import { bytesOf, conversation, type Datagram, HOST, LAN, REPLY, REQUEST, WAN } from './conversation.js';

const effects = suite('effects of targets');

const PACKETS = 2000;

/** The results of a replay. */
interface Result {
  readonly sent: string[];
  readonly logged: (LogEntry & { readonly copy: string })[];
  readonly passed: string[];
  readonly saved: string;
  readonly connections: string[];
  readonly slowPathPackets: number;
}

function replay(
  engine: EmulatorEngine,
  ruleset: Ruleset,
  datagrams: readonly Datagram[],
  queueVerdict?: 'accept' | 'drop',
): Result {
  const sent: string[] = [];
  const logged: Result['logged'] = [];
  const passed: string[] = [];
  const text = (bytes: Uint8Array, at: number, length: number): string =>
    Buffer.from(bytes.subarray(at, at + length)).toString('hex');
  const emulator = createEmulator(
    { ruleset, host: HOST, engine, queueVerdict },
    {
      egress: (dev, bytes, at, available) => sent.push(`${dev} ${text(bytes, at, available)}`),
      local: (bytes, at, available) => sent.push(`local ${text(bytes, at, available)}`),
      dropped: (drop) => sent.push(describeCause(drop.cause)),
      log: (entry) => logged.push({ ...entry, copy: text(entry.bytes, entry.at, entry.available) }),
      nflog: (entry) => passed.push(`${entry.group} ${entry.prefix} ${text(entry.bytes, entry.at, entry.available)}`),
    },
  );
  for (const [i, datagram] of datagrams.entries()) {
    const { dev } = datagram;
    emulator.receive(new Frame({ bytes: bytesOf(datagram), dev, linktype: Linktype.RAW, tsSec: i >> 3, tsNsec: 0 }));
  }
  const connections: string[] = [];
  const { nowMs, slowPathPackets } = emulator;
  emulator.connections.forEach(nowMs, (entry) =>
    connections.push(JSON.stringify(listConnection(emulator.connections, entry, nowMs))),
  );
  return { sent, logged, passed, saved: saveRuleset(ruleset, emulator.counters), connections, slowPathPackets };
}

/** RULES with EXTENSION as the target of every rule with `-j LOG`. */
function withTarget(rules: string, extension: TargetExtension<undefined>): Ruleset {
  const ruleset = parseRuleset(rules, 'rules.v4');
  const target = { kind: 'extension', extension: extension as TargetExtension<unknown>, params: undefined } as const;
  const change = (rule: Rule): Rule =>
    rule.target.kind === 'extension' && rule.target.extension.name === 'LOG' ? { ...rule, target } : rule;
  const tables = ruleset.tables.map((table) => {
    const changed = table.rules.map(change);
    const chains = table.chains.map(
      (chain): Chain => ({ ...chain, rules: chain.rules.map(({ index }) => changed[index]) }),
    );
    return { ...table, rules: changed, chains };
  });
  return { ...ruleset, tables };
}

function target(members: Partial<TargetExtension<undefined>> & Pick<TargetExtension<undefined>, 'apply'>) {
  const extension: TargetExtension<undefined> = {
    name: 'TEST',
    terminates: false,
    options: [],
    parse: () => undefined,
    save: () => '',
    ...members,
  };
  return extension;
}

/** Checks that every engine does the same as the interpreter; returns the results. */
function agree(ruleset: Ruleset, datagrams: readonly Datagram[], queueVerdict?: 'accept' | 'drop'): Result {
  const interpreted = replay('interpreter', ruleset, datagrams, queueVerdict);
  for (const engine of EMULATOR_ENGINES) {
    const { sent, logged, passed, saved, connections } = replay(engine, ruleset, datagrams, queueVerdict);
    assert.equal(sent, interpreted.sent, engine);
    assert.equal(
      logged.map(({ line, copy }) => line + copy),
      interpreted.logged.map(({ line, copy }) => line + copy),
      engine,
    );
    assert.equal(passed, interpreted.passed, engine);
    assert.is(saved, interpreted.saved, engine);
    assert.equal(connections, interpreted.connections, engine);
  }
  return interpreted;
}

const WAYS_TO_LOG: Readonly<Record<string, string>> = {
  'in FORWARD': '*filter\n-A FORWARD -j LOG\nCOMMIT\n',
  'in PREROUTING, before conntrack': '*raw\n-A PREROUTING -j LOG\nCOMMIT\n',
  'in POSTROUTING': '*mangle\n-A POSTROUTING -p udp -j LOG\nCOMMIT\n',
  'in a user chain that returns':
    '*filter\n:u -\n:v -\n-A FORWARD -j u\n-A FORWARD -j ACCEPT\n-A u -g v\n-A v -j LOG\nCOMMIT\n',
  'before a verdict':
    '*filter\n:FORWARD DROP\n-A FORWARD -m length --length 0:1000 -j LOG\n-A FORWARD -j ACCEPT\nCOMMIT\n',
};

for (const [where, rules] of Object.entries(WAYS_TO_LOG)) {
  effects(`LOG ${where} logs every packet`, () => {
    const ruleset = parseRuleset(rules, 'rules.v4');
    for (const engine of EMULATOR_ENGINES)
      assert.is(replay(engine, ruleset, conversation(PACKETS)).logged.length, PACKETS, engine);
  });
}

effects('a log entry has the level, the prefix, and the packet as it was when it reached the rule', () => {
  const rules =
    '*mangle\n-A FORWARD -j MARK --set-mark 7\n-A FORWARD -j LOG --log-level info --log-prefix "seen: "\nCOMMIT\n';
  const { logged } = replay('remembered', parseRuleset(rules, 'rules.v4'), [REQUEST]);
  const [{ level, prefix, hook, inDev, outDev, mark, at, available, length, bytes }] = logged;
  assert.equal(
    { level, prefix, hook, inDev, outDev, mark, available, length },
    { level: 6, prefix: 'seen: ', hook: Hook.FORWARD, inDev: LAN, outDev: WAN, mark: 7, available: 32, length: 32 },
  );
  assert.is(bytes[at + 8], 63, 'the TTL behind the routing decision');
});

const mangle = (...rules: string[]): Ruleset =>
  parseRuleset(`*mangle\n${rules.map((rule) => `${rule}\n`).join('')}COMMIT\n`, 'rules.v4');

effects('NFLOG passes every packet on, as it is at the rule, and at most as much of it as the rule says', () => {
  const rules = mangle(
    '-A FORWARD -m length --length 100:1500 -j NFLOG --nflog-group 5 --nflog-prefix long --nflog-size 9',
  );
  const { passed } = agree(
    rules,
    conversation(400, (i) => (i % 7 < 3 ? 4 : 200)),
  );
  assert.is(passed.length, 400 - Math.ceil(400 / 7) * 3 + 2);
  // The packet's first nine bytes: the TTL behind the routing decision is the last.
  assert.is(passed[0], '5 long 450000e4000100003f');
});

effects('TEE copies every packet: DF is set, and the TTL of a packet on its way in is one less', () => {
  for (const [hook, ttl] of [
    ['PREROUTING', '3f'],
    ['FORWARD', '3f'],
    ['POSTROUTING', '3f'],
  ]) {
    const { sent } = agree(mangle(`-A ${hook} -j TEE --gateway 172.17.0.9`), conversation(100));
    assert.is(sent.length, 200, hook);
    for (const [i, line] of sent.entries()) {
      const [dev, frame] = line.split(' ');
      if (i % 2 === 0) {
        assert.is(dev, String(LAN), hook);
        assert.is(frame.slice(0, 12), '0200ac110009', hook);
        assert.is(frame.slice(40, 44), '4000', hook);
      }
      assert.is(frame.slice(44, 46), i % 2 === 0 ? ttl : '3f', hook);
    }
  }
});

effects('the program behind NFQUEUE decides about every packet; without one, --queue-bypass does', () => {
  const queue = '-A FORWARD -p udp -j NFQUEUE --queue-num 1';
  const fates = (rule: string, verdict?: 'accept' | 'drop'): string[] => [
    ...new Set(
      agree(mangle(rule, '-A FORWARD -j DROP'), conversation(100), verdict).sent.map((line) => line.slice(0, 40)),
    ),
  ];
  assert.equal(fates(queue), ['rules.v4:2 mangle FORWARD 1: no program listens'.slice(0, 40)]);
  assert.equal(fates(queue, 'drop'), ['rules.v4:2 mangle FORWARD 1: the program that'.slice(0, 40)]);
  assert.is(fates(queue, 'accept').filter((line) => line.includes('rules.v4')).length, 0);
  assert.is(fates(`${queue} --queue-bypass`).filter((line) => line.includes('rules.v4')).length, 0);
  assert.is(fates(`${queue} --queue-bypass`, 'drop').filter((line) => !line.includes('rules.v4')).length, 0);
});

effects('TRACE logs what each packet meets that it marks; packets that it leaves alone take the fast path', () => {
  const rules = parseRuleset(
    `*raw
:seen - [0:0]
:back - [0:0]
-A PREROUTING -p udp -m length --length 100:1500 -j TRACE
-A PREROUTING -p udp -j seen
-A seen -p udp
-A seen -g back
-A back -p tcp
-A back -p udp -j RETURN
COMMIT
*filter
:FORWARD ACCEPT [0:0]
:x - [0:0]
:y - [0:0]
-A FORWARD -j x
-A FORWARD -j ACCEPT
-A x -j y
-A y -j RETURN
COMMIT
`,
    'rules.v4',
  );
  const { logged } = agree(rules, [REQUEST, { ...REQUEST, length: 200 }, REPLY]);
  // As a kernel logs them: a rule with only a verdict passes for the end of its chain.
  assert.equal(
    logged.map(({ line }) => line.slice('TRACE: '.length, line.indexOf(' IN='))),
    [
      ...['raw:PREROUTING:rule:2', 'raw:seen:rule:1', 'raw:seen:rule:2', 'raw:back:rule:2', 'raw:PREROUTING:policy:3'],
      ...[
        'filter:FORWARD:rule:1',
        'filter:x:rule:1',
        'filter:y:return:1',
        'filter:x:return:2',
        'filter:FORWARD:policy:2',
      ],
    ],
  );
  assert.ok(replay('remembered', rules, conversation(200)).slowPathPackets < 30);
});

effects('REJECT answers every packet', () => {
  const rules = '*filter\n-A FORWARD -p tcp --dport 80 -j REJECT --reject-with tcp-reset\nCOMMIT\n';
  const knock = { ...REQUEST, dport: 80, flags: TCP_SYN };
  const { sent } = agree(
    parseRuleset(rules, 'rules.v4'),
    Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? knock : { ...knock, flags: TCP_ACK })),
  );
  assert.is(sent.filter((line) => line.startsWith(`${LAN} `)).length, 50);
});

effects('a limited LOG logs as often as its limit allows, while other packets take the fast path', () => {
  const rules = '*filter\n-A FORWARD -m limit --limit 1/minute --limit-burst 5 -j LOG\n-A FORWARD -j ACCEPT\nCOMMIT\n';
  const ruleset = parseRuleset(rules, 'rules.v4');
  assert.is(agree(ruleset, conversation(200)).logged.length, 5);
  assert.ok(replay('remembered', ruleset, conversation(200)).slowPathPackets < 20);
});

const SOME_PACKETS = '*mangle\n-A FORWARD -m length --length 100:1500 -j LOG\nCOMMIT\n';
const ALL_PACKETS = '*mangle\n-A FORWARD -j LOG\nCOMMIT\n';

effects('a target that changes packets changes every packet that its rule matches, and no others', () => {
  for (const effect of ['packet', 'outside', undefined] as const) {
    const setTtl = target({
      apply(_params, packet) {
        const at = packet.at + 8;
        const checksum = packet.view.getUint16(packet.at + 10) + (packet.view.getUint8(at) - 77) * 256;
        packet.view.setUint8(at, 77);
        packet.view.setUint16(
          packet.at + 10,
          checksum > 0xffff ? checksum - 0xffff : checksum < 0 ? checksum + 0xffff : checksum,
        );
        return Verdict.CONTINUE;
      },
      ...(effect === undefined ? {} : { effect: () => effect }),
    });
    for (const rules of [SOME_PACKETS, ALL_PACKETS]) {
      const { sent } = agree(
        withTarget(rules, setTtl),
        conversation(400, (i) => (i % 7 < 3 ? 4 : 200)),
      );
      const ttls = sent.map((line) => Number.parseInt(line.split(' ')[1].slice(44, 46), 16));
      const isSet = (i: number): boolean => rules === ALL_PACKETS || i % 7 >= 3;
      assert.equal(
        ttls,
        ttls.map((_, i) => (isSet(i) ? 77 : 63)),
        `${effect} ${rules}`,
      );
    }
  }
});

effects('a target without an effect does not prevent the fast path', () => {
  const nothing = target({ apply: () => Verdict.CONTINUE, effect: () => 'none', plan: () => Verdict.CONTINUE });
  const ruleset = withTarget(ALL_PACKETS, nothing);
  agree(ruleset, conversation(100));
  assert.ok(replay('remembered', ruleset, conversation(100)).slowPathPackets < 10);
});

/** The connection mark decides, so a change of it affects the other packets of the connection. */
const MARK_DECIDES = `*mangle
-A FORWARD -i lan -m length --length 100:199 -j LOG
COMMIT
*filter
-A FORWARD -m connmark --mark 1 -j DROP
COMMIT
`;

effects('a change of the connection mark affects later packets in both directions', () => {
  const setMark = target({
    apply(_params, packet, { conntrack }) {
      conntrack.setMark(packet.ct, 1 - conntrack.mark(packet.ct));
      return Verdict.CONTINUE;
    },
    effect: () => 'connection',
  });
  const changes = [40, 41, 60, 80];
  // 28 bytes of headers: between 100 and 199 in all.
  const datagrams = conversation(120, (i) => (changes.includes(i) ? 100 : 4));
  const { sent } = agree(withTarget(MARK_DECIDES, setMark), datagrams);
  const fates = sent.map((line) => line.includes('filter'));
  // The packets from the LAN at 40, 60 and 80 flip the mark; 41 comes from the other side.
  assert.equal(
    fates,
    fates.map((_, i) => (i >= 40 && i < 60) || i >= 80),
  );
});

effects('CONNMARK: packets that change the mark, and packets that were on the fast path before', () => {
  const rules = MARK_DECIDES.replace('-j LOG', '-j CONNMARK --set-xmark 1/0');
  const datagrams = conversation(120, (i) => ([40, 60, 80].includes(i) ? 100 : 4));
  const ruleset = parseRuleset(rules, 'rules.v4');
  const fates = agree(ruleset, datagrams).sent.map((line) => line.includes('filter'));
  assert.equal(
    fates,
    fates.map((_, i) => (i >= 40 && i < 60) || i >= 80),
  );
  // The slow path until the connection is assured, after about three seconds, and then the fast path.
  assert.ok(replay('remembered', ruleset, datagrams.slice(0, 40)).slowPathPackets < 30);
});

effects('NOTRACK: later rules of its own chain see untracked packets, however long the chain is', () => {
  const others = Array.from({ length: 300 }, (_, i) => `-A PREROUTING -d 203.0.113.${i % 250}/32 -p udp -j ACCEPT`);
  const own = ['-A PREROUTING -m length --length 100: -j NOTRACK', '-A PREROUTING -m state --state UNTRACKED -j DROP'];
  for (const rules of [own, [...own, ...others], [...others, ...own]]) {
    const datagrams = conversation(120, (i) => ([0, 40, 60, 81].includes(i) ? 100 : 4));
    const { sent } = agree(parseRuleset(['*raw', ...rules, 'COMMIT\n'].join('\n'), 'rules.v4'), datagrams);
    assert.equal(
      sent.map((line) => line.includes('raw')),
      sent.map((_, i) => [0, 40, 60, 81].includes(i)),
    );
  }
});

effects(
  'connlabel: a label that a packet sets is seen by the later packets of its connection, in both directions',
  () => {
    const rules = [
      '*filter',
      '-A FORWARD -p udp -m udp --dport 53 -m length --length 100: -m connlabel --label 5 --set',
      '-A FORWARD -m connlabel ! --label 5 -j ACCEPT',
      '-A FORWARD -m connlabel --label 5 -m connlabel ! --label 6 -j DROP',
      'COMMIT\n',
    ].join('\n');
    const other = { ...REQUEST, sport: 41_000 };
    const datagrams = [...conversation(200, (i) => (i === 80 || i === 41 ? 100 : 4)), other];
    const fates = agree(parseRuleset(rules, 'rules.v4'), datagrams).sent.map((line) => line.includes('filter'));
    assert.equal(
      fates,
      fates.map((_, i) => i >= 80 && i < 200),
    );
  },
);

effects('in a long nat chain, a rule that translates is not mistaken for one that accepts', () => {
  const others = Array.from(
    { length: 300 },
    (_, i) => `-A PREROUTING -d 198.51.100.${i % 200}/32 -p udp --dport ${1000 + i} -j ACCEPT`,
  );
  const rules = [
    '*nat',
    ...others,
    '-A PREROUTING -d 198.51.100.7/32 -p udp --dport 53 -j ACCEPT',
    '-A PREROUTING -d 198.51.100.8/32 -p udp --dport 53 -j DNAT --to-destination 198.51.100.99',
    'COMMIT\n',
  ].join('\n');
  const ask = (sport: number, host: number): Datagram => ({ ...REQUEST, sport, destination: `198.51.100.${host}` });
  const datagrams = Array.from({ length: 60 }, (_, i) => ask(20_000 + i, i % 2 === 0 ? 7 : 8));
  const { sent } = agree(parseRuleset(rules, 'rules.v4'), datagrams);
  const destinations = sent.map((line) => Number.parseInt(line.split(' ')[1].slice(66, 68), 16));
  assert.equal(
    destinations,
    destinations.map((_, i) => (i % 2 === 0 ? 7 : 99)),
  );
});

effects.run();
