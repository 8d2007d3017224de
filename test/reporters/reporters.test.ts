/**
 * Reports for people, JSON and the terse one; which reporters are chosen; and files, which appear as a whole or not.
 */
import { spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseCommand } from '../../cli/args.js';
import { REPORTER } from '../../cli/commands/reporter.js';
import { reportersOf } from '../../cli/reporters/choose.js';
import { JsonReporter } from '../../cli/reporters/json.js';
import type { Reporter } from '../../cli/reporters/model.js';
import { PrettyReporter } from '../../cli/reporters/pretty.js';
import { TerseReporter } from '../../cli/reporters/terse.js';
import { styleOf } from '../../explain/text/style.js';
import { caseOf, failed, hostileCases, LAYOUT, passed, reportOf } from './samples.js';

const Reporters = suite('reporters');

let dir = '';
Reporters.before.each(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-test-'));
});
Reporters.after.each(() => rmSync(dir, { recursive: true }));

const ESCAPE = '\x1b';
const SPEC = { name: 'check', summary: '', usages: [], options: [REPORTER], examples: [] };

function chosen(options: readonly string[], env: NodeJS.ProcessEnv = {}): Required<Reporter> {
  const args = options.flatMap((option) => ['--reporter', option]);
  return reportersOf(parseCommand(SPEC, args), { names: new Map(), env });
}

const schema = JSON.parse(readFileSync('docs/schema/check.schema.json', 'utf8'));
const validate = new Ajv2020({ allErrors: true, strictTypes: false, strictRequired: false }).compile(schema);

Reporters('json: valid, nothing is lost', () => {
  const cases = [...hostileCases(), caseOf([passed('fine')], { extent: { frames: 1, rules: 2, connections: 3 } })];
  const text = reportOf((out) => new JsonReporter(out, LAYOUT), cases);
  assert.not.match(text, /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u);
  assert.ok(validate(JSON.parse(text)), JSON.stringify(validate.errors, null, 1));
  const json = JSON.parse(text);
  assert.is(json.cases.length, cases.length);
  cases.forEach(({ dir, tests, warnings, error }, i) => {
    const found = json.cases[i];
    assert.equal([found.case, found.warnings, found.error], [dir, warnings, error]);
    tests.forEach(({ name, message, place, decidedBy, details }, at) => {
      const { name: foundName, message: foundMessage, place: foundPlace, decidedBy: by } = found.tests[at];
      assert.equal([foundName, foundMessage, foundPlace, by], [name, message, place, decidedBy]);
      assert.equal(found.tests[at].details, details?.(LAYOUT));
    });
  });
  assert.equal([json.passed, json.failed, json.errors], [65, 32, 32]);
  json.cases[0].tests[0].unknown = 1;
  assert.not.ok(validate(json));
});

Reporters('terse: five columns a line, whatever the names', () => {
  const one = caseOf([passed('answers'), failed('is\trefused')], { error: { message: 'cut', exitCode: 4 } });
  assert.is(
    reportOf((out) => new TerseReporter(out), [one]),
    `ok\tcases/redis\tcases/redis/expect.yaml:9\tanswers\t
failed\tcases/redis\tcases/redis/expect.yaml:4\tis\\x09refused\texpected accepted, found dropped
error\tcases/redis\t\tthe case can be replayed\tcut
`,
  );
  // The file is there.
  const placed = caseOf([], { error: { message: 'package.json:3:5: cut\npackage.json:4:1: too', exitCode: 2 } });
  assert.is(
    reportOf((out) => new TerseReporter(out), [placed]),
    'error\tcases/redis\tpackage.json:3\tthe case can be replayed\tpackage.json:3:5: cut; package.json:4:1: too\n',
  );
  const cases = hostileCases();
  const lines = reportOf((out) => new TerseReporter(out), cases)
    .trimEnd()
    .split('\n');
  assert.is(lines.length, cases.flatMap(({ tests }) => tests).length + cases.filter(({ error }) => error).length);
  assert.ok(lines.every((line) => line.split('\t').length === 5));
});

const pretty = (cases: Parameters<typeof reportOf>[1], layout = LAYOUT, tellsAll = false) =>
  reportOf((out) => new PrettyReporter(out, layout, { tellsAll }), cases);

Reporters('pretty: all tests of a single case, of several the failed ones', () => {
  const extent = { frames: 18, rules: 1234, connections: 1 };
  const good = caseOf([passed('answers'), passed('golden captures')], {
    dir: 'cases/other',
    extent,
    notes: ['met 0 packets'],
  });
  const bad = caseOf(
    [
      passed('answers'),
      failed('is refused', {
        decidedBy: { file: 'cases/redis/rules.v4', line: 41 },
        details: () => ['dropped', '', '  by'],
      }),
    ],
    {
      notes: ['met 3 packets'],
    },
  );
  const broken = caseOf([], { dir: 'cases/x', error: { message: 'cases/x/rules.v4:3: unknown', exitCode: 2 } });
  assert.is(
    pretty([good]),
    `ok      cases/other  2 tests, 18 packets, 1,234 rules, 1 connection
  ok  answers
  ok  golden captures
  met 0 packets
2 passed, 0 failed
`,
  );
  assert.is(
    pretty([good, bad, broken]),
    `ok      cases/other  2 tests, 18 packets, 1,234 rules, 1 connection
failed  cases/redis  1 of 2 tests
  met 3 packets

  is refused
    cases/redis/expect.yaml:4, decided by cases/redis/rules.v4:41
    expected accepted, found dropped

    dropped

      by

error   cases/x      could not be replayed
1 case could not be replayed
3 cases: 3 passed, 1 failed
`,
  );
  assert.match(pretty([broken], LAYOUT, true), /could not be replayed\n {2}cases\/x\/rules\.v4:3: unknown\n/);
});

Reporters('pretty: fits every width, with and without colours, and prints no control character of others', () => {
  const trace = (width: number) => ['x'.repeat(width)];
  const cases = [
    ...hostileCases().map((one) => ({
      ...one,
      tests: one.tests.map(({ details, ...test }) => ({
        ...test,
        ...(details === undefined ? {} : { details: ({ width }: { width: number }) => trace(width) }),
      })),
    })),
    caseOf([passed('fine')], { dir: `cases/${'long/'.repeat(30)}` }),
  ];
  for (const width of [40, 60, 80, 120, 200]) {
    const plain = pretty(cases, { ...LAYOUT, width }, true);
    for (const line of plain.split('\n')) assert.ok(line.length <= width, `${width}: ${line}`);
    assert.not.match(plain, /[^\n\P{Cc}]/u);
    const coloured = pretty(cases, { ...LAYOUT, width, style: styleOf({ isTTY: true }, 'always') }, true);
    assert.ok(coloured.includes(`${ESCAPE}[31m`));
    assert.is(coloured.replace(new RegExp(`${ESCAPE}\\[\\d+m`, 'g'), ''), plain);
  }
});

Reporters('--reporter: names, and where they print', () => {
  const refused = (options: readonly string[], pattern: RegExp) => assert.throws(() => chosen(options), pattern);
  refused(['jnuit'], /--reporter jnuit: expected one of pretty, tap, junit, .*did you mean .*junit/s);
  refused(['jnuit=x.xml'], /did you mean .*junit/s);
  refused(['junit='], /expected the name of a file after =/);
  refused(['tap', 'json'], /--reporter tap and --reporter json both print to standard output; .*--reporter json=FILE/);
  refused(['tap', 'tap'], /both print to standard output/);
  refused(['tap=-', 'github'], /both print to standard output/);
  refused(['pretty', 'github', 'terse'], /both print to standard output/);
  chosen(['pretty', 'github']).discard();
  chosen([]).discard();
});

Reporters('--reporter: what files and other programs get does not depend on the width of a terminal', () => {
  const { COLUMNS } = process.env;
  const widths: number[] = [];
  try {
    process.env.COLUMNS = '50';
    const names = ['tap', 'junit', 'json', 'pretty'];
    const reporters = chosen(names.map((name) => `${name}=${join(dir, name)}`));
    const details = ({ width }: { width: number }) => [String(widths.push(width))];
    reporters.finished(caseOf([failed('is refused', { details })]));
    reporters.discard();
  } finally {
    if (COLUMNS === undefined) delete process.env.COLUMNS;
    else process.env.COLUMNS = COLUMNS;
  }
  // First what is printed for people; they get four blanks before each line.
  assert.equal(widths, [46, 100, 100, 100, 96]);
});

Reporters('--reporter: files appear at the end, or stay as they were', () => {
  const file = (name: string) => join(dir, name);
  writeFileSync(file('tap'), 'old');
  const run = (options: readonly string[]) => {
    const reporters = chosen([`terse=${file('terse')}`, ...options]);
    reporters.begin(['cases/redis']);
    reporters.finished(caseOf([passed('answers')]));
    return reporters;
  };
  const early = run([`tap=${file('tap')}`]);
  assert.is(readFileSync(file('tap'), 'utf8'), 'old');
  early.discard();
  early.discard();
  assert.equal(readdirSync(dir), ['tap']);
  const whole = run([`tap=${file('tap')}`, `junit=${file('j.xml')}`, `json=${file('c.json')}`, `pretty=${file('p')}`]);
  whole.end();
  whole.discard();
  assert.equal(readdirSync(dir).sort(), ['c.json', 'j.xml', 'p', 'tap', 'terse']);
  assert.match(readFileSync(file('tap'), 'utf8'), /^TAP version 14\n.*\n1\.\.1\n$/);
  assert.match(readFileSync(file('p'), 'utf8'), /1 passed, 0 failed\n$/);
});

Reporters('--reporter: the same file twice, and files that cannot be written, before anything is replayed', () => {
  const file = (name: string) => join(dir, name);
  const refused = (options: readonly string[], pattern: RegExp) => assert.throws(() => chosen(options), pattern);
  refused([`tap=${file('a')}`, `json=${dir}/./a`], /--reporter json=.* would write the same file as --reporter tap=/);
  writeFileSync(file('a'), 'old');
  symlinkSync('a', file('b'));
  linkSync(file('a'), file('c'));
  refused([`tap=${file('a')}`, `json=${file('b')}`], /the same file/);
  refused([`tap=${file('a')}`, `json=${file('c')}`], /the same file/);
  mkdirSync(file('folder'));
  refused([`terse=${file('new')}`, `json=${file('folder')}`], /folder is not a file; expected a file, or nothing/);
  assert.not(existsSync(file('new')));
  refused([`json=${dir}/none/a`], /none\/a cannot be written: there is no folder .*none/);
  assert.is(readFileSync(file('a'), 'utf8'), 'old');
  assert.equal(readdirSync(dir).sort(), ['a', 'b', 'c', 'folder']);
});

Reporters(
  'the command: all reports of one run agree, and a file that cannot be written is told before anything else',
  () => {
    const check = (...args: string[]) =>
      spawnSync(process.execPath, ['dist/cli/main.js', 'check', ...args], { encoding: 'utf8' });
    const cases = join(dir, 'cases');
    for (const name of ['docker', 'hairpin']) cpSync(join('pcaps', name), join(cases, name), { recursive: true });
    writeFileSync(
      join(cases, 'docker', 'expect.yaml'),
      `expect:
  - { it: 'a "closed" port # 1', send: 'eth0 tcp 203.0.113.7:51515 > 192.0.2.10:8081 S', ends: accepted }
  - { it: SSH, send: 'eth0 tcp 203.0.113.7:51515 > 192.0.2.10:22 S', ends: accepted }
`,
    );
    writeFileSync(join(cases, 'hairpin', 'rules.v4'), 'no rules');
    const file = (name: string) => join(dir, name);
    const options = ['tap', 'junit', 'json', 'terse', 'pretty'].flatMap((name) => [
      '--reporter',
      `${name}=${file(name)}`,
    ]);
    const { status, stderr } = check(...options, cases);
    assert.is(status, 2);
    assert.match(stderr, /hairpin\/rules\.v4:1/);
    const read = (name: string) => readFileSync(file(name), 'utf8');
    const json = JSON.parse(read('json'));
    assert.ok(validate(JSON.parse(read('json'))), JSON.stringify(validate.errors, null, 1));
    assert.equal([json.passed, json.failed, json.errors], [2, 1, 1]);
    const [found] = json.cases[0].tests.filter((test: { status: string }) => test.status === 'failed');
    assert.equal([found.name, found.place.line], ['a "closed" port # 1', 2]);
    assert.match(found.decidedBy.file, /docker\/rules\.v4$/);
    assert.equal(read('terse').match(/^\w+/gm)!.sort(), ['error', 'failed', 'ok', 'ok']);
    assert.equal(
      read('tap')
        .match(/^(not )?ok/gm)!
        .sort(),
      ['not ok', 'not ok', 'ok', 'ok'],
    );
    assert.equal(
      read('junit')
        .match(/<(failure|error|testcase) /g)!
        .sort(),
      [...['<error ', '<failure '], ...Array(4).fill('<testcase ')],
    );
    assert.match(read('pretty'), /2 cases: 2 passed, 1 failed\n$/);

    const unwritable = check('--reporter', `tap=${file('none')}/tap`, '--reporter', `terse=${file('new')}`, cases);
    assert.equal([unwritable.status, unwritable.stdout], [4, '']);
    assert.not(existsSync(file('new')));
    const twice = check('--reporter', `tap=${file('new')}`, '--reporter', `terse=${file('new')}`, cases);
    assert.equal([twice.status, twice.stdout], [2, '']);
    assert.is(check('--reporter', 'tpa', cases).status, 2);
  },
);

Reporters('--watch: a report that is written into a case is no change of it', async () => {
  const golden = join(dir, 'case');
  cpSync('pcaps/hairpin', golden, { recursive: true });
  const words = ['check', '--watch', '--reporter', `tap=${join(golden, 'tap')}`, golden];
  const child = spawn(process.execPath, ['dist/cli/main.js', ...words], { stdio: ['ignore', 'ignore', 'pipe'] });
  let rounds = 0;
  for await (const text of child.stderr.setEncoding('utf8')) {
    rounds += String(text).match(/watching 1 case/g)?.length ?? 0;
    // Longer than it takes to notice a change.
    if (rounds === 1) setTimeout(() => child.kill('SIGINT'), 1500);
    if (rounds > 1) child.kill('SIGKILL');
  }
  assert.is(rounds, 1);
  assert.match(readFileSync(join(golden, 'tap'), 'utf8'), /\n1\.\.1\n$/);
});

Reporters.run();
