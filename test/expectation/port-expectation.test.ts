/** Files of expected ports: what they say, and where they are wrong. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ExpectationError } from '../../codecs/expectation/expectation-error.js';
import { parsePortExpectation } from '../../codecs/expectation/port-expectation.js';

const Expectations = suite('expectations of ports');

const NAMES = new Map([['web', ['172.17.0.3']]]);
const parse = (text: string) => parsePortExpectation(text, 'ports.yaml', NAMES);

Expectations('each sentence is known by its line and column, quoted or not', () => {
  const { open, closed } = parse(
    '# ports\nopen:\n  - eth0 tcp * > 192.0.2.10:22  # ssh\n  - "tcp * > web:80"\nclosed: [udp * > *:53]\n',
  );
  assert.equal(
    [...open, ...closed].map(({ text, line, column }) => [text, line, column]),
    [
      ['eth0 tcp * > 192.0.2.10:22', 3, 5],
      ['tcp * > web:80', 4, 6],
      ['udp * > *:53', 5, 10],
    ],
  );
  assert.is(String(open[1].sentence.ends?.destination.host?.addresses[0]), '172.17.0.3');
  assert.equal(parse('open:\nclosed: ~\n'), { open: [], closed: [] });
});

const FAULTS: readonly (readonly [text: string, message: RegExp])[] = [
  ['', /^ports\.yaml:1:1: the file is empty/],
  ['- tcp * > *:22\n', /^ports\.yaml:1:1: expected `open:` and `closed:`/],
  ['open:\n  - tcp * > *:22\nclose: []\n', /^ports\.yaml:3:1: unknown member "close".*did you mean closed\?$/],
  ['open: tcp\n', /^ports\.yaml:1:7: expected a list of sentences/],
  ['open:\n  - {tcp: 22}\n', /^ports\.yaml:2:5: expected a sentence/],
  ['open:\n  - 22\n', /^ports\.yaml:2:5: expected a sentence/],
  ['open:\n  - |\n    tcp * > *:22\n', /^ports\.yaml:2:5: a text is one line here/],
  ['open: &ports\n  - tcp * > *:22\nclosed: *ports\n', /an anchor|an alias/],
  ['open:\n  - !!str tcp * > *:22\n', /^ports\.yaml:2:\d+: a tag/],
  ['open: []\nopen: []\n', /^ports\.yaml:2:1: "open" is there twice, first in line 1$/],
  ['open:\n\t- tcp * > *:22\n', /^ports\.yaml:2:1: a tab before the text/],
  // The column is that of the word within the file.
  ['open:\n  - tcp * > 192.0.2.10:htpp\n', /^ports\.yaml:2:24: /],
  ['open:\n  - "tcp * > 192.0.2.10:htpp"\n', /^ports\.yaml:2:25: /],
];

Expectations('what is wrong is said with its place', () => {
  for (const [text, message] of FAULTS) {
    try {
      parse(text);
      assert.unreachable(text);
    } catch (error) {
      assert.instance(error, ExpectationError, text);
      assert.match((error as Error).message, message);
    }
  }
});

Expectations.run();
