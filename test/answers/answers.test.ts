import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP } from '../../codecs/layouts.js';
import {
  ADMIN_PROHIBITED,
  buildIcmpError,
  FRAGMENTATION_NEEDED,
  mayAnswer,
  PORT_UNREACHABLE,
} from '../../core/answers/icmp-error.js';
import type { OptionsHost } from '../../core/answers/ip-options.js';
import { rejectChecksumOk } from '../../core/answers/reject-checksum.js';
import { buildTcpReset } from '../../core/answers/tcp-reset.js';
import { Hook } from '../../core/hooks.js';
import { Packet, PacketType } from '../../core/packet.js';
import { protocolOf } from '../../core/protocols/registry.js';
import { tcp } from '../../core/protocols/tcp.js';
import { bytesEqual } from '../bytes.js';
import { load, packetIn } from '../fragments/small-host.js';
import { buildIcmp, buildIpv4, buildUdp, withChecksum } from '../packets/packets.js';

const Errors = suite('ICMP errors');
const Resets = suite('RST');
const Checksums = suite('the checksum check of REJECT');

const SOURCE = 0xc0000207; // 192.0.2.7
const DESTINATION = 0x0a000009; // 10.0.0.9
const OWN = 0x0a0200c0; // 192.0.2.10, as loaded little-endian
const route = { source: OWN, ttl: 64, mtu: 1500 };
const host: OptionsHost = { ownAddressFor: () => OWN, isRemote: () => true, millisecondsOfDay: () => 0 };

function packetOf(protocol: number, payload: Uint8Array, fields: { fragment?: number; tos?: number } = {}): Packet {
  const packet = new Packet();
  load(packet, buildIpv4({ source: SOURCE, destination: DESTINATION, protocol, ...fields }, payload));
  return packet;
}

function answerBuffer(): Packet {
  return packetIn(new Uint8Array(600), 4, 0, 0);
}

function bytesOf(answer: Packet): Buffer {
  return Buffer.from(answer.bytes.subarray(answer.at, answer.at + answer.available));
}

Errors('follow RFC 792, from 192.0.2.10 to the sender, with TOS c0 plus the TOS bits without ECN', () => {
  const packet = packetOf(IPPROTO_UDP, Buffer.from('03e80035000c00006162636', 'hex'), { tos: 0xff });
  const answer = answerBuffer();
  const length = buildIcmpError(answer, FRAGMENTATION_NEEDED, 1400, packet, null, route, host);
  const quote = Buffer.from(packet.bytes);
  assert.is(length, 28 + quote.length);
  const bytes = bytesOf(answer);
  assert.is(bytes.subarray(0, 10).toString('hex'), `45de00${length.toString(16)}000000004001`);
  assert.is(bytes.subarray(12, 20).toString('hex'), 'c000020ac0000207');
  assert.is(bytes.subarray(20, 22).toString('hex'), '0304');
  assert.is(bytes.subarray(24, 28).toString('hex'), '00000578');
  bytesEqual(bytes.subarray(28), quote);
  assert.is(onesSum(bytes.subarray(0, 20)), 0xffff);
  assert.is(onesSum(bytes.subarray(20)), 0xffff);
  assert.is(answer.headerLength, 20);
  assert.is(answer.destination, packet.source);
});

Errors('have at most 576 bytes, and at most the MTU of the route back', () => {
  const packet = packetOf(IPPROTO_UDP, new Uint8Array(1200));
  assert.is(buildIcmpError(answerBuffer(), PORT_UNREACHABLE, 0, packet, null, route, host), 576);
  assert.is(buildIcmpError(answerBuffer(), PORT_UNREACHABLE, 0, packet, null, { ...route, mtu: 300 }, host), 300);
  assert.is(buildIcmpError(answerBuffer(), PORT_UNREACHABLE, 0, packet, null, { ...route, mtu: 48 }, host), 0);
});

Errors('about a packet truncated by a snaplen have their full length and are truncated too', () => {
  const packet = packetOf(IPPROTO_UDP, new Uint8Array(200).fill(5));
  packet.available = 60;
  const answer = answerBuffer();
  assert.is(buildIcmpError(answer, ADMIN_PROHIBITED, 0, packet, null, route, host), 28 + 220);
  assert.is(answer.available, 28 + 60);
  assert.is(onesSum(bytesOf(answer).subarray(20)), 0xffff);
});

Errors('are not sent about ICMP errors, unknown ICMP types, later fragments, broadcasts or multicasts', () => {
  for (let type = 0; type < 256; type++) {
    const isAnswered = [0, 8, 13, 14, 15, 16, 17, 18].includes(type);
    assert.is(mayAnswer(packetOf(IPPROTO_ICMP, Uint8Array.of(type, 0, 0, 0)), false), isAnswered, `type ${type}`);
  }
  assert.not(mayAnswer(packetOf(IPPROTO_ICMP, new Uint8Array(0)), false));
  assert.not(mayAnswer(packetOf(IPPROTO_UDP, new Uint8Array(8), { fragment: 1 }), false));
  assert.ok(mayAnswer(packetOf(IPPROTO_UDP, new Uint8Array(8), { fragment: 0x2000 }), false));
  assert.not(mayAnswer(packetOf(IPPROTO_UDP, new Uint8Array(8)), true));
  const broadcast = packetOf(IPPROTO_UDP, new Uint8Array(8));
  broadcast.type = PacketType.BROADCAST;
  assert.not(mayAnswer(broadcast, false));
});

function segment(flags: number, data = '', fields = { sequence: '00000005', acknowledgment: '00000007' }): Packet {
  const tcp = `03e80050${fields.sequence}${fields.acknowledgment}50${flags.toString(16).padStart(2, '0')}006400000000`;
  const bytes = buildIpv4(
    { source: SOURCE, destination: DESTINATION, protocol: IPPROTO_TCP },
    Buffer.concat([Buffer.from(tcp, 'hex'), Buffer.from(data)]),
  );
  const packet = new Packet();
  load(packet, withChecksum(bytes));
  packet.hook = Hook.FORWARD;
  return packet;
}

/**
 * The header of a RST behind the ports, in hex: sequence, acknowledgment (8 digits each), data offset and flags,
 * window.
 */
function resetTo(packet: Packet): string {
  const answer = answerBuffer();
  if (buildTcpReset(answer, packet, false, 64, true) === 0) return '';
  const bytes = bytesOf(answer);
  assert.is(bytes.length, 40);
  assert.is(bytes.subarray(0, 10).toString('hex'), '45000028000040004006');
  assert.is(bytes.subarray(12, 24).toString('hex'), '0a000009c0000207005003e8');
  assert.is(onesSum(bytes.subarray(0, 20)), 0xffff);
  assert.is(onesSum(Buffer.concat([bytes.subarray(12), Buffer.from('00060014', 'hex')])), 0xffff);
  return bytes.subarray(24, 36).toString('hex');
}

Resets('answer an ACK with its own number, others with an ACK of their data (RFC 9293, section 3.10.7.1)', () => {
  assert.is(resetTo(segment(0x02)), '000000000000000650140000');
  assert.is(resetTo(segment(0x01, 'abc')), '000000000000000950140000');
  assert.is(resetTo(segment(0x10, 'abc')), '000000070000000050040000');
  const last = { sequence: 'ffffffff', acknowledgment: '00000000' };
  assert.is(resetTo(segment(0x03, 'ab', last)), '000000000000000350140000');
});

Resets('are not sent for a RST, a wrong checksum, a short header, a later fragment, a broadcast or a multicast', () => {
  assert.is(resetTo(segment(0x04)), '');
  assert.is(resetTo(segment(0x14)), '');
  const wrong = segment(0x02);
  wrong.bytes[36] ^= 1;
  assert.is(resetTo(wrong), '');
  const short = segment(0x02);
  short.available = 39;
  assert.is(resetTo(short), '');
  const later = segment(0x02);
  later.fragmentOffset = 8;
  assert.is(resetTo(later), '');
  assert.is(buildTcpReset(answerBuffer(), segment(0x02), true, 64, true), 0);
});

/**
 * Which packets the kernel answered, with correct and wrong checksums of 14 protocols, in INPUT, FORWARD and OUTPUT.
 */
Checksums('accepts correct ones, UDP without one, and any for GRE, ESP, AH, SCTP and UDP-Lite', () => {
  const data = Buffer.from('abcdefghijklmnopqrstuvwxyz'.repeat(2));
  for (const protocol of [2, 4, 41, 89, 33, 253]) {
    assert.is(rejectChecksumOk(packetOf(protocol, data), true), false, `protocol ${protocol}, wrong`);
    assert.is(rejectChecksumOk(packetOf(protocol, buildIcmp(8, 0, 1, 1, data)), true), true, `protocol ${protocol}`);
  }
  for (const protocol of [47, 50, 51, 132, 136]) assert.ok(rejectChecksumOk(packetOf(protocol, data), false));
  assert.ok(rejectChecksumOk(packetOf(IPPROTO_ICMP, buildIcmp(8, 0, 1, 1, data)), true));
  assert.not(rejectChecksumOk(packetOf(IPPROTO_ICMP, buildIcmp(8, 0, 1, 1, data, 1)), true));
  const datagram = buildIpv4({ source: SOURCE, destination: DESTINATION, protocol: IPPROTO_UDP }, buildUdp(1, 2, data));
  for (const [error, isOk] of [
    [0, true],
    [1, false],
  ] as const) {
    const packet = new Packet();
    load(packet, withChecksum(Buffer.from(datagram), error));
    assert.is(rejectChecksumOk(packet, true), isOk);
  }
  const without = packetOf(IPPROTO_UDP, Uint8Array.of(0, 1, 0, 2, 0, 9, 0, 0, 5));
  assert.ok(rejectChecksumOk(without, true));
});

/**
 * With a record route option that the host filled in, the kernel answered only tracked TCP; a RST in FORWARD never
 * left.
 */
Checksums('rejects an IP checksum made stale by an option, unless conntrack has checked the packet', () => {
  const packet = segment(0x02);
  packet.bytes[packet.at + 8] ^= 0x55;
  assert.ok(rejectChecksumOk(packet, true));
  assert.not(rejectChecksumOk(packet, false));
  assert.is(buildTcpReset(answerBuffer(), packet, false, 64, true), 0);
  packet.hook = Hook.INPUT;
  assert.is(buildTcpReset(answerBuffer(), packet, false, 64, true), 40);
  assert.is(buildTcpReset(answerBuffer(), packet, false, 64, false), 0);
  const other = packetOf(253, buildIcmp(8, 0, 1, 1, new Uint8Array(8)));
  other.bytes[other.at + 8] ^= 0x55;
  assert.not(rejectChecksumOk(other, protocolOf(253).reachesChecksum(other)));
});

/**
 * tcp_error, udp_error: with a record route filled in, the kernel answered none of these (recorded as a golden case).
 */
Checksums('conntrack does not check the checksum if the header is invalid', () => {
  const packet = segment(0x02);
  assert.ok(tcp.reachesChecksum(packet));
  packet.bytes[packet.l4 + 12] = 4 << 4;
  assert.not(tcp.reachesChecksum(packet));
  packet.bytes[packet.l4 + 12] = 15 << 4;
  assert.not(tcp.reachesChecksum(packet));
});

Checksums('trusts a packet truncated by a snaplen', () => {
  const packet = segment(0x02, 'a longer piece of data');
  packet.available = 42;
  packet.bytes[36] ^= 1;
  assert.ok(rejectChecksumOk(packet, false));
});

/** The one's complement sum, computed in the simplest way: RFC 1071, section 1. */
function onesSum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += bytes[i] * 256 + (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return sum;
}

Errors.run();
Resets.run();
Checksums.run();
