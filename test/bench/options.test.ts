import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { helpText, parseOptions } from '../../bench/options.js';
import { UsageError } from '../../cli/errors.js';

const Options = suite('options of the benchmark');

const ROWS = ['est64', 'imix', 'new'];

Options('the default is all rows in full size', () => {
  const options = parseOptions([], ROWS);
  assert.is(options.rows, undefined);
  assert.is(options.rounds, undefined);
  for (const flag of ['isHelp', 'isQuick', 'isLong', 'isMicro', 'isPlots', 'updatesBaseline', 'checks'] as const) {
    assert.is(options[flag], false, flag);
  }
});

Options('takes rows, sizes and files', () => {
  const args = '--rows imix,new --rounds=3 --packets 5000 --stream-gb 20 --json out.json --quick --check';
  const options = parseOptions(args.split(' '), ROWS);
  assert.equal(options.rows, ['imix', 'new']);
  assert.is(options.rounds, 3);
  assert.is(options.packets, 5000);
  assert.is(options.streamBytes, 20_000_000_000);
  assert.is(options.jsonPath, 'out.json');
  assert.is(options.isQuick, true);
  assert.is(options.checks, true);
});

Options('errors say what is wrong and suggest what was probably meant', () => {
  const complaints: [string, string | RegExp][] = [
    ['--rows imx', 'unknown row: imx; did you mean imix?'],
    ['--rows imix,', /unknown row/],
    ['--round 3', 'unknown option: --round; did you mean --rounds?'],
    ['--rounds 0', '--rounds 0: expected a whole number, at least 1'],
    ['--packets many', /expected a whole number/],
    ['--json', '--json requires a FILE'],
    ['est64', 'unexpected argument: est64'],
  ];
  for (const [args, says] of complaints) {
    try {
      parseOptions(args.split(' '), ROWS);
      assert.unreachable(args);
    } catch (error) {
      assert.instance(error, UsageError, args);
      assert.match((error as Error).message, says);
    }
  }
});

Options('the help names every option and every row', () => {
  const help = helpText([{ name: 'est64', about: 'what it is' }]);
  for (const name of ['rows', 'quick', 'long', 'rounds', 'packets', 'stream-gb', 'json', 'check', 'plots', 'micro']) {
    assert.match(help, `--${name}`);
  }
  assert.match(help, /est64 {2}what it is/);
});

Options('the program exits with 0 after the help, and with 2 and a plain message after incorrect usage', () => {
  const main = fileURLToPath(new URL('../../bench/main.js', import.meta.url));
  const run = (arg: string) => spawnSync(process.execPath, [main, arg], { encoding: 'utf8' });
  const help = run('--help');
  assert.is(help.status, 0, help.stderr);
  assert.match(help.stdout, 'rules-10000');
  const wrong = run('--rowz');
  assert.is(wrong.status, 2);
  assert.match(wrong.stderr, 'did you mean --rows?');
  assert.not.match(wrong.stderr, /^\s+at /m, 'no stack trace');
});

Options.run();
