/** Frames with packets that are not followed: no claim may say that none of them gets through. Headers by the RFCs. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ClaimResult } from '../../../explain/expect/claim-result.js';
import type { ReplayOptions } from '../../../replay/replay.js';
import { judgedWith, outcome } from './judged.js';

const Unfollowed = suite('claims and packets that are not followed');

const MACS = '020000000010020000000001';
/** A SYN from port 113 to port 22. */
const SYN = `00710016000003e8000000005002faf0b2e00000`;
/** From 203.0.113.7 to 192.0.2.10. */
const IPV4 = `450000280001000040067cbdcb007107c000020a${SYN}`;
/** From 2001:db8::7 to 2001:db8::10. */
const ENDS = '20010db8000000000000000000000007' + '20010db8000000000000000000000010';
const IPV6 = `6000000000140640${ENDS}${SYN}`;
/** With hop-by-hop options (RFC 8200, section 4.3), and as a first fragment (4.5). */
const EXTENDED = `6000000000240040${ENDS}2c00010400000000${'0600000100000001'}${SYN}`;

const FRAMES = {
  ipv6: `${MACS}86dd${IPV6}`,
  extended: `${MACS}86dd${EXTENDED}`,
  vlan: `${MACS}810000050800${IPV4}`,
  'vlan in vlan': `${MACS}88a80007810000050800${IPV4}`,
  // The second label is the last one (RFC 3032).
  mpls: `${MACS}88470001004000011140${IPV4}`,
  // Session 1, PPP's protocol 0x0021 (RFC 2516).
  pppoe: `${MACS}8864110000010${'02a'}0021${IPV4}`,
  arp: `${MACS}08060001080006040001020000000001c0000201000000000000c000020a`,
} as const;

const folder = mkdtempSync(join(tmpdir(), 'nfreplay-unfollowed-'));
Unfollowed.after(() => rmSync(folder, { recursive: true, force: true }));

/** A capture with one frame. */
function capture(hex: string): string {
  const path = join(folder, 'eth0.pcap');
  const frame = Buffer.from(hex, 'hex');
  const header = Buffer.from(
    `d4c3b2a1020004000000000000000000000004000100000000f1536500000000${'0'.repeat(16)}`,
    'hex',
  );
  header.writeUInt32LE(frame.length, 32);
  header.writeUInt32LE(frame.length, 36);
  writeFileSync(path, Buffer.concat([header, frame]));
  return path;
}

const HOST = { hostPath: 'pcaps/docker/host.json', rulesPath: 'pcaps/docker/rules.v4', checksums: 'verify' as const };

/** A `never` that meets no packet of the capture sends one itself, which may get through: that is another matter. */
function outcomeOf(result: ClaimResult): string {
  const isOther = result.claim.kind === 'never' && result.problems.every(({ member }) => member !== 'uncertain');
  return isOther ? 'none' : outcome(result);
}

function outcomes(input: Partial<ReplayOptions>, claims: readonly string[]): string[] {
  const text = claims.map((one, i) => `  - it: c${i}\n    ${one.replaceAll(' | ', '\n    ')}`).join('\n');
  return judgedWith({ ...HOST, ...input }, text).map(outcomeOf);
}

Unfollowed('`never` is not met by frames that fit and are not followed; they end `skipped`', () => {
  const claims = (source: string, destination: string, other: string) => [
    `never: tcp ${source} > ${destination}:22 in eth0`,
    'never: tcp * > *:22 S state NEW',
    `never: tcp ${source} > ${destination}:23`,
    `never: tcp * > ${other}:22`,
    `packet: tcp ${source} > * | ends: skipped`,
    `packet: tcp * > *:22 | ends: accepted`,
  ];
  const v4 = claims('203.0.113.7', '192.0.2.10', '0::/0');
  const v6 = claims('"[2001:db8::7]"', '"[2001:db8::/32]"', '0.0.0.0/0');
  for (const [name, frame] of Object.entries(FRAMES)) {
    const isNone = name === 'arp';
    const isV6 = name === 'ipv6' || name === 'extended';
    const all = (isV6 ? v6 : v4).map((one) => one.replaceAll('"', '').replace('[2001:db8::/32]', '[2001:db8::]/32'));
    const quoted = all.map((one) => one.replace(/^(\w+): ([^|]*?)( \||$)/, '$1: "$2"$3').replace('0::/0', '[::]/0'));
    assert.equal(
      outcomes({ inputs: [{ iface: 'eth0', path: capture(frame) }] }, quoted),
      isNone
        ? ['none', 'none', 'none', 'none', 'none', 'none']
        : ['1 of 1: uncertain', '1 of 1: uncertain', 'none', 'none', 'met 1', '1 of 1: ends'],
      name,
    );
  }
});

Unfollowed('the same of captures taken outside of the host, and on it', () => {
  const claims = ['never: tcp * > *:22', 'never: tcp * > *:23', 'packet: tcp * > *:22'];
  for (const name of ['ipv6', 'vlan'] as const) {
    const path = capture(FRAMES[name]);
    for (const input of [{ stitchPaths: [path] }, { captures: [{ iface: 'eth0', path }] }])
      assert.equal(outcomes(input, claims), ['1 of 1: uncertain', 'none', 'none'], name);
  }
});

Unfollowed('why is said, and how to leave IPv6 out', () => {
  const inputs = [{ iface: 'eth0', path: capture(FRAMES.ipv6) }];
  const claims = ['never: tcp * > *:22', 'never: tcp 0.0.0.0/0 > *:22', 'connection: tcp * > *:22'];
  const results = judgedWith({ ...HOST, inputs }, claims.map((one) => `  - ${one}`).join('\n'));
  assert.equal(results.map(outcomeOf), ['1 of 1: uncertain', 'none', 'none']);
  assert.is(
    results[0].problems[0].found,
    'the packet is IPv6, which is not followed; 0.0.0.0/0 in place of * stands for IPv4 alone',
  );
  assert.match(results[2].problems[0].found, /; 1 that fits does not enter the host: IPv6, which is not followed$/);
});

Unfollowed('a fragment that waits for ever opens no connection, which is said', () => {
  // The first one: 16 of 1024 bytes, more follow.
  const fragment = `450000240001200040115cb6cb007107c000020a138800350400${'0'.repeat(20)}`;
  const inputs = [{ iface: 'eth0', path: capture(`${MACS}0800${fragment}`) }];
  const claims = '  - packet: udp * > *:53\n    ends: held\n  - connection: udp * > *:53 in eth0';
  const results = judgedWith({ ...HOST, inputs }, claims);
  assert.equal(results.map(outcome), ['met 1', 'none']);
  assert.match(results[1].problems[0].found, /; 1 fragment that fits waits for others$/);
});

Unfollowed.run();
