/** What people read of a claim that is not met. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { failureLines, failureMessage } from '../../../explain/expect/failure-text.js';
import { NO_NAMES } from '../../../explain/story/packet-words.js';
import { PLAIN } from '../../../explain/text/style.js';
import { judged } from './judged.js';

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
    'expected  ends: accepted',
    `found     ${FOUND}`,
    'expected  by: filter INPUT "--dport 8081"',
    `found     ${FOUND}`,
    '          (no rule of filter INPUT has these words)',
    '',
    'eth0:16',
    'rejected  in filter INPUT by rule 5 (pcaps/docker/rules.v4:24)   -j REJECT --reject-with icmp-host-prohibited',
  ]);
  assert.is(
    failureMessage(result),
    'expected ends: accepted; found rejected in filter INPUT by rule 5 (pcaps/docker/rules.v4:24): ' +
      '-j REJECT --reject-with icmp-host-prohibited (and 1 more)',
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

FailureText('no line is longer than there is room for', () => {
  const [result] = judged('pcaps/docker', REJECTED);
  for (const width of [60, 80, 200])
    for (const line of failureLines(result, { width, style: PLAIN, names: NO_NAMES }))
      assert.ok(line.length <= width, `${width}: ${line}`);
});

FailureText.run();
