import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CommandSpec, helpOf, parseCommand } from '../../cli/args.js';
import { CHECK, REPLAY } from '../../cli/commands.js';
import { UsageError } from '../../cli/errors.js';

const Args = suite('args');

/** What is said about a faulty command line. */
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

Args('takes options in both spellings, several of one kind, and files', () => {
  const replay = parseCommand(REPLAY, ['--rules=r.v4', '--in', 'eth0=a', '--lax', '--in=b=c', '--limit', '0']);
  assert.is(replay.required('rules'), 'r.v4');
  assert.equal(replay.values('in'), ['eth0=a', 'b=c']);
  assert.is(replay.has('lax'), true);
  assert.is(replay.has('json'), false);
  assert.is(replay.wholeNumber('limit'), 0);
  assert.is(replay.wholeNumber('seed'), undefined);
  assert.equal(parseCommand(CHECK, ['--update', 'a', 'b', '--', '--c']).positionals, ['a', 'b', '--c']);
});

Args('names the nearest option', () => {
  assert.is(complaint(['--rule', 'x']), 'there is no option --rule; did you mean --rules?');
  assert.is(complaint(['--stich=x']), 'there is no option --stich; did you mean --stitch?');
  assert.is(complaint(['-x']), 'there is no option -x');
  assert.is(complaint(['--completely-other']), 'there is no option --completely-other');
});

Args('says what is wrong with a value', () => {
  assert.is(complaint(['--rules']), '--rules wants FILE');
  assert.is(complaint(['--rules', '--host', 'h']), '--rules wants FILE');
  assert.is(complaint(['--rules', 'a', '--rules', 'b']), '--rules is given twice');
  assert.is(complaint(['--lax=yes']), '--lax takes no value: yes');
  assert.match(complaint(['--engine', 'compile']), 'did you mean compiled?');
  assert.is(complaint(['stray']), 'nfreplay replay takes no argument: stray');
  const args = parseCommand(REPLAY, ['--limit', '1e3', '--seed', '0']);
  assert.throws(() => args.wholeNumber('limit'), '--limit 1e3: a whole number is wanted, at least 0');
  assert.throws(() => args.wholeNumber('seed', 1), 'at least 1');
  assert.throws(() => args.required('out'), '--out is missing');
});

Args('a lone dash is a value: standard input', () => {
  assert.is(parseCommand(REPLAY, ['--stitch', '-']).value('stitch'), '-');
});

Args('every command explains each of its options, with examples that it takes itself', () => {
  for (const spec of [REPLAY, CHECK]) {
    const help = helpOf(spec);
    for (const { name } of spec.options) assert.match(help, `--${name}`);
    assert.ok(spec.examples.length > 0);
    for (const { command } of spec.examples) {
      const [program, name, ...args] = command.replace(/ \| .*/, '').split(' ');
      assert.equal([program, name], ['nfreplay', spec.name]);
      parseCommand(spec, args);
    }
  }
});

Args.run();
