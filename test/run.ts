// The test runner: `node dist/test/run.js [--no-lint] [FILE or part of a name …]`. Its last line is `N passed, N
// failed`. With COVERAGE_DIR in the environment, V8 writes there what the tests run that count for the coverage.
//
// uvu runs the tests, but its own runner exits with 0 if a hook threw, a suite was never run or no file was found. So
// each file runs in a separate process that reports every suite (runner/worker.ts), and a missing report is a failure.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MEASURED } from './coverage/measured.js';
import { type FileOutcome, pooled, runFile } from './runner/pool.js';

const TESTS = fileURLToPath(new URL('.', import.meta.url));
const PROJECT = resolve(TESTS, '../..');
const { COVERAGE_DIR } = process.env;
/** Tests that need a browser are apart (`npm run test:pages`). */
const ENDING = process.argv.includes('--browser') ? '.browser.js' : '.test.js';
const TIMEOUT_MS = Number(process.env.TEST_TIMEOUT_MS ?? 120_000);

// In GitHub Actions, `check` prints more than tests expect that are not about that.
process.env.GITHUB_ACTIONS = '';

/** Every test file below `folder`, except in `fixtures` folders, which contain bad examples for testing the runner. */
function findTests(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      if (entry.isDirectory()) return entry.name === 'fixtures' ? [] : findTests(join(folder, entry.name));
      return entry.name.endsWith(ENDING) ? [join(folder, entry.name)] : [];
    });
}

/** The files for one argument: the file itself, or every test with this text in its path. */
function filesFor(wanted: string): string[] {
  if (wanted.endsWith(ENDING) && existsSync(wanted)) return [resolve(wanted)];
  return findTests(TESTS).filter((file) => relative(TESTS, file).includes(wanted.replace(/\.ts$/, '.js')));
}

/** The environment of the test in FILE. */
function environmentFor(file: string): NodeJS.ProcessEnv {
  const isMeasured = COVERAGE_DIR !== undefined && MEASURED.some((part) => relative(TESTS, file).includes(part));
  return isMeasured ? { ...process.env, NODE_V8_COVERAGE: COVERAGE_DIR } : process.env;
}

/** Checks of the whole tree that count as test files: what each is called, and its command. */
const TREE_CHECKS: Readonly<Record<string, readonly string[]>> = {
  lint: [
    'node_modules/@biomejs/biome/bin/biome',
    'check',
    '--error-on-warnings',
    '--colors=off',
    '--max-diagnostics=20',
  ],
  'dead exports': ['node_modules/knip/bin/knip.js', '--no-progress'],
};

/** Runs the check NAME on the tree and reports it as a test file. */
function checkTree(name: string): Promise<FileOutcome> {
  const command = TREE_CHECKS[name];
  return new Promise((done) => {
    const startedMs = performance.now();
    const child = spawn(process.execPath, command, { cwd: PROJECT });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    child.on('close', (code) => {
      const failures = code === 0 ? [] : [{ title: command.join(' '), detail: output.trim() }];
      const passed = code === 0 ? 1 : 0;
      done({ file: name, passed, skipped: [], failures, output: '', durationMs: performance.now() - startedMs });
    });
  });
}

const indent = (text: string, by: string) => text.replace(/^(?=.)/gm, by);

function print(outcome: FileOutcome): void {
  const name = outcome.file in TREE_CHECKS ? outcome.file : relative(TESTS, outcome.file).replace(/^(?=\.\.)/, './');
  const failed = outcome.failures.length;
  const lines = [`${failed ? '✘' : '✓'} ${name}  ${outcome.passed} passed  ${Math.round(outcome.durationMs)} ms`];
  for (const title of outcome.skipped) lines.push(`    skipped: ${title}`);
  for (const { title, detail } of outcome.failures) lines.push(`  ✘ ${title}`, indent(detail, '      '), '');
  if (failed && outcome.output) lines.push('  it printed:', indent(outcome.output, '    | '), '');
  console.log(lines.join('\n'));
}

async function main(args: string[]): Promise<void> {
  const wanted = args.filter((arg) => arg !== '--no-lint' && arg !== '--browser');
  let passed = 0;
  let failed = 0;
  const count = (outcome: FileOutcome) => {
    passed += outcome.passed;
    failed += outcome.failures.length;
    print(outcome);
  };

  const files = new Set<string>();
  for (const found of wanted.length ? wanted.map(filesFor) : [findTests(TESTS)]) {
    for (const file of found) files.add(file);
    if (!found.length) {
      console.log(`✘ no test file ${wanted.length ? 'for one of the arguments' : 'found'}: ${wanted.join(' ')}`);
      failed++;
    }
  }
  const jobs: (() => Promise<FileOutcome>)[] = [...files].map(
    (file) => () => runFile(file, TIMEOUT_MS, environmentFor(file)),
  );
  if (!wanted.length && !args.includes('--no-lint')) {
    jobs.unshift(...Object.keys(TREE_CHECKS).map((name) => () => checkTree(name)));
  }
  await pooled(jobs, Math.max(2, availableParallelism()), async (job) => count(await job()));

  console.log(`\n${passed} passed, ${failed} failed`);
  process.exitCode = failed || !passed ? 1 : 0;
}

await main(process.argv.slice(2));
