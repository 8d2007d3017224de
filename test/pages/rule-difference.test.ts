/** The text diff of two rulesets on a page: what it takes out and puts in makes one of the other. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { RulePicture, RulesSection } from '../../explain/report/format/model.js';
import { ruleDifferences } from '../../pages/data/rule-difference.js';
import { seededRandom, testSeed } from '../random.js';

const differences = suite('rules that differ on a page');

type Chains = Readonly<Record<string, readonly string[]>>;

/** A section with the filter table that has CHAINS, all with POLICY. */
function section(chains: Chains, policy: 'ACCEPT' | 'DROP' = 'ACCEPT'): RulesSection {
  const rules: RulePicture[] = [];
  const pictures = Object.entries(chains).map(([name, texts], chain) => {
    const numbers = texts.map((text, i) => {
      const counts = { packets: 0, bytes: 0, asked: 0 };
      return rules.push({ chain, number: i + 1, file: 'rules.v4', line: i + 1, text, ...counts }) - 1;
    });
    return { table: 'filter' as const, name, policy, packets: 0, bytes: 0, rules: numbers };
  });
  const tables = [{ table: 'filter' as const, chains: pictures.map((_, chain) => chain) }];
  return {
    rulesets: [{ name: 'rules.v4', sinceNs: 0, tables, givenUp: [] }],
    ...{ chains: pictures, rules, connectionStates: [], connectionTimeouts: [] },
  };
}

/** The lines of the only chain that differs, as `diff` writes them. */
function linesOf(old: RulesSection, other: RulesSection): string[] {
  const [chain, ...others] = ruleDifferences(old, other);
  assert.is(others.length, 0);
  return chain.lines.map((line) => {
    if ('skipped' in line) return `… ${line.skipped}`;
    const [a, b] = [line.old, line.new];
    if (a !== undefined && b !== undefined) return `  ${old.rules[a].text}`;
    return a === undefined ? `+ ${other.rules[b!].text}` : `- ${old.rules[a].text}`;
  });
}

differences('shows what was taken out and put in, with a little of what is around', () => {
  const [old, other] = [
    ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'],
    ['a', 'b', 'c', 'd', 'E', 'f', 'g', 'h', 'i'],
  ].map((FORWARD) => section({ INPUT: ['x'], FORWARD }));
  const expected = ['… 2', '  c', '  d', '- e', '+ E', '  f', '  g', '  h', '+ i'];
  assert.equal(linesOf(old, other), expected);
});

differences('knows chains that only one has, and other policies', () => {
  const [chain] = ruleDifferences(section({ INPUT: [] }), section({ INPUT: [], DOCKER: ['a'] }));
  assert.is(chain.name, 'DOCKER');
  assert.is(chain.old, undefined);
  const [policy] = ruleDifferences(section({ INPUT: ['a'] }), section({ INPUT: ['a'] }, 'DROP'));
  assert.equal([policy.old?.policy, policy.new?.policy, policy.lines], ['ACCEPT', 'DROP', [{ skipped: 1 }]]);
  assert.equal(ruleDifferences(section({ INPUT: ['a'] }), section({ INPUT: ['a'] })), []);
});

differences('each rule of either side is in the diff once, in order', () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  for (let i = 0; i < 200; i++) {
    const texts = () => Array.from({ length: random(12) }, () => 'abcd'[random(4)]);
    const [a, b] = [texts(), texts()];
    const [old, other] = [section({ INPUT: a }), section({ INPUT: b })];
    const [chain] = ruleDifferences(old, other);
    if (chain === undefined) {
      assert.equal(a, b, `seed ${seed}`);
      continue;
    }
    const count = (side: 'old' | 'new') =>
      chain.lines.reduce((sum, line) => sum + ('skipped' in line ? line.skipped : line[side] === undefined ? 0 : 1), 0);
    assert.equal([count('old'), count('new')], [a.length, b.length], `seed ${seed}`);
    for (const side of ['old', 'new'] as const) {
      const numbers = chain.lines.flatMap((line) => ('skipped' in line ? [] : (line[side] ?? [])));
      assert.equal(
        numbers,
        [...numbers].sort((x, y) => x - y),
        `seed ${seed}`,
      );
    }
    for (const line of chain.lines)
      if (!('skipped' in line) && line.old !== undefined && line.new !== undefined)
        assert.is(old.rules[line.old].text, other.rules[line.new].text, `seed ${seed}`);
  }
});

differences('thousands of rules that are all others take no time', () => {
  const many = (name: string) => section({ INPUT: Array.from({ length: 20_000 }, (_, i) => `${name}${i}`) });
  const [chain] = ruleDifferences(many('a'), many('b'));
  assert.is(chain.lines.length, 40_000);
});

differences.run();
