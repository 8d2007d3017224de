/** A translated packet equals, byte for byte, a packet built with the new address and port. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { toLoaded } from '../../codecs/byte-order.js';
import { IPPROTO_GRE, IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, TCP_ACK } from '../../codecs/layouts.js';
import { mangle } from '../../core/nat/mangle.js';
import { Manip } from '../../core/nat/range.js';
import { Random } from '../../core/random.js';
import { bytesEqual } from '../bytes.js';
import { buildIcmp, buildIpv4, buildTcp, buildUdp, withChecksum } from '../packets/packets.js';
import { testSeed } from '../random.js';

const Mangling = suite('NAT rewrites packets');

interface Ends {
  source: number;
  destination: number;
  sport: number;
  dport: number;
}

const BEFORE: Ends = { source: 0xc0a80102, destination: 0xcb007107, sport: 40_000, dport: 53 };
const DATA = Uint8Array.of(1, 2, 3, 4, 5, 6, 7);

type Build = (ends: Ends) => Buffer;

const ip = ({ source, destination }: Ends, protocol: number, contents: Uint8Array): Buffer =>
  buildIpv4({ source, destination, protocol }, contents);

const BUILDERS: Record<string, Build> = {
  TCP: (ends) => withChecksum(ip(ends, IPPROTO_TCP, buildTcp({ ...ends, sequence: 7, flags: TCP_ACK, data: DATA }))),
  UDP: (ends) => withChecksum(ip(ends, IPPROTO_UDP, buildUdp(ends.sport, ends.dport, DATA))),
  'UDP without a checksum': (ends) => ip(ends, IPPROTO_UDP, buildUdp(ends.sport, ends.dport, DATA)),
  'UDP-Lite': (ends) => withChecksum(ip(ends, IPPROTO_UDPLITE, buildUdp(ends.sport, ends.dport, DATA, 0))),
  'a protocol without ports': (ends) => ip(ends, 253, DATA),
};

/** PACKET after `mangle` gave it the end of AFTER that MANIP means. */
function mangled(packet: Buffer, manip: Manip, after: Ends): Buffer {
  const copy = Buffer.from(packet);
  const view = new DataView(copy.buffer, copy.byteOffset, copy.length);
  const [address, port] = manip === Manip.SRC ? [after.source, after.sport] : [after.destination, after.dport];
  assert.ok(mangle(view, 0, copy.length, manip, toLoaded(address), port));
  return copy;
}

for (const [name, build] of Object.entries(BUILDERS)) {
  Mangling(name, () => {
    const seed = testSeed();
    console.log(`  seed ${seed}`);
    const random = new Random(seed);
    for (let n = 0; n < 300; n++) {
      const source = { ...BEFORE, source: random.uint32(), sport: random.uint16() };
      bytesEqual(mangled(build(BEFORE), Manip.SRC, source), build(source));
      const destination = { ...BEFORE, destination: random.uint32(), dport: random.uint16() };
      bytesEqual(mangled(build(BEFORE), Manip.DST, destination), build(destination));
    }
  });
}

Mangling('a UDP checksum that comes to 0 is written as ffff (RFC 768)', () => {
  const { UDP: build } = BUILDERS;
  const isSpecial = (sport: number): boolean => build({ ...BEFORE, sport }).readUInt16BE(26) === 0xffff;
  const sport = Array.from({ length: 65_536 }, (_, port) => port).find(isSpecial)!;
  const after = { ...BEFORE, sport };
  bytesEqual(mangled(build(BEFORE), Manip.SRC, after), build(after));
});

Mangling('ICMP: the id of queries and replies, whichever end changes', () => {
  for (const type of [0, 8, 13, 14, 15, 16, 17, 18]) {
    const build = ({ sport, ...ends }: Ends): Buffer =>
      ip({ sport, ...ends }, IPPROTO_ICMP, buildIcmp(type, 0, sport, 1, DATA));
    for (const sport of [0, 1, 0x1234, 0xffff]) {
      const source = { ...BEFORE, source: 0x0a000001, sport };
      bytesEqual(mangled(build(BEFORE), Manip.SRC, source), build(source));
    }
  }
});

Mangling('GRE: only the call ID of version 1, at the destination', () => {
  const build = ({ dport, ...ends }: Ends, version: number): Buffer => {
    const header = Buffer.from([0x20, version, 0x88, 0x0b, 0, 0, 0, 0]);
    header.writeUInt16BE(version === 1 ? dport : BEFORE.dport, 6);
    return ip({ dport, ...ends }, IPPROTO_GRE, header);
  };
  for (const version of [0, 1]) {
    const source = { ...BEFORE, source: 0x0a000001, sport: 99 };
    bytesEqual(mangled(build(BEFORE, version), Manip.SRC, source), build(source, version));
    const destination = { ...BEFORE, destination: 0x0a000001, dport: 99 };
    bytesEqual(mangled(build(BEFORE, version), Manip.DST, destination), build(destination, version));
  }
});

Mangling('a header too short for its port is not changed', () => {
  for (const [name, length] of [
    ['TCP', 27],
    ['UDP', 27],
    ['UDP-Lite', 27],
  ] as const) {
    const packet = BUILDERS[name](BEFORE).subarray(0, length);
    const copy = Buffer.from(packet);
    const view = new DataView(copy.buffer, copy.byteOffset, copy.length);
    assert.not(mangle(view, 0, length, Manip.SRC, toLoaded(1), 1));
    bytesEqual(copy, packet);
  }
});

Mangling('only the port changes in a TCP header quoted by an ICMP error', () => {
  const after = { ...BEFORE, source: 0x0a000001, sport: 99 };
  const quoted = BUILDERS.TCP(BEFORE).subarray(0, 28);
  bytesEqual(mangled(quoted, Manip.SRC, after), BUILDERS.TCP(after).subarray(0, 28));
});

Mangling.run();
