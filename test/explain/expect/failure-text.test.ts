/** What people read of a claim that is not met. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { claimTest } from '../../../cli/check/claim-tests.js';
import { failureLines, failureMessage, problemLines } from '../../../explain/expect/failure-text.js';
import { NO_NAMES } from '../../../explain/story/packet-words.js';
import { PLAIN } from '../../../explain/text/style.js';
import { optionsOf, readCase } from '../../../replay/golden-case.js';
import { judged, judgedWith } from './judged.js';

const FailureText = suite('text of claims that are not met');

const REJECTED = `
  - it: port 8081 is open
    connection: eth0 tcp * > *:8081
    ends: accepted
    by: filter INPUT "--dport 8081"`;

const FOUND =
  'rejected in filter INPUT by rule 5 (pcaps/docker/rules.v4:24): -j REJECT --reject-with icmp-host-prohibited';

FailureText('the claim and its place come first, then what was expected and found, then the trace', () => {
  const [result] = judged('pcaps/docker', REJECTED);
  const lines = failureLines(result, { width: 120, style: PLAIN, names: NO_NAMES });
  assert.equal(lines.slice(0, 11), [
    'port 8081 is open',
    'expect.yaml:3',
    'connection: eth0 tcp * > *:8081',
    'expected  by: filter INPUT "--dport 8081"',
    'found     no rule of filter INPUT has these words ' +
      '(rejected in filter INPUT by rule 5 (pcaps/docker/rules.v4:24): -j',
    '          REJECT --reject-with icmp-host-prohibited)',
    'expected  ends: accepted',
    `found     ${FOUND}`,
    '',
    'eth0:16',
    'rejected  in filter INPUT by rule 5 (pcaps/docker/rules.v4:24)   -j REJECT --reject-with icmp-host-prohibited',
  ]);
  assert.is(
    failureMessage(result),
    'expected by: filter INPUT "--dport 8081"; found no rule of filter INPUT has these words ' +
      '(rejected in filter INPUT by rule 5 (pcaps/docker/rules.v4:24): ' +
      '-j REJECT --reject-with icmp-host-prohibited) (and 1 more)',
  );
  assert.equal(result.offender?.decidedBy, { file: 'pcaps/docker/rules.v4', line: 24 });
});

FailureText('of several packets, it is said which one is told of', () => {
  const whichOf = (claim: string): string => {
    const [result] = judged('pcaps/docker', `  - ${claim}`);
    const lines = failureLines(result, { width: 120, style: PLAIN, names: NO_NAMES });
    return lines[lines.indexOf('') + 1];
  };
  assert.is(whichOf('{ packet: "tcp * > *:36379", ends: dropped }'), 'eth0:1, the first of 8 packets');
  assert.is(whichOf('{ packet: "tcp * > *:36379", by: filter DOCKER 2 }'), 'eth0:1, the first of 8 packets');
  assert.is(whichOf('{ connection: "tcp * > *", ends: accepted }'), 'eth0:16, the first of 2, out of 5 connections');
  assert.is(whichOf('{ packet: "tcp * > 192.0.2.10:* S", ends: accepted }'), 'eth0:16, the only one of 3 packets');
});

FailureText('what is found once for several things that were expected is said once', () => {
  const [result] = judged(
    'pcaps/docker',
    '  - { connection: eth0 tcp * > *:8081, becomes: tcp * > *:81, ends: accepted, by: filter INPUT 4 }',
  );
  assert.equal(problemLines(result, { width: 200, style: PLAIN, names: NO_NAMES }), [
    'expected  becomes: tcp * > *:81',
    'expected  ends: accepted',
    'expected  by: filter INPUT 4',
    `found     it did not leave: ${FOUND}`,
  ]);
});

FailureText('a chain that is not there comes first, with the nearest name and its place', () => {
  const [result] = judged(
    'pcaps/docker',
    '  - connection: eth0 tcp * > *:8081\n    ends: accepted\n    by: filter DOKCER\n',
  );
  assert.match(
    failureMessage(result),
    'expected by: filter DOKCER; found there is no chain DOKCER in table filter; did you mean DOCKER?',
  );
  assert.is(claimTest(result, NO_NAMES).place?.line, 4);
});

FailureText('the rule that was meant for the packet is marked and named', () => {
  const options = optionsOf(readCase('pcaps/docker'));
  const apply = ['iptables -R INPUT 4 -p tcp -m tcp --dport 8082 -j ACCEPT'];
  for (const subject of ['connection: eth0 tcp * > *:8081', 'send: eth0 tcp 203.0.113.7:51515 > 192.0.2.10:8081 S']) {
    const [result] = judgedWith({ ...options, apply }, `  - { ${subject}, ends: accepted }`);
    assert.match(failureMessage(result), /; nearest: .*:\d+, -p tcp -m tcp --dport 8082 -j ACCEPT$/);
    const lines = failureLines(result, { width: 120, style: PLAIN, names: NO_NAMES });
    assert.ok(
      lines.some((line) => /filter 4 .*--dport 8082.*← nearest/.test(line)),
      lines.join('\n'),
    );
  }
  // Nobody wants to hear of a rule that accepts what should be dropped.
  const [dropped] = judgedWith({ ...options, apply }, '  - { connection: "eth0 tcp * > *:8081", ends: dropped }');
  assert.not.match(failureMessage(dropped), 'nearest');
});

FailureText('no line is longer than there is room for', () => {
  const [result] = judged('pcaps/docker', REJECTED);
  for (const width of [60, 80, 200])
    for (const line of failureLines(result, { width, style: PLAIN, names: NO_NAMES }))
      assert.ok(line.length <= width, `${width}: ${line}`);
});

FailureText.run();
