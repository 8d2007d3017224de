import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CaptureMerger } from '../../codecs/merge.js';
import { IpLocation, locateIp } from '../../core/link/locate-ip.js';
import { createPcapFile, openCaptureFile } from '../../io/capture-file.js';
import { PcapngBlocks, pattern, pcap, Scratch } from './capture-files.js';

const Allocation = suite('capture-allocation');
const scratch = new Scratch();
Allocation.after(() => scratch.remove());

const PACKETS = 100_000;
const ROUNDS = 8;

/** A frame of 78 bytes with the link header of IPv4. */
const FRAME = Buffer.concat([Buffer.from('0200000000010200000000020800', 'hex'), pattern(64)]);

/** Reads INPUTS merged and writes them to one file; returns the bytes of heap allocated per packet. */
function heapBytesAPacket(inputs: string[]): number {
  const readers = inputs.map((path) => openCaptureFile(path));
  const merger = new CaptureMerger(readers);
  const writer = createPcapFile(scratch.path('out.pcap'), 1);
  const location = new IpLocation();
  let packets = 0;
  const before = process.memoryUsage().heapUsed;
  for (let index = merger.next(); index >= 0; index = merger.next()) {
    const reader = readers[index];
    if (!locateIp(reader, location)) throw new Error('not IP');
    writer.write(reader.tsSec, reader.tsNsec, reader.bytes, reader.at, reader.caplen, reader.wirelen);
    packets++;
  }
  const used = process.memoryUsage().heapUsed - before;
  writer.close();
  for (const reader of readers) reader.close();
  assert.is(packets, PACKETS * inputs.length);
  return used / packets;
}

/**
 * The second least of the rounds. An object a packet would be 16 bytes or more in each of them, but for those in which
 * a garbage collection takes them back, which are left out; code that V8 has not compiled yet makes some as well.
 */
function steadyHeapBytes(inputs: string[]): number {
  const kept = Array.from({ length: ROUNDS }, () => heapBytesAPacket(inputs)).filter((bytes) => bytes >= 0);
  assert.ok(kept.length >= 3, 'rounds without a garbage collection');
  return kept.sort((a, b) => a - b)[1];
}

function nanosecondPcap(name: string): string {
  const records = Array.from({ length: PACKETS }, (_, index): [number, number, Buffer] => [
    1_700_000_000 + (index >> 10),
    index * 1000,
    FRAME,
  ]);
  return scratch.file(pcap({ magic: 0xa1b23c4d, records }), name);
}

Allocation('a packet of a pcap is read, merged and written without allocating', () => {
  const inputs = [nanosecondPcap('a.pcap'), nanosecondPcap('b.pcap')];
  for (const files of [inputs.slice(0, 1), inputs]) {
    const bytes = steadyHeapBytes(files);
    assert.ok(bytes < 4, `${bytes.toFixed(1)} bytes of heap a packet, ${files.length} files`);
  }
});

Allocation('a packet of a pcapng is read and written without allocating', () => {
  const blocks = new PcapngBlocks();
  const parts = [blocks.section(), blocks.interface(1, { resolution: 9 })];
  for (let index = 0; index < PACKETS; index++) {
    parts.push(blocks.packet(0, 1_700_000_000_000_000_000n + BigInt(index) * 1000n, FRAME));
  }
  const bytes = steadyHeapBytes([scratch.file(Buffer.concat(parts), 'c.pcapng')]);
  assert.ok(bytes < 4, `${bytes.toFixed(1)} bytes of heap a packet`);
});

Allocation.run();
