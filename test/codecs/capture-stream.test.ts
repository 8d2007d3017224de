/** Captures in a row, in one file or in several, and compressed ones. */

import * as zlib from 'node:zlib';
import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CaptureError } from '../../codecs/capture-error.js';
import type { CaptureStream } from '../../codecs/capture-stream.js';
import { openCaptureFile } from '../../io/capture-file.js';
import { bytesEqual } from '../bytes.js';
import { seededRandom, testSeed } from '../random.js';
import { PcapngBlocks, pattern, pcap, readFile, Scratch } from './capture-files.js';

const Stream = suite('capture streams');
const scratch = new Scratch();
Stream.after(() => scratch.remove());

const zstdCompressSync = (zlib as { zstdCompressSync?: (bytes: Uint8Array) => Buffer }).zstdCompressSync;

/** Captures with one packet each, whose second is NUMBER, in every form that there is. */
const FORMS: readonly [name: string, make: (number: number) => Buffer][] = [
  ['pcap', (number) => pcap({ records: [[number, 5, pattern(60, number)]] })],
  ['big-endian', (number) => pcap({ isLittleEndian: false, records: [[number, 5, pattern(60, number)]] })],
  ['nanoseconds', (number) => pcap({ magic: 0xa1b23c4d, records: [[number, 5000, pattern(60, number)]] })],
  [
    'big-endian nanoseconds',
    (number) => pcap({ isLittleEndian: false, magic: 0xa1b23c4d, records: [[number, 5000, pattern(60, number)]] }),
  ],
  ['SLL', (number) => pcap({ linktype: 113, records: [[number, 5, pattern(60, number)]] })],
  ['pcapng', (number) => pcapng(new PcapngBlocks(), number)],
  ['big-endian pcapng', (number) => pcapng(new PcapngBlocks(false), number)],
  ['an empty pcap', () => pcap()],
];

function pcapng(blocks: PcapngBlocks, number: number): Buffer {
  const packet = blocks.packet(0, BigInt(number) * 1_000_000n + 5n, pattern(60, number));
  return Buffer.concat([blocks.section(), blocks.interface(1), packet]);
}

/** Seconds, nanoseconds, link type and packet of all records. */
function records(stream: CaptureStream): [number, number, number, string][] {
  const found: ReturnType<typeof records> = [];
  while (stream.next()) {
    const packet = Buffer.from(stream.bytes.subarray(stream.at, stream.at + stream.caplen)).toString('hex');
    found.push([stream.tsSec, stream.tsNsec, stream.linktype, packet]);
  }
  assert.not(stream.next(), 'a record after the end');
  stream.close();
  return found;
}

const recordOf = (form: string, number: number): [number, number, number, string] => [
  number,
  5000,
  form === 'SLL' ? 113 : 1,
  pattern(60, number).toString('hex'),
];

for (const [first, makeFirst] of FORMS) {
  Stream(`a header in place of a record begins another capture, after ${first}`, () => {
    for (const [second, makeSecond] of FORMS) {
      const file = Buffer.concat([makeFirst(1), makeSecond(2), makeFirst(3)]);
      const wanted = [
        ...(first.startsWith('an empty') ? [] : [recordOf(first, 1)]),
        ...(second.startsWith('an empty') ? [] : [recordOf(second, 2)]),
        ...(first.startsWith('an empty') ? [] : [recordOf(first, 3)]),
      ];
      for (const blockBytes of [1, 100, 1 << 16]) {
        const stream = openCaptureFile(scratch.file(file), { blockBytes });
        assert.equal(records(stream), wanted, `${second}, blocks of ${blockBytes}`);
        assert.equal(stream.cuts, []);
      }
    }
  });
}

Stream('a header that is cut, or of a link type that is not supported, ends the file', () => {
  const one = pcap({ records: [[1, 0, pattern(20)]] });
  for (const [rest, wanted] of [
    [
      pcap().subarray(0, 20),
      /: byte 60: the file header is truncated: only 20 of 24 .*; it was read up to here: 1 packet$/,
    ],
    [pcap({ linktype: 105 }), /: byte 80: unsupported link type 105 \(IEEE 802.11\).*: 1 packet$/],
    [pcap({ version: [543, 0] }), /: byte 64: unsupported pcap version 543.0/],
  ] as const) {
    const stream = openCaptureFile(scratch.file(Buffer.concat([one, rest])));
    assert.is(records(stream).length, 1);
    assert.is(stream.cuts.length, 1);
    assert.match(stream.cuts[0].message, wanted);
  }
});

Stream('files in a row are read one after another, past the damage in each', () => {
  const cut = pcap({
    records: [
      [1, 0, pattern(60, 1)],
      [2, 0, pattern(60, 2)],
    ],
  }).subarray(0, -10);
  const damaged = pcap({
    records: [
      [3, 0, pattern(60, 3)],
      [4, 0, pattern(60, 4)],
    ],
  });
  damaged.writeUInt32LE(0xffffffff, 24 + 76 + 8);
  const blocks = new PcapngBlocks();
  const ng = pcapng(blocks, 5);
  const unknown = Buffer.concat([pcapng(blocks, 6), blocks.packet(7, 7_000_000n, pattern(60, 7))]);
  const paths = [cut, damaged, ng, Buffer.alloc(0), unknown, pcap({ records: [[8, 0, pattern(60, 8)]] })].map(
    (bytes, i) => scratch.file(bytes, `row${i}.pcap`),
  );
  for (const blockBytes of [1, 100, 1 << 16]) {
    const stream = openCaptureFile(paths, { blockBytes });
    assert.equal(
      records(stream).map(([second]) => second),
      [1, 3, 5, 6, 8],
    );
    assert.equal(
      stream.cuts.map(({ path, byteOffset, packets }) => [path, byteOffset, packets]),
      [
        [paths[0], 24 + 76, 1],
        [paths[1], 24 + 76 + 8, 1],
        [paths[3], 0, 0],
        [paths[4], unknown.length - 108, 1],
      ],
    );
    assert.equal(
      stream.filesUpTo(5).map(({ packets }) => packets),
      [1, 1, 1, 0, 1, 1],
    );
    assert.is(stream.consumedBytes, stream.totalBytes);
  }
});

Stream('a file that begins before the one before it has ended is noted', () => {
  const at = (second: number) => pcap({ records: [[second, 0, pattern(60)]] });
  const paths = [at(5), at(4), at(4)].map((bytes, i) => scratch.file(bytes, `order${i}.pcap`));
  const stream = openCaptureFile(paths);
  assert.is(records(stream).length, 3);
  assert.is(stream.notes.length, 1);
  assert.match(stream.notes[0], /order1\.pcap begins before .*order0\.pcap ends, but was replayed after it/);
});

Stream('packets of a pcapng whose link type is not supported are noted by its name', () => {
  const blocks = new PcapngBlocks();
  const wifi = Buffer.concat([
    ...[blocks.section(), blocks.interface(1), blocks.interface(105)],
    ...[0, 1, 1].map((index, i) => blocks.packet(index, BigInt(i), pattern(60))),
  ]);
  const paths = [wifi, pcap({ records: [[5, 0, pattern(60)]] })].map((bytes, i) =>
    scratch.file(bytes, `wifi${i}.pcap`),
  );
  for (const files of [paths, paths.slice(0, 1)]) {
    const stream = openCaptureFile(files);
    records(stream);
    assert.is(stream.notes.length, 1);
    assert.match(
      stream.notes[0],
      /wifi0\.pcap: 2 packets of link type 105 \(IEEE 802\.11\) were skipped, expected Eth/,
    );
  }
});

Stream('damage before the first packet is an error, unless another file has packets', () => {
  const damaged = pcap({ records: [[3, 0, pattern(60)]] });
  damaged.writeUInt32LE(0xffffffff, 24 + 8);
  const path = scratch.file(damaged, 'damaged.pcap');
  assert.throws(
    () => records(openCaptureFile(path)),
    (error: unknown) => error instanceof CaptureError,
  );
  const good = scratch.file(pcap({ records: [[5, 0, pattern(60)]] }), 'good.pcap');
  const stream = openCaptureFile([path, good]);
  assert.is(records(stream).length, 1);
  assert.match(stream.cuts[0].message, /damaged\.pcap: byte 32: invalid captured length.*: 0 packets$/);
});

/** A capture that does not compress well, and its packets. */
const LARGE = (() => {
  const random = seededRandom(testSeed());
  const packets = Array.from({ length: 900 }, () =>
    Buffer.from(Array.from({ length: random(1500) }, () => random(256))),
  );
  return { packets, file: pcap({ records: packets.map((packet, i) => [i, 0, packet]) }) };
})();

const COMPRESSIONS: readonly [string, ((bytes: Uint8Array) => Buffer) | undefined][] = [
  ['gzip', (bytes) => gzipSync(bytes)],
  ['zstd', zstdCompressSync],
];

for (const [name, compress] of COMPRESSIONS) {
  if (compress === undefined) {
    Stream(`${name} is refused where Node does not have it, with what to do`, () => {
      assert.throws(
        () => scratch.read(Buffer.from('28b52ffd0458', 'hex')),
        (error: unknown) =>
          error instanceof CaptureError && /pipe it through zstdcat: zstdcat FILE \|/.test(error.message),
      );
    });
    continue;
  }
  Stream(`${name} is recognised, in one piece and in several`, () => {
    const { packets, file } = LARGE;
    const half = file.length >> 1;
    for (const compressed of [
      compress(file),
      Buffer.concat([compress(file.subarray(0, half)), compress(file.subarray(half))]),
    ]) {
      for (const blockBytes of [1, 5000, 1 << 18]) {
        const path = scratch.file(compressed, `large.${name}`);
        const result = readFile(path, blockBytes);
        assert.is(result.cutAt, null);
        assert.is(result.records.length, packets.length);
        result.records.forEach((record, i) => {
          bytesEqual(record.packet, packets[i]);
        });
        const stream = openCaptureFile(path);
        records(stream);
        assert.equal([stream.consumedBytes, stream.totalBytes], [compressed.length, compressed.length]);
      }
    }
  });

  Stream(`${name} that is cut is read up to there`, () => {
    const { packets, file } = LARGE;
    const compressed = compress(file);
    for (const share of [0.3, 0.7, 0.99]) {
      const path = scratch.file(compressed.subarray(0, Math.floor(compressed.length * share)), `cut.${name}`);
      const stream = openCaptureFile(path);
      const read = records(stream).length;
      // A block of zstd has up to 128 KiB of data.
      assert.ok(read > packets.length * share - 250 && read < packets.length, `${read} packets`);
      assert.is(stream.cuts.length, 1);
      assert.match(stream.cuts[0].message, new RegExp(`byte \\d+ \\(decompressed\\): .*: ${read} packets$`));
    }
  });

  Stream(`${name}: damage never crashes or hangs`, () => {
    const seed = testSeed();
    console.log(`SEED=${seed}`);
    const random = seededRandom(seed);
    const compressed = compress(LARGE.file.subarray(0, 60_000));
    for (let round = 0; round < 100; round++) {
      const bytes = Buffer.from(compressed);
      for (let i = 0; i <= random(3); i++) bytes[4 + random(bytes.length - 4)] = random(256);
      try {
        scratch.read(random(2) === 0 ? bytes : Buffer.concat([bytes, pattern(random(50))]), 1 << random(17));
      } catch (error) {
        if (!(error instanceof CaptureError)) throw new Error(`SEED=${seed}, round ${round}`, { cause: error });
      }
    }
  });
}

/** LARGE as gzip data, with a byte changed, from its end. Its trailer is the CRC and the length (RFC 1952). */
function gzipChangedAt(fromEnd: number): Buffer {
  const gzip = gzipSync(LARGE.file);
  gzip[gzip.length - fromEnd] ^= 1;
  return gzip;
}

const WHOLE = gzipSync(LARGE.file);
const ENDS: readonly [name: string, file: Buffer, problem: string | undefined][] = [
  ['other data', Buffer.concat([WHOLE, Buffer.from('garbage\n')]), 'other data follows the gzip data'],
  ['much other data', Buffer.concat([WHOLE, pattern(200_000)]), 'other data follows the gzip data'],
  ['padding', Buffer.concat([WHOLE, Buffer.alloc(3000)]), undefined],
  ['a wrong CRC', gzipChangedAt(8), 'the gzip data is damaged (incorrect data check)'],
  ['a wrong length', gzipChangedAt(4), 'the gzip data is damaged (incorrect length check)'],
  ['no trailer', WHOLE.subarray(0, -8), 'the gzip data ends in the middle'],
  ['half a trailer', WHOLE.subarray(0, -3), 'the gzip data ends in the middle'],
  ['half a header', Buffer.concat([WHOLE, WHOLE.subarray(0, 5)]), 'the gzip data ends in the middle'],
];

for (const [name, file, problem] of ENDS) {
  Stream(`all packets of whole gzip data are read: at its end, ${name}`, () => {
    const stream = openCaptureFile(scratch.file(file));
    assert.is(records(stream).length, LARGE.packets.length);
    assert.equal(
      stream.cuts.map(({ message }) => message.replace(/^.*\(decompressed\): /, '')),
      problem === undefined ? [] : [`${problem}; it was read up to here: ${LARGE.packets.length} packets`],
    );
  });
}

Stream('damage in gzip data is not called truncation', () => {
  const data = zlib.deflateRawSync(LARGE.file, { finishFlush: zlib.constants.Z_SYNC_FLUSH });
  // The type of the next block is 3, which is reserved (RFC 1951, section 3.2.3).
  const stream = openCaptureFile(scratch.file(Buffer.concat([WHOLE.subarray(0, 10), data, Buffer.from([7])])));
  // The last kilobyte of compressed data is lost.
  assert.ok(records(stream).length > LARGE.packets.length - 20);
  assert.match(stream.cuts[0].message, /the gzip data is damaged \(invalid block type\)/);
  assert.not.match(stream.cuts[0].message, /truncated/);
});

Stream('all that a gzip header may have is skipped', () => {
  // FLG with a header CRC, an extra field, a name and a comment.
  const header = Buffer.from('1f8b081e000000000003' + '0300616263' + '6e00' + '6300' + 'ffff', 'hex');
  const stream = openCaptureFile(scratch.file(Buffer.concat([header, WHOLE.subarray(10)])));
  assert.is(records(stream).length, LARGE.packets.length);
  assert.equal(stream.cuts, []);
});

Stream.run();
