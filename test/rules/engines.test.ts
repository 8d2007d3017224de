/** The compiled engine is equivalent to the interpreter, and no text of a ruleset becomes code. */

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { HOOK_NAMES, type Hook, TABLE_HOOKS, type TableName } from '../../core/hooks.js';
import { createCounters } from '../../core/rules/model.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { buildTable, ENGINES } from '../../core/rules/run/build.js';
import { Code, code } from '../../core/rules/run/codegen.js';
import { saveRuleset } from '../../core/rules/save.js';
import { udpPacket } from '../packets/packets.js';
import { pick, type Random, seededRandom, testSeed } from '../random.js';
import { dressPacket, packetOf, randomBytes, randomConditions, sharing, testContext } from './random.js';

const engines = suite('engines');
const CONNECTIONS = 20;

const TARGETS: Record<'mangle' | 'nat' | 'filter', readonly string[]> = {
  mangle: [
    '-j MARK --set-xmark 0x1/0xf',
    '-j MARK --xor-mark 0x11',
    '-j CONNMARK --save-mark --nfmask 0xff --ctmask 0xf0 --left-shift-mark 2',
    '-j CONNMARK --restore-mark --right-shift-mark 1',
    '-j CONNMARK --set-xmark 0x80000001/0x3 --right-shift-mark 3',
    '-j ACCEPT',
    '-j DROP',
  ],
  nat: ['-j ACCEPT', '-j LOG --log-prefix "n `x` "'],
  filter: ['-j ACCEPT', '-j DROP', '-j REJECT', '-j REJECT --reject-with icmp-host-prohibited', '-j LOG --log-level 7'],
};

function randomTable(random: Random, name: keyof typeof TARGETS): string {
  const users = ['a', 'b', 'c', 'd'];
  const lines = [`*${name}`, ...users.map((user) => `:${user} - [0:0]`)];
  const hooks = TABLE_HOOKS[name];
  if (name !== 'nat')
    for (const hook of hooks) lines.push(`:${HOOK_NAMES[hook]} ${pick(random, ['ACCEPT', 'DROP'])} [0:0]`);
  const chains = [
    ...hooks.map((hook): [string, Hook, number] => [HOOK_NAMES[hook], hook, 0]),
    ...users.map((user, i): [string, Hook, number] => [user, 2, i + 1]),
  ];
  for (const [chain, hook, level] of chains) {
    for (let i = random(12); i > 0; i--) {
      const later = users.slice(level);
      const targets = [
        '',
        '-j RETURN',
        ...TARGETS[name],
        ...later.map((user) => `-j ${user}`),
        ...later.map((user) => `-g ${user}`),
      ];
      // User chains are reached from all hooks, so their rules have no interfaces.
      const conditions =
        level === 0 ? randomConditions(random, hook) : randomConditions(random, hook).replace(/(! )?-[io] \S+ /g, '');
      lines.push(`-A ${chain} ${conditions}${pick(random, targets)}`);
    }
  }
  return [...lines, 'COMMIT', ''].join('\n');
}

engines('agree on random packets and rules: verdicts, counters, marks, requests of targets', () => {
  const seed = testSeed();
  console.log(`seed ${seed}`);
  for (let round = 0; round < 60; round++) {
    const random = seededRandom(seed + round);
    const name = pick(random, ['mangle', 'nat', 'filter'] as const);
    const text = randomTable(random, name);
    const table = parseRuleset(text, 'random', { backend: pick(random, ['legacy', 'nft']) }).tables[0];
    const runs = (['interpreter', 'compiled'] as const).map((engine) => {
      // Each engine has its own host with the same connections.
      const context = { ...testContext(seededRandom(seed + round), CONNECTIONS), shared: sharing() };
      const counters = createCounters(table);
      return { context, counters, program: buildTable(table, context, counters, engine) };
    });
    for (let i = 0; i < 150; i++) {
      const bytes = randomBytes(random);
      const hook = pick(random, TABLE_HOOKS[name]);
      const dress = random(1_000_000);
      const fragmentOffset = pick(random, [0, 0, 0, 0, 0, 0, 0, 8, 16]);
      const cut = random(10) === 0 ? random(bytes.length - 20) : 0;
      const outcomes = runs.map(({ program, context }) => {
        const packet = packetOf(bytes);
        packet.view.setUint16(6, fragmentOffset / 8);
        packet.available -= cut;
        packet.reload();
        dressPacket(packet, seededRandom(dress), hook, CONNECTIONS);
        const verdict = program.run(packet, hook);
        return { verdict, mark: packet.mark, asked: context.asked.splice(0) };
      });
      assert.equal(outcomes[1], outcomes[0], `seed ${seed}, round ${round}, packet ${i}\n${text}`);
    }
    const [interpreted, compiled] = runs;
    assert.equal(
      [...compiled.counters.rules],
      [...interpreted.counters.rules],
      `seed ${seed}, round ${round}\n${text}`,
    );
    assert.equal([...compiled.counters.policies], [...interpreted.counters.policies]);
    assert.equal(compiled.context.conntrack.usedWords, interpreted.context.conntrack.usedWords);
    const all = runs.map(({ counters }) =>
      saveRuleset(
        { fileName: '', family: 'ipv4', tables: [table], warnings: [] },
        new Map([[table.name as TableName, counters]]),
      ),
    );
    assert.is(all[1], all[0]);
  }
});

engines('a long chain, cut into pieces or split, counts, returns and goes on as one', () => {
  const rules = Array.from({ length: 2000 }, (_, i) => `-A u -s 10.0.${i >> 8}.${i & 255}/32 -j RETURN`);
  const text = [
    '*filter',
    ':u - [0:0]',
    '-A INPUT -j u',
    '-A INPUT -j DROP',
    ...rules,
    '-A u -j ACCEPT',
    'COMMIT',
    '',
  ].join('\n');
  const table = parseRuleset(text, 'long').tables[0];
  for (const engine of ENGINES) {
    const counters = createCounters(table);
    const program = buildTable(table, testContext(seededRandom(1), 1), counters, engine);
    const bytes = udpPacket({ source: '10.0.5.1', destination: '1.1.1.1', sport: 0, dport: 0 });
    assert.is(program.run(packetOf(bytes), 1), 2, 'rule 1282 returns, the base chain drops');
    assert.is(counters.rules[2 * (2 + 1281)], 1);
    assert.is(counters.rules[2 * (2 + 1281) + 1], 28);
    assert.is(counters.rules[2 * 1], 1);
    bytes[14] = 99;
    assert.is(program.run(packetOf(bytes), 1), 1, 'no rule returns, the last one accepts');
    assert.is(counters.rules[2 * 2002], 1);
  }
});

engines(
  'hostile comments, prefixes, chains and interfaces load, run and save, and nothing of them becomes code',
  () => {
    const leak = 'globalThis.leaked=1';
    const texts = [
      `\`\${${leak}}\``,
      `";${leak};//`,
      `*/${leak}/*`,
      `\u2028${leak}\u2029`,
      '__proto__',
      'constructor',
      'é\\u0000',
      `'+${leak}+'`,
      'x'.repeat(250),
    ];
    for (const text of texts) {
      const quoted = `"${text.replace(/["\\]/g, '\\$&')}"`;
      const name = text.replace(/[\s"\\]/g, '').slice(0, 9);
      const file = [
        '*filter',
        `:${name} - [0:0]`,
        `-A INPUT -i ${name} -m comment --comment ${quoted} -j ${name}`,
        `-A INPUT ! -i ${name} -m comment --comment ${quoted} -j ${name}`,
        `-A ${name} -m comment --comment ${quoted} -j LOG --log-prefix ${quoted}`,
        `-A ${name} -g ${name}2`,
        'COMMIT',
        '',
      ]
        .join('\n')
        .replace('*filter\n', `*filter\n:${name}2 - [0:0]\n`);
      const ruleset = parseRuleset(file, 'hostile');
      const saved = saveRuleset(ruleset);
      assert.is(saveRuleset(parseRuleset(saved, 'again')), saved, 'what was saved is read as it was meant');
      const counters = createCounters(ruleset.tables[0]);
      const context = { ...testContext(seededRandom(1), 1), interfaceNames: [name] };
      const packet = packetOf(randomBytes(seededRandom(4)));
      for (const engine of ENGINES) {
        packet.inDev = 0;
        buildTable(ruleset.tables[0], context, counters, engine).run(packet, 1);
        packet.inDev = -1;
        buildTable(ruleset.tables[0], context, counters, engine).run(packet, 1);
      }
      assert.is(counters.rules[0], ENGINES.length, 'by the interface');
      assert.is(counters.rules[2], ENGINES.length, 'by none');
      assert.is(context.asked.length, 2 * ENGINES.length, 'logged each time');
    }
    assert.is('leaked' in globalThis, false);
  },
);

engines('the code template accepts only finite numbers and code', () => {
  assert.is(code`a + ${-5} + ${code`b`}`.text, 'a + (-5) + b');
  for (const bad of ['1', Number.NaN, Number.POSITIVE_INFINITY, {}, { text: 'x' }, null, undefined, new String('x')]) {
    assert.throws(() => code`${bad as number}`, TypeError);
  }
  assert.throws(() => new Code(Symbol('code'), 'x'), TypeError);
});

engines.run();
