/** What `--reporter github` prints and writes is read as the runner of GitHub Actions reads it. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { GithubReporter } from '../../cli/reporters/github.js';
import { GithubSummary } from '../../cli/reporters/github-summary.js';
import type { CheckedCase, Reporter } from '../../cli/reporters/model.js';
import { PrettyReporter } from '../../cli/reporters/pretty.js';
import { shown, shownLines } from '../../codecs/text.js';
import { caseOf, failed, HOSTILE, hostileCases, LAYOUT, passed, reportOf } from './samples.js';
import { workflowCommands } from './workflow-commands.js';

const Github = suite('reporter github');

let dir = '';
Github.before.each(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-test-'));
});
Github.after.each(() => rmSync(dir, { recursive: true }));

function annotations(cases: readonly CheckedCase[], workspace?: string): ReturnType<typeof workflowCommands> {
  const options = { isShared: false, workspace, summary: undefined };
  return workflowCommands(reportOf((out) => new GithubReporter(out, options), cases));
}

function summaryOf(cases: readonly CheckedCase[], before = ''): string {
  const path = join(dir, 'summary.md');
  writeFileSync(path, before);
  const summary = new GithubSummary({ path, layout: LAYOUT, warn: (warning) => assert.unreachable(warning) });
  reportOf(() => summary, cases);
  return readFileSync(path, 'utf8');
}

Github(
  'an annotation is on the line of the rule that decided if it is in a file of the case, else of the claim',
  () => {
    const folder = join(dir, 'cases', 'redis');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'rules.v4'), '');
    const elsewhere = mkdtempSync(join(tmpdir(), 'nfreplay-test-'));
    const newRules = join(elsewhere, 'new.v4');
    writeFileSync(newRules, '');
    writeFileSync(join(dir, 'given.v4'), '');
    const claim = { file: join(folder, 'expect.yaml'), line: 4, column: 5 };
    const tests = [
      failed('inside', { place: claim, decidedBy: { file: join(folder, 'rules.v4'), line: 41 } }),
      failed('given', { place: claim, decidedBy: { file: join(dir, 'given.v4'), line: 42 } }),
      failed('outside', { place: claim, decidedBy: { file: newRules, line: 41 } }),
      failed('gone', { place: claim, decidedBy: { file: join(folder, 'host.json (iptables)'), line: 41 } }),
      failed('by nobody', { place: claim }),
      passed('fine'),
    ];
    const found = annotations([caseOf(tests, { dir: folder })], dir);
    const inside = { file: 'cases/redis/rules.v4', line: '41' };
    const outside = { file: 'cases/redis/expect.yaml', line: '4', col: '5' };
    assert.equal(
      found.map(({ name, properties: { title, ...place }, data }) => [
        name,
        title.slice(folder.length),
        place,
        data.split('\n'),
      ]),
      [
        ['error', ': inside', inside, ['expected accepted, found dropped', `expected by ${claim.file}:4`]],
        [
          'error',
          ': given',
          { file: 'given.v4', line: '42' },
          ['expected accepted, found dropped', `expected by ${claim.file}:4`],
        ],
        ['error', ': outside', outside, ['expected accepted, found dropped', `decided by ${newRules}:41`]],
        [
          'error',
          ': gone',
          outside,
          ['expected accepted, found dropped', `decided by ${join(folder, 'host.json (iptables)')}:41`],
        ],
        ['error', ': by nobody', outside, ['expected accepted, found dropped']],
      ],
    );
    rmSync(elsewhere, { recursive: true });
    // GitHub knows nothing of files outside of the repository.
    assert.equal(Object.keys(annotations([caseOf(tests, { dir: folder })], join(dir, 'other'))[0].properties), [
      'title',
    ]);
  },
);

Github('an error is on the line that it names, if that is in a file of the repository', () => {
  const folder = join(dir, 'cases', 'redis');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'rules.v4'), '');
  const place = (message: string) => {
    const [{ properties }] = annotations([caseOf([], { dir: folder, error: { message, exitCode: 2 } })], dir);
    const { title, ...rest } = properties;
    assert.is(title, `${folder} could not be replayed`);
    return rest;
  };
  const rules = join(folder, 'rules.v4');
  assert.equal(place(`${rules}:20:19: unknown option`), { file: 'cases/redis/rules.v4', line: '20', col: '19' });
  assert.equal(place(`${rules}:20: unknown: 3:4: option`), { file: 'cases/redis/rules.v4', line: '20' });
  writeFileSync(join(folder, '..\\a, b'), '');
  assert.equal(place(`${folder}/..\\a, b:7: unknown`), { file: 'cases/redis/..\\a, b', line: '7' });
  assert.equal(place(`${join(folder, 'none')}:20: unknown`), {});
  assert.equal(place(`${tmpdir()}:20: unknown`), {});
  assert.equal(place(`${rules}: cannot be read`), {});
});

Github('at most nine of a kind, then how many there are more', () => {
  const tests = Array.from({ length: 12 }, (_, i) => failed(`claim ${i}`));
  const warnings = Array.from({ length: 10 }, (_, i) => `warning ${i}`);
  const found = annotations([caseOf(tests.slice(0, 8)), caseOf(tests.slice(8), { warnings })]);
  const count = (kind: string) => found.filter(({ name }) => name === kind).length;
  assert.equal([count('error'), count('warning'), count('notice')], [9, 9, 1]);
  assert.is(
    found.at(-1)!.data,
    '3 more failures and 1 more warning without annotation: the summary of this step has all of them',
  );
});

Github('no name or message is taken for anything else, nor is what others print meanwhile', () => {
  const before = HOSTILE.map((text) =>
    caseOf([failed(text, { message: text, place: { file: text, line: 3 } })], { dir: text, warnings: [text] }),
  );
  for (const one of before) {
    const found = annotations([one]);
    const [warning, error] = [
      found.find(({ name }) => name === 'warning')!,
      found.find(({ name }) => name === 'error')!,
    ];
    assert.is(found.length, 2, one.dir);
    assert.ok(warning.data.length <= 4096 && error.data.length <= 4096 && error.properties.title.length <= 255);
    if (one.dir.length > 200) continue;
    assert.is(warning.data, shownLines(one.dir));
    assert.is(error.data, shownLines(one.dir));
    assert.is(error.properties.title, `${shown(one.dir)}: ${shown(one.dir)}`);
  }
  const both = (out: Parameters<Parameters<typeof reportOf>[0]>[0]): Reporter => {
    const github = new GithubReporter(out, { isShared: true, workspace: undefined, summary: undefined });
    const pretty = new PrettyReporter(out, LAYOUT, { tellsAll: true });
    return {
      begin(dirs) {
        for (const one of [github, pretty]) one.begin(dirs);
      },
      finished(found) {
        for (const one of [pretty, github]) one.finished(found);
      },
      end() {
        for (const one of [pretty, github]) one.end();
      },
    };
  };
  const printed = reportOf(both, hostileCases());
  assert.ok(/^\s*::error::injected/m.test(printed) && printed.includes('##[error]injected'));
  const found = workflowCommands(printed);
  assert.equal(found.map(({ name }) => name).sort(), [
    ...Array(9).fill('error'),
    'notice',
    ...Array(9).fill('warning'),
  ]);
});

Github('a run that ends early leaves commands working', () => {
  const parts: string[] = [];
  const options = { isShared: true, workspace: undefined, summary: undefined };
  const reporter = new GithubReporter({ write: (text) => parts.push(text) }, options);
  reporter.begin(['a']);
  reporter.discard();
  reporter.discard();
  assert.equal(workflowCommands(parts.join('')), []);
  assert.is(parts.length, 2);
});

Github('the summary of the step has every failure with its trace, warnings, and all cases', () => {
  const text = summaryOf(
    [
      caseOf(
        [
          passed('answers'),
          failed('is *refused*', {
            decidedBy: { file: 'rules.v4', line: 41 },
            details: () => ['dropped  by', '``` a'],
          }),
        ],
        {
          warnings: ['cut | short'],
        },
      ),
      caseOf([], { dir: 'other', error: { message: 'rules.v4:3: <unknown>', exitCode: 2 } }),
    ],
    'before\n',
  );
  assert.is(
    text,
    `before
## nfreplay check: 1 passed, 1 failed, 1 case not replayed

<details><summary>❌ cases/redis: <b>is &#42;refused&#42;</b></summary>

expected accepted, found dropped\\
expected by cases/redis/expect.yaml&#58;4\\
decided by rules.v4&#58;41

\`\`\`\`text
dropped  by
\`\`\` a
\`\`\`\`

</details>

<details><summary>❌ other: <b>could not be replayed</b></summary>

\`\`\`text
rules.v4:3: <unknown>
\`\`\`

</details>


### Warnings

- cases/redis: cut &#124; short

| | case | passed | failed | time |
|---|---|--:|--:|--:|
| ❌ | cases/redis | 1 | 1 | 0.3 s |
| 🚫 | other | 0 | 0 | 0.3 s |
`,
  );
});

Github('the summary never exceeds 1 MiB, and says what it leaves out', () => {
  const details = () => Array.from({ length: 50 }, (_, i) => `${i} ümläut ${'x'.repeat(80)}`);
  const tests = Array.from({ length: 3000 }, (_, i) => failed(`claim ${i}`, { details }));
  const cases = Array.from({ length: 30 }, (_, i) =>
    caseOf(tests.slice(i * 100, i * 100 + 100), { dir: `case ${i}`, warnings: ['w'.repeat(1000)] }),
  );
  for (const before of ['', 'x'.repeat(1_000_000), 'x'.repeat(1_048_500)]) {
    const text = summaryOf(cases, before);
    const size = statSync(join(dir, 'summary.md')).size;
    assert.ok(size <= 1_048_576 || before.length > 1_047_576, `${size}`);
    const left = Number(/^(\d+) more failures do not fit: /m.exec(text)![1]);
    assert.is(text.match(/<summary>/g)?.length ?? 0, 3000 - left);
  }
  assert.ok(summaryOf(hostileCases()).length < 1_048_576);
});

Github.run();
