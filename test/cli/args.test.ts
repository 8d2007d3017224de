import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CommandSpec, parseCommand } from '../../cli/args.js';
import { CHECK } from '../../cli/commands/check.js';
import { REPLAY } from '../../cli/commands/replay.js';
import { TRACE } from '../../cli/commands/trace.js';
import { UsageError } from '../../cli/errors.js';
import { helpOf } from '../../cli/help.js';

const Args = suite('args');

/** The error message for an invalid command line. */
function complaint(args: string[], spec: CommandSpec = REPLAY): string {
  try {
    parseCommand(spec, args);
  } catch (error) {
    assert.instance(error, UsageError);
    assert.is((error as UsageError).exitCode, 2);
    return (error as Error).message;
  }
  throw new Error(`${args.join(' ')} was taken`);
}

Args('accepts both spellings of an option, repeated options, and files', () => {
  const replay = parseCommand(REPLAY, ['--rules=r.v4', '--in', 'eth0=a', '--lax', '--in=b=c', '--limit', '0']);
  assert.is(replay.required('rules'), 'r.v4');
  assert.equal(replay.values('in'), ['eth0=a', 'b=c']);
  assert.is(replay.has('lax'), true);
  assert.is(replay.has('json'), false);
  assert.is(replay.wholeNumber('limit'), 0);
  assert.is(replay.wholeNumber('seed'), undefined);
  assert.equal(parseCommand(CHECK, ['--update', 'a', 'b', '--', '--c']).positionals, ['a', 'b', '--c']);
});

Args('text that is not UTF-8 is no name of a file, and is not shown whole', () => {
  const line = `${'x'.repeat(100_000)}\ufffd IN=eth0 OUT=`;
  assert.match(complaint(['--log', line], TRACE), /^--log is not UTF-8, near "x+\ufffd IN=eth0 OUT=": leave out/);
  assert.ok(complaint(['--log', line], TRACE).length < 200);
  assert.match(complaint([line], TRACE), /^the argument is not UTF-8/);
});

Args('suggests the nearest option', () => {
  assert.is(complaint(['--rule', 'x']), 'unknown option: --rule; did you mean --rules?');
  assert.is(complaint(['--stich=x']), 'unknown option: --stich; did you mean --stitch?');
  assert.is(complaint(['-x']), 'unknown option: -x');
  assert.is(complaint(['--completely-other']), 'unknown option: --completely-other');
});

Args('describes invalid values', () => {
  assert.is(complaint(['--rules']), '--rules requires a FILE');
  assert.is(complaint(['--rules', '--host', 'h']), '--rules requires a FILE');
  assert.is(complaint(['--engine']), '--engine requires an ENGINE');
  assert.is(complaint(['--limit']), '--limit requires a number');
  assert.is(complaint(['--rules', 'a', '--rules', 'b']), '--rules was given more than once');
  assert.is(complaint(['--lax=yes']), '--lax takes no value: yes');
  assert.match(complaint(['--engine', 'compile']), 'did you mean compiled?');
  assert.is(complaint(['stray']), 'unexpected argument: stray');
  const args = parseCommand(REPLAY, ['--limit', '1e3', '--seed', '0']);
  assert.throws(() => args.wholeNumber('limit'), '--limit 1e3: expected a whole number, at least 0');
  assert.throws(() => args.wholeNumber('seed', 1), 'at least 1');
  assert.throws(() => args.required('out'), '--out is required');
});

Args('a lone dash is a value that means standard input', () => {
  assert.is(parseCommand(REPLAY, ['--stitch', '-']).value('stitch'), '-');
});

Args('the help of every command lists each option, and its examples parse', () => {
  for (const spec of [REPLAY, CHECK]) {
    const help = helpOf(spec);
    for (const { name } of spec.options) assert.match(help, `--${name}`);
    assert.ok(spec.examples.length > 0);
    for (const { command } of spec.examples) {
      const words = command.replace(/ \| .*/, '').match(/'[^']*'|\S+/g) ?? [];
      const [program, name, ...args] = words.map((word) => word.replaceAll("'", ''));
      assert.equal([program, name], ['nfreplay', spec.name]);
      parseCommand(spec, args);
    }
  }
});

Args.run();
