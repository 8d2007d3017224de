import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CaptureError } from '../../codecs/capture-error.js';
import { openCaptureFile } from '../../io/capture-file.js';
import { bytesEqual } from '../bytes.js';
import { pattern, pcap, Scratch } from './capture-files.js';

const Pcap = suite('pcap');
const scratch = new Scratch();
Pcap.after(() => scratch.remove());

const MICROSECONDS = 0xa1b2c3d4;
const NANOSECONDS = 0xa1b23c4d;

Pcap('is read in either byte order, with microseconds and nanoseconds', () => {
  for (const isLittleEndian of [true, false]) {
    for (const magic of [MICROSECONDS, NANOSECONDS]) {
      const { records, cutAt } = scratch.read(
        pcap({
          isLittleEndian,
          magic,
          records: [
            [0x12345678, 999_999, pattern(60)],
            [0xfffffffe, 7, pattern(61, 1), 1500],
          ],
        }),
      );
      const scale = magic === NANOSECONDS ? 1 : 1000;
      assert.is(cutAt, null);
      assert.is(records.length, 2);
      assert.is(records[0].tsSec, 0x12345678);
      assert.is(records[0].tsNsec, 999_999 * scale);
      assert.is(records[0].wirelen, 60);
      assert.is(records[1].tsSec, 0xfffffffe);
      assert.is(records[1].tsNsec, 7 * scale);
      assert.is(records[1].wirelen, 1500);
      bytesEqual(records[0].packet, pattern(60));
      bytesEqual(records[1].packet, pattern(61, 1));
    }
  }
});

Pcap('reads the same with any block size, even if a record is larger than a block', () => {
  const packets = [0, 1, 15, 16, 17, 63, 64, 65, 1500, 5000, 3].map((length, salt) => pattern(length, salt));
  const file = pcap({ records: packets.map((packet, index) => [index, index, packet]) });
  for (const blockBytes of [1, 2, 15, 16, 17, 24, 63, 64, 100, 1000, 4096, 1 << 20]) {
    const { records, cutAt } = scratch.read(file, blockBytes);
    assert.is(cutAt, null);
    assert.is(records.length, packets.length);
    packets.forEach((packet, index) => {
      bytesEqual(records[index].packet, packet, `packet ${index}, blocks of ${blockBytes}`);
    });
  }
});

Pcap('reports how much of the file has been consumed', () => {
  const path = scratch.file(
    pcap({
      records: [
        [1, 0, pattern(10)],
        [2, 0, pattern(20)],
      ],
    }),
  );
  const reader = openCaptureFile(path);
  const consumed = [reader.consumedBytes];
  while (reader.next()) consumed.push(reader.consumedBytes);
  reader.close();
  assert.equal(consumed, [24, 24 + 26, 24 + 26 + 36]);
  assert.is(reader.totalBytes, 24 + 26 + 36);
});

Pcap('ignores the snaplen: 0, too large, or less than the length of a record', () => {
  for (const snaplen of [0, 0xffffffff, 40]) {
    const { records } = scratch.read(pcap({ snaplen, records: [[1, 0, pattern(100)]] }));
    bytesEqual(records[0].packet, pattern(100));
  }
});

Pcap(
  'has its link type in the lower 16 bits; above are the length of the frame check sequence and reserved bits',
  () => {
    // 2 words of frame check sequence, present (bits 28-31 and 26 of the field).
    const reader = openCaptureFile(scratch.file(pcap({ linktype: 0x24000001 })));
    assert.is(reader.linktype, 1);
    reader.close();
  },
);

Pcap('carries fractions of a second or more into the seconds', () => {
  const { records } = scratch.read(pcap({ records: [[5, 2_000_001, pattern(1)]] }));
  assert.is(records[0].tsSec, 7);
  assert.is(records[0].tsNsec, 1000);
});

Pcap('treats an orig_len below incl_len as incl_len', () => {
  const { records } = scratch.read(pcap({ records: [[5, 0, pattern(60), 10]] }));
  assert.is(records[0].wirelen, 60);
});

Pcap('swaps the two lengths before version 2.3', () => {
  const file = pcap({ version: [2, 2], records: [[5, 0, pattern(60), 1000]] });
  file.writeUInt32LE(1000, 24 + 8);
  file.writeUInt32LE(60, 24 + 12);
  const { records } = scratch.read(file);
  assert.is(records[0].packet.length, 60);
  assert.is(records[0].wirelen, 1000);
});

Pcap('a packet of 262144 bytes is accepted; one more byte is damage, and the byte is named', () => {
  const largest = scratch.read(
    pcap({
      records: [
        [1, 0, pattern(262_144)],
        [2, 0, pattern(4)],
      ],
    }),
  );
  assert.is(largest.records.length, 2);
  bytesEqual(largest.records[0].packet, pattern(262_144));

  const path = scratch.file(
    pcap({
      records: [
        [1, 0, pattern(4)],
        [2, 0, pattern(262_145)],
      ],
    }),
  );
  const reader = openCaptureFile(path);
  assert.ok(reader.next());
  assert.not(reader.next());
  const [{ byteOffset, packets, message }] = reader.cuts;
  assert.equal([byteOffset, packets], [24 + 20 + 8, 1]);
  assert.ok(message.startsWith(`${path}: byte 52: invalid captured length: 262145 bytes`), message);
  reader.close();
});

Pcap('an unsupported link type is refused, with its number and name', () => {
  const path = scratch.file(pcap({ linktype: 127, records: [[1, 0, pattern(4)]] }));
  assert.throws(
    () => openCaptureFile(path),
    (error: unknown) =>
      error instanceof CaptureError && /link type 127 \(IEEE 802.11 with a radiotap/.test(error.message),
  );
});

Pcap('refuses other versions', () => {
  for (const [version, wanted] of [
    [[1, 0], /pcap version 1\.0,/],
    [[543, 0], /pcap version 543\.0 \(AIX/],
  ] as const) {
    const path = scratch.file(pcap({ version: [...version] }));
    assert.throws(() => openCaptureFile(path), wanted);
  }
});

Pcap('leaves room for a link header before a packet that starts a block', () => {
  // Blocks of one record: each starts at the front of the buffer.
  const reader = openCaptureFile(
    scratch.file(
      pcap({
        linktype: 101,
        records: [
          [1, 0, pattern(48)],
          [2, 0, pattern(48, 1)],
        ],
      }),
    ),
    {
      blockBytes: 64,
    },
  );
  for (const salt of [0, 1]) {
    assert.ok(reader.next());
    assert.ok(reader.at >= 14);
    reader.bytes.fill(0, reader.at - 14, reader.at);
    bytesEqual(reader.bytes.subarray(reader.at, reader.at + reader.caplen), pattern(48, salt));
  }
  assert.not(reader.next());
  reader.close();
});

Pcap.run();
