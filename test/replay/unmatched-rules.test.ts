// Which rules packets came to, as it follows from counters: compared with what the interpreter really asked.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { HOOK_NAMES, TABLE_HOOKS, Verdict } from '../../core/hooks.js';
import { createCounters, type Rule } from '../../core/rules/model.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { interpretTable } from '../../core/rules/run/interpret.js';
import { withStates } from '../../core/rules/run/match-state.js';
import { DECISIVE, TraceKind } from '../../core/rules/run/trace.js';
import type { DropCount } from '../../replay/drops.js';
import { unmatchedRules } from '../../replay/unmatched-rules.js';
import { pick, type Random, seededRandom, testSeed } from '../random.js';
import { dressPacket, packetOf, randomBytes, randomConditions, sharing, testContext } from '../rules/random.js';

const Unmatched = suite('rules without a match');

const CONNECTIONS = 20;
const USERS = ['a', 'b', 'c'];

function randomTable(random: Random): string {
  const lines = ['*filter', ...USERS.map((user) => `:${user} - [0:0]`)];
  const chains = [
    ...TABLE_HOOKS.filter.map((hook) => [HOOK_NAMES[hook], hook, 0] as const),
    ...USERS.map((user, i) => [user, 2, i + 1] as const),
  ];
  for (const [chain, hook, level] of chains) {
    for (let i = random(8); i > 0; i--) {
      const calls = USERS.slice(level).flatMap((user) => [`-j ${user}`, `-g ${user}`]);
      const target = pick(random, ['-j ACCEPT', '-j DROP', '-j RETURN', '', '-j LOG', ...calls]);
      const tests = randomConditions(random, hook).replace(level === 0 ? '' : /(! )?-[io] \S+ /g, '');
      lines.push(`-A ${chain} ${random(4) === 0 ? '' : tests}${target}`);
    }
  }
  return [...lines, 'COMMIT', ''].join('\n');
}

const dropsOf = (reason: 'rule' | 'rule-header', counts: ReadonlyMap<Rule, number>): DropCount[] =>
  [...counts].map(([{ chain, number }, packets]) => ({ reason, table: 'filter', chain, number, packets }) as DropCount);

Unmatched('a number of packets that counters give is the number that came to the rule', () => {
  const seed = testSeed();
  console.log(`seed ${seed}`);
  let known = 0;
  let unknown = 0;
  for (let round = 0; round < 100; round++) {
    const random = seededRandom(seed + round);
    const text = randomTable(random);
    const [declared] = parseRuleset(text, 'random').tables;
    const context = { ...testContext(random, CONNECTIONS), shared: sharing() };
    const table = withStates(declared, context);
    const counters = createCounters(table);
    const asked = table.rules.map(() => 0);
    const emit = (event: { kind: string; rule?: Rule }): void => {
      if (event.kind === 'rule') asked[event.rule!.index]++;
    };
    const program = interpretTable(table, context, counters, { emit }, declared);
    const matched = new Map<Rule, number>();
    const malformed = new Map<Rule, number>();
    for (let i = 0; i < 60; i++) {
      const packet = packetOf(randomBytes(random));
      const hook = pick(random, TABLE_HOOKS.filter);
      dressPacket(packet, random, hook, CONNECTIONS);
      counters.trace[0] = 0;
      if (program.run(packet, hook) !== Verdict.DROP) continue;
      // As the drops of a replay tell: which rule decided, and whether it matched.
      const decisive = counters.trace[DECISIVE];
      if ((decisive & 3) === TraceKind.POLICY) continue;
      const drops = (decisive & 3) === TraceKind.MATCHED ? matched : malformed;
      const rule = table.rules[decisive >> 2];
      drops.set(rule, (drops.get(rule) ?? 0) + 1);
    }
    const dropped = [...dropsOf('rule', matched), ...dropsOf('rule-header', malformed)];
    for (const { rule, asked: count } of unmatchedRules([declared], new Map([['filter', counters]]), dropped)) {
      if (count === undefined) unknown++;
      else {
        known++;
        assert.is(count, asked[rule.index], `seed ${seed}, round ${round}, line ${rule.line}\n${text}`);
      }
    }
  }
  assert.ok(known > unknown * 2, `${known} known, ${unknown} unknown`);
});

Unmatched('each rule is looked at a few times, however many chains there are', () => {
  const services = Array.from({ length: 200 }, (_, i) => `SVC-${i}`);
  const text = [
    '*filter',
    ...services.map((name) => `:${name} - [0:0]`),
    ...services.flatMap((name, i) => [`-A FORWARD -d 10.0.0.${i} -j ${name}`, `-A ${name} -j ACCEPT`]),
    'COMMIT',
    '',
  ].join('\n');
  const [table] = parseRuleset(text, 'services').tables;
  let looks = 0;
  for (const rule of table.rules) {
    const { target } = rule;
    const look = (): Rule['target'] => {
      looks++;
      return target;
    };
    Object.defineProperty(rule, 'target', { get: look });
  }
  unmatchedRules([table], new Map([['filter', createCounters(table)]]), []);
  assert.ok(looks <= 20 * table.rules.length, `${looks} looks at ${table.rules.length} rules`);
});

Unmatched.run();
