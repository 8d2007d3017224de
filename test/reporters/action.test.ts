/**
 * action.yml, as a runner of GitHub Actions carries it out: its shell steps, in an environment that has nothing else.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { isReport } from '../../replay/result-files.js';
import { workflowCommands } from './workflow-commands.js';

const Action = suite('action.yml');

interface Step {
  readonly if?: string;
  readonly uses?: string;
  readonly with?: Readonly<Record<string, string>>;
  readonly run?: string;
  readonly shell?: string;
  readonly env?: Readonly<Record<string, string>>;
}

const ACTION: {
  readonly inputs: Readonly<Record<string, { readonly default?: string; readonly required?: boolean }>>;
  readonly runs: { readonly using: string; readonly steps: readonly Step[] };
} = parse(readFileSync('action.yml', 'utf8'));

let workspace = '';
Action.before.each(() => {
  workspace = mkdtempSync(join(tmpdir(), 'nfreplay-test-'));
});
Action.after.each(() => rmSync(workspace, { recursive: true }));

/** Runs the last step that is a script, which is the command, with GIVEN inputs. */
function check(given: Readonly<Record<string, string>>): { status: number | null; stdout: string; stderr: string } {
  const { run = '', env = {} } = ACTION.runs.steps.filter((step) => step.run !== undefined).at(-1)!;
  const expanded = (text: string) =>
    text
      .replace(/\$\{\{ inputs\.([\w-]+) \}\}/g, (_, name) => given[name] ?? ACTION.inputs[name].default ?? '')
      .replace(/\$\{\{ runner\.temp \}\}/, join(workspace, 'temp'));
  const script = `${workspace}.sh`;
  writeFileSync(script, run);
  try {
    return spawnSync('bash', ['--noprofile', '--norc', '-eo', 'pipefail', script], {
      cwd: workspace,
      encoding: 'utf8',
      env: {
        ...Object.fromEntries(Object.entries(env).map(([name, value]) => [name, expanded(value)])),
        PATH: `${dirname(process.execPath)}:/usr/bin:/bin`,
        HOME: join(workspace, 'home'),
        GITHUB_ACTIONS: 'true',
        GITHUB_ACTION_PATH: resolve('.'),
        GITHUB_WORKSPACE: workspace,
        GITHUB_STEP_SUMMARY: join(workspace, 'summary.md'),
      },
    });
  } finally {
    rmSync(script);
  }
}

Action('is a composite action in which each step has what the runner requires, and texts of others are no code', () => {
  assert.is(ACTION.runs.using, 'composite');
  for (const { run, shell, uses } of ACTION.runs.steps) {
    assert.ok(uses !== undefined || (run !== undefined && shell === 'bash'));
    assert.not.match(run ?? '', /\$\{\{/);
  }
  const used = [...JSON.stringify(ACTION.runs).matchAll(/inputs\.([\w-]+)/g)].map(([, name]) => name);
  assert.equal([...new Set(used)].sort(), Object.keys(ACTION.inputs).sort());
});

Action('checks cases, with patterns and blanks in their names, annotates, and writes reports and a summary', () => {
  mkdirSync(join(workspace, 'my cases'));
  cpSync('pcaps/hairpin', join(workspace, 'my cases', 'one $(id) "x"'), { recursive: true });
  cpSync('pcaps/hairpin', join(workspace, 'my cases', 'two'), { recursive: true });
  const good = check({ cases: 'my cases/*', reporter: 'junit=my report.xml\nterse=t\n' });
  assert.is(good.status, 0, good.stdout + good.stderr);
  assert.match(readFileSync(join(workspace, 'my report.xml'), 'utf8'), /name="my cases\/one \$\(id\) &quot;x&quot;"/);
  assert.is(readFileSync(join(workspace, 't'), 'utf8').split('\n').length, 3);
  assert.match(readFileSync(join(workspace, 'summary.md'), 'utf8'), /^## nfreplay check: 2 passed, 0 failed\n/);
  assert.equal(workflowCommands(good.stdout), []);

  const rules = join(workspace, 'other rules.v4');
  // With both tables of the case: that one is not there would be a warning.
  writeFileSync(rules, '*nat\nCOMMIT\n*filter\n:FORWARD DROP [0:0]\nCOMMIT\n');
  const bad = check({ cases: 'my cases/two', rules: 'other rules.v4', options: '--top\n1' });
  assert.is(bad.status, 1, bad.stdout + bad.stderr);
  const [error, ...more] = workflowCommands(bad.stdout);
  assert.equal([error.name, more.length], ['error', 0]);
  assert.match(error.properties.title, /^my cases\/two: /);

  // A page of each case that failed, and of nothing else.
  const pages = (): string[] => readdirSync(join(workspace, 'temp/nfreplay-report'));
  assert.equal(pages(), ['1-my-cases-two.html']);
  assert.ok(isReport(join(workspace, 'temp/nfreplay-report', pages()[0])));
  assert.is(check({ cases: 'my cases/*' }).status, 0);
  assert.equal(pages(), []);
  assert.is(check({ cases: 'my cases/two', rules: 'other rules.v4', artifact: '' }).status, 1);
  assert.not(existsSync(join(workspace, 'temp/nfreplay-report')));

  assert.is(check({ cases: 'none/*' }).status, 4);
  // A name is never an option.
  assert.match(check({ cases: '--update' }).stderr, /--update: no such folder/);
});

Action.run();
