/** The trackers of UDP, UDP-Lite, ICMP, GRE and other protocols: time-outs and validity, as in Linux 6.18. */

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { internetChecksum, pseudoHeaderSum } from '../../codecs/checksum.js';
import {
  IPPROTO_GRE,
  IPPROTO_ICMP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  IPV4_LENGTH,
  UDP_CHECKSUM_AT,
} from '../../codecs/layouts.js';
import { Hook } from '../../core/hooks.js';
import { generic } from '../../core/protocols/generic.js';
import { gre } from '../../core/protocols/gre.js';
import { icmp } from '../../core/protocols/icmp.js';
import { udp } from '../../core/protocols/udp.js';
import { udplite } from '../../core/protocols/udplite.js';
import { Tracking } from '../conntrack/tracking.js';
import { buildIcmp, buildIpv4, buildUdp } from '../packets/packets.js';

const OPENER = [10, 1, 0, 2];
const ANSWERER = [10, 2, 0, 2];
const IPPROTO_ESP = 50;
const NO_CHECKSUMS = { 'net.netfilter.nf_conntrack_checksum': 0 };

const trackers = suite('trackers without states');

trackers('UDP: a request and its reply last 30 s, not assured, whichever side sends again', () => {
  const tracking = new Tracking();
  const tracker = tracking.tracker(udp);
  assert.is(tracking.track(tracker, datagram('>', [1]), 0), 'NEW');
  assert.is(tracking.describe(0), '30 1/29 0/0 UNREPLIED');
  assert.is(tracking.track(tracker, datagram('<', [1]), 10), 'ESTABLISHED/R');
  assert.is(tracking.track(tracker, datagram('>', [1]), 1900), 'ESTABLISHED');
  assert.is(tracking.describe(1900), '30 2/58 1/29');
});

trackers('UDP: 2 s after its first packet an answered flow is a stream', () => {
  const tracking = new Tracking();
  const tracker = tracking.tracker(udp);
  tracking.track(tracker, datagram('>', [1]), 0);
  tracking.track(tracker, datagram('<', [1]), 5000);
  assert.is(tracking.describe(5000), '30 1/29 1/29', 'the first answer never makes one');
  tracking.track(tracker, datagram('<', [1]), 5001);
  assert.is(tracking.describe(5001), '120 1/29 2/58 ASSURED');
});

trackers('UDP: the length may be less than the payload, but not more, and not less than the header', () => {
  const isValid = (length: number): boolean => {
    const tracking = new Tracking();
    const tracker = tracking.tracker(udp, NO_CHECKSUMS);
    return tracking.track(tracker, datagram('>', [1, 2, 3], { length })) === 'NEW';
  };
  assert.equal([0, 7, 8, 10, 11, 12].map(isValid), [false, false, true, true, true, false]);
});

trackers('UDP: a bad checksum is INVALID in PREROUTING if nf_conntrack_checksum is set; no checksum is valid', () => {
  const seen = (checksums: boolean, hook: Hook, change: Change): string => {
    const tracking = new Tracking();
    return tracking.track(tracking.tracker(udp, checksums ? {} : NO_CHECKSUMS), datagram('>', [1], change), 0, hook);
  };
  assert.is(seen(true, Hook.PREROUTING, { flip: 1 }), 'INVALID');
  assert.is(seen(true, Hook.OUTPUT, { flip: 1 }), 'NEW');
  assert.is(seen(false, Hook.PREROUTING, { flip: 1 }), 'NEW');
  assert.is(seen(true, Hook.PREROUTING, { checksum: 0 }), 'NEW');
});

trackers('UDP: the checksum of a truncated packet is trusted', () => {
  const tracking = new Tracking();
  const tracker = tracking.tracker(udp);
  assert.is(tracking.track(tracker, datagram('>', [1, 2, 3, 4], { flip: 1 }).subarray(0, 30)), 'NEW');
});

trackers('UDP-Lite: the length is the checksum coverage, 0 means all; a checksum is required', () => {
  const seen = (length: number, change: Change = {}): string => {
    const tracking = new Tracking();
    const tracker = tracking.tracker(udplite);
    return tracking.track(
      tracker,
      datagram('>', [1, 2, 3], { protocol: IPPROTO_UDPLITE, length, covered: length, ...change }),
    );
  };
  assert.equal(
    [0, 7, 8, 10, 11, 12].map((length) => seen(length)),
    ['NEW', 'INVALID', 'NEW', 'NEW', 'NEW', 'INVALID'],
  );
  assert.is(seen(8, { flip: 1 }), 'INVALID');
  assert.is(seen(8, { checksum: 0 }), 'INVALID');
});

trackers('UDP-Lite: a stream from the packet after the first answer on', () => {
  const tracking = new Tracking();
  const tracker = tracking.tracker(udplite);
  const change = { protocol: IPPROTO_UDPLITE };
  tracking.track(tracker, datagram('>', [1], change));
  tracking.track(tracker, datagram('<', [1], change));
  assert.is(tracking.describe(), '30 1/29 1/29');
  tracking.track(tracker, datagram('>', [1], change));
  assert.is(tracking.describe(), '120 2/58 1/29 ASSURED');
});

trackers('ICMP: only the four queries open a connection, with any code', () => {
  const opening = [];
  for (let type = 0; type < 256; type++) {
    const tracking = new Tracking();
    const tracker = tracking.tracker(icmp);
    const seen = tracking.track(tracker, message('>', type, 7));
    if (seen === 'NEW') opening.push(type);
    else assert.is(seen, 'INVALID');
  }
  assert.equal(opening, [8, 13, 15, 17]);
});

trackers('ICMP: each query has its reply, and errors are distinguished (RFC 792, RFC 950)', () => {
  const pairs = [
    [8, 0],
    [13, 14],
    [15, 16],
    [17, 18],
  ];
  for (const [query, reply] of pairs) {
    const tracking = new Tracking();
    const tracker = tracking.tracker(icmp);
    assert.is(tracking.track(tracker, message('>', query, 0)), 'NEW', `type ${query}`);
    assert.is(tracking.track(tracker, message('<', reply, 0)), 'ESTABLISHED/R', `type ${reply}`);
  }
  const errors = [];
  for (let type = 0; type < 256; type++) {
    const tracking = new Tracking();
    tracking.track(tracking.tracker(icmp), message('>', type, 0));
    if (icmp.isError(tracking.packet)) errors.push(type);
  }
  assert.equal(errors, [3, 4, 5, 11, 12]);
});

trackers('ICMP: a reply belongs to the query with its code, and restarts the 30 s', () => {
  const tracking = new Tracking();
  const tracker = tracking.tracker(icmp);
  assert.is(tracking.track(tracker, message('>', 8, 0)), 'NEW');
  assert.is(tracking.track(tracker, message('<', 0, 3)), 'INVALID');
  assert.is(tracking.track(tracker, message('<', 0, 0), 1000), 'ESTABLISHED/R');
  assert.is(tracking.describe(1000), '30 1/28 1/28');
});

trackers('ICMP: a wrong checksum and a truncated header are INVALID', () => {
  const tracking = new Tracking();
  const tracker = tracking.tracker(icmp);
  const bad = message('>', 8, 0);
  bad[IPV4_LENGTH + 2] ^= 1;
  assert.is(tracking.track(tracker, bad), 'INVALID');
  assert.is(tracking.track(tracker, bad, 0, Hook.OUTPUT), 'NEW');
  assert.is(tracking.track(tracker, ip('>', IPPROTO_ICMP, [8, 0, 0xf7, 0xff, 0, 0, 0])), 'INVALID');
});

trackers('GRE: 30 s, and 180 from the packet after the first answer on', () => {
  const tracking = new Tracking();
  const tracker = tracking.tracker(gre);
  const header = [0, 0, 8, 0];
  assert.is(tracking.track(tracker, ip('>', IPPROTO_GRE, header)), 'NEW');
  assert.is(tracking.track(tracker, ip('<', IPPROTO_GRE, header)), 'ESTABLISHED/R');
  assert.is(tracking.describe(), '30 1/24 1/24');
  assert.is(tracking.track(tracker, ip('<', IPPROTO_GRE, header)), 'ESTABLISHED/R');
  assert.is(tracking.describe(), '180 1/24 2/48 ASSURED');
});

trackers('any other protocol: 600 s, never assured', () => {
  const tracking = new Tracking();
  const tracker = tracking.tracker(generic);
  for (const direction of ['>', '<', '>', '<']) tracking.track(tracker, ip(direction, IPPROTO_ESP, [1, 2, 3, 4]));
  assert.is(tracking.describe(), '600 2/48 2/48');
});

trackers('time-outs are those of the sysctls, in seconds', () => {
  const { timeoutsMs } = new Tracking().tracker(udp, { 'net.netfilter.nf_conntrack_udp_timeout': 7 });
  assert.equal([...timeoutsMs], [7000, 120_000]);
});

trackers('a time-out of 0 or less ends an entry at once, as in the kernel', () => {
  for (const seconds of [0, -5]) {
    const tracking = new Tracking();
    const tracker = tracking.tracker(udp, { 'net.netfilter.nf_conntrack_udp_timeout': seconds });
    assert.is(tracking.track(tracker, datagram('>', [1]), 0), 'NEW');
    assert.is(tracking.track(tracker, datagram('<', [1]), 1), 'NEW');
  }
});

trackers.run();

interface Change {
  protocol?: number;
  /** The length field, if it differs from the actual length. */
  length?: number;
  /** How many bytes the checksum covers, 0: all. */
  covered?: number;
  checksum?: number;
  /** The bits to flip in the checksum. */
  flip?: number;
}

/** The direction of a packet: from the opener ('>') or to it. */
function ends(direction: string): { source: string; destination: string } {
  const [source, destination] = direction === '>' ? [OPENER, ANSWERER] : [ANSWERER, OPENER];
  return { source: source.join('.'), destination: destination.join('.') };
}

function ip(direction: string, protocol: number, payload: readonly number[]): Uint8Array {
  return buildIpv4({ ...ends(direction), protocol }, Uint8Array.from(payload));
}

function datagram(direction: string, data: readonly number[], change: Change = {}): Uint8Array {
  const [sport, dport] = direction === '>' ? [40_000, 53] : [53, 40_000];
  const whole = buildUdp(sport, dport, Uint8Array.from(data), change.length);
  const packet = buildIpv4({ ...ends(direction), protocol: change.protocol ?? IPPROTO_UDP }, whole);
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  // The kernel uses UDP's protocol number in the pseudo header of UDP-Lite too.
  const sum = pseudoHeaderSum(view, 0, IPPROTO_UDP, whole.length);
  const covered = Math.min(change.covered || whole.length, whole.length);
  const checksum = change.checksum ?? internetChecksum(view, IPV4_LENGTH, covered, sum) ^ (change.flip ?? 0);
  view.setUint16(IPV4_LENGTH + UDP_CHECKSUM_AT, checksum);
  return packet;
}

function message(direction: string, type: number, code: number): Uint8Array {
  return buildIpv4({ ...ends(direction), protocol: IPPROTO_ICMP }, buildIcmp(type, code, 0x1234, 1, new Uint8Array(0)));
}
