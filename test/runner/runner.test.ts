import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const RUN = fileURLToPath(new URL('../run.js', import.meta.url));

/** Runs the test runner on the fixture NAME. */
function runFixture(name: string, timeoutMs = 20_000) {
  const file = fileURLToPath(new URL(`fixtures/${name}.test.js`, import.meta.url));
  const env = { ...process.env, TEST_TIMEOUT_MS: String(timeoutMs) };
  const { status, stdout } = spawnSync(process.execPath, [RUN, file], { encoding: 'utf8', env });
  return { status, stdout, lastLine: stdout.trimEnd().split('\n').pop() };
}

const Runner = suite('runner');

Runner('counts tests that pass, and lists skipped ones', () => {
  const { status, stdout, lastLine } = runFixture('passes');
  assert.is(lastLine, '2 passed, 0 failed');
  assert.match(stdout, 'skipped: passes › three');
  assert.is(status, 0);
});

Runner('shows failures with both values', () => {
  const { status, stdout, lastLine } = runFixture('fails');
  assert.is(lastLine, '1 passed, 2 failed');
  for (const text of ['fails › bad', 'the message', 'left', 'right', 'thrown: only words']) assert.match(stdout, text);
  assert.is(status, 1);
});

/** Fixture, last line, and what the output must say. */
const faulty: [name: string, lastLine: string, says: string][] = [
  ['hook-before-throws', '0 passed, 2 failed', 'hooked › hook before'],
  ['hook-after-throws', '1 passed, 1 failed', 'hooked › hook after'],
  ['hook-before-each-throws', '0 passed, 2 failed', 'hooked › hook before.each “one”'],
  ['hook-after-each-throws', '1 passed, 2 failed', 'hooked › hook after.each “one”'],
  ['never-run', '1 passed, 1 failed', 'suite “forgotten”'],
  ['run-too-early', '1 passed, 1 failed', 'never run (.run() is missing behind it): two'],
  ['throws-on-load', '1 passed, 1 failed', 'at the top level'],
  ['no-test', '0 passed, 1 failed', 'no test in this file'],
  ['empty-suite', '1 passed, 1 failed', 'suite “empty”'],
  ['exits', '0 passed, 1 failed', 'the process ended before its tests did (exit code 0)'],
  ['never-settles', '0 passed, 1 failed', 'waits › for ever'],
  ['unhandled-rejection', '1 passed, 1 failed', 'nobody looked'],
  ['only-left-in', '1 passed, 1 failed', '.only was left in: shown'],
  ['same-name-twice', '2 passed, 1 failed', 'two tests of this suite have this name'],
];
for (const [name, lastLine, says] of faulty) {
  Runner(`is not fooled: ${name}`, () => {
    const run = runFixture(name);
    assert.match(run.stdout, says);
    assert.is(run.lastLine, lastLine);
    assert.is(run.status, 1);
  });
}

Runner('ends a test that takes too long', () => {
  // Long enough for a busy machine to load the file.
  const { status, stdout, lastLine } = runFixture('too-slow', 5000);
  assert.match(stdout, 'slow › takes a minute');
  assert.match(stdout, 'not done after 5 s');
  assert.is(lastLine, '0 passed, 1 failed');
  assert.is(status, 1);
});

Runner('does not wait for handles that a test left open', () => {
  assert.is(runFixture('open-handle').lastLine, '1 passed, 0 failed');
});

Runner('fails if no file is found', () => {
  const { status, stdout } = spawnSync(process.execPath, [RUN, 'no-such-name'], { encoding: 'utf8' });
  assert.is(stdout.trimEnd().split('\n').pop(), '0 passed, 1 failed');
  assert.is(status, 1);
});

Runner.run();
