/** Damaged cases: whatever their files hold, a case fails, passes, or says in one error what is wrong with it. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { caseAt, errorIn } from '../../cli/check/found-cases.js';
import { checkedCase } from '../../cli/check/run-case.js';
import { PLAIN } from '../../explain/text/style.js';
import { pick, type Random, seededRandom, testSeed } from '../random.js';

const COUNT = Number(process.env.COUNT ?? 60);
/** What is wrong with a case, and what is not supported. */
const CODES: readonly number[] = [2, 3, 4];

const Damaged = suite('damaged cases');

const EXPECTATION = `names: { client: 203.0.113.7, host: 192.0.2.10, redis: 172.17.0.3 }
expect:
  - it: the published Redis answers
    connection: tcp client > host:36379 in eth0
    becomes: tcp client > redis:6379 out docker0
    ends: accepted
    by: filter DOCKER "--dport 6379"
  - it: an unpublished port is refused
    send: eth0 tcp client:51515 > host:8081 S
    ends: rejected
    answer: icmp host-prohibited
  - never: tcp * > 172.17.0.0/16:22 in eth0
  - send: reply
    after: an unpublished port is refused
  - counters: { filter FORWARD 2: ">= 1 packet" }
`;
const OPTIONS = { options: ['--at', 'n9=iptables -I FORWARD -j ACCEPT', '--seed', '3', '--rules', 'new.v4', '--lax'] };

Damaged('none is taken for a fault of nfreplay', () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const parent = mkdtempSync(join(tmpdir(), 'nfreplay-damaged-'));
  const whole = join(parent, 'whole');
  const dir = join(parent, 'case');
  cpSync('pcaps/docker', whole, { recursive: true });
  cpSync(join(whole, 'rules.v4'), join(whole, 'new.v4'));
  rmSync(join(whole, 'rules.v4'));
  writeFileSync(join(whole, 'expect.yaml'), EXPECTATION);
  writeFileSync(join(whole, 'case.json'), JSON.stringify(OPTIONS));
  try {
    const codes = new Map<number, number>();
    for (let i = 0; i <= COUNT; i++) {
      rmSync(dir, { recursive: true, force: true });
      cpSync(whole, dir, { recursive: true });
      const said = i === 0 ? '' : damage(dir, random);
      const code = outcomeOf(dir);
      codes.set(code, (codes.get(code) ?? 0) + 1);
      const isKnown = code === 0 || code === 1 || CODES.includes(code);
      assert.ok(isKnown, `SEED=${seed}, case ${i}: exit code ${code} after ${said}`);
      assert.ok(i > 0 || code <= 1, 'the whole case can be replayed');
    }
    assert.ok(codes.size > 2, 'some are refused, some are not');
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
});

/** The exit code of the case in DIR, with all that is told of it. */
function outcomeOf(dir: string): number {
  const { golden, error } = caseAt(dir);
  try {
    if (golden === undefined) throw error;
    const { tests } = checkedCase(golden, { top: 3, names: new Map() });
    for (const test of tests) test.details?.({ width: 80, style: PLAIN, names: new Map() });
    return tests.every(({ status }) => status === 'passed') ? 0 : 1;
  } catch (error) {
    const { message, exitCode } = errorIn(dir, error);
    assert.match(message, 'case', 'it names the case');
    if (exitCode === 70) console.error(error);
    return exitCode;
  }
}

/** Damages one to three files of the case in DIR; says which. */
function damage(dir: string, random: Random): string {
  const files = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(dir, name)).isFile(),
  );
  // Of a file with a few lines each damage is one of its own kind.
  const texts = ['expect.yaml', 'expect.yaml', 'case.json', 'case.json', 'new.v4', 'host.json'];
  const damaged = Array.from({ length: 1 + random(2) }, () => pick(random, random(2) === 0 ? texts : files));
  for (const name of damaged) {
    const path = join(dir, name);
    const bytes = readFileSync(path);
    writeFileSync(path, random(3) === 0 ? changedLines(bytes, random) : changedBytes(bytes, random));
  }
  return damaged.join(', ');
}

function changedBytes(bytes: Buffer, random: Random): Buffer {
  const copy = Buffer.from(bytes);
  const at = random(Math.max(1, copy.length));
  switch (random(4)) {
    case 0:
      return copy.subarray(0, at);
    case 1:
      return Buffer.concat([copy.subarray(0, at), copy.subarray(at + 1 + random(8))]);
    case 2:
      return Buffer.concat([copy.subarray(0, at), Buffer.from(pick(random, ODD)), copy.subarray(at)]);
    default:
      for (let i = 0; i < 1 + random(4) && copy.length > 0; i++) copy[random(copy.length)] = random(256);
      return copy;
  }
}

const ODD = [
  '\0',
  '&a ',
  '*a',
  '!!str ',
  '"',
  "'",
  '\n',
  '\t',
  ': ',
  '- ',
  '{',
  ']',
  '../',
  '\ufeff',
  '9'.repeat(20),
  'é',
];

/** Lines twice, in another order, or left out. */
function changedLines(bytes: Buffer, random: Random): string {
  const lines = bytes.toString('latin1').split('\n');
  const at = random(lines.length);
  const [line] = lines.splice(at, 1);
  if (random(3) > 0) lines.splice(random(lines.length + 1), 0, line);
  if (random(3) === 0) lines.splice(random(lines.length + 1), 0, line);
  return Buffer.from(lines.join('\n'), 'latin1').toString('latin1');
}

Damaged.run();
