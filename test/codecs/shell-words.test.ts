// Words as a POSIX shell splits them.
import { spawnSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ShellFault, splitCommands } from '../../codecs/shell-words.js';
import { seededRandom, testSeed } from '../random.js';

const Words = suite('words of a shell');

const texts = (text: string): string[][] => splitCommands(text).map((words) => words.map((word) => word.text));

Words('quotes, backslashes, comments and continued lines', () => {
  assert.equal(texts(`iptables -A INPUT -m comment --comment 'it''s "x"' # why`), [
    ['iptables', '-A', 'INPUT', '-m', 'comment', '--comment', 'its "x"'],
  ]);
  assert.equal(texts('a "b \\" \\$ \\n c"d\\ e \\\n  f\n\n# nothing\n\tg ""\n'), [
    ['a', 'b " $ \\n cd e', 'f'],
    ['g', ''],
  ]);
  assert.equal(texts("a'\n'b x#y"), [['a\nb', 'x#y']]);
});

Words('each word knows its line and column', () => {
  const [[, b, c], [d]] = splitCommands("a 'b\nc' \\\n  c\nd", 7);
  assert.equal(
    [b, c, d],
    [
      { text: 'b\nc', line: 7, column: 3 },
      { text: 'c', line: 9, column: 3 },
      { text: 'd', line: 10, column: 1 },
    ],
  );
});

Words('what a shell would do besides is refused, where it stands', () => {
  for (const [text, word, column] of [
    ['iptables -F; iptables -X', ';', 12],
    ['iptables -F && iptables -X', '&&', 13],
    ['iptables -C x || iptables -A x', '||', 15],
    ['iptables -L | grep x', '|', 13],
    ['iptables -S > /tmp/x', '>', 13],
    ['iptables -S 2>/dev/null', '>', 14],
    ['iptables -s $LAN -F', '$LAN', 13],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the shell
    ['iptables -s "${LAN}" -F', '${LAN}', 14],
    ['iptables -s $(ip a) -F', '$(', 13],
    ['iptables -s `ip a` -F', '`', 13],
    ['(iptables -F)', '(', 1],
    ['~/iptables -F', '~', 1],
    ["iptables 'x", "'", 10],
    ['iptables "x', '"', 10],
    ['iptables \\', '\\', 10],
  ] as const) {
    try {
      splitCommands(text);
      assert.unreachable(text);
    } catch (error) {
      assert.instance(error, ShellFault, text);
      assert.is((error as ShellFault).word.text, word, text);
      assert.is((error as ShellFault).word.column, column, text);
    }
  }
});

Words('sh splits random quotations in the same words', () => {
  const seed = testSeed();
  const below = seededRandom(seed);
  const parts = ["'", '"', '\\', ' ', '\t', 'a', 'b', '#', 'é', '\\\n', "'x y'", '"x y"', '=', '!', '\\"'];
  const accepted: string[] = [];
  for (let n = 0; n < 2000 && accepted.length < 400; n++) {
    const text = Array.from({ length: 1 + below(8) }, () => parts[below(parts.length)]).join('');
    // A comment would end the line of `set`.
    if (/#.*\n/s.test(text)) continue;
    try {
      if (splitCommands(text).length === 1) accepted.push(text);
    } catch (error) {
      assert.instance(error, ShellFault, `seed ${seed}`);
    }
  }
  // `set` is given the words; each is printed between brackets.
  const script = accepted.map((text) => `set -- ${text}\nprintf '<%s>' "$@"; echo "|"\n`).join('');
  const { stdout } = spawnSync('sh', ['-f'], { input: script, encoding: 'utf8' });
  const wanted = accepted
    .map(
      (text) =>
        `${texts(text)[0]
          .map((word) => `<${word}>`)
          .join('')}|\n`,
    )
    .join('');
  assert.is(stdout, wanted, `seed ${seed}`);
});

Words.run();
