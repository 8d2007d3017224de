/** Packets that targets change, and what the kernel made of each (Linux 6.18), forwarded from 10.0.0.9 to 10.0.1.9. */
import { TCP_ACK, TCP_SYN } from '../../codecs/layouts.js';
import { tcpPacket, udpPacket } from '../packets/packets.js';

const ENDS = { source: '10.0.0.9', destination: '10.0.1.9', id: 7, fragment: 0x4000 };

interface SegmentFields {
  readonly options?: readonly number[];
  readonly flags?: number;
  readonly data?: string;
  readonly dataOffsetWords?: number;
  readonly tos?: number;
}

function segment({ options = [], flags = TCP_SYN, data = '', ...fields }: SegmentFields): Buffer {
  const ports = { sport: 40_000, dport: 80, sequence: 1000, window: 64_240 };
  const tcpOptions = Uint8Array.from(options);
  return tcpPacket({ ...ENDS, ...ports, ...fields, flags, tcpOptions, data: Buffer.from(data) });
}

function datagram(fields: { tos?: number; ttl?: number }): Buffer {
  return udpPacket({ ...ENDS, ...fields, sport: 40_000, dport: 53, data: Buffer.from('name?') });
}

const SYN = '-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS';
const STRIP = '-A FORWARD -p tcp -j TCPOPTSTRIP';
const MSS_1460 = [2, 4, 5, 180];
const TIMESTAMPS = [8, 10, 0, 0, 0, 1, 0, 0, 0, 2];

export interface ManglingCase {
  readonly name: string;
  /** Of the mangle table. */
  readonly rule: string;
  readonly packet: Buffer;
  /** In hexadecimal, from the TOS byte on; '': it is dropped. */
  readonly expected: string;
}

const CASES: readonly (readonly [name: string, rule: string, packet: Buffer])[] = [
  ['a larger MSS is lowered', `${SYN} --set-mss 1400`, segment({ options: MSS_1460 })],
  ['a smaller MSS is not raised', `${SYN} --set-mss 1461`, segment({ options: MSS_1460 })],
  ['the MTU of eth1, 1400, limits the MSS', `${SYN} --clamp-mss-to-pmtu`, segment({ options: MSS_1460 })],
  ['an MSS is added before other options', `${SYN} --set-mss 1400`, segment({ options: [1, 1, 4, 2] })],
  ['an MSS is added where there are no options', `${SYN} --set-mss 500`, segment({})],
  ['no MSS is added before data', `${SYN} --set-mss 1400`, segment({ data: 'fast' })],
  ['no MSS is added to a full header', `${SYN} --set-mss 1400`, segment({ options: Array<number>(40).fill(1) })],
  ['an MSS of SYN/ACK is lowered', `${SYN} --set-mss 88`, segment({ flags: TCP_SYN | TCP_ACK, options: MSS_1460 })],
  ['an MSS at an odd offset', `${SYN} --set-mss 536`, segment({ options: [3, 3, 7, ...MSS_1460] })],
  ['an MSS of a wrong length is no MSS', `${SYN} --set-mss 536`, segment({ options: [2, 3, 9, 1] })],
  ['an option of length 0 takes one byte', `${SYN} --set-mss 536`, segment({ options: [9, 0, ...MSS_1460, 1, 1] })],
  ['a header beyond the packet', `${SYN} --set-mss 536`, segment({ options: MSS_1460, dataOffsetWords: 7 })],
  ['a header too short', `${SYN} --set-mss 536`, segment({ options: MSS_1460, dataOffsetWords: 4 })],
  ['options become NOPs', `${STRIP} --strip-options mss,timestamp`, segment({ options: [...MSS_1460, ...TIMESTAMPS] })],
  ['an option at an odd offset', `${STRIP} --strip-options wscale`, segment({ options: [1, 3, 3, 7, ...MSS_1460] })],
  ['an option beyond the header stays', `${STRIP} --strip-options 8`, segment({ options: [1, 1, 8, 10] })],
  ['nothing to strip', STRIP, segment({ options: MSS_1460 })],
  ['ECE and CWR are removed', '-A FORWARD -p tcp -j ECN --ecn-tcp-remove', segment({ flags: 0xc2, tos: 3 })],
  ['CWR is set', '-A FORWARD -p tcp -j ECN --ecn-tcp-cwr 1', segment({})],
  ['the IP bits of ECN', '-A FORWARD -j ECN --ecn-ip-ect 1', datagram({ tos: 0xfe })],
  ['TOS by value and mask', '-A FORWARD -j TOS --set-tos 0x12/0xf0', datagram({ tos: 0xff })],
  ['TOS by exclusive or', '-A FORWARD -j TOS --xor-tos 0x0f', datagram({ tos: 0xaa })],
  ['DSCP leaves ECN', '-A FORWARD -j DSCP --set-dscp-class EF', datagram({ tos: 0xff })],
  ['TTL is set', '-A FORWARD -j TTL --ttl-set 200', datagram({})],
  ['TTL 0 leaves', '-A FORWARD -j TTL --ttl-dec 255', datagram({})],
  ['TTL is raised to at most 255', '-A FORWARD -j TTL --ttl-inc 250', datagram({})],
  ['TTL 0 before routing is not forwarded', '-A PREROUTING -j TTL --ttl-set 0', datagram({})],
];

/** What left by eth1, in the order of CASES. */
const LEFT: readonly string[] = [
  '00002c000740003f0626b40a0000090a0001099c400050000003e8000000006002faf0e7e7000002040578',
  '00002c000740003f0626b40a0000090a0001099c400050000003e8000000006002faf0e7ab0000020405b4',
  '00002c000740003f0626b40a0000090a0001099c400050000003e8000000006002faf0e80f000002040550',
  '000030000740003f0626b00a0000090a0001099c400050000003e8000000007002faf0d64000000204021801010402',
  '00002c000740003f0626b40a0000090a0001099c400050000003e8000000006002faf0eb6b0000020401f4',
  '00002c000740003f0626b40a0000090a0001099c400050000003e8000000005002faf0258e000066617374',
  [
    '000050000740003f0626900a0000090a0001099c400050000003e800000000f002faf04b2b00000101010101010101010101',
    '0101010101010101010101010101010101010101010101010101010101',
  ].join(''),
  '00002c000740003f0626b40a0000090a0001099c400050000003e8000000006012faf0ecf7000002040058',
  '000030000740003f0626b00a0000090a0001099c400050000003e8000000007002faf020f100000303070204021800',
  '000030000740003f0626b00a0000090a0001099c400050000003e8000000007002faf0d03f00000204021802030901',
  '000030000740003f0626b00a0000090a0001099c400050000003e8000000007002faf0d14200000900020402180101',
  '',
  '',
  '000038000740003f0626a80a0000090a0001099c400050000003e8000000009002faf0b850000001010101010101010101010101010000',
  '000030000740003f0626b00a0000090a0001099c400050000003e8000000007002faf0d5a5000001010101020405b4',
  '00002c000740003f0626b40a0000090a0001099c400050000003e8000000006002faf0e65800000101080a',
  '00002c000740003f0626b40a0000090a0001099c400050000003e8000000006002faf0e7ab0000020405b4',
  '030028000740003f0626b50a0000090a0001099c400050000003e8000000005002faf0ff670000',
  '000028000740003f0626b80a0000090a0001099c400050000003e8000000005082faf0fee70000',
  'fd0021000740003f1125b70a0000090a0001099c400035000d33866e616d653f',
  '1d0021000740003f1126970a0000090a0001099c400035000d33866e616d653f',
  'a50021000740003f11260f0a0000090a0001099c400035000d33866e616d653f',
  'bb0021000740003f1125f90a0000090a0001099c400035000d33866e616d653f',
  '00002100074000c8119db30a0000090a0001099c400035000d33866e616d653f',
  '00002100074000001165b40a0000090a0001099c400035000d33866e616d653f',
  '00002100074000ff1166b30a0000090a0001099c400035000d33866e616d653f',
  '',
];

export const MANGLING_CASES: readonly ManglingCase[] = CASES.map(([name, rule, packet], i) => {
  return { name, rule, packet, expected: LEFT[i] };
});
