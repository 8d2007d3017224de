/**
 * Claims over golden cases. How many packets a claim meets and what became of them was counted in what the kernel
 * recorded: the captures in want/, and the counters of its rules.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { judged, outcome } from './judged.js';

const Judge = suite('judge');

/** Claims, ` | ` between their members, and what comes of each. They are called c0, c1, … */
function check(dir: string, cases: readonly (readonly [claim: string, expected: string])[]): void {
  const text = cases.map(([claim], i) => `  - it: c${i}\n    ${claim.replaceAll(' | ', '\n    ')}`).join('\n');
  const results = judged(dir, text);
  assert.equal(
    results.map((result, i) => [cases[i][0], outcome(result)]),
    cases.map((pair) => [...pair]),
  );
}

Judge('packets entered as the sentence says, and left as `becomes` does', () => {
  check('pcaps/docker', [
    ['packet: eth0 tcp 203.0.113.7 > 192.0.2.10:36379', 'met 8'],
    [
      'packet: eth0 tcp 203.0.113.7 > 192.0.2.10:36379 | becomes: tcp 203.0.113.7 > 172.17.0.3:6379 out docker0',
      'met 8',
    ],
    ['packet: tcp * > *:36379 | becomes: tcp * > *:6379 out eth0', '8 of 8: becomes'],
    ['packet: tcp * > *:36379 | becomes: tcp * > *:6379 S', '7 of 8: becomes'],
    // A reply, which is translated back.
    ['packet: docker0 tcp 172.17.0.3:6379 > * | becomes: tcp 192.0.2.10:36379 > 203.0.113.7:51515 out eth0', 'met 4'],
    ['packet: docker0 icmp * > * | becomes: icmp 192.0.2.10 > 192.0.2.1 echo-request out eth0', 'met 1'],
    // It reaches the host.
    ['packet: tcp * > *:22 | becomes: tcp * > 192.0.2.10:22', 'met 4'],
    ['packet: tcp * > *:22 | becomes: tcp * > 192.0.2.10:22 out docker0', '4 of 4: becomes'],
    ['packet: tcp * > *:8081 | becomes: tcp * > *:8081', '1 of 1: becomes'],
    ['packet: tcp * > *:23', 'none'],
    // Each hop takes one from the TTL of 64.
    ['packet: tcp * > *:36379 ttl 64 | becomes: tcp * > * ttl 63', 'met 8'],
    ['packet: tcp * > *:36379 ttl 63', 'none'],
  ]);
});

Judge('a packet ends as it is said, decided by what is said', () => {
  check('pcaps/docker', [
    ['packet: tcp * > *:36379 | ends: accepted', 'met 8'],
    ['packet: tcp * > *:36379 | ends: forwarded', 'met 8'],
    ['packet: tcp * > *:36379 | ends: delivered', '8 of 8: ends'],
    ['packet: eth0 tcp * > *:22 | ends: delivered', 'met 4'],
    ['packet: local ip * > * | ends: sent', 'met 3'],
    ['packet: tcp * > *:8081 | ends: rejected | by: "filter INPUT 5" | answer: icmp host-prohibited', 'met 1'],
    ['packet: tcp * > *:8081 | ends: dropped', '1 of 1: ends'],
    ['packet: tcp * > 172.17.0.3:80 | ends: rejected | by: filter FORWARD "-j REJECT"', 'met 1'],
    // The first is decided by its own rule, the others as ESTABLISHED.
    ['packet: tcp * > *:36379 state NEW | by: filter DOCKER "--dport 6379"', 'met 1'],
    ['packet: tcp * > *:36379 state ESTABLISHED | by: filter DOCKER', 'met 7'],
    ['packet: tcp * > *:22 | by: filter INPUT "--dport 22"', '3 of 4: by'],
    ['packet: tcp * > *:22 S | by: filter INPUT 4', 'met 1'],
    ['packet: tcp * > *:22 S | by: filter INPUT 3', '1 of 1: by'],
    ['packet: tcp * > *:22 S | by: filter INPUT "--dport 2"', '1 of 1: by'],
    ['packet: local tcp * > * | by: filter OUTPUT policy', 'met 2'],
    ['packet: local tcp * > * | by: filter INPUT policy', '2 of 2: by'],
    ['packet: local tcp * > * | by: none', '2 of 2: by'],
    ['packet: tcp * > *:22 S | answer: tcp SA', '1 of 1: answer'],
  ]);
});

Judge('`never` need not meet a packet, and is not met by one that gets through', () => {
  check('pcaps/docker', [
    ['never: tcp * > 172.17.0.0/16:* in eth0', 'met 1'],
    ['never: tcp * > 172.18.0.0/16:* in eth0', 'met 0'],
    ['never: tcp * > *:36379', '8 of 8: never'],
    ['never: local ip * > *', '4 of 4: never'],
    ['never: eth0 tcp * > *:22', '4 of 4: never'],
    ['never: eth0 tcp * > *:8081', 'met 1'],
    // What claims send counts as well.
    ['send: local tcp 192.0.2.10 > 203.0.113.7:8082', 'met 1'],
    ['never: tcp * > *:8082', '1 of 1: never'],
  ]);
});

Judge('`never` that meets no packet sends one, if one can be made of its sentence', () => {
  check('pcaps/docker', [
    ['never: eth0 tcp 198.51.100.77 > 192.0.2.10:36379', '1 of 1: never'],
    ['never: eth0 tcp 198.51.100.77 > 192.0.2.10:8082', 'met 1'],
    // No port; several protocols; what conntrack decides.
    ['never: eth0 tcp 198.51.100.77 > 192.0.2.10', 'met 0'],
    ['never: eth0 ip 198.51.100.77 > 192.0.2.10', 'met 0'],
    ['never: eth0 tcp 198.51.100.77 > 192.0.2.10:36379 state ESTABLISHED', 'met 0'],
  ]);
});

Judge('a packet in fragments is one packet: it enters with the fragment that completes it', () => {
  // Two datagrams of 2028 bytes, the first in two fragments, the second in three, of which the first comes last.
  check('pcaps/fragments', [
    [
      'packet: udp * > 192.0.2.10:36379 | ends: forwarded | by: filter DOCKER "--dport 6379" | becomes: udp * > *:6379',
      'met 2',
    ],
    ['packet: udp * > 192.0.2.10:36379 len 2028', 'met 2'],
    ['packet: udp * > 192.0.2.10:36379 len 0-1500', 'none'],
    ['packet: udp * > 192.0.2.10 | ends: forwarded', 'met 2'],
    ['packet: eth0 ip * > * | ends: held', '2 of 2: ends'],
  ]);
});

Judge('copies and answers are not captured packets', () => {
  check('pcaps/tee', [
    // Copies of it go to docker0 and eth0.
    ['packet: tcp * > *:8081 | answer: tcp R', 'met 1'],
    ['never: local tcp * > *', 'met 0'],
    ['packet: local udp * > *:53 | ends: sent', 'met 1'],
  ]);
});

Judge('a packet is sent to a fresh host, or to what another claim or the captures have left', () => {
  check('pcaps/docker', [
    ['send: eth0 tcp 203.0.113.7:51515 > 192.0.2.10:8081 S | ends: rejected | answer: icmp host-prohibited', 'met 1'],
    ['send: eth0 tcp 203.0.113.7:51515 > 192.0.2.10:36379 S | becomes: tcp * > 172.17.0.3:6379 out docker0', 'met 1'],
    // Nobody has opened its connection, so that it is NEW; after the packet before it is not.
    ['send: docker0 tcp 172.17.0.3:6379 > 203.0.113.7:51515 A | becomes: tcp 172.17.0.3:6379 > *', '1 of 1: becomes'],
    [
      'send: reply | after: c1 | becomes: tcp 192.0.2.10:36379 > 203.0.113.7:51515 SA out eth0 | by: filter FORWARD 4',
      'met 1',
    ],
    ['send: handshake | after: c1 | ends: accepted', 'met 1'],
    ['send: close | after: c4 | ends: accepted', 'met 1'],
    ['send: handshake | after: c0', 'none'],
    // Its connection was opened in the captures, and closed: TIME_WAIT.
    ['send: eth0 tcp 203.0.113.7:51515 > 192.0.2.10:36379 A | by: filter FORWARD "RELATED,ESTABLISHED"', '1 of 1: by'],
  ]);
});

Judge('a connection fits by its first packet, and ends like its first packet that did not get through', () => {
  check('pcaps/docker', [
    [
      'connection: tcp 203.0.113.7 > *:36379 in eth0 | becomes: tcp * > 172.17.0.3:6379 out docker0 | ' +
        'ends: accepted | by: filter DOCKER "--dport 6379" | ' +
        'answer: tcp 192.0.2.10:36379 > 203.0.113.7:51515 SA out eth0',
      'met 1',
    ],
    // Replies and errors open none.
    ['connection: tcp * > *', 'met 5'],
    ['connection: tcp * > * | ends: accepted', '2 of 5: ends'],
    ['connection: tcp *:6379 > *', 'none'],
    ['connection: tcp * > *:36379 A', 'none'],
    ['connection: tcp * > *:8081 | ends: rejected | answer: icmp host-prohibited', 'met 1'],
    ['connection: tcp * > *:8081 | answer: tcp SA', '1 of 1: answer'],
    ['connection: udp 172.17.0.3 > *:53 | answer: udp *:53 > 172.17.0.3:41053 out docker0', 'met 1'],
    [
      'connection: icmp 172.17.0.3 > * | becomes: icmp 192.0.2.10 > * | answer: icmp * > 172.17.0.3 echo-reply',
      'met 1',
    ],
    ['connection: eth0 tcp * > *:22 | ends: delivered | answer: tcp *:22 > * SA', 'met 1'],
    ['connection: udp * > * | ends: expired', '1 of 1: ends'],
  ]);
  check('pcaps/fragments', [
    ['connection: udp * > *:36379 | ends: forwarded | answer: udp *:36379 > 203.0.113.7 out eth0', 'met 1'],
  ]);
});

Judge('what decides are the rules in force when the packet comes', () => {
  check('pcaps/iptables-restart-legacy', [
    ['connection: eth0 tcp * > *:36379', 'met 4'],
    [
      'connection: eth0 tcp *:51515 > * | ends: rejected | by: filter FORWARD "-j REJECT" | becomes: tcp * > *:6379',
      'met 1',
    ],
    ['connection: eth0 tcp *:51516 > * | ends: delivered | by: filter INPUT policy', 'met 1'],
    ['connection: eth0 tcp *:51518 > * | ends: accepted | by: filter DOCKER 1', 'met 1'],
    [
      'connection: docker0 tcp *:40000 > * | ends: rejected | by: filter FORWARD 1 | answer: icmp host-prohibited',
      'met 1',
    ],
    // Those of the rules at the end.
    ['counters: { filter FORWARD 1: "17 packets, 720 bytes", filter FORWARD 6: 0 packets }', 'met 0'],
  ]);
  check('pcaps/ban-while-connected', [
    ['connection: tcp * > * | ends: dropped | by: filter FORWARD "--match-set banned src"', 'met 2'],
    ['packet: tcp 203.0.113.66 > * | ends: accepted', '2 of 8: ends'],
  ]);
});

Judge('counters are those of iptables, added up where words fit several rules', () => {
  check('pcaps/docker', [
    [
      'counters: { filter FORWARD 3: 5 packets, filter INPUT 5: "1 packet, 44 bytes", ' +
        'filter OUTPUT policy: "> 0 packets" }',
      'met 0',
    ],
    // 14 + 5 + 0 packets: rule 4 has `! -o docker0`.
    ['counters: { \'filter FORWARD "-o docker0"\': 19 packets }', 'met 0'],
    ['counters: { \'filter FORWARD "-o docker0"\': < 19 packets }', 'counters'],
    ['counters: { \'filter FORWARD "-o docker1"\': 0 packets, filter INPUT 9: 0 packets }', 'counters, counters'],
  ]);
  const [{ notes }] = judged('pcaps/docker', `  - counters: { 'filter FORWARD "-o docker0"': 19 packets }`);
  assert.equal(notes, ['filter FORWARD "-o docker0": the sum of rules 2, 3, 5']);
});

Judge('what is uncertain meets no claim, and the reason is said', () => {
  const more = {
    lax: true,
    apply: ['iptables -t mangle -A PREROUTING -p tcp -m multiport --dports 36379,80 -m helper --helper ftp -j DROP'],
  };
  const claims = [
    'packet: tcp * > *:36379',
    'connection: tcp * > *:36379',
    'never: tcp * > 172.17.0.3:80',
    'send: eth0 tcp 203.0.113.7 > 192.0.2.10:36379',
    'counters: { filter FORWARD 1: ">= 1 packet" }',
    'packet: eth0 tcp * > *:8081',
  ];
  const results = judged('pcaps/docker', claims.map((claim, i) => `  - it: c${i}\n    ${claim}`).join('\n'), more);
  assert.equal(results.map(outcome), [
    '8 of 8: uncertain',
    '1 of 1: uncertain',
    '1 of 1: uncertain',
    '1 of 1: uncertain',
    'uncertain',
    'met 1',
  ]);
  assert.match(results[0].problems[0].found, /^mangle PREROUTING 1 \(--apply.*\): `-m helper` was not asked$/);
});

Judge.run();
