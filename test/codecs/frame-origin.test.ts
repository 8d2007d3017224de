/** Where frames were captured: link headers of `tcpdump -i any` and `-i nflog`, and what pcapng says. */
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Direction } from '../../codecs/capture.js';
import { FrameOrigin } from '../../codecs/frame-origin.js';
import { openCaptureFile } from '../../io/capture-file.js';
import { PcapngBlocks, SAMPLES, Scratch } from './capture-files.js';

const Origin = suite('frame origin');
const scratch = new Scratch();
Origin.after(() => scratch.remove());

/** Interface indexes, packet type and hook of the first COUNT frames of the sample NAME. */
function origins(name: string, count: number): [ifindex: number, outIfindex: number, type: number, hook: number][] {
  const reader = openCaptureFile(join(SAMPLES, name));
  const origin = new FrameOrigin();
  const found: ReturnType<typeof origins> = [];
  while (found.length < count && reader.next()) {
    origin.read(reader);
    found.push([origin.ifindex, origin.outIfindex, origin.packetType, origin.hook]);
  }
  reader.close();
  return found;
}

// The values are those that tshark shows: sll.ifindex, sll.pkttype, nflog.ifindex_indev, nflog.hook …
Origin('SLL2 has the interface and the packet type', () => {
  assert.equal(origins('sll2-http.pcap', 3), [
    [2, 0, 4, -1],
    [2, 0, 0, -1],
    [2, 0, 4, -1],
  ]);
});

Origin('SLL has the packet type', () => {
  assert.equal(origins('tcp-handshake-nano.pcap', 2), [
    [0, 0, 4, -1],
    [0, 0, 0, -1],
  ]);
});

Origin('NFLOG has the interfaces and the hook', () => {
  assert.equal(origins('nflog.pcap', 5), [
    [0, 3, -1, 3],
    [0, 2, -1, 3],
    [1, 0, -1, 1],
    [0, 1, -1, 3],
    [1, 0, -1, 1],
  ]);
});

Origin('an Ethernet frame says nothing, and nothing of an earlier frame remains', () => {
  const origin = new FrameOrigin();
  Object.assign(origin, { ifindex: 3, outIfindex: 4, packetType: 4, hook: 1 });
  const view = new DataView(new ArrayBuffer(60));
  origin.read({ linktype: 1, view, at: 0, caplen: 60 });
  assert.equal([origin.ifindex, origin.outIfindex, origin.packetType, origin.hook], [0, 0, -1, -1]);
});

/** Interface names and directions in FILE. */
function sides(file: Uint8Array): [string, number][] {
  const reader = openCaptureFile(scratch.file(file));
  const found: [string, number][] = [];
  while (reader.next()) found.push([reader.interfaceName, reader.direction]);
  reader.close();
  return found;
}

for (const isLittleEndian of [true, false]) {
  Origin(`pcapng has names and directions, ${isLittleEndian ? 'little' : 'big'}-endian`, () => {
    const blocks = new PcapngBlocks(isLittleEndian);
    const packet = Buffer.from('hello');
    const { INBOUND, OUTBOUND, UNKNOWN } = Direction;
    const file = Buffer.concat([
      blocks.section(),
      blocks.interface(1, { name: 'eth0' }),
      blocks.interface(1, { name: 'docker0' }),
      blocks.packet(0, 1n, packet, { flags: 1 }),
      blocks.packet(1, 2n, packet, { flags: 2 }),
      blocks.packet(1, 3n, packet),
      // Bits 2 to 8 say other things: multicast, and the length of the frame check sequence.
      blocks.packet(0, 4n, packet, { flags: 0x88 | 2 }),
      // The value 3 is not defined.
      blocks.packet(0, 5n, packet, { flags: 3 }),
      blocks.obsoletePacket(1, 6n, packet),
      blocks.simplePacket(packet),
    ]);
    assert.equal(sides(file), [
      ['eth0', INBOUND],
      ['docker0', OUTBOUND],
      ['docker0', UNKNOWN],
      ['eth0', OUTBOUND],
      ['eth0', UNKNOWN],
      ['docker0', UNKNOWN],
      ['eth0', UNKNOWN],
    ]);
  });
}

Origin('options that claim more than their block are not followed', () => {
  const blocks = new PcapngBlocks();
  const flags = blocks.packet(0, 1n, Buffer.from('hello'), { flags: 1 });
  // The comment before the flags now claims 65,535 bytes.
  flags.writeUInt16LE(0xffff, 28 + 8 + 2);
  const file = Buffer.concat([blocks.section(), blocks.interface(1, { name: 'eth0' }), flags]);
  assert.equal(sides(file), [['eth0', Direction.UNKNOWN]]);
});

Origin.run();
