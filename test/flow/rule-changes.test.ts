/** Rules that change while connections live: what follows from the old ones is forgotten, and nothing else. */

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TCP_ACK, TCP_SYN } from '../../codecs/layouts.js';
import { Linktype } from '../../codecs/linktypes.js';
import { describeCause } from '../../core/drop.js';
import { createEmulator, EMULATOR_ENGINES, type Emulator } from '../../core/emulator.js';
import { loadHost } from '../../core/host/host.js';
import { Frame } from '../../core/link/frame.js';
import { Memory } from '../../core/memory.js';
import type { Rule, Ruleset, Table } from '../../core/rules/model.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { withTables } from '../../core/rules/rule-change.js';
import { saveRule, saveRuleset } from '../../core/rules/save.js';
import { tcpPacket } from '../packets/packets.js';
import { pick, type Random, seededRandom, testSeed } from '../random.js';
import { converse, randomRuleset, STATES } from './random-talks.js';

const changes = suite('rule changes');

/** The rule with the same words in the same chain, at the same place among those. */
function sameWords(before: readonly Table[]): (rule: Rule, table: Table) => Rule | undefined {
  return (rule, { name, rules }) => {
    const isLike = (other: Rule): boolean => other.chain === rule.chain && saveRule(other) === saveRule(rule);
    const old = before.find((table) => table.name === name)?.rules.filter(isLike);
    return old?.[rules.filter(isLike).indexOf(rule)];
  };
}

function change(random: Random, emulator: Emulator): void {
  const { ruleset } = emulator;
  const { tables } = ruleset;
  const kind = random(6);
  const lines = randomRuleset(random);
  const loaded = parseRuleset(lines, `changed ${random(1000)}`, { lax: false });
  const some: Ruleset = { ...loaded, tables: loaded.tables.filter(() => random(2) === 0) };
  if (kind === 0) emulator.replaceRules({ ruleset: loaded });
  else if (kind < 3) emulator.replaceRules({ ruleset: withTables(ruleset, some) });
  else if (kind === 3) {
    const isUnhooked = random(2) === 0;
    const flushed = tables.map((table) => (table.name === 'nat' ? { ...table, isUnhooked } : table));
    emulator.replaceRules({ ruleset: { ...ruleset, tables: flushed }, continues: sameWords(tables) });
  } else {
    // The rules stay, and some of another ruleset come to them.
    const { name } = pick(random, tables);
    const other = loaded.tables.find((table) => table.name === name);
    if (other === undefined) return;
    const added = withMore(tables.find((table) => table.name === name) as Table, other, random);
    emulator.replaceRules({
      ruleset: { ...ruleset, tables: tables.map((table) => (table.name === name ? added : table)) },
      continues: sameWords(tables),
      keepsStates: random(2) === 0,
    });
  }
}

/** TABLE with the rules of the built-in chains of OTHER before, after, or in place of its own. */
function withMore(table: Table, other: Table, random: Random): Table {
  const rules: Rule[] = [];
  const chains = table.chains.map((chain) => {
    const more = other.chains.find(({ hook }) => hook !== undefined && hook === chain.hook)?.rules ?? [];
    const isPossible = ({ target }: Rule): boolean =>
      !('chain' in target) || table.chains.some(({ name }) => name === target.chain);
    const added = more.filter(isPossible).filter(() => random(3) === 0);
    const own = chain.rules.filter(() => random(8) > 0);
    const all = random(2) === 0 ? [...added, ...own] : [...own, ...added];
    const numbered = all.map((rule, i) => ({ ...rule, index: rules.length + i, number: i + 1 }));
    rules.push(...numbered);
    return { ...chain, rules: numbered };
  });
  return { ...table, chains, rules };
}

changes('at random moments: every engine counts, translates and sends alike', () => {
  const seed = testSeed();
  console.log(`seed ${seed}`);
  for (let round = 0; round < 3; round++) {
    const rules = randomRuleset(seededRandom(seed + round));
    const every = pick(seededRandom(seed + round), [10, 30, 90]);
    const outcomes = EMULATOR_ENGINES.map((engine) => {
      const moments = seededRandom(seed + round + 2);
      return converse(seededRandom(seed + round + 1), engine, rules, 20, {
        beforePacket: (emulator) => {
          if (moments(every) === 0) change(moments, emulator);
        },
      });
    });
    const [remembered, ...others] = outcomes;
    for (const [i, { saved, connections, sent }] of others.entries()) {
      const where = `${EMULATOR_ENGINES[i + 1]}, seed ${seed}, round ${round}\n${rules}`;
      assert.is(remembered.saved, saved, where);
      assert.equal(remembered.connections, connections, where);
      assert.equal(remembered.sent, sent, where);
    }
  }
});

changes('ten thousand of them take no more memory than a few', () => {
  const memory = new Memory();
  const end = (): number => memory.allocate(1)?.byteOffset ?? 0;
  const long = Array.from({ length: 250 }, (_, i) => `-A FORWARD -s 10.99.0.${i}/32 -j DROP`);
  const text = (n: number): string =>
    [
      '*filter',
      ...STATES,
      ...long.slice(0, 220 + (n % 30)),
      '-A FORWARD -m ttl --ttl-gt 1 -j ACCEPT',
      'COMMIT',
      '',
    ].join('\n');
  const rulesets = Array.from({ length: 60 }, (_, i) =>
    i % 2 === 0 ? parseRuleset(text(i), 'long') : parseRuleset('*filter\nCOMMIT\n', 'empty'),
  );
  let done = 0;
  let afterSome = 0;
  const beforePacket = (emulator: Emulator): void => {
    for (let i = 0; i < 25; i++) emulator.replaceRules({ ruleset: rulesets[done++ % rulesets.length] });
    if (done === 500) afterSome = end();
  };
  converse(seededRandom(1), 'remembered', text(0), 50, { memory, beforePacket });
  assert.ok(done >= 10_000, `${done} changes`);
  const more = end() - afterSome;
  assert.ok(more <= 2 ** 20, `${more} bytes more`);
});

/** A host between two networks, and a conversation through it: 203.0.113.5:1000 and 192.0.2.10:80. */
function talking(rules: string, at = '192.0.2.10') {
  const host = loadHost(
    JSON.stringify({
      addr: [
        {
          ifname: 'out',
          address: '02:00:00:00:00:11',
          addr_info: [{ family: 'inet', local: '203.0.113.1', prefixlen: 24 }],
        },
        {
          ifname: 'in',
          address: '02:00:00:00:00:12',
          addr_info: [{ family: 'inet', local: '192.0.2.1', prefixlen: 24 }],
        },
      ],
    }),
    'host.json',
  );
  let left = '';
  const emulator = createEmulator(
    { ruleset: parseRuleset(rules, 'first'), host },
    {
      egress(_, bytes, offset) {
        const ends = [26, 30].map((from) => bytes.subarray(offset + from, offset + from + 4).join('.'));
        left = ends.join(' > ');
      },
      local() {
        left = 'local';
      },
      dropped: ({ cause }) => {
        left = describeCause(cause);
      },
    },
  );
  let now = 0;
  const sequences = [1, 1];
  /** Sends a packet of the client (0) or the server (1) and returns the addresses with which it leaves, or why not. */
  const send = (side: 0 | 1, flags = TCP_ACK): string => {
    const client = { source: '203.0.113.5', destination: at, sport: 1000, dport: 80 };
    const server = { source: '192.0.2.10', destination: '203.0.113.5', sport: 80, dport: 1000 };
    const acknowledgment = (flags & TCP_ACK) === 0 ? 0 : sequences[1 - side];
    const fields = { flags, sequence: sequences[side], acknowledgment, window: 8192, data: new Uint8Array(0) };
    const bytes = tcpPacket({ ...(side === 0 ? client : server), ttl: 64, ...fields });
    if ((flags & TCP_SYN) !== 0) sequences[side]++;
    left = '';
    emulator.receive(new Frame({ bytes, dev: side + 1, linktype: Linktype.RAW, tsSec: now++, tsNsec: 0 }));
    return left;
  };
  const open = (): void => {
    send(0, TCP_SYN);
    send(1, TCP_SYN | TCP_ACK);
    for (let i = 0; i < 4; i++) for (const side of [0, 1] as const) send(side);
  };
  const counted = (): string => saveRuleset(emulator.ruleset, emulator.counters);
  return { emulator, send, open, counted };
}

const filter = (...rules: string[]): string => ['*filter', ...rules, 'COMMIT', ''].join('\n');

changes('each direction of a connection takes the slow path once, and follows the new path then', () => {
  const { emulator, send, open } = talking(filter());
  open();
  const before = emulator.slowPathPackets;
  for (let i = 0; i < 5; i++) for (const side of [0, 1] as const) send(side);
  assert.is(emulator.slowPathPackets, before);
  emulator.replaceRules({ ruleset: parseRuleset(filter('-A FORWARD -p tcp -j ACCEPT'), 'second') });
  for (let i = 0; i < 5; i++) for (const side of [0, 1] as const) send(side);
  assert.is(emulator.slowPathPackets, before + 2);
  emulator.replaceRules({ ruleset: parseRuleset(filter('-A FORWARD -p tcp -j DROP'), 'third') });
  assert.is(send(0), 'third:2 filter FORWARD 1');
});

changes('counters go on only where the rule does', () => {
  const { emulator, send, open, counted } = talking(filter('-A FORWARD -p tcp', '-A FORWARD -p udp'));
  open();
  assert.match(counted(), '[10:400] -A FORWARD -p tcp');
  const more = parseRuleset(filter('-A FORWARD -p udp', '-A FORWARD -p tcp', '-A FORWARD'), 'second');
  emulator.replaceRules({ ruleset: more, continues: sameWords(emulator.ruleset.tables) });
  send(0);
  assert.match(counted(), '[11:440] -A FORWARD -p tcp');
  assert.match(counted(), '[1:40] -A FORWARD\n');
  assert.match(counted(), ':FORWARD ACCEPT [11:440]');
  emulator.replaceRules({ ruleset: parseRuleset(filter('-A FORWARD -p tcp'), 'third') });
  send(0);
  assert.match(counted(), '[1:40] -A FORWARD -p tcp');
  assert.match(counted(), ':FORWARD ACCEPT [1:40]');
});

changes('what matches remember goes on only where that is said', () => {
  const rules = filter('-A FORWARD -m limit --limit 1/hour --limit-burst 3');
  const { emulator, send, open, counted } = talking(rules);
  open();
  assert.match(counted(), '[3:120]');
  const continues = sameWords(emulator.ruleset.tables);
  emulator.replaceRules({ ruleset: parseRuleset(rules, 'second'), continues, keepsStates: true });
  for (let i = 0; i < 5; i++) send(0);
  assert.match(counted(), '[3:120]');
  emulator.replaceRules({ ruleset: parseRuleset(rules, 'third'), continues: sameWords(emulator.ruleset.tables) });
  for (let i = 0; i < 5; i++) send(0);
  assert.match(counted(), '[6:240]');
});

changes('a list of recent lives as long as a rule names it', () => {
  const names = '-A FORWARD -m recent --name r --rcheck';
  const { emulator, send, open, counted } = talking(filter('-A FORWARD -m recent --name r --set'));
  open();
  emulator.replaceRules({ ruleset: parseRuleset(filter(names), 'second') });
  send(0);
  assert.match(counted(), '[1:40] -A FORWARD -m recent');
  emulator.replaceRules({ ruleset: parseRuleset(filter(), 'third') });
  emulator.replaceRules({ ruleset: parseRuleset(filter(names), 'fourth') });
  send(0);
  assert.match(counted(), '[0:0] -A FORWARD -m recent');
});

changes('without the hooks of the nat table, packets of a translated connection pass as they are', () => {
  const nat = '*nat\n-A PREROUTING -d 203.0.113.1 -p tcp -j DNAT --to-destination 192.0.2.10\nCOMMIT\n';
  const { emulator, send, open } = talking(nat, '203.0.113.1');
  open();
  assert.is(send(0), '203.0.113.5 > 192.0.2.10');
  assert.is(send(1), '203.0.113.1 > 203.0.113.5');
  const hooked = emulator.ruleset;
  const empty = parseRuleset('*nat\nCOMMIT\n', 'empty');
  // As after `iptables -t nat -F`: the connection is translated on.
  emulator.replaceRules({ ruleset: empty });
  assert.is(send(0), '203.0.113.5 > 192.0.2.10');
  for (const ruleset of [
    { ...empty, tables: [{ ...empty.tables[0], isUnhooked: true }] },
    { ...empty, tables: [] },
  ]) {
    emulator.replaceRules({ ruleset });
    for (let i = 0; i < 3; i++) {
      assert.is(send(0), 'local');
      assert.is(send(1), '192.0.2.10 > 203.0.113.5');
    }
    emulator.replaceRules({ ruleset: hooked });
    for (let i = 0; i < 3; i++) {
      assert.is(send(0), '203.0.113.5 > 192.0.2.10');
      assert.is(send(1), '203.0.113.1 > 203.0.113.5');
    }
  }
});

changes.run();
