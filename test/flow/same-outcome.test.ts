/**
 * What is learned of one packet is so of all packets that it is said of; and of as many as one field at a time allows.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hasResults, holdsPacket, learnOutcome } from '../../core/flow/same-outcome.js';
import { HOOK_NAMES, Hook, TABLE_HOOKS, type TableName, type Verdict } from '../../core/hooks.js';
import { Packet } from '../../core/packet.js';
import { createCounters, type Table } from '../../core/rules/model.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { interpretTable } from '../../core/rules/run/interpret.js';
import { withStates } from '../../core/rules/run/match-state.js';
import { pick, type Random, seededRandom, testSeed } from '../random.js';
import { dressPacket, packetOf, randomBytes, randomConditions, testContext } from '../rules/random.js';

const outcomes = suite('same outcome');
const seed = testSeed();
const CONNECTIONS = 20;
type Context = ReturnType<typeof testContext>;

const TARGETS: Readonly<Record<string, readonly string[]>> = {
  raw: ['-j ACCEPT', '-j DROP'],
  mangle: [
    '-j MARK --set-xmark 0x1/0xf',
    '-j MARK --xor-mark 0x11',
    '-j CONNMARK --restore-mark',
    '-j CONNMARK --set-xmark 0x3/0x3',
    '-j ACCEPT',
    '-j DROP',
  ],
  nat: ['-j ACCEPT', '-j LOG', '-j DNAT --to-destination 10.0.0.2'],
  filter: ['-j ACCEPT', '-j DROP', '-j REJECT', '-j REJECT --reject-with icmp-host-prohibited', '-j LOG'],
};

/** A table with rules for each of its hooks, and two chains of its own. */
function randomTable(random: Random, name: TableName): string {
  const rule = (chain: string, hook: Hook, targets: readonly string[]): string => {
    const conditions = randomConditions(random, hook, random(2) === 0);
    const isOwn = chain === 'a' || chain === 'b';
    return `-A ${chain} ${isOwn ? conditions.replace(/(! )?-[io] \S+ /g, '') : conditions}${pick(random, targets)}`;
  };
  const lines = [`*${name}`, ':a - [0:0]', ':b - [0:0]'];
  for (const hook of TABLE_HOOKS[name]) {
    const isNat = name === 'nat';
    if (!isNat) lines.push(`:${HOOK_NAMES[hook]} ${pick(random, ['ACCEPT', 'DROP'])} [0:0]`);
    const targets = isNat && hook !== Hook.PREROUTING ? ['-j ACCEPT', ''] : TARGETS[name];
    const jumps = isNat ? [] : ['-j a', '-g a', '-j b'];
    for (let i = random(9); i > 0; i--)
      lines.push(rule(HOOK_NAMES[hook], hook, ['', '-j RETURN', ...targets, ...jumps]));
  }
  if (name !== 'nat') {
    for (let i = random(5); i > 0; i--)
      lines.push(rule('a', Hook.FORWARD, ['', '-j RETURN', ...TARGETS[name], '-j b']));
    for (let i = random(5); i > 0; i--) lines.push(rule('b', Hook.FORWARD, ['', '-j RETURN', ...TARGETS[name]]));
  }
  return [...lines, 'COMMIT', ''].join('\n');
}

function randomPacket(random: Random, hook: Hook): Packet {
  const packet = packetOf(randomBytes(random));
  if (random(8) === 0) packet.view.setUint16(6, pick(random, [1, 2]));
  packet.reload();
  dressPacket(packet, random, hook, CONNECTIONS);
  return packet;
}

/** PACKET with some of the properties, or some bytes of the headers, of OTHER. */
function mutant(random: Random, packet: Packet, other: Packet): Packet {
  const made = Object.assign(new Packet(), packet);
  made.bytes = packet.bytes.slice();
  made.view = new DataView(made.bytes.buffer);
  for (let i = 1 + random(3); i > 0; i--) {
    const property = pick(random, [
      'type',
      'mark',
      'inDev',
      'outDev',
      'connection',
      'bytes',
      'bytes',
      'bytes',
    ] as const);
    if (property === 'connection')
      Object.assign(made, { ct: other.ct, ctinfo: other.ctinfo, direction: other.direction });
    else if (property !== 'bytes') Object.assign(made, { [property]: other[property] });
    else {
      const [at, length] = pick(random, [
        [1, 1],
        [8, 1],
        [12, 4],
        [16, 4],
        [20, 2],
        [22, 2],
        [33, 1],
        [20, 1],
        [12, 1],
      ]);
      if (at + length > Math.min(made.bytes.length, other.bytes.length)) continue;
      made.bytes.set(other.bytes.subarray(at, at + length), at);
    }
  }
  made.reload();
  return made;
}

/** What TABLE, without any state yet, does with PACKET: its verdict, and which rules and policies counted it. */
function run(table: Table, hook: Hook, packet: Packet, context: Context): unknown {
  const counters = createCounters(table);
  const own = Object.assign(new Packet(), packet);
  const { words } = context.conntrack;
  const before = words.slice(0, 44 * (CONNECTIONS + 1));
  const verdict = interpretTable(withStates(table, context), context, counters).run(own, hook);
  words.set(before);
  const asked = context.asked.splice(0);
  return {
    verdict,
    asked,
    rules: counters.rules.filter((_, i) => i % 2 === 0),
    policies: [...counters.policies].map((n) => n > 0),
  };
}

outcomes(`packets within what was learned meet the same rules and the same end, at every hook (seed ${seed})`, () => {
  const seen = new Map<string, number>();
  let learned = 0;
  let all = 0;
  let others = 0;
  for (let round = 0; round < 60; round++) {
    const random = seededRandom(seed + round);
    const name = pick(random, ['raw', 'mangle', 'nat', 'filter'] as const);
    const text = randomTable(random, name);
    const table = parseRuleset(text, 'random').tables[0];
    const context = testContext(random, CONNECTIONS);
    for (let i = 0; i < 25; i++) {
      const hook = pick(random, TABLE_HOOKS[name]);
      const packet = randomPacket(random, hook);
      const outcome = learnOutcome(table, hook, packet, context);
      all++;
      if (outcome === undefined) continue;
      learned++;
      assert.ok(holdsPacket(outcome, packet, context), 'the packet itself is one of them');
      const expected = run(table, hook, packet, context);
      const end = 'policy' in outcome.decidedBy ? 'policy' : outcome.decidedBy.target.kind;
      const key = `${HOOK_NAMES[hook]} ${end} ${(expected as { verdict: Verdict }).verdict}`;
      seen.set(key, (seen.get(key) ?? 0) + 1);
      for (let n = 0; n < 40; n++) {
        const other = mutant(random, packet, randomPacket(random, hook));
        if (!holdsPacket(outcome, other, context) || !hasResults(outcome.nativeResults, other, context)) continue;
        others++;
        assert.equal(run(table, hook, other, context), expected, `seed ${seed}, round ${round}, packet ${i}\n${text}`);
      }
    }
  }
  assert.ok(learned > all / 3, `${learned} of ${all} were learned`);
  assert.ok(others > learned * 4, `${others} others for ${learned}`);
  const hooks = new Set([...seen.keys()].map((key) => key.split(' ')[0]));
  assert.is(hooks.size, HOOK_NAMES.length, 'every hook');
  assert.ok(seen.size > 12, [...seen.keys()].join(', '));
});

const UDP = [0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 192, 168, 1, 1, 0, 99, 0, 53, 0, 8, 0, 0];

/** What is learned of a UDP packet from 10.0.0.1:99 to 192.168.1.1:53 that meets RULES in FORWARD, field by field. */
function learnedOf(rules: readonly string[]): Record<string, string> {
  const table = parseRuleset(['*filter', ...rules.map((rule) => `-A FORWARD ${rule}`), 'COMMIT', ''].join('\n'), 'f')
    .tables[0];
  const context = testContext(seededRandom(1), CONNECTIONS);
  const packet = packetOf(Uint8Array.from(UDP));
  const outcome = learnOutcome(table, Hook.FORWARD, packet, context)!;
  return Object.fromEntries(
    [...outcome.fields].map(([name, { ranges }]) => [name, ranges.map(({ min, max }) => `${min}-${max}`).join(',')]),
  );
}

outcomes('one field is narrowed by a rule that does not match, by as little as possible; all by one that does', () => {
  assert.equal(learnedOf([]), {});
  assert.equal(learnedOf(['-p udp -m udp --dport 50:60 -j ACCEPT']), { protocol: '17-17', dport: '50-60' });
  // All ports but one are more than all protocols but one.
  assert.equal(learnedOf(['-p tcp -m tcp --dport 80 -j DROP']), { dport: '0-79,81-65535' });
  assert.equal(learnedOf(['-p tcp -m tcp --dport 1: -j DROP']), { protocol: '0-5,7-255' });
  // What was narrowed once need not be narrowed again.
  assert.equal(learnedOf(['-p udp -m udp --dport 53', '-p tcp -m tcp --dport 80 -j DROP']), {
    protocol: '17-17',
    dport: '53-53',
  });
  assert.equal(learnedOf(['-m ttl --ttl-lt 10 -j DROP', '-m tos ! --tos 0x10/0x3f -j ACCEPT']), {
    ttl: '10-255',
    tos: '0-15,17-79,81-143,145-207,209-255',
  });
  assert.equal(learnedOf(['-p udp -m multiport --ports 53,99 -j ACCEPT']), { protocol: '17-17', sport: '53-53,99-99' });
  assert.equal(learnedOf(['-p udp -m multiport ! --ports 53 -j ACCEPT']), { dport: '53-53' });
  assert.equal(learnedOf(['-m conntrack --ctstate NEW -j ACCEPT']), { ctinfo: '0-1,3-7' });
  assert.equal(learnedOf(['-j MARK --set-mark 5', '-m mark --mark 5 -j ACCEPT']), { mark: '0-0', ctmark: '' });
});

outcomes('a packet without a connection does not match a connection mark, even once that is all that is known', () => {
  const rules = ['-j MARK --xor-mark 1', '-m connmark --mark 0x10 -j ACCEPT'];
  const table = parseRuleset(['*filter', ...rules.map((rule) => `-A FORWARD ${rule}`), 'COMMIT', ''].join('\n'), 'f')
    .tables[0];
  const packet = packetOf(Uint8Array.from(UDP));
  packet.ct = -1;
  const outcome = learnOutcome(table, Hook.FORWARD, packet, testContext(seededRandom(1), CONNECTIONS))!;
  assert.equal(
    outcome.matched.map(({ number }) => number),
    [1],
  );
});

outcomes('a rule that counts packets is not foretold, unless somebody knows', () => {
  const table = parseRuleset('*filter\n-A FORWARD -m limit --limit 1/sec -j ACCEPT\nCOMMIT\n', 'f').tables[0];
  const context = testContext(seededRandom(1), CONNECTIONS);
  const packet = packetOf(Uint8Array.from(UDP));
  assert.is(learnOutcome(table, Hook.FORWARD, packet, context), undefined);
  assert.equal(learnOutcome(table, Hook.FORWARD, packet, context, () => true)?.decidedBy, table.rules[0]);
  assert.equal(learnOutcome(table, Hook.FORWARD, packet, context, () => false)?.matched, []);
});

outcomes.run();
