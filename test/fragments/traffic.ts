/** Packets to test reassembly, fragmentation and IP options. */
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, IPV4_DF, IPV4_MF } from '../../codecs/layouts.js';
import type { Prng } from '../kernel/prng.js';
import { buildIcmp, buildIpv4, buildUdp } from '../packets/packets.js';

const LAN_ADDRESS = 0x0a000001; // 10.0.0.1
const ETH0_ADDRESS = 0xc000020a; // 192.0.2.10
const REMOTE_ADDRESS = 0xc0000207; // 192.0.2.7
const EXPERIMENTAL = 253;

/** Well-formed options: record route, one to be copied, a mixture of both kinds, NOPs. */
const SOUND_OPTIONS = [
  '0707080a01020300',
  '94040000',
  '8204616294040000',
  '5808616263646566940400005e047a7a',
  '01010101',
];

interface Piece {
  offset: number;
  data: Uint8Array;
  more: boolean;
}

/** COUNT packets in fragments, most of them valid, one after another or a few at a time. */
export function fragmentTrains(prng: Prng, count: number, lanMtu: number, isLocal: boolean): Buffer[] {
  const trains = Array.from({ length: count }, () => fragmentTrain(prng, lanMtu, isLocal));
  if (prng.chance(0.5)) return trains.flat();
  const mixed: Buffer[] = [];
  const open: Buffer[][] = [];
  while (open.length > 0 || trains.length > 0) {
    while (open.length < 4 && trains.length > 0) open.push(trains.shift()!);
    const at = prng.below(open.length);
    const next = open[at].shift();
    if (next === undefined) open.splice(at, 1);
    else mixed.push(next);
  }
  return mixed;
}

function fragmentTrain(prng: Prng, lanMtu: number, isLocal: boolean): Buffer[] {
  const size = prng.between(16, prng.pick([120, 500, 1700]));
  const protocol = prng.pick([IPPROTO_UDP, IPPROTO_ICMP, EXPERIMENTAL, IPPROTO_TCP]);
  const most = isLocal ? (lanMtu - 60) & ~7 : 1200;
  const step = Math.min(most, prng.pick([8, 16, 24, 256, 552, (lanMtu - 20) & ~7, (lanMtu + 200) & ~7]));
  const pieces = arranged(prng, disturbed(prng, cut(prng, payload(prng, protocol, size), step)));
  const largest = Math.max(...pieces.map(({ data }) => data.length));
  const fields = {
    source: isLocal ? LAN_ADDRESS : REMOTE_ADDRESS + prng.below(2),
    destination: LAN_ADDRESS + 1 + prng.below(50),
    protocol,
    id: prng.between(1, 65535),
  };
  const tos = prng.pick([0, 0x10, 0xb8]);
  const ecn = prng.below(4);
  const ecnKind = prng.pick(['same', 'same', 'any ECT', 'some without']);
  const dfKind = prng.pick(['none', 'none', 'all', 'any', 'smaller ones']);
  const optionsKind = isLocal ? prng.pick(['none', 'same']) : prng.pick(['none', 'none', 'same', 'first', 'any']);
  const options = prng.pick(SOUND_OPTIONS);
  return pieces.map(({ offset, data, more }) => {
    const df = { none: false, all: true, any: prng.chance(0.5), 'smaller ones': data.length < largest }[dfKind];
    const codepoint = { same: ecn, 'any ECT': prng.between(1, 3), 'some without': prng.chance(0.1) ? 1 : 0 }[ecnKind];
    const own = { none: '', same: options, first: offset === 0 ? options : '', any: prng.pick(SOUND_OPTIONS) }[
      optionsKind
    ];
    return buildIpv4(
      {
        ...fields,
        tos: tos | (codepoint ?? 0),
        ttl: prng.between(2, 255),
        fragment: (offset >> 3) | (more ? IPV4_MF : 0) | (df ? IPV4_DF : 0),
        options: Buffer.from(own ?? '', 'hex'),
      },
      data,
    );
  });
}

function payload(prng: Prng, protocol: number, size: number): Uint8Array {
  if (protocol === IPPROTO_UDP) {
    const datagram = buildUdp(1000, 2000, prng.bytes(size - 8));
    datagram.fill(0, 6, 8);
    return datagram;
  }
  if (protocol === IPPROTO_ICMP) return buildIcmp(8, 0, 7, 1, prng.bytes(size - 8));
  const data = prng.bytes(Math.max(size, 40));
  // A TCP header of 20 bytes with an ACK. Its checksum does not matter here.
  if (protocol === IPPROTO_TCP) data.set([0x50, 0x10], 12);
  return data;
}

function cut(prng: Prng, data: Uint8Array, step: number): Piece[] {
  const pieces: Piece[] = [];
  for (let offset = 0; offset < data.length; ) {
    const length = prng.chance(0.1) ? 8 * prng.between(1, Math.max(1, step >> 3)) : step;
    const end = Math.min(data.length, offset + Math.max(8, length & ~7));
    pieces.push({ offset, data: data.subarray(offset, end), more: end < data.length });
    offset = end;
  }
  if (pieces.length > 1 || data.length <= 8) return pieces;
  return [
    { offset: 0, data: data.subarray(0, 8), more: true },
    { offset: 8, data: data.subarray(8), more: false },
  ];
}

/** Damages some fragments: a duplicate, an overlap, a wrong end, a length that is not a multiple of 8, a loss. */
function disturbed(prng: Prng, pieces: Piece[]): Piece[] {
  const one = prng.pick(pieces);
  switch (prng.below(16)) {
    case 0:
      return [...pieces, one];
    case 1:
      return [...pieces, { ...one, offset: Math.max(0, one.offset - 8), more: true }];
    case 2:
      return [...pieces, { ...one, data: one.data.subarray(0, 8), more: true }];
    case 3:
      return [{ ...one, data: one.data.subarray(0, 13), more: prng.chance(0.5) }, ...pieces];
    case 4:
      return pieces.map((piece) =>
        piece.more ? { ...piece, data: Buffer.concat([piece.data, Buffer.from('odd')]) } : piece,
      );
    case 5:
      return [...pieces, { offset: one.offset, data: new Uint8Array(0), more: true }];
    case 6:
      return pieces.filter((piece) => piece !== one);
    default:
      return pieces;
  }
}

function arranged(prng: Prng, pieces: Piece[]): Piece[] {
  const how = prng.below(4);
  return how === 0 ? prng.shuffled(pieces) : how === 1 ? pieces.reverse() : pieces;
}

/** COUNT whole packets, most with valid or invalid options, some too large, some with TTL 1, some for the host. */
export function optionPackets(prng: Prng, count: number): Buffer[] {
  return Array.from({ length: count }, () => {
    const protocol = prng.pick([IPPROTO_UDP, EXPERIMENTAL, IPPROTO_ICMP]);
    const size = prng.chance(0.2) ? prng.between(560, 700) : prng.between(16, 60);
    const type = prng.pick([8, 0, 3, 5, 11, 12, 13, 17, 18, 19, 30, 9]);
    const data = protocol === IPPROTO_ICMP ? buildIcmp(type, 0, 1, 2, prng.bytes(size)) : null;
    return buildIpv4(
      {
        source: REMOTE_ADDRESS,
        destination: prng.pick([LAN_ADDRESS + 9, LAN_ADDRESS + 9, LAN_ADDRESS + 300, LAN_ADDRESS, ETH0_ADDRESS]),
        protocol,
        id: prng.between(1, 65535),
        tos: prng.below(256),
        ttl: prng.pick([1, 2, 64]),
        fragment: prng.pick([0, IPV4_DF]),
        options: prng.chance(0.85) ? someOptions(prng) : new Uint8Array(0),
      },
      data ?? payload(prng, protocol, size),
    );
  });
}

function someOptions(prng: Prng): Uint8Array {
  const options = Array.from({ length: prng.between(1, 3) }, () => someOption(prng));
  return Buffer.concat(options).subarray(0, 40);
}

/** No timestamp option with free slots: the kernel would fill in the time of day. */
function someOption(prng: Prng): Uint8Array {
  const slots = prng.between(1, 4);
  const spare = prng.pick([0, 0, 0, 1, 2]);
  switch (prng.below(9)) {
    case 0:
      return Uint8Array.of(1);
    case 1:
      return Uint8Array.of(0, prng.below(2), 5);
    case 2:
    case 3:
    case 4: {
      const pointer = prng.pick([4, 4, 4 + 4 * prng.below(slots + 2), prng.below(30)]);
      const length = prng.chance(0.9) ? 3 + 4 * slots + spare : prng.pick([2, 3, 50]);
      return Uint8Array.of(7, length, pointer, ...prng.bytes(4 * slots + spare));
    }
    case 5: {
      const length = 4 + 8 * (slots & 1);
      return Uint8Array.of(
        68,
        length,
        length + 1,
        prng.below(16) * 16 + prng.pick([0, 1, 3]),
        ...prng.bytes(length - 4),
      );
    }
    case 6:
      return Buffer.from(
        prng.pick(['94040000', '940300', '830704090909ff', '830b0c0a090909080808ff', '89070409090900']),
        'hex',
      );
    case 7:
      return Buffer.from(prng.pick(['860a0000000701040000', '86060000000b', '860a0000000001050000']), 'hex');
    default:
      return Buffer.from(prng.pick(['82040102', '1e01', '5e000102', '5e280102', '99']), 'hex');
  }
}
