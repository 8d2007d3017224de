// docs/questions.md names commands, options and codes that exist.
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseCommand } from '../../cli/args.js';
import { COMMANDS } from '../../cli/commands/index.js';
import { parseSentence } from '../../codecs/sentence/parse.js';
import { splitCommands } from '../../codecs/shell-words.js';
import { FINDINGS } from '../../explain/findings.js';

const Questions = suite('questions');

const ROWS = readFileSync('docs/questions.md', 'utf8')
  .split('\n')
  .filter((line) => line.includes('`nfreplay '));

const PLACES: Readonly<Record<string, readonly string[]>> = {
  HERE: ['--rules', 'rules.v4', '--host', 'host.json'],
  CAPTURES: ['--in', 'eth0=eth0.pcap'],
};

Questions('their commands can be typed, and sentences in them can be read', () => {
  assert.ok(ROWS.length > 20);
  for (const row of ROWS) {
    const [, command] = /`nfreplay ([^`]*)`/.exec(row)!;
    const [name, ...words] = splitCommands(command)[0].map(({ text }) => text);
    const spec = COMMANDS.find((one) => one.name === name);
    assert.ok(spec !== undefined, command);
    const given = parseCommand(
      spec,
      words.flatMap((word) => PLACES[word] ?? [word]),
    );
    for (const sentence of given.positionals) assert.ok(parseSentence(sentence).protocol !== undefined, sentence);
  }
});

Questions('what doctor says is one of its codes', () => {
  for (const row of ROWS.filter((one) => one.includes('`nfreplay doctor'))) {
    const [, code] = /\| `([a-z-]+)`[^|]*\|$/.exec(row)!;
    assert.ok(code in FINDINGS.doctor, row);
  }
});

Questions.run();
