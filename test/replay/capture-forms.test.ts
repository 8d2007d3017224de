/** A capture gives the same results in whatever form it is: compressed, concatenated, rotated, converted. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Est64, writeEst64 } from '../../bench/est64.js';
import type { EmulatorEngine } from '../../core/emulator.js';
import { type ReplayOptions, replay } from '../../replay/replay.js';
import type { Summary } from '../../replay/summary.js';
import { bytesEqual } from '../bytes.js';
import { PcapngBlocks, pcap } from '../codecs/capture-files.js';

const Forms = suite('forms of captures');

const EXAMPLE = fileURLToPath(new URL('../../../pcaps/docker/', import.meta.url));
const PACKETS = 20_000;
const CONNECTIONS = 30;
/** That of a pcap, and of each of its records: a header of 16 bytes and a frame of 64. */
const HEADER_BYTES = 24;
const RECORD_BYTES = 80;
/** The data plane replays the first in place. The other is the definition. */
const ENGINES: readonly EmulatorEngine[] = ['remembered', 'interpreter'];

let dir = '';
let work: Est64;
let file: Buffer;
Forms.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-test-'));
  work = writeEst64(dir, PACKETS, CONNECTIONS);
  file = readFileSync(work.eth0);
  replay({ ...optionsFor(work.eth0), outDir: join(dir, 'wanted') });
});
Forms.after(() => rmSync(dir, { recursive: true }));

function optionsFor(eth0: string | readonly string[]): ReplayOptions {
  return {
    rulesPath: join(EXAMPLE, 'rules.v4'),
    hostPath: join(EXAMPLE, 'host.json'),
    inputs: [
      { iface: 'eth0', path: eth0 },
      { iface: 'docker0', path: work.docker0 },
    ],
  };
}

/** Replays ETH0 and compares everything but the summary with the results of the plain capture. */
function check(eth0: string | readonly string[], engine: EmulatorEngine): Summary {
  const outDir = join(dir, 'got');
  const summary = replay({ ...optionsFor(eth0), outDir, engine });
  for (const name of readdirSync(join(dir, 'wanted')).filter((entry) => entry !== 'summary.json')) {
    bytesEqual(readFileSync(join(outDir, name)), readFileSync(join(dir, 'wanted', name)), `${engine}: ${name}`);
  }
  assert.is(summary.packets.read, PACKETS);
  assert.is(summary.packets.forwarded, PACKETS);
  return summary;
}

const records = (): number => (file.length - HEADER_BYTES) / RECORD_BYTES;

/** The records from FROM to TO as a capture. */
function part(from: number, to = records()): Buffer {
  const slice = file.subarray(HEADER_BYTES + from * RECORD_BYTES, HEADER_BYTES + to * RECORD_BYTES);
  return Buffer.concat([file.subarray(0, HEADER_BYTES), slice]);
}

/** [seconds, nanoseconds, frame] of the records from FROM to TO. */
function listed(from: number, to = records()): [number, number, Buffer][] {
  return Array.from({ length: to - from }, (_, i) => {
    const at = HEADER_BYTES + (from + i) * RECORD_BYTES;
    const unitNs = file.readUInt32LE(0) === 0xa1b23c4d ? 1 : 1000;
    return [file.readUInt32LE(at), file.readUInt32LE(at + 4) * unitNs, file.subarray(at + 16, at + RECORD_BYTES)];
  });
}

const swapped = (from: number, to?: number): Buffer =>
  pcap({ isLittleEndian: false, magic: 0xa1b23c4d, records: listed(from, to) });
const nanoseconds = (from: number, to?: number): Buffer => pcap({ magic: 0xa1b23c4d, records: listed(from, to) });

function pcapng(from: number, to?: number): Buffer {
  const blocks = new PcapngBlocks();
  const packets = listed(from, to).map(([sec, nsec, frame]) =>
    blocks.packet(0, BigInt(sec) * 1_000_000_000n + BigInt(nsec), frame),
  );
  return Buffer.concat([blocks.section(), blocks.interface(1, { resolution: 9 }), ...packets]);
}

/** The packets are Ethernet frames; as RAW they have no MAC addresses, which a forwarded packet does not show. */
function raw(from: number, to?: number): Buffer {
  const packets = listed(from, to).map(([sec, nsec, frame]): [number, number, Buffer] => [
    sec,
    nsec,
    frame.subarray(14),
  ]);
  return pcap({ magic: 0xa1b23c4d, linktype: 101, records: packets });
}

const FORMS: readonly [name: string, make: () => Buffer][] = [
  ['compressed', () => gzipSync(file)],
  ['two compressed files in a row', () => Buffer.concat([gzipSync(part(0, 4000)), gzipSync(part(4000))])],
  ['three files in a row', () => Buffer.concat([part(0, 1), part(1, 7001), part(7001)])],
  ['nanoseconds in the middle', () => Buffer.concat([part(0, 3000), nanoseconds(3000, 9000), part(9000)])],
  ['big-endian in the middle', () => Buffer.concat([part(0, 3000), swapped(3000, 4000), part(4000)])],
  ['pcapng at the end', () => Buffer.concat([part(0, 3000), pcapng(3000)])],
  ['pcapng at the beginning', () => Buffer.concat([pcapng(0, 500), part(500)])],
  ['another link type at the end', () => Buffer.concat([part(0, 3000), raw(3000)])],
  ['an empty capture at either end', () => Buffer.concat([part(0, 0), file, part(0, 0)])],
];

for (const [name, make] of FORMS) {
  Forms(name, () => {
    const path = join(dir, 'form.pcap');
    writeFileSync(path, make());
    for (const engine of ENGINES) {
      const { inputs, warnings } = check(path, engine);
      assert.is(inputs[0].packets, records());
      assert.equal(warnings, []);
    }
  });
}

Forms('rotated files are replayed by the time of their first packets', () => {
  const folder = mkdtempSync(join(dir, 'rotated-'));
  // As tcpdump -C 1 -W 3 writes them when it has begun again with the first.
  const files: [string, Buffer][] = [
    ['x.pcap0', nanoseconds(8000)],
    ['x.pcap1', part(0, 1)],
    ['x.pcap2', gzipSync(part(1, 8000))],
  ];
  for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
  const order = ['x.pcap1', 'x.pcap2', 'x.pcap0'].map((name) => join(folder, name));
  for (const engine of ENGINES) {
    const { inputs, assumed, run } = check(join(folder, 'x.pcap[0-9]'), engine);
    assert.equal(inputs.map(({ file: path, packets }) => [path, packets]).slice(0, 3), [
      [order[0], 1],
      [order[1], 7999],
      [order[2], records() - 8000],
    ]);
    assert.equal(run.captures.map(({ path }) => path).slice(0, 3), order);
    assert.match(assumed.join(), new RegExp(`the captures follow each other as ${order.join(', ')}`));
  }
});

Forms('more than nine rotated files are sorted by number, and an empty one is left out', () => {
  const folder = mkdtempSync(join(dir, 'many-'));
  for (let i = 0; i < 12; i++) {
    writeFileSync(join(folder, `x.pcap${i === 0 ? '' : i}`), part(i * 500, i === 11 ? records() : (i + 1) * 500));
  }
  writeFileSync(join(folder, 'x.pcap12'), '');
  const { assumed } = check(join(folder, 'x.*'), 'remembered');
  assert.equal(
    assumed.filter((line) => line.includes('x.pcap')),
    [`${join(folder, 'x.pcap12')}: the file is empty and was left out`],
  );
});

Forms('files that were taken at the same time are merged if each is an input, else there is a warning', () => {
  const folder = mkdtempSync(join(dir, 'overlap-'));
  // Every other record.
  const [even, odd] = [0, 1].map((rest) => {
    const chosen = listed(0).filter((_, i) => i % 2 === rest);
    const path = join(folder, `${rest}.pcap`);
    writeFileSync(path, pcap({ magic: 0xa1b23c4d, records: chosen }));
    return path;
  });
  const options = optionsFor(even);
  const summary = replay({ ...options, inputs: [...(options.inputs ?? []), { iface: 'eth0', path: odd }] });
  assert.is(summary.packets.forwarded, PACKETS);
  assert.equal(summary.warnings, []);
  for (const engine of ENGINES) {
    const { warnings } = replay({ ...optionsFor([even, odd]), engine });
    assert.match(warnings.join(), /1\.pcap begins before .*0\.pcap ends, but was replayed after it/);
  }
});

Forms('what is before damage is replayed, and other inputs as a whole', () => {
  const path = join(dir, 'damaged.pcap');
  const damaged = Buffer.from(file);
  damaged.writeUInt32LE(0x7fffffff, HEADER_BYTES + 6000 * RECORD_BYTES + 8);
  for (const [bytes, wanted] of [
    [damaged, /: byte 480032: invalid captured length: 2147483647 bytes.*; it was read up to here: 6000 packets$/],
    [gzipSync(file).subarray(0, -3000), /\(decompressed\): .*the gzip data ends in the middle; it was read up to here/],
  ] as const) {
    writeFileSync(path, bytes);
    const outcomes = ENGINES.map((engine) => {
      const { packets, inputs, warnings } = replay({ ...optionsFor(path), engine });
      return { packets, inputs, warnings };
    });
    assert.equal(outcomes[0], outcomes[1]);
    const [{ inputs, warnings }] = outcomes;
    assert.is(inputs[1].packets, PACKETS - records());
    assert.is(warnings.length, 1);
    assert.match(warnings[0], wanted);
  }
});

Forms.run();
