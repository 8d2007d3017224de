// The shape of findings in text and JSON, which lint, doctor and scan share.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FINDINGS, type Finding, findingJson, findingLines } from '../../explain/findings.js';
import { PLAIN } from '../../explain/text/style.js';

const Findings = suite('findings');

const finding: Finding = {
  change: 'move rule 7 before rule 6',
  code: 'shadowed',
  message: 'the port 8081 is never accepted',
  packets: [{ packet: 'eth0 tcp 203.0.113.7:51515 > 192.0.2.10:8081 S', number: 'eth0:17' }],
  packetCount: 3,
  rules: [
    { file: 'rules.v4', line: 8 },
    { file: 'rules.v4', line: 7 },
  ],
};

Findings('text says what is wrong, where, the packets, and what to change', () => {
  assert.equal(findingLines(finding, PLAIN, 80), [
    'the port 8081 is never accepted  (rules.v4:8, rules.v4:7)',
    '  eth0:17 eth0 tcp 203.0.113.7:51515 > 192.0.2.10:8081 S',
    '  and 2 more',
    '  change: move rule 7 before rule 6',
  ]);
});

Findings('lines are no longer than the terminal is wide', () => {
  assert.ok(findingLines(finding, PLAIN, 40).every((line) => line.length <= 40));
});

Findings('a command that is wrapped is still one command for a shell', () => {
  const change = "iptables -I INPUT 4 -i eth0 -p tcp --dport 8081 -m comment --comment 'it is  ours' -j ACCEPT";
  const lines = findingLines({ ...finding, change }, PLAIN, 40);
  const at = lines.findIndex((line) => line.includes('change: '));
  const pasted = lines.slice(at).join('\n').replace('  change: ', '');
  assert.ok(
    lines.slice(at, -1).every((line) => line.endsWith(' \\') && line.length <= 40),
    pasted,
  );
  assert.is(pasted.replace(/ \\\n\s*/g, ' '), change);
});

Findings('JSON has all members, in the same order whoever made the finding', () => {
  const members = ['code', 'message', 'rules', 'packets', 'packetCount', 'change'];
  assert.equal(Object.keys(findingJson(finding)), members);
});

Findings('a code means one thing, whichever command reports it', () => {
  const codes = Object.values(FINDINGS).flatMap((ofCommand) => Object.keys(ofCommand));
  assert.is(new Set(codes).size, codes.length);
});

Findings.run();
