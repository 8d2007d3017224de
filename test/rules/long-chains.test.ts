/**
 * Long chains: every engine has the same verdicts, counters, marks and side effects, and the index leaves out only
 * rules that cannot match.
 */

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Hook } from '../../core/hooks.js';
import type { Packet } from '../../core/packet.js';
import type { RuleContext } from '../../core/rules/context.js';
import { createCounters } from '../../core/rules/model.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { buildTable, ENGINES } from '../../core/rules/run/build.js';
import { isWhole, TraceKind } from '../../core/rules/run/trace.js';
import { tcpPacket, udpPacket } from '../packets/packets.js';
import { pick, seededRandom, testSeed } from '../random.js';
import { longBytes, longTable } from './long-chains.js';
import { dressPacket, packetOf, testContext } from './random.js';

const Long = suite('long chains');
const CONNECTIONS = 20;

const seed = testSeed();

Long(`agree with every engine on random packets (seed ${seed})`, () => {
  let matched = 0;
  for (let round = 0; round < 12; round++) {
    const random = seededRandom(seed + round);
    const { text, hooks } = longTable(random, pick(random, [100, 400, 1500]));
    const table = parseRuleset(text, 'long').tables[0];
    const runs = ENGINES.map((engine) => {
      // Each engine has a host of its own, with the same connections.
      const context = testContext(seededRandom(seed + round), CONNECTIONS);
      const counters = createCounters(table);
      return { engine, context, counters, program: buildTable(table, context, counters, engine) };
    });
    for (let i = 0; i < 300; i++) {
      const bytes = longBytes(random);
      const hook = pick(random, hooks);
      const dress = random(1_000_000);
      const cut = random(20) === 0 ? random(bytes.length - 20) : 0;
      const [first, ...others] = runs.map(({ engine, program, context, counters }) => {
        const packet = packetOf(bytes);
        packet.available -= cut;
        packet.reload();
        dressPacket(packet, seededRandom(dress), hook, CONNECTIONS);
        counters.trace[0] = 0;
        const verdict = program.run(packet, hook);
        // A test that another field decides is not needed.
        const events = [...counters.trace.subarray(1, counters.trace[0] + 1)];
        const noted = isWhole(counters.trace) && events.filter((event) => (event & 3) !== TraceKind.FAILED);
        return { engine, verdict, mark: packet.mark, asked: context.asked.splice(0), noted };
      });
      for (const { engine, noted, ...said } of others) {
        const where = `${engine}, seed ${seed}, round ${round}, packet ${i}`;
        assert.equal(said, { verdict: first.verdict, mark: first.mark, asked: first.asked }, where);
        if (engine !== 'interpreter' && noted && first.noted) assert.equal(noted, first.noted, where);
      }
    }
    const [first, ...others] = runs;
    for (const { engine, counters, context } of others) {
      const where = `${engine}, seed ${seed}, round ${round}`;
      assert.equal([...counters.rules], [...first.counters.rules], where);
      assert.equal([...counters.policies], [...first.counters.policies], where);
      assert.equal(context.conntrack.usedWords, first.context.conntrack.usedWords, where);
    }
    matched += first.counters.rules.filter((count, i) => i % 2 === 0 && count > 0).length;
  }
  assert.ok(matched > 500, `only ${matched} rules ever matched`);
});

Long(`of 50,000 rules have the verdicts of the interpreter (seed ${seed})`, () => {
  const random = seededRandom(seed);
  const network = (): string => `10.${random(64)}.${random(256)}.${random(256)}/${pick(random, [16, 24, 28, 32, 32])}`;
  const rules = Array.from({ length: 50_000 }, () => {
    const target = pick(random, ['ACCEPT', 'DROP', 'ACCEPT', 'LOG']);
    return `-A FORWARD -s ${network()} -d ${network()} -p tcp -m tcp --dport ${random(40)} -j ${target}`;
  });
  const table = parseRuleset(['*filter', ...rules, 'COMMIT', ''].join('\n'), 'many').tables[0];
  const [indexed, interpreted] = (['indexed', 'interpreter'] as const).map((engine) => {
    const context = testContext(seededRandom(seed), CONNECTIONS);
    const counters = createCounters(table);
    return { context, counters, program: buildTable(table, context, counters, engine) };
  });
  const bytes = tcpPacket({ source: 0, destination: 0, sport: 0, dport: 0, flags: 0 });
  for (let i = 0; i < 200; i++) {
    const { base, matches } = table.rules[random(50_000)];
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    view.setInt32(12, base.source!.address.loaded | (random(2) * 0x0100_0000), true);
    view.setInt32(16, base.destination!.address.loaded | (random(2) * 0x0100_0000), true);
    view.setUint16(22, (matches[0].params as { dport: { min: number } }).dport.min + (random(8) === 0 ? 1 : 0));
    const verdicts = [indexed, interpreted].map(({ program, context }) => {
      const packet = packetOf(bytes);
      dressPacket(packet, seededRandom(i), Hook.FORWARD, CONNECTIONS);
      return [program.run(packet, Hook.FORWARD), ...context.asked.splice(0)];
    });
    assert.equal(verdicts[0], verdicts[1], `seed ${seed}, packet ${i}`);
  }
  assert.equal([...indexed.counters.rules], [...interpreted.counters.rules]);
  assert.ok(interpreted.counters.rules.filter((count) => count > 0).length > 150);
});

Long(`in a table that is compiled while packets arrive, chains still call each other (seed ${seed})`, () => {
  const random = seededRandom(seed);
  const users = Array.from({ length: 70 }, (_, i) => `c${i}`);
  const rules = users.map((user, i) => `-A FORWARD -s 10.0.0.${i}/32 -j ${user}`);
  for (const [i, user] of users.entries()) {
    for (let n = 0; n < 100; n++) {
      const next = users[i + 1 + random(5)];
      const jumps = next === undefined ? [] : [`-j ${next}`, `-g ${next}`];
      const target = pick(random, ['', '', '', '', '-j LOG', '-j ACCEPT', '-j RETURN', ...jumps]);
      rules.push(`-A ${user} -p tcp -m tcp --dport ${random(64)} ${random(4) === 0 ? '--syn ' : ''}${target}`);
    }
  }
  const chains = users.map((user) => `:${user} - [0:0]`);
  const table = parseRuleset(['*filter', ...chains, ...rules, 'COMMIT', ''].join('\n'), 'many chains').tables[0];
  const runs = ENGINES.map((engine) => {
    const context = testContext(seededRandom(seed), CONNECTIONS);
    const counters = createCounters(table);
    const program = buildTable(table, context, counters, engine);
    // What can be evaluated ahead is known before the first packet.
    return { engine, context, counters, program, tests: new Map(program.perPacketTests) };
  });
  const bytes = tcpPacket({ source: '10.0.0.0', destination: 0, sport: 0, dport: 0, flags: 0 });
  for (let i = 0; i < 300; i++) {
    bytes[15] = random(75);
    bytes[23] = random(64);
    bytes[33] = pick(random, [0x02, 0x10]);
    const [first, ...others] = runs.map(({ program, context, counters, tests }) => {
      const packet = packetOf(bytes);
      dressPacket(packet, seededRandom(i), Hook.FORWARD, CONNECTIONS);
      counters.trace[0] = 0;
      const verdict = program.run(packet, Hook.FORWARD);
      for (const event of counters.trace.subarray(1, counters.trace[0] + 1)) {
        const kind = event & 3;
        if (kind === TraceKind.PASSED) assert.is(tests.get(event >> 2)!.predict(packet), true);
        if (kind === TraceKind.FAILED) assert.is(tests.get(event >> 2)!.predict(packet), false);
      }
      return [verdict, ...context.asked.splice(0)];
    });
    for (const other of others) assert.equal(other, first, `seed ${seed}, packet ${i}`);
  }
  const [first, ...others] = runs;
  for (const { engine, counters } of others) assert.equal([...counters.rules], [...first.counters.rules], engine);
  assert.ok(first.counters.rules.filter((count) => count > 0).length > 500);
});

Long('a packet that enters a chain while another is in it does not disturb the other', () => {
  const rules = Array.from(
    { length: 600 },
    (_, i) => `-A INPUT -s 10.0.0.${i % 200}/32 -j ${i % 3 === 0 ? 'LOG' : 'MARK --or-mark 1'}`,
  );
  const table = parseRuleset(
    ['*mangle', ...rules, '-A INPUT -s 10.0.0.7/32 -j ACCEPT', 'COMMIT', ''].join('\n'),
    'nested',
  ).tables[0];
  const counts = ENGINES.map((engine) => {
    const counters = createCounters(table);
    const nest = { depth: 0 };
    const context: RuleContext = {
      ...testContext(seededRandom(1), 1),
      log() {
        if (nest.depth === 4) return;
        nest.depth++;
        program.run(packetFrom(nest.depth), Hook.INPUT);
        nest.depth--;
      },
    };
    const program = buildTable(table, context, counters, engine);
    for (const source of [6, 7, 9]) program.run(packetFrom(source), Hook.INPUT);
    return [...counters.rules, ...counters.policies];
  });
  assert.ok(counts[2].filter((count) => count > 0).length > 12);
  assert.equal(counts[0], counts[2], 'indexed');
  assert.equal(counts[1], counts[2], 'compiled');
});

function packetFrom(source: number): Packet {
  return packetOf(udpPacket({ source: `10.0.0.${source}`, destination: '1.1.1.1', sport: 0, dport: 0 }));
}

Long.run();
