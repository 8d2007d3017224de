/** What `--reporter tap` prints is read by tap-parser, in its strict mode, as it was meant. */
import { Parser, type Result } from 'tap-parser';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { REPLAYED } from '../../cli/reporters/model.js';
import { TapReporter } from '../../cli/reporters/tap.js';
import { shown, shownLines } from '../../codecs/text.js';
import { caseOf, failed, hostileCases, LAYOUT, passed, reportOf } from './samples.js';

const Tap = suite('reporter tap');

interface Parsed {
  readonly points: readonly Result[];
  readonly comments: readonly string[];
  /** Lines that are not TAP, subtests, and what else should not be there. */
  readonly strange: readonly string[];
  readonly problems: readonly string[];
  readonly isOk: boolean;
}

function parse(text: string): Parsed {
  const points: Result[] = [];
  const comments: string[] = [];
  const strange: string[] = [];
  const parser = new Parser({ strict: true });
  parser.on('assert', (point) => points.push(point));
  parser.on('comment', (comment) => comments.push(comment.trimEnd()));
  for (const event of ['extra', 'child', 'bailout', 'pragma'] as const)
    parser.on(event, (found: unknown) => strange.push(`${event} ${String(found)}`));
  parser.end(text);
  const { results } = parser;
  const problems = (results?.failures ?? []).flatMap((failure) =>
    'tapError' in failure && failure.tapError ? [failure.tapError] : [],
  );
  return { points, comments, strange, problems, isOk: results?.ok ?? false };
}

const report = (cases: Parameters<typeof reportOf>[1]) => reportOf((out) => new TapReporter(out, LAYOUT), cases);

Tap('a point a test at top level, diagnostics for those that failed', () => {
  const text = report([
    caseOf(
      [
        passed('answers'),
        failed('is refused', {
          decidedBy: { file: 'cases/redis/rules.v4', line: 41 },
          details: () => ['dropped  by', '  rule'],
        }),
      ],
      {
        warnings: ['cut short'],
        notes: ['never met'],
      },
    ),
    caseOf([], { dir: 'cases/other', error: { message: 'cases/other/rules.v4:3: unknown option', exitCode: 2 } }),
  ]);
  assert.is(
    text,
    `TAP version 14
ok 1 - cases/redis: answers
not ok 2 - cases/redis: is refused
  ---
  message: "expected accepted, found dropped"
  at:
    file: "cases/redis/expect.yaml"
    line: 4
    column: 5
  decidedBy:
    file: "cases/redis/rules.v4"
    line: 41
  details: |2-
    dropped  by
      rule
  ...
# cases/redis: warning: cut short
# cases/redis: never met
not ok 3 - cases/other: ${REPLAYED}
  ---
  message: "cases/other/rules.v4:3: unknown option"
  exitCode: 2
  ...
1..3
`,
  );
  const { points, strange, isOk } = parse(text);
  assert.not(isOk);
  assert.equal(strange, []);
  assert.equal(points[1].diag, {
    message: 'expected accepted, found dropped',
    at: { file: 'cases/redis/expect.yaml', line: 4, column: 5 },
    decidedBy: { file: 'cases/redis/rules.v4', line: 41 },
    details: 'dropped  by\n  rule',
  });
  assert.ok(parse(report([caseOf([passed('answers')])])).isOk);
  // The file is there.
  const message = 'package.json:3:5: unknown';
  const [faulty] = parse(report([caseOf([], { error: { message, exitCode: 2, isExpectation: true } })])).points;
  assert.is(faulty.name, 'cases/redis: expect.yaml can be read');
  assert.equal(faulty.diag, { message, at: { file: 'package.json', line: 3, column: 5 }, exitCode: 2 });
});

Tap('no name, message or trace can be taken for anything else', () => {
  const cases = hostileCases();
  const { points, strange, comments, problems } = parse(report(cases));
  assert.equal(strange, []);
  assert.equal(problems, []);
  const wanted = cases.flatMap(({ dir, tests, error }) => [
    ...tests.map(({ name, status }) => ({ name: `${dir}: ${name}`, ok: status === 'passed' })),
    ...(error === undefined ? [] : [{ name: `${dir}: ${REPLAYED}`, ok: false }]),
  ]);
  assert.is(points.length, wanted.length);
  wanted.forEach(({ name, ok }, i) => {
    const { name: read, ok: isOk, skip, todo, time } = points[i];
    assert.equal({ isOk, skip, todo, time }, { isOk: ok, skip: false, todo: false, time: null }, name);
    const meant = shown(name);
    assert.is(read, meant.endsWith('{') ? `${meant}.` : meant.trim());
  });
  const [{ tests, warnings, notes }] = cases;
  tests.forEach(({ message, details }, i) => {
    if (message === undefined) return;
    const lines = details!(LAYOUT).flatMap((line) => shownLines(line).split('\n'));
    assert.is(points[i].diag.message, shownLines(message));
    assert.is(points[i].diag.details, lines.map((line) => line.trimEnd()).join('\n'));
  });
  assert.is(comments.length, warnings.length + notes.length);
});

Tap('10,000 tests', () => {
  const names = Array.from({ length: 10_000 }, (_, i) => `claim ${i}`);
  const { points, strange, isOk } = parse(report([caseOf(names.map((name) => passed(name)))]));
  assert.ok(isOk);
  assert.equal(strange, []);
  assert.is(points.length, 10_000);
  assert.is(points[9999].name, 'cases/redis: claim 9999');
});

Tap('a run without tests is a plan of none', () => {
  assert.is(report([]), 'TAP version 14\n1..0\n');
});

Tap.run();
