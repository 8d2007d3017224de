/** Random frames of every link type, so that filters find something: a few addresses and ports, many protocols. */
import { Linktype } from '../../codecs/linktypes.js';
import { pick, type Random } from '../random.js';

/** A frame as a capture holds it. */
export interface Captured {
  readonly bytes: Uint8Array;
  /** Its length on the wire: more than there are bytes if it was cut. */
  readonly wirelen: number;
}

const { RAW_OPENBSD: _unknown, ...KNOWN } = Linktype;
/** Link types that nfreplay and libpcap both have filters for. On Linux, libpcap does not know RAW of OpenBSD. */
export const FILTERED_LINKTYPES: Readonly<Record<string, number>> = KNOWN;

export const ADDRESSES = [
  '10.0.0.1',
  '10.0.0.2',
  '10.1.2.3',
  '192.168.1.5',
  '224.0.0.251',
  '255.255.255.255',
  '0.0.0.0',
];
export const ADDRESSES6 = ['2001:db8::1', '2001:db8:0:1::2', 'fe80::1', 'ff02::1', '::1'];
export const PORTS = [22, 53, 80, 443, 6081, 8080, 65535];
export const MACS = ['02:00:00:00:00:01', '02:00:00:00:00:02', 'ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:fb'];

const PROTOCOLS = [1, 2, 6, 6, 6, 17, 17, 17, 44, 50, 51, 58, 89, 103, 112, 132];
const VLAN_TYPES = [0x8100, 0x88a8, 0x9100];
const PPP_TYPES: Readonly<Record<number, number>> = { 2048: 0x21, 34525: 0x57, 34887: 0x281 };

const u16 = (value: number): number[] => [(value >> 8) & 0xff, value & 0xff];
const u32 = (value: number): number[] => [...u16(value >>> 16), ...u16(value)];
const bytes = (random: Random, count: number): number[] => Array.from({ length: count }, () => random(256));
const quad = (text: string): number[] => text.split('.').map(Number);
const mac = (text: string): number[] => text.split(':').map((byte) => Number.parseInt(byte, 16));
const isOneIn = (random: Random, of: number): boolean => random(of) === 0;

function ipv6(text: string): number[] {
  const [head, tail = ''] = text.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const before = groups(head);
  const after = groups(tail);
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after].flatMap(u16);
}

function segment(random: Random, protocol: number): number[] {
  const ports = [...u16(pick(random, PORTS)), ...u16(pick(random, PORTS))];
  switch (protocol) {
    case 6:
      return [
        ...ports,
        ...bytes(random, 8),
        0x50,
        pick(random, [2, 0x12, 0x10, 0x18, 0x11, 4, 0x14]),
        ...bytes(random, 6 + random(9)),
      ];
    case 17: {
      const isGeneve = isOneIn(random, 4);
      const header = isGeneve ? [...u16(pick(random, PORTS)), ...u16(6081)] : ports;
      return [...header, ...bytes(random, 4), ...(isGeneve ? geneve(random) : bytes(random, random(20)))];
    }
    case 1:
      return [pick(random, [0, 3, 5, 8, 11]), random(4), ...bytes(random, 6 + random(8))];
    case 58:
      return [pick(random, [1, 128, 129, 135, 136]), random(4), ...bytes(random, 6 + random(8))];
    default:
      return [...ports, ...bytes(random, random(24))];
  }
}

function geneve(random: Random): number[] {
  const words = random(3);
  const isEthernet = isOneIn(random, 2);
  const type = isEthernet ? 0x6558 : pick(random, [0x0800, 0x86dd]);
  const inner = isEthernet ? ethernet(random) : payload(random, type);
  return [
    words | (isOneIn(random, 8) ? 0x40 : 0),
    0,
    ...u16(type),
    0,
    0,
    random(4),
    0,
    ...bytes(random, words * 4),
    ...inner,
  ];
}

function packet4(random: Random): number[] {
  const protocol = pick(random, PROTOCOLS);
  const words = isOneIn(random, 5) ? 5 + random(3) : 5;
  const fragment = isOneIn(random, 6) ? pick(random, [0x2000, 0x2010, 0x0010]) : 0x4000;
  const body = segment(random, protocol);
  return [
    ...[0x40 | words, random(256), ...u16(words * 4 + body.length), ...u16(random(65536)), ...u16(fragment)],
    ...[pick(random, [1, 2, 64, 128, 255]), protocol, ...u16(0)],
    ...quad(pick(random, ADDRESSES)),
    ...quad(pick(random, ADDRESSES)),
    ...bytes(random, (words - 5) * 4),
    ...body,
  ];
}

function packet6(random: Random): number[] {
  const protocol = pick(random, PROTOCOLS);
  const body = protocol === 44 ? [pick(random, PROTOCOLS), ...bytes(random, 7)] : segment(random, protocol);
  const header = [0x60, 0, 0, 0, ...u16(body.length), protocol, pick(random, [1, 64, 255])];
  return [...header, ...ipv6(pick(random, ADDRESSES6)), ...ipv6(pick(random, ADDRESSES6)), ...body];
}

function arp(random: Random): number[] {
  const ends = [0, 1].flatMap(() => [...mac(pick(random, MACS)), ...quad(pick(random, ADDRESSES))]);
  return [...u16(1), ...u16(0x0800), 6, 4, ...u16(pick(random, [1, 2])), ...ends];
}

function mpls(random: Random): number[] {
  const labels = 1 + random(3);
  const stack = Array.from({ length: labels }, (_, i) => u32((random(4) << 12) | (i === labels - 1 ? 0x100 : 0) | 64));
  return [...stack.flat(), ...(isOneIn(random, 3) ? packet6(random) : packet4(random))];
}

function pppoe(random: Random): number[] {
  const inner = payload(random, 0);
  return [0x11, 0, ...u16(random(4)), ...u16(inner.length), ...inner];
}

/** A PPP frame's protocol and payload. */
function ppp(random: Random): number[] {
  const type = pick(random, [0x0800, 0x0800, 0x86dd, 0x8847]);
  return [...u16(PPP_TYPES[type]), ...payload(random, type)];
}

function llc(random: Random): number[] {
  const sap = pick(random, [0x42, 0xe0, 0xf0, 0xfe, 0xaa, 0xff, 0x06]);
  if (sap === 0xaa) {
    const [organisation, type] = pick(random, [
      [0, 0x8137],
      [0, 0x80f3],
      [0x080007, 0x809b],
      [0, 0x0800],
    ] as const);
    return [0xaa, 0xaa, 3, organisation >> 16, ...u16(organisation), ...u16(type), ...packet4(random)];
  }
  const osi = sap === 0xfe ? [pick(random, [0x81, 0x82, 0x83]), ...bytes(random, 3), 15 + random(14)] : [];
  return [sap, sap, pick(random, [3, 0, 1, 5, 9, 0x63, 0x43, 0x6f, 0xe3, 0xaf, 0x87]), ...osi, ...bytes(random, 8)];
}

/** What an Ethernet frame of TYPE carries; 0: PPP. */
function payload(random: Random, type: number): number[] {
  if (VLAN_TYPES.includes(type)) {
    const inner = etherType(random);
    return [...u16((random(8) << 13) | random(4)), ...u16(inner), ...payload(random, inner)];
  }
  switch (type) {
    case 0:
      return ppp(random);
    case 0x0800:
      return packet4(random);
    case 0x86dd:
      return packet6(random);
    case 0x0806:
    case 0x8035:
      return arp(random);
    case 0x8847:
      return mpls(random);
    case 0x8863:
      return [0x11, 9, 0, 0, 0, 0];
    case 0x8864:
      return pppoe(random);
    default:
      return type <= 1500 ? llc(random) : bytes(random, random(40));
  }
}

function etherType(random: Random): number {
  if (isOneIn(random, 3)) return 0x0800;
  const others = [0x0806, 0x8035, 0x8100, 0x88a8, 0x9100, 0x8847, 0x8863, 0x8864, 0x809b, 0x80f3, 0x8137, 0x6003, 100];
  return pick(random, [0x0800, 0x0800, 0x86dd, 0x86dd, ...others]);
}

function ethernet(random: Random): number[] {
  const type = etherType(random);
  return [...mac(pick(random, MACS)), ...mac(pick(random, MACS)), ...u16(type), ...payload(random, type)];
}

function cooked(random: Random, version: 1 | 2): number[] {
  const isLlc = isOneIn(random, 8);
  const type = isLlc ? pick(random, [1, 4]) : etherType(random);
  const packetType = random(5);
  const address = [...mac(pick(random, MACS)), 0, 0];
  const body = isLlc ? llc(random) : payload(random, type);
  if (version === 1) return [...u16(packetType), ...u16(1), ...u16(6), ...address, ...u16(type), ...body];
  return [...u16(type), 0, 0, ...u32(random(4)), ...u16(1), packetType, 6, ...address, ...body];
}

const ipPacket = (random: Random): number[] => (isOneIn(random, 3) ? packet6(random) : packet4(random));

function family(random: Random, isLittleEndian: boolean): number[] {
  const [number, body] = pick(random, [
    [2, packet4(random)],
    [2, packet4(random)],
    [pick(random, [24, 28, 30, 10]), packet6(random)],
    [7, bytes(random, 20)],
  ] as [number, number[]][]);
  const word = u32(number);
  return [...(isLittleEndian ? word.reverse() : word), ...body];
}

function frame(random: Random, linktype: number): number[] {
  switch (linktype) {
    case Linktype.ETHERNET:
      return ethernet(random);
    case Linktype.LINUX_SLL:
      return cooked(random, 1);
    case Linktype.LINUX_SLL2:
      return cooked(random, 2);
    case Linktype.NULL:
      return family(random, true);
    case Linktype.LOOP:
      return family(random, false);
    case Linktype.IPV4:
      return packet4(random);
    case Linktype.IPV6:
      return packet6(random);
    case Linktype.PPP:
    case Linktype.PPP_HDLC:
      return [0xff, 3, ...ppp(random)];
    case Linktype.PPP_ETHER:
      return pppoe(random);
    case Linktype.NFLOG:
      return [2, 0, ...u16(1), ...bytes(random, 8), ...packet4(random)];
    default:
      return ipPacket(random);
  }
}

/** COUNT frames of LINKTYPE, some of them cut short. NULL: from a little-endian machine. */
export function randomFrames(random: Random, linktype: number, count: number): Captured[] {
  return Array.from({ length: count }, () => {
    const whole = Uint8Array.from(frame(random, linktype));
    if (!isOneIn(random, 5)) return { bytes: whole, wirelen: whole.length };
    const kept = random(Math.min(whole.length, 70) + 1);
    // Either cut by a snapshot length, or as short on the wire.
    return { bytes: whole.subarray(0, kept), wirelen: isOneIn(random, 3) ? kept : whole.length };
  });
}
