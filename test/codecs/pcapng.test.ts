import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CaptureError } from '../../codecs/capture-error.js';
import { PcapngClock } from '../../codecs/pcapng-clock.js';
import { openCaptureFile } from '../../io/capture-file.js';
import { bytesEqual } from '../bytes.js';
import { seededRandom, testSeed } from '../random.js';
import { Bytes, PcapngBlocks, pattern, type ReadCapture, Scratch } from './capture-files.js';

const Pcapng = suite('pcapng');
const scratch = new Scratch();
Pcapng.after(() => scratch.remove());

const little = new PcapngBlocks(true);
const big = new PcapngBlocks(false);
const START = [little.section(), little.interface(1)];

const read = (blocks: Uint8Array[], blockBytes?: number): ReadCapture =>
  scratch.read(Buffer.concat(blocks), blockBytes);

function throwsAt(blocks: Uint8Array[], byteOffset: number, wanted: RegExp): void {
  assert.throws(
    () => read(blocks),
    (error: unknown) => {
      if (!(error instanceof CaptureError)) throw error;
      assert.match(error.message, wanted);
      assert.is(error.byteOffset, byteOffset);
      return true;
    },
  );
}

Pcapng('is read in either byte order', () => {
  for (const blocks of [little, big]) {
    const { records, cutAt } = read([
      blocks.section(),
      blocks.interface(1),
      blocks.packet(0, 1_700_000_000_123_456n, pattern(61), { wirelen: 1500 }),
    ]);
    assert.is(cutAt, null);
    assert.is(records.length, 1);
    const [record] = records;
    assert.equal([record.tsSec, record.tsNsec], [1_700_000_000, 123_456_000]);
    assert.equal([record.wirelen, record.linktype, record.interfaceIndex], [1500, 1, 0]);
    bytesEqual(record.packet, pattern(61));
  }
});

Pcapng('sections have their own interfaces and byte order', () => {
  const { records } = read([
    little.section(),
    little.interface(1),
    little.interface(101),
    little.packet(1, 1n, pattern(8)),
    little.packet(0, 2n, pattern(9)),
    big.section(),
    big.interface(113, { resolution: 9 }),
    big.packet(0, 3n, pattern(10)),
  ]);
  assert.equal(
    records.map(({ linktype, interfaceIndex, tsNsec, packet }) => [linktype, interfaceIndex, tsNsec, packet.length]),
    [
      [101, 1, 1000, 8],
      [1, 0, 2000, 9],
      [113, 0, 3, 10],
    ],
  );
});

Pcapng('simple packets have the time of the packet before and are truncated to the snaplen', () => {
  const { records } = read([
    little.section(),
    little.interface(101, { snaplen: 40 }),
    little.simplePacket(pattern(20)),
    little.packet(0, 5_000_007n, pattern(4)),
    little.simplePacket(pattern(40), 1400),
  ]);
  assert.equal(
    records.map(({ tsSec, tsNsec, packet, wirelen, linktype }) => [tsSec, tsNsec, packet.length, wirelen, linktype]),
    [
      [0, 0, 20, 20, 101],
      [5, 7000, 4, 4, 101],
      [5, 7000, 40, 1400, 101],
    ],
  );
  bytesEqual(records[2].packet, pattern(40));
});

Pcapng('obsolete packet blocks are read', () => {
  const { records } = read([...START, little.interface(101), little.obsoletePacket(1, 1_000_001n, pattern(21), 30)]);
  const [{ tsSec, tsNsec, wirelen, linktype, interfaceIndex, packet }] = records;
  assert.equal([tsSec, tsNsec, wirelen, linktype, interfaceIndex], [1, 1000, 30, 101, 1]);
  bytesEqual(packet, pattern(21));
});

Pcapng('other blocks are skipped, however large', () => {
  const custom = little.block(0xbad, pattern(300_000));
  for (const blockBytes of [64, 1 << 20]) {
    const reader = openCaptureFile(
      scratch.file(Buffer.concat([...START, custom, little.packet(0, 1n, pattern(50)), custom, custom])),
      { blockBytes },
    );
    assert.ok(reader.next());
    bytesEqual(reader.bytes.subarray(reader.at, reader.at + reader.caplen), pattern(50));
    assert.not(reader.next());
    assert.equal(reader.cuts, []);
    if (blockBytes === 64) assert.ok(reader.bytes.length < 1000, 'a skipped block is not kept in memory');
    reader.close();
  }
});

Pcapng('reads the same with any block size', () => {
  const packets = [0, 1, 2, 3, 4, 60, 61, 1500, 9000].map((length, salt) => pattern(length, salt));
  const blocks = [...START, ...packets.map((packet, index) => little.packet(0, BigInt(index), packet))];
  for (const blockBytes of [1, 12, 28, 32, 33, 64, 100, 1000, 1 << 20]) {
    const { records, cutAt } = read(blocks, blockBytes);
    assert.is(cutAt, null);
    assert.is(records.length, packets.length);
    packets.forEach((packet, index) => {
      bytesEqual(records[index].packet, packet, `packet ${index}, blocks of ${blockBytes}`);
    });
  }
});

Pcapng('converts timestamps of any unit, with an offset', () => {
  const cases: [number | undefined, bigint | undefined, bigint, number, number][] = [
    [undefined, undefined, 1_700_000_000_999_999n, 1_700_000_000, 999_999_000],
    [9, undefined, 1_700_000_000_999_999_999n, 1_700_000_000, 999_999_999],
    [3, undefined, 1_700_000_000_001n, 1_700_000_000, 1_000_000],
    [0, undefined, 1_700_000_000n, 1_700_000_000, 0],
    [12, undefined, 1_700_000_000_123_456_789n, 1_700_000, 123_456],
    // 2^-10 s: 512 units are half a second; 2^-30 s: one unit is 0.93 ns; 2^-63: all but the highest bit is fraction.
    [0x80 | 10, undefined, 1_700_000_000n * 1024n + 512n, 1_700_000_000, 500_000_000],
    [0x80 | 30, undefined, (5n << 30n) + 2n, 5, 1],
    [0x80 | 63, undefined, (1n << 63n) | (1n << 62n), 1, 500_000_000],
    [6, 1_600_000_000n, 5_000_001n, 1_600_000_005, 1000],
    [6, -10n, 15_000_001n, 5, 1000],
  ];
  for (const [resolution, offset, time, seconds, nanoseconds] of cases) {
    const { records } = read([
      little.section(),
      little.interface(1, {
        ...(resolution === undefined ? {} : { resolution }),
        ...(offset === undefined ? {} : { offset }),
      }),
      little.packet(0, time, pattern(1)),
    ]);
    assert.equal([records[0].tsSec, records[0].tsNsec], [seconds, nanoseconds], `${time} in unit ${resolution}`);
  }
});

Pcapng('is exact to the nanosecond in every unit, for any count', () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const half = (): number =>
    [random(0x1_0000_0000), random(1 << 20), 0xffffffff, 0, 0xffffffff - random(100)][random(5)];
  for (const resolution of [0, 1, 3, 6, 7, 8, 9, 10, 12, 18, 0x81, 0x8a, 0x94, 0x96, 0x97, 0x9e, 0xa0, 0xbf]) {
    const clock = new PcapngClock(resolution);
    const units = (resolution & 0x80) === 0 ? 10n ** BigInt(resolution) : 2n ** BigInt(resolution & 0x7f);
    let high = half();
    for (let round = 0; round < 500; round++) {
      if (round % 3 === 0) high = half();
      const low = half();
      const count = (BigInt(high) << 32n) | BigInt(low);
      clock.set(high, low);
      const what = `SEED=${seed}: ${count} in unit ${resolution}`;
      // Seconds beyond 2^53 are possible only if the unit is about a second. They cannot be exact.
      if (count / units < 1n << 53n) assert.is(BigInt(clock.seconds), count / units, what);
      assert.is(BigInt(clock.nanoseconds), ((count % units) * 1_000_000_000n) / units, what);
    }
  }
});

Pcapng('an inconsistent file is an error that names the byte', () => {
  const start = Buffer.concat(START).length;
  const packet = little.packet(0, 1n, pattern(60));

  const trailer = Buffer.from(packet);
  trailer.writeUInt32LE(packet.length + 4, packet.length - 4);
  throwsAt([...START, trailer], start + packet.length - 4, /a block of 108 bytes ends with a different length, 112/);

  const caplen = Buffer.from(packet);
  caplen.writeUInt32LE(500, 20);
  throwsAt([...START, caplen], start, /invalid captured length: 500 bytes in a block of 108/);

  for (const total of [0, 8, 13, 0x7ffffffc]) {
    const damaged = Buffer.from(packet);
    damaged.writeUInt32LE(total, 4);
    throwsAt([...START, damaged], start + 4, /invalid block length \d+, expected a multiple of 4 from 12 to 16777216/);
  }

  throwsAt([...START, little.packet(1, 1n, pattern(4))], start, /unknown interface 1: .* has described 1 so far/);
  throwsAt([little.section(), little.simplePacket(pattern(4))], 28, /unknown interface 0: .* has described 0 so far/);

  const order = little.section();
  order.writeUInt32LE(0x11223344, 8);
  throwsAt([order], 8, /invalid byte-order magic 0x11223344 in a section header, expected 0x1a2b3c4d in either/);

  const version = little.section();
  version.writeUInt16LE(2, 12);
  throwsAt([version], 12, /unsupported pcapng version 2\.0, expected 1\.0/);

  const option = little.block(1, new Bytes(true).u16(1, 0).u32(0).u16(2, 100).u32(0).buffer);
  throwsAt([little.section(), option], 28 + 16, /option 2 of an interface .* has 100 bytes, .* only 4 left/);

  const huge = little.packet(0, 1n, pattern(262_145));
  throwsAt([...START, huge], start, /invalid captured length: 262145 bytes/);
});

Pcapng.run();
