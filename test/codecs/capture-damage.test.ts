import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CaptureError } from '../../codecs/capture-error.js';
import { bytesEqual } from '../bytes.js';
import { seededRandom, testSeed } from '../random.js';
import { PcapngBlocks, pattern, pcap, type ReadCapture, readFile, SAMPLES, Scratch } from './capture-files.js';

const Damage = suite('capture-damage');
const scratch = new Scratch();
Damage.after(() => scratch.remove());

const ROUNDS = 1500;

/** The result of reading BYTES, or the CaptureError that it throws. Any other error fails the test. */
function attempt(bytes: Uint8Array, blockBytes?: number): ReadCapture | CaptureError {
  try {
    return scratch.read(bytes, blockBytes);
  } catch (error) {
    if (error instanceof CaptureError) return error;
    throw error;
  }
}

function samples(): string[] {
  return readdirSync(SAMPLES).filter((name) => /\.pcap(ng)?$/.test(name));
}

/**
 * Cut FILE at every byte. BOUNDARIES: where it may end without being cut, with how many packets are there until then;
 * before the first of them it is no capture yet.
 */
function cutEverywhere(file: Buffer, boundaries: [byte: number, packets: number][], whole: Buffer[]): void {
  for (let length = 0; length <= file.length; length++) {
    for (const blockBytes of [1, 64, 1 << 16]) {
      const result = attempt(file.subarray(0, length), blockBytes);
      const what = `${length} bytes, blocks of ${blockBytes}`;
      const boundary = boundaries.findLast(([byte]) => byte <= length);
      if (boundary === undefined) {
        assert.instance(result, CaptureError, what);
        continue;
      }
      if (result instanceof CaptureError) throw result;
      assert.is(result.cutAt, boundary[0] === length ? null : boundary[0], what);
      assert.is(result.records.length, boundary[1], what);
      result.records.forEach((record, index) => {
        bytesEqual(record.packet, whole[index], what);
      });
    }
  }
}

Damage('a pcap truncated at any byte is read up to the last complete record', () => {
  const packets = [pattern(3), pattern(0), pattern(61, 2)];
  const file = pcap({ records: packets.map((packet, index) => [index, 0, packet]) });
  cutEverywhere(
    file,
    [
      [24, 0],
      [43, 1],
      [59, 2],
      [136, 3],
    ],
    packets,
  );
});

Damage('a pcapng truncated at any byte is read up to the last complete block', () => {
  const blocks = new PcapngBlocks();
  const packets = [pattern(3), pattern(61, 2), pattern(5)];
  const parts: [Buffer, number][] = [
    [blocks.section(), 0],
    [blocks.interface(1, { resolution: 9 }), 0],
    [blocks.packet(0, 1n, packets[0]), 1],
    [blocks.block(0xbad, pattern(100)), 1],
    [blocks.obsoletePacket(0, 2n, packets[1]), 2],
    [blocks.simplePacket(packets[2]), 3],
  ];
  let end = 0;
  const boundaries = parts.map(([block, count]): [number, number] => {
    end += block.length;
    return [end, count];
  });
  cutEverywhere(Buffer.concat(parts.map(([block]) => block)), boundaries, packets);
});

Damage('a cut has its position, and how many bytes are left', () => {
  const path = scratch.file(pcap({ records: [[0, 0, pattern(60)]] }).subarray(0, 50), 'cut.pcap');
  assert.is(readFile(path).cutAt, 24);
});

Damage('no damage causes anything but a CaptureError, or an endless loop', () => {
  const seed = testSeed();
  console.log(`SEED=${seed}`);
  const random = seededRandom(seed);
  const originals = samples().map((name) => readFileSync(join(SAMPLES, name)).subarray(0, 6000));
  let damaged = 0;
  for (let round = 0; round < ROUNDS; round++) {
    let bytes = Buffer.from(originals[random(originals.length)]);
    for (let change = random(4); change >= 0; change--) {
      // Most of what can go wrong is in the headers, so half of the changes are near the start.
      const at = random(random(2) === 0 ? Math.min(120, bytes.length) : bytes.length);
      const kind = random(5);
      if (kind === 0) bytes[at] = random(256);
      else if (kind === 1) bytes.fill([0, 0xff, 0x7f, 0x80][random(4)], at, Math.min(at + 1 + random(8), bytes.length));
      else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random(40))]);
      else if (kind === 3)
        bytes = Buffer.concat([bytes.subarray(0, at), pattern(1 + random(40), at), bytes.subarray(at)]);
      else bytes = bytes.subarray(0, at);
    }
    try {
      const result = attempt(bytes, [16, 100, 5000][random(3)]);
      if (result instanceof CaptureError) damaged++;
      else assert.ok(result.records.length <= bytes.length / 16, 'more records than there is room for');
    } catch (error) {
      throw new Error(`SEED=${seed}, round ${round}`, { cause: error });
    }
  }
  assert.ok(damaged > ROUNDS / 10, `only ${damaged} of ${ROUNDS} were noticed`);
});

Damage('random bytes after a header are an error or a cut, never an endless number of packets', () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const blocks = new PcapngBlocks();
  const headers = [pcap(), pcap({ isLittleEndian: false }), Buffer.concat([blocks.section(), blocks.interface(1)])];
  for (let round = 0; round < 300; round++) {
    const garbage = Buffer.from(Array.from({ length: random(3000) }, () => (random(3) === 0 ? random(256) : 0)));
    const file = Buffer.concat([headers[round % 3], garbage]);
    const result = attempt(file, 64);
    if (result instanceof CaptureError) assert.ok(result.byteOffset <= file.length, `SEED=${seed}`);
    else assert.ok(result.records.length <= garbage.length / 16, `SEED=${seed}`);
  }
});

const FOREIGN: [name: string, bytes: Uint8Array, wanted: RegExp][] = [
  ['nothing', Buffer.alloc(0), /byte 0: the file is empty; expected a pcap or pcapng capture/],
  ['three bytes', Buffer.from([0xd4, 0xc3, 0xb2]), /byte 0: the file ends after 3 bytes/],
  ['half a pcap header', pcap().subarray(0, 20), /the file header is truncated: only 20 of 24 bytes are present/],
  [
    'half a section header',
    new PcapngBlocks().section().subarray(0, 20),
    /the section header is truncated: only 20 of 28/,
  ],
  ['gzip', Buffer.from('1f8b0800', 'hex'), /the gzip data ends in the middle/],
  // Node 20 has no zstd, and that of Node 22 does not say that its input ends too early.
  [
    'zstd',
    Buffer.from('28b52ffd00', 'hex'),
    /the zstd data ends in the middle|pipe it through zstdcat|\(decompressed\): the file is empty/,
  ],
  ['xz', Buffer.from('fd377a585a0000', 'hex'), /compressed with xz/],
  ['bzip2', Buffer.from('425a683931415926', 'hex'), /compressed with bzip2/],
  ['modified pcap', Buffer.from('34cdb2a10200', 'hex'), /"modified" pcap .* convert it first: editcap/],
  ['snoop', Buffer.from('736e6f6f7000000000000002', 'hex'), /Solaris snoop capture/],
  ['text', Buffer.from('*filter\n:INPUT ACCEPT [0:0]\n'), /the file is an iptables-save ruleset; give it as --rules/],
  [
    'an executable',
    Buffer.from('7f454c4602010100', 'hex'),
    /unknown file format \(first bytes 7f454c46\); expected a pcap/,
  ],
];

for (const [name, bytes, wanted] of FOREIGN) {
  Damage(`the error about a file that is not a capture says what it is: ${name}`, () => {
    const path = scratch.file(bytes);
    const result = attempt(bytes);
    assert.instance(result, CaptureError);
    assert.match((result as CaptureError).message, wanted);
    assert.is((result as CaptureError).path, path);
  });
}

Damage('the error about a file that cannot be opened is in plain words', () => {
  const cases: [string, RegExp][] = [
    [scratch.path('missing.pcap'), /missing\.pcap: cannot open: no such file/],
    [scratch.folder, /cannot read: it is a directory/],
  ];
  for (const [path, wanted] of cases) {
    assert.throws(
      () => readFile(path),
      (error: unknown) => error instanceof CaptureError && error.path === path && wanted.test(error.message),
    );
  }
});

/**
 * Reads standard input, made non-blocking first, and prints how many packets there are and the length of all of them.
 */
const READ_STANDARD_INPUT = `
  process.stdin;
  const { openCaptureFile } = await import(process.argv[1]);
  const reader = openCaptureFile('-');
  let packets = 0, bytes = 0;
  while (reader.next()) { packets++; bytes += reader.caplen; }
  console.log(packets, bytes, reader.totalBytes, reader.cuts.length === 0);
  reader.close();
`;

Damage('a capture is read from a slow pipe', async () => {
  const packets = Array.from({ length: 3000 }, (_, index) => pattern(index % 1500, index));
  const file = pcap({ records: packets.map((packet, index) => [index, 0, packet]) });
  const module = new URL('../../io/capture-file.js', import.meta.url).href;
  const child = spawn(process.execPath, ['--input-type=module', '-e', READ_STANDARD_INPUT, module]);
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
  }
  const ended = new Promise((resolve) => child.on('close', resolve));
  for (const [from, to] of [
    [0, 3],
    [3, 30],
    [30, 100_001],
    [100_001, file.length],
  ]) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    child.stdin.write(file.subarray(from, to));
  }
  child.stdin.end();
  await ended;
  const bytes = packets.reduce((sum, packet) => sum + packet.length, 0);
  assert.is(printed, `3000 ${bytes} -1 true\n`);
});

Damage.run();
