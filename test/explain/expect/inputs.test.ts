/**
 * Claims over captures of each kind. The captures are those of a golden case: what arrived on eth0 and what the kernel
 * sent there make up what was to be seen outside of the host; with those of docker0, what a capture on the host has.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ReplayOptions } from '../../../replay/replay.js';
import { judgedWith, outcome } from './judged.js';

const Inputs = suite('claims and inputs');

const CASE = 'pcaps/docker';
const HOST = { hostPath: `${CASE}/host.json`, rulesPath: `${CASE}/rules.v4`, checksums: 'verify' as const };
const OUTSIDE = { stitchPaths: [`${CASE}/in/eth0.pcap`, `${CASE}/want/eth0.pcap`] };
const ON_HOST = {
  captures: ['in', 'want'].flatMap((folder) =>
    ['eth0', 'docker0'].map((iface) => ({ iface, path: `${CASE}/${folder}/${iface}.pcap` })),
  ),
};

const CLAIMS = [
  'connection: eth0 tcp * > *:36379 | becomes: tcp * > 172.17.0.3:6379 out docker0 | ' +
    'answer: tcp 192.0.2.10:36379 > * SA',
  // As it entered, before its address was translated.
  'packet: docker0 tcp 172.17.0.3:6379 > * | becomes: tcp 192.0.2.10:36379 > * out eth0',
  'packet: eth0 tcp * > *:36379 A',
  // The capture does not say that the host itself sent them.
  'packet: local tcp *:22 > * | ends: sent',
  'packet: eth0 tcp * > *:8081 | answer: icmp host-prohibited',
  'send: eth0 tcp 203.0.113.7:51999 > 192.0.2.10:36379 S | after: captures | ends: accepted',
];

function results(more: Partial<ReplayOptions>) {
  const text = CLAIMS.map((claim, i) => `  - it: c${i}\n    ${claim.replaceAll(' | ', '\n    ')}`).join('\n');
  return judgedWith({ ...HOST, ...more }, text);
}

Inputs('claims hold over what was captured outside of the host, and on it', () => {
  for (const input of [OUTSIDE, ON_HOST])
    assert.equal(results(input).map(outcome), ['met 1', 'met 4', 'met 6', 'met 2', 'met 1', 'met 1']);
});

Inputs('what is never sent, as what it follows is not let through, meets no claim; how much that is, is said', () => {
  const all = results({ ...OUTSIDE, apply: ['iptables -I FORWARD -o docker0 -j DROP'] });
  assert.equal(all.map(outcome), ['1 of 1: becomes, answer', 'none', 'none', 'met 2', 'met 1', '1 of 1: ends']);
  // After the SYN, six segments of the client have an ACK and end nothing, and one has a FIN.
  assert.match(all[2].problems[0].found, /; 6 that fit do not enter the host: never sent, as what came before is not/);
  assert.match(all[1].problems[0].found, /; \d+ others were never sent, as what came before is not let through$/);
});

Inputs('what --filter leaves out meets no claim, which is said', () => {
  const inputs = [{ iface: 'eth0', path: `${CASE}/in/eth0.pcap` }];
  const all = results({ inputs, filter: 'not port 36379' });
  assert.equal(all.map(outcome), ['none', 'none', 'none', 'none', 'met 1', 'met 1']);
  assert.match(all[2].problems[0].found, /; 6 that fit do not enter the host: left out by --filter/);
});

Inputs('where else a packet comes in that fits otherwise is said', () => {
  const inputs = [{ iface: 'eth0', path: `${CASE}/in/eth0.pcap` }];
  const [{ problems }] = judgedWith({ ...HOST, inputs }, '  - packet: docker0 tcp * > *:36379');
  assert.is(problems[0].found, 'none in the captures; one that fits otherwise comes in eth0');
});

Inputs.run();
