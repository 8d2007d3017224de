/**
 * Protects the connections of a report: each packet is in one of them, and what they add up to is what the kernel's
 * own table says, recorded in the golden cases.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatLoaded, portToHostOrder } from '../../../codecs/byte-order.js';
import type { ListedDirection } from '../../../codecs/conntrack-list.js';
import { type ReadConnection, readConntrackList } from '../../../codecs/conntrack-reader.js';
import { ENTRY_ENDS } from '../../../explain/report/format/connection-columns.js';
import { VERDICTS } from '../../../explain/report/format/model.js';
import { makeReport } from '../../../explain/report/make-report.js';
import { casesIn, type GoldenCase, optionsOf, readCase } from '../../../replay/golden-case.js';
import { type Unpacked, unpacked } from './unpacked.js';

const Connections = suite('connections of a report');

/** The rows of the connection table in the report of CASE. */
function reported(golden: GoldenCase): Unpacked {
  return unpacked(makeReport(golden.dir, [{ name: golden.dir, options: optionsOf(golden) }]));
}

const OPEN = ENTRY_ENDS.indexOf('open');

for (const golden of casesIn('pcaps')) {
  Connections(`${golden.dir}: each packet is in one, and their entries are those of the kernel`, () => {
    const report = reported(golden);
    assertSums(report);
    const file = join(golden.wantDir, 'conntrack.txt');
    if (!existsSync(file)) return;
    const wanted = readConntrackList(readFileSync(file, 'utf8'), file).connections;
    // nf_conntrack_acct is off where there are no numbers.
    const isAccounted = wanted.some(({ original }) => original.packets > 0);
    assert.equal(entriesOf(report, isAccounted).sort(), wanted.map((one) => listed(one, isAccounted)).sort());
  });
}

/** What the packets of REPORT add up to is what its connections say. */
function assertSums({ packets, connections }: Unpacked): void {
  const sums = connections.tuple.map(() => [0, 0, 0, 0, 0, 0, 0]);
  for (const [i, connection] of packets.connection.entries()) {
    assert.is(connection >= 0, packets.tuple[i] >= 0, `packet ${i}`);
    if (connection < 0) continue;
    const direction = packets.direction[i];
    const at = direction < 0 ? 4 : direction * 2;
    sums[connection][at]++;
    sums[connection][at + 1] += packets.length[i];
    sums[connection][6] = Math.max(sums[connection][6], packets.timeNs[i]);
  }
  const told = connections.tuple.map((_, i) => [
    ...[connections.packets[i], connections.bytes[i], connections.replyPackets[i], connections.replyBytes[i]],
    ...[connections.errors[i], connections.errorBytes[i], connections.lastNs[i]],
  ]);
  assert.equal(told, sums);
}

/** The connections that have an entry in the end: ends, state, and what conntrack counted. */
function entriesOf({ connections, tuples, rules }: Unpacked, isAccounted: boolean): string[] {
  const ends = (tuple: number): string => {
    const [source, destination] = [tuples.source[tuple], tuples.destination[tuple]].map(dotted);
    return `${source}:${tuples.sport[tuple]} ${destination}:${tuples.dport[tuple]} ${tuples.id[tuple]}`;
  };
  const open = connections.tuple.map((_, i) => i).filter((i) => connections.entry[i] === OPEN);
  return open.map((i) => {
    const counted = isAccounted
      ? [
          connections.packets[i] - connections.uncountedPackets[i],
          connections.bytes[i] - connections.uncountedBytes[i],
          connections.replyPackets[i] - connections.uncountedReplyPackets[i],
          connections.replyBytes[i] - connections.uncountedReplyBytes[i],
        ]
      : [];
    const [tuple, reply] = [connections.tuple[i], connections.reply[i]];
    const state = rules.connectionStates[connections.state[i]];
    return `${tuples.protocol[tuple]} ${ends(tuple)} | ${ends(reply)} | ${state} ${counted}`;
  });
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
}

/** The same of a line of conntrack. */
function listed({ protocol, original, reply, state }: ReadConnection, isAccounted: boolean): string {
  const ends = ({ source, destination, ports }: ListedDirection): string => {
    const [low, high] = [ports & 0xffff, ports >>> 16];
    const [from, to] = [portToHostOrder(low), portToHostOrder(high)];
    const [addressFrom, addressTo] = [source, destination].map(formatLoaded);
    if (protocol === 1) return `${addressFrom}:${high & 255} ${addressTo}:${high >>> 8} ${from}`;
    if (protocol === 47 && ports !== 0) return `${addressFrom}:-1 ${addressTo}:-1 ${from + to * 0x10000}`;
    return ports === 0 ? `${addressFrom}:-1 ${addressTo}:-1 -1` : `${addressFrom}:${from} ${addressTo}:${to} -1`;
  };
  const counted = isAccounted ? [original.packets, original.bytes, reply.packets, reply.bytes] : [];
  return `${protocol} ${ends(original)} | ${ends(reply)} | ${state} ${counted}`;
}

/** The values of COLUMNS in the row of REPORT whose first packet is the FRAME of an input. */
function rowOf({ packets }: Unpacked, input: number, frame: number): number {
  const at = packets.frame.findIndex((number, i) => number === frame && packets.input[i] === input);
  return packets.connection[at];
}

Connections('that timed out while there were still packets say so, and name the time-out', () => {
  const report = reported(readCase('pcaps/sip-call-after-udp-timeout'));
  const { connections, rules } = report;
  const row = connections.verdict.indexOf(VERDICTS.length);
  assert.is(ENTRY_ENDS[connections.entry[row]], 'expired');
  const timeout = rules.connectionTimeouts[connections.timeout[row]];
  assert.equal(timeout, { sysctl: 'net.netfilter.nf_conntrack_udp_timeout', seconds: 1 });
  // The INVITE that was too late is in it, and was dropped.
  assert.is(connections.refused[row], 1);
});

Connections('that are opened again in place of others are others', () => {
  const report = reported(readCase('pcaps/published-port'));
  const { connections } = report;
  const first = connections.entry.indexOf(ENTRY_ENDS.indexOf('reopened'));
  const second = connections.tuple.indexOf(connections.tuple[first], first + 1);
  assert.is(connections.entry[second], OPEN);
  assert.ok(connections.firstNs[second] >= connections.lastNs[first]);
});

Connections('without an entry have the packets of both directions', () => {
  // Whatever is not tracked has no entry: rules.v4 says which.
  const { connections } = reported(readCase('pcaps/notrack'));
  const both = connections.entry.filter((end, i) => end === 0 && connections.replyPackets[i] > 0);
  assert.ok(both.length > 0);
});

Connections('have the errors about them, in no direction', () => {
  const report = reported(readCase('pcaps/icmp-errors'));
  const { connections, packets, tuples } = report;
  const errors = packets.tuple.map((_, i) => i).filter((i) => packets.direction[i] === -1);
  assert.ok(errors.length > 0);
  for (const i of errors) {
    assert.is(tuples.protocol[packets.tuple[i]], 1);
    assert.ok(connections.errors[packets.connection[i]] > 0);
  }
});

Connections('have all fragments of their packets', () => {
  const report = reported(readCase('pcaps/fragments'));
  const row = rowOf(report, 0, 1);
  const { packets, connections } = report;
  const held = packets.connection.filter((one) => one === row).length;
  assert.ok(held > connections.packets[row] - connections.uncountedPackets[row]);
});

Connections('keep why each of their packets is INVALID', () => {
  // As the README of the case says: two beyond the window, and an acknowledgment of what was never seen.
  const { packets, details } = reported(readCase('pcaps/out-of-window-escape'));
  const said = packets.details.filter((number) => number >= 0).map((number) => details[number].join());
  assert.is(said.length, 3);
  assert.match(said[0], /sequence number is \d+ bytes beyond the window/);
  assert.match(said[2], /acknowledges \d+ bytes that were never seen/);
});

Connections.run();
