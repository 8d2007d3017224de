import { closeSync, existsSync, openSync, readFileSync, statSync } from 'node:fs';
import { parse } from 'pcap-parser';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CaptureError } from '../../codecs/capture-error.js';
import { LARGEST_RECORD_BYTES, ownPlace } from '../../codecs/pcap-writer.js';
import { WRITER_STATE } from '../../codecs/writer-state.js';
import { createPcapFile } from '../../io/capture-file.js';
import { bytesEqual } from '../bytes.js';
import { isInstalled, output, pattern, pcap, readFile, Scratch } from './capture-files.js';

const Writer = suite('pcap-writer');
const scratch = new Scratch();
Writer.after(() => scratch.remove());

const NANOSECONDS = 0xa1b23c4d;
const MAC_HEADER = '0200000000010200000000020800';

Writer('writes the format of the specification, byte for byte', () => {
  const path = scratch.path('bytes.pcap');
  const writer = createPcapFile(path, 101);
  const source = pattern(300);
  writer.write(1_700_000_000, 999_999_999, source, 5, 3, 3);
  writer.write(4_000_000_000, 0, source, 100, 61, 1500);
  assert.is(writer.packets, 2);
  writer.close();
  const expected = pcap({
    magic: NANOSECONDS,
    snaplen: 262_144,
    linktype: 101,
    records: [
      [1_700_000_000, 999_999_999, source.subarray(5, 8)],
      [4_000_000_000, 0, source.subarray(100, 161), 1500],
    ],
  });
  bytesEqual(readFileSync(path), expected);
});

Writer('writes a valid capture without packets', () => {
  const path = scratch.path('empty.pcap');
  createPcapFile(path, 1).close();
  bytesEqual(readFileSync(path), pcap({ magic: NANOSECONDS, snaplen: 262_144 }));
});

Writer('copies packets of every length from any position, across chunks and from many sources', () => {
  const path = scratch.path('lengths.pcap');
  const writer = createPcapFile(path, 1, ownPlace(LARGEST_RECORD_BYTES));
  // Eleven sources in turn; the third starts in the middle of its buffer.
  const sources = Array.from({ length: 11 }, (_, salt) => new Uint8Array(pattern(2000, salt)));
  sources[2] = new Uint8Array(pattern(2100, 2)).subarray(37, 2037);
  const expected: Buffer[] = [];
  for (let length = 0; length < 1700; length++) {
    const source = sources[length % sources.length];
    const at = (length * 7) % 290;
    writer.write(length, length, source, at, length, length);
    expected.push(Buffer.from(source.subarray(at, at + length)));
  }
  writer.close();
  const { records, cutAt } = readFile(path);
  assert.is(cutAt, null);
  assert.is(records.length, expected.length);
  expected.forEach((packet, index) => {
    bytesEqual(records[index].packet, packet, `packet ${index}`);
  });
});

Writer('accepts the largest packet and no larger one', () => {
  const path = scratch.path('large.pcap');
  const writer = createPcapFile(path, 101, ownPlace(LARGEST_RECORD_BYTES));
  const source = pattern(262_145);
  writer.write(0, 0, source, 0, 262_144, 262_144);
  assert.throws(
    () => writer.write(0, 0, source, 0, 262_145, 262_145),
    (error: unknown) => error instanceof CaptureError && error.message.includes('a packet of 262145 bytes'),
  );
  writer.close();
  assert.is(readFile(path).records.length, 1);
});

Writer('writes in chunks', () => {
  const path = scratch.path('gathered.pcap');
  const writer = createPcapFile(path, 101);
  writer.write(0, 0, pattern(1000), 0, 1000, 1000);
  assert.is(statSync(path).size, 0);
  writer.flush();
  assert.is(statSync(path).size, 24 + 16 + 1000);
  writer.close();
  writer.close();
});

Writer('records written in place are complete and in order, also between copied ones', () => {
  const path = scratch.path('in-place.pcap');
  // A buffer with room for the chunk and for packets after it.
  const packetsAt = WRITER_STATE.bytes + LARGEST_RECORD_BYTES;
  const buffer = new ArrayBuffer(packetsAt + 200_000);
  const chunk = new Uint8Array(buffer, WRITER_STATE.bytes, LARGEST_RECORD_BYTES);
  const writer = createPcapFile(path, 1, { buffer, chunk, stateAt: 0 });
  const expected: Buffer[] = [];
  // Lengths on both sides of the limits for copying by words, collecting in the chunk, and writing directly.
  for (const [round, lengths] of [[60], [60, 60, 300], Array(1200).fill(70), [1500, 1500]].entries()) {
    const size = lengths.reduce((sum: number, length: number) => sum + 16 + length, 16);
    const bytes = new Uint8Array(buffer, packetsAt, size);
    bytes.set(pattern(size, round));
    assert.ok(writer.holds(bytes));
    let at = 16;
    for (const [i, length] of lengths.entries()) {
      expected.push(Buffer.from(bytes.subarray(at, at + length)));
      writer.writeInPlace(round, i, bytes, at, length, length);
      at += length + 16;
    }
    const between = pattern(100 + round, round);
    writer.write(9, round, between, 0, between.length, between.length);
    expected.push(Buffer.from(between));
    writer.settle();
    bytes.fill(0);
  }
  writer.close();
  const { records, cutAt } = readFile(path);
  assert.is(cutAt, null);
  assert.is(records.length, expected.length);
  expected.forEach((packet, index) => {
    bytesEqual(records[index].packet, packet, `packet ${index}`);
  });
});

Writer('is read back by pcap-parser', async () => {
  const path = scratch.path('independent.pcap');
  const writer = createPcapFile(path, 1);
  const source = pattern(4000);
  const lengths = [0, 1, 46, 192, 193, 1500, 3000];
  for (const length of lengths) writer.write(1_700_000_000 + length, 123_456_000, source, 3, length, length + 1);
  writer.close();
  // pcap-parser knows no nanoseconds: with the other magic it takes the fraction as it is.
  const file = readFileSync(path);
  file.writeUInt32LE(0xa1b2c3d4);
  const seen: [number, number, number, number][] = [];
  await new Promise<void>((resolve, reject) => {
    parse(scratch.file(file))
      .on('packet', ({ header, data }) => {
        const { timestampSeconds, timestampMicroseconds, capturedLength, originalLength } = header;
        seen.push([timestampSeconds, timestampMicroseconds, capturedLength, originalLength]);
        bytesEqual(data, Buffer.from(source.subarray(3, 3 + capturedLength)));
      })
      .on('error', reject)
      .on('end', resolve);
  });
  assert.equal(
    seen,
    lengths.map((length) => [1_700_000_000 + length, 123_456_000, length, length + 1]),
  );
});

(isInstalled('tcpdump') ? Writer : Writer.skip)('is read back by tcpdump', () => {
  const path = scratch.path('tcpdump.pcap');
  const writer = createPcapFile(path, 1);
  const ping = Buffer.from(`${MAC_HEADER}4500001c000100004001904ac0000201c63364020800f7ef00070009`, 'hex');
  for (let packet = 0; packet < 5; packet++) writer.write(1_700_000_000, packet, ping, 0, 42, 42);
  writer.close();
  const wanted = Array.from(
    { length: 5 },
    (_, packet) => `1700000000.00000000${packet} IP 192.0.2.1 > 198.51.100.2: ICMP echo request, id 7, seq 9, length 8`,
  );
  assert.equal(output('tcpdump', '-r', path, '-nn', '-tt', '--nano').trim().split('\n'), wanted);
});

Writer('the error about a file that cannot be written is in plain words', () => {
  const cases: [string, RegExp][] = [
    [scratch.path('missing/x.pcap'), /missing\/x\.pcap: cannot write: no such file/],
    [scratch.folder, /cannot write: it is a directory/],
  ];
  for (const [path, wanted] of cases) {
    assert.throws(
      () => createPcapFile(path, 1),
      (error: unknown) => error instanceof CaptureError && error.path === path && wanted.test(error.message),
    );
  }
});

(existsSync('/dev/full') ? Writer : Writer.skip)('a full disk is reported once, and the file is closed', () => {
  const writer = createPcapFile('/dev/full', 1);
  writer.write(0, 0, pattern(10), 0, 10, 10);
  assert.throws(
    () => writer.flush(),
    (error: unknown) =>
      error instanceof CaptureError && error.message === '/dev/full: cannot write: no space is left on the device',
  );
  writer.close();
  // The lowest free descriptor is the one that was closed.
  const before = openSync('/dev/null', 'r');
  closeSync(before);
  const again = createPcapFile('/dev/full', 1);
  assert.throws(() => again.close(), /no space is left/);
  const after = openSync('/dev/null', 'r');
  closeSync(after);
  assert.is(after, before);
});

Writer.run();
