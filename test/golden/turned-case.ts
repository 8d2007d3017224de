/** Cases with rules taken out or turned round, in all files of rules that they have. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { CountedDecider } from '../../codecs/expectation/expectation.js';
import { namesIn } from '../../io/path.js';
import { type GoldenCase, readCase } from '../../replay/golden-case.js';

const RULES_FILE = /^rules(?:-\d+)?\.v4$/;

/** A line of a file of rules, or nothing in its place. TABLE: in which it stands. */
type Edit = (line: string, table: string) => string | undefined;

/** The case in DIR with what DECIDER names turned round: rules that let packets through drop them, and the reverse. */
export function withDeciderTurned(dir: string, decider: CountedDecider, into: string): GoldenCase {
  let found = 0;
  const golden = edited(dir, into, (line, table) => {
    if (table !== decider.table || !isNamed(line, decider)) return line;
    found++;
    return decider.kind === 'policy' ? turned(line) : ruleTurned(line);
  });
  assert.ok(found > 0, dir);
  return golden;
}

function isNamed(line: string, decider: CountedDecider): boolean {
  if (decider.kind === 'policy') return line.startsWith(`:${decider.chain} `);
  return decider.kind === 'words' && line.startsWith(`-A ${decider.chain} `) && line.includes(decider.words);
}

/** The case in DIR without any rule, and with all policies at ACCEPT. */
export function withoutRules(dir: string, into: string): GoldenCase {
  return edited(dir, into, (line) => (line.startsWith('-A ') ? undefined : line.replace(' DROP ', ' ACCEPT ')));
}

/** The case in DIR with all policies turned round but those of nat, where DROP is not possible. */
export function withPoliciesTurned(dir: string, into: string): GoldenCase {
  return edited(dir, into, (line, table) => (table !== 'nat' && line.startsWith(':') ? turned(line) : line));
}

/** The case in DIR with rules at the end of filter's chains that decide in place of the policies, with ACCEPT. */
export function withLastRules(dir: string, into: string): GoldenCase {
  const rules = ['INPUT', 'FORWARD', 'OUTPUT'].map((chain) => `-A ${chain} -j ACCEPT\n`).join('');
  return edited(dir, into, (line, table) => (table === 'filter' && line === 'COMMIT' ? `${rules}${line}` : line));
}

/** The case in DIR without one of its rules, for each of them. */
export function* withoutEachRule(dir: string, parent: string): Generator<GoldenCase> {
  const rules = filesOf(dir).flatMap((name) => readFileSync(join(dir, name), 'utf8').match(/^-A .*$/gm) ?? []);
  for (const [i, rule] of [...new Set(rules)].entries())
    yield edited(dir, join(parent, `rule-${i}`), (line) => (line === rule ? undefined : line));
}

const filesOf = (dir: string): string[] => namesIn(dir).filter((name) => RULES_FILE.test(name));

/** The line of a rule, with the other verdict. */
function ruleTurned(line: string): string {
  const [, before, target] = /^(.*) -j (ACCEPT|DROP|REJECT)(?: .*)?$/.exec(line) ?? [];
  assert.ok(before !== undefined, line);
  return `${before} -j ${target === 'ACCEPT' ? 'DROP' : 'ACCEPT'}`;
}

/** The line of a chain, with its other policy. */
function turned(line: string): string {
  return line.replace(/ (ACCEPT|DROP) /, (_, policy) => (policy === 'DROP' ? ' ACCEPT ' : ' DROP '));
}

function edited(dir: string, into: string, edit: Edit): GoldenCase {
  cpSync(dir, into, { recursive: true });
  for (const name of filesOf(dir)) {
    let table = '';
    const lines = readFileSync(join(dir, name), 'utf8').split('\n');
    const kept = lines.map((line) => {
      if (line.startsWith('*')) table = line.slice(1);
      return edit(line, table);
    });
    writeFileSync(join(into, name), kept.filter((line) => line !== undefined).join('\n'));
  }
  return readCase(into);
}
