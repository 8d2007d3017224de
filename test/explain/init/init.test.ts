/** What init writes holds at once, and fails when a rule is removed that did something. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readExpectation } from '../../../codecs/expectation/read-expectation.js';
import { Verdict } from '../../../core/hooks.js';
import type { Rule } from '../../../core/rules/model.js';
import { saveRule } from '../../../core/rules/save.js';
import type { ClaimResult } from '../../../explain/expect/claim-result.js';
import { judge } from '../../../explain/expect/judging.js';
import { initCase } from '../../../explain/init/init-case.js';
import { ReplayOptionsError } from '../../../replay/errors.js';
import { optionsOf, readCase } from '../../../replay/golden-case.js';
import { type ReplayOptions, replay } from '../../../replay/replay.js';
import { loadSetting } from '../../../replay/setting.js';
import { pcap } from '../../codecs/capture-files.js';
import { pick, seededRandom, testSeed } from '../../random.js';
import { ARCHIVE_SUFFIX, unpackCases, writeCaseFolder } from '../../recorded/case-archive.js';

const Init = suite('init');

let dir = '';
let serial = 0;
Init.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-init-'));
});
Init.after(() => rmSync(dir, { recursive: true }));

/** Writes the case of OPTIONS; returns its folder. */
function written(options: ReplayOptions, more: { most?: number; isGolden?: boolean } = {}): string {
  const out = join(dir, `${serial++}`);
  const steps = initCase(out, options, { most: 50, isGolden: false, ...more });
  while (!steps.next().done);
  return out;
}

function judged(out: string, rulesPath?: string): ClaimResult[] {
  const text = readFileSync(join(out, 'expect.yaml'), 'utf8');
  const options = optionsOf(readCase(out));
  return judge({ ...options, ...(rulesPath === undefined ? {} : { rulesPath }) }, (names) =>
    readExpectation(text, 'expect.yaml', names),
  );
}

function refuseUnmet(results: readonly ClaimResult[]): void {
  const unmet = results.filter(({ isMet }) => !isMet);
  assert.equal(
    unmet.map(({ claim, problems }) => [claim.name, problems]),
    [],
  );
}

/** The rules of OPTIONS that did something with packets: other than to jump, and to return. */
function rulesMet(options: ReplayOptions): Rule[] {
  const { tables } = loadSetting(options).ruleset;
  return replay(options).rules.flatMap(({ table, chain, number, until }) => {
    const rules = tables.find(({ name }) => name === table)?.rules ?? [];
    const rule = rules.find((one) => one.chain === chain && one.number === number);
    if (rule === undefined || until !== undefined) return [];
    const { target } = rule;
    const isIdle = target.kind === 'verdict' && target.verdict === Verdict.RETURN;
    // Without words and a target of its own, a rule only counts.
    const isPlain = target.kind === 'none' && saveRule(rule) === '';
    return isPlain || isIdle || target.kind === 'jump' || target.kind === 'goto' ? [] : [rule];
  });
}

/** Checks that each claim of the case OUT holds, and that no rule that did something can be removed unnoticed. */
function checkRemovals(out: string): number {
  const { rules, unnoticed } = removals(out);
  assert.equal(unnoticed, [], 'nothing notices that these rules are removed');
  return rules;
}

/** How many RULES of the case OUT did something, and the lines of those that can be removed UNNOTICED. */
function removals(out: string): { readonly rules: number; readonly unnoticed: readonly string[] } {
  refuseUnmet(judged(out));
  const options = optionsOf(readCase(out));
  const { hostRules } = loadSetting(options);
  const text = hostRules?.text ?? readFileSync(options.rulesPath!, 'utf8');
  const lines = text.split('\n');
  const removed = join(dir, 'removed.v4');
  const rules = rulesMet(options).filter(({ file }) => file === (hostRules?.path ?? options.rulesPath));
  const unnoticed: string[] = [];
  for (const rule of rules) {
    const line = lines[rule.line - 1] ?? '';
    assert.match(line, `-A ${rule.chain}`);
    writeFileSync(removed, lines.filter((_, i) => i !== rule.line - 1).join('\n'));
    if (judged(out, removed).every(({ isMet }) => isMet)) unnoticed.push(line);
  }
  return { rules: rules.length, unnoticed };
}

const GOLDEN = [
  'docker',
  'article',
  'redirect',
  'notrack',
  'marks-choose-the-uplink',
  'log',
  'tee',
  'ban-while-connected',
];

for (const name of GOLDEN) {
  Init(`${name}: every claim holds, and no rule that did something can be removed unnoticed`, () => {
    const { within: _, ...options } = optionsOf(readCase(join('pcaps', name)));
    assert.ok(checkRemovals(written(options)) >= 1);
  });
}

const RECORDED = 'test/recorded';
const RANDOM_CASES = 4;
/** What is left of a claim that does not hold in full may not tell of the rule: one of so many rules at most. */
const RULES_A_MISS = 6;
const NOTHING_TO_CLAIM = /there is nothing to claim/;

Init('random rulesets and traffic', () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const archives = readdirSync(RECORDED).filter((name) => name.endsWith(ARCHIVE_SUFFIX));
  let rules = 0;
  const unnoticed: string[] = [];
  for (let i = 0; i < RANDOM_CASES; i++) {
    const archive = pick(random, archives);
    const one = pick(random, unpackCases(readFileSync(join(RECORDED, archive))));
    const folder = join(dir, `random-${i}`);
    const inputs = writeCaseFolder(one, folder);
    const options = { hostPath: join(folder, 'host.json'), rulesPath: join(folder, 'rules.v4'), inputs };
    try {
      const found = removals(written({ ...options, checksums: 'verify' }));
      rules += found.rules;
      unnoticed.push(...found.unnoticed.map((line) => `${archive}, case ${one.seed}: ${line}`));
    } catch (error) {
      if (error instanceof ReplayOptionsError && NOTHING_TO_CLAIM.test(error.message)) continue;
      throw new Error(`SEED=${seed}, ${archive}, case ${one.seed}: ${(error as Error).message}`);
    }
  }
  const isFew = unnoticed.length <= 1 + rules / RULES_A_MISS;
  assert.ok(isFew, `SEED=${seed}: of ${rules} rules these can be removed unnoticed: ${unnoticed.join('; ')}`);
});

Init('a snapshot and a capture that was taken with it', () => {
  const out = written({ hostPath: 'docs/walkthrough/host.txt', captures: [{ path: 'docs/walkthrough/any.pcap' }] });
  assert.equal(readdirSync(out).sort(), ['case.json', 'expect.yaml', 'host.txt', 'in']);
  assert.is(checkRemovals(out), 7);
});

Init('claims are in the words of the host: containers, its own address, services', () => {
  const real = 'test/replay/hosts/docker-article-28.5';
  const names = join(dir, 'names');
  writeFileSync(names, '172.17.0.2 redis\n');
  const out = written({ hostPath: `${real}/before`, captures: [{ path: `${real}/any.pcap` }], namesPath: names });
  const text = readFileSync(join(out, 'expect.yaml'), 'utf8');
  assert.match(text, /^names: \{ host: 192\.0\.2\.10 \}$/m);
  assert.match(
    text,
    '  - it: tcp 36379 of host leads to redis:6379 from eth0\n' +
      '    connection: eth0 tcp * > host:36379\n' +
      '    becomes: tcp * > redis:6379 out docker0\n' +
      '    ends: accepted\n' +
      '    by: filter DOCKER "--dport 6379"\n',
  );
  assert.not.match(text, /^.{121,}$/m);
});

Init('at most so many claims of a kind, and how many more there are', () => {
  const { within: _, ...options } = optionsOf(readCase('pcaps/docker'));
  const text = readFileSync(join(written(options, { most: 1 }), 'expect.yaml'), 'utf8');
  assert.is(text.match(/^ {4}ends: rejected$/gm)?.length, 1);
  assert.match(text, /# What is refused, and its sender told so\. 1 more kind left out/);
});

Init('golden captures, too, if they are asked for', () => {
  const { within: _, ...options } = optionsOf(readCase('pcaps/redirect'));
  const out = written(options, { isGolden: true });
  assert.ok(readdirSync(join(out, 'want')).includes('rules.v4'));
});

Init('where no packet gets in there is nothing to claim, and nothing is left', () => {
  mkdirSync(join(dir, 'empty'));
  const empty = join(dir, 'empty/eth0.pcap');
  writeFileSync(empty, pcap());
  const { within: _, ...options } = optionsOf(readCase('pcaps/docker'));
  const write = () => written({ ...options, inputs: [{ iface: 'eth0', path: empty }] });
  assert.throws(write, (error: Error) => error instanceof ReplayOptionsError && /nothing to claim/.test(error.message));
  assert.equal(
    readdirSync(dir).filter((name) => name.startsWith('.')),
    [],
  );
});

Init.run();
