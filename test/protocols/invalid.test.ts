/** Which check makes a packet INVALID. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { internetChecksum, pseudoHeaderSum } from '../../codecs/checksum.js';
import { icmp } from '../../core/protocols/icmp.js';
import { icmpv6 } from '../../core/protocols/icmpv6.js';
import { Invalid, type L4Protocol } from '../../core/protocols/protocol.js';
import { tcp } from '../../core/protocols/tcp.js';
import { udp } from '../../core/protocols/udp.js';
import { udplite } from '../../core/protocols/udplite.js';
import { packetOf, parseStories, upTo } from '../conntrack/tcp-story.js';
import { Tracking } from '../conntrack/tracking.js';
import { buildIpv4 } from '../packets/packets.js';

const Checks = suite('INVALID says which check failed');

const PORTS = [0x9c, 0x40, 0, 53];

/** An IPv4 packet with CONTENTS; FRAGMENT: its fragment field. */
function packet(protocol: number, contents: readonly number[], fragment = 0): Uint8Array {
  const header = { source: '10.1.0.2', destination: '10.2.0.2', protocol, fragment };
  return Uint8Array.from(buildIpv4(header, Uint8Array.from(contents)));
}

/** BYTES with a correct checksum at offset AT after the IP header, over the pseudo header of PSEUDO; 0: over none. */
function summed(bytes: Uint8Array, at: number, pseudo: number): Uint8Array {
  const view = new DataView(bytes.buffer);
  const length = bytes.length - 20;
  const sum = pseudo === 0 ? 0 : pseudoHeaderSum(view, 0, pseudo, length);
  view.setUint16(20 + at, internetChecksum(view, 20, length, sum));
  return bytes;
}

function faultOf(protocol: L4Protocol, bytes: Uint8Array): Invalid {
  const tracking = new Tracking();
  assert.is(tracking.track(tracking.tracker(protocol), bytes), 'INVALID');
  return tracking.fault;
}

Checks('UDP and UDP-Lite', () => {
  const datagram = (protocol: number, length: number) => packet(protocol, [...PORTS, 0, length, 0, 0, 1]);
  assert.is(faultOf(udp, packet(17, PORTS)), Invalid.HEADER);
  assert.is(faultOf(udp, datagram(17, 10)), Invalid.HEADER);
  const wrong = summed(datagram(17, 9), 6, 17);
  wrong[27] ^= 1;
  assert.is(faultOf(udp, wrong), Invalid.CHECKSUM);
  assert.is(faultOf(udplite, datagram(136, 7)), Invalid.HEADER);
  assert.is(faultOf(udplite, datagram(136, 0)), Invalid.NO_CHECKSUM);
  assert.is(faultOf(udplite, summed(datagram(136, 0), 6, 136)), Invalid.CHECKSUM);
  assert.is(faultOf(udp, packet(17, [...PORTS, 0, 9, 0, 0, 1], 1)), Invalid.NO_TUPLE);
});

Checks('ICMP, and ICMPv6 in IPv4', () => {
  const message = (type: number) => summed(packet(1, [type, 0, 0, 0, 0, 1, 0, 1]), 2, 0);
  assert.is(faultOf(icmp, packet(1, [8, 0, 0, 0, 0, 1, 0])), Invalid.HEADER);
  assert.is(faultOf(icmp, packet(1, [8, 0, 0, 0, 0, 1, 0, 1])), Invalid.CHECKSUM);
  assert.is(faultOf(icmp, message(19)), Invalid.TYPE);
  assert.is(faultOf(icmp, message(9)), Invalid.NO_TUPLE);
  assert.is(faultOf(icmp, message(0)), Invalid.NOT_OPENING);
  assert.is(faultOf(icmpv6, packet(58, [128, 0, 0, 0])), Invalid.FAMILY);
});

/** The last line of each is the INVALID one. */
const SEGMENTS: readonly [lines: string, fault: Invalid][] = [
  ['> SF seq=100', Invalid.FLAGS],
  ['> 0 seq=100', Invalid.FLAGS],
  ['> SA seq=100 ack=500', Invalid.NOT_OPENING],
  ['> S seq=100\n> A seq=101 ack=0', Invalid.STATE],
  ['> S seq=100\n< SA seq=5000 ack=101\n> A seq=101 ack=5001\n> A seq=900000000 ack=5001', Invalid.WINDOW],
  ['> S seq=100\n< SA seq=5000 ack=101\n> A seq=101 ack=5001\n> A seq=101 ack=5001\n< R seq=4000', Invalid.RESET],
];

for (const [lines, fault] of SEGMENTS) {
  Checks(`TCP: ${lines.replaceAll('\n', ', ')}`, () => {
    const [story] = parseStories(`# segments\n${lines.replaceAll(/$/gm, ' |')}`);
    const tracking = new Tracking();
    const tracker = tracking.tracker(tcp);
    let seen = '';
    for (const { segment } of upTo(story, story.lines[story.lines.length - 1])) {
      seen = tracking.track(tracker, packetOf(segment, 40_000));
    }
    assert.is(seen, 'INVALID');
    assert.is(tracking.fault, fault);
  });
}

Checks('TCP: a header that is cut short, and a checksum', () => {
  assert.is(faultOf(tcp, packet(6, [...PORTS, 0, 0, 0, 1])), Invalid.HEADER);
  const syn = packet(6, [...PORTS, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 1, 0, 0, 0, 0, 0]);
  assert.is(faultOf(tcp, syn), Invalid.CHECKSUM);
});

Checks.run();
