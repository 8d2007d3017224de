// What a report has of the bytes of packets is what was put into it, whichever packet is asked for.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type CapturedBytes,
  type PacketBytes,
  PacketBytesWriter,
  readPacketBytes,
} from '../../../explain/report/format/packet-bytes.js';
import { type Random, seededRandom, testSeed } from '../../random.js';

const Bytes = suite('bytes of packets in a report');

function randomFrame(random: Random): CapturedBytes {
  const bytes = Uint8Array.from({ length: random(2) * random(300) }, () => random(256));
  return { linktype: random(300), dev: random(5) - 2, bytes, length: bytes.length + random(2) * random(70_000) };
}

function randomPacket(random: Random): PacketBytes | undefined {
  if (random(4) === 0) return undefined;
  const frames = (): CapturedBytes[] => Array.from({ length: random(3) }, () => randomFrame(random));
  return { arrived: randomFrame(random), left: frames(), related: Array.from({ length: random(3) }, frames) };
}

Bytes('are read as they were written', () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const packets = Array.from({ length: 50 }, () => randomPacket(random));
  const writer = new PacketBytesWriter();
  for (const packet of packets) writer.add(packet);
  const section = Uint8Array.from(writer.bytes());
  assert.is(writer.length, section.length, `SEED=${seed}`);
  for (const [row, packet] of packets.entries())
    assert.equal(readPacketBytes(section, row), packet, `SEED=${seed}, packet ${row}`);
});

Bytes('that are cut off are an error, not other bytes', () => {
  const writer = new PacketBytesWriter();
  writer.add({ arrived: { linktype: 1, dev: 0, bytes: Uint8Array.of(1, 2, 3), length: 3 }, left: [], related: [] });
  const section = writer.bytes();
  for (let length = 0; length < section.length; length++)
    assert.throws(() => readPacketBytes(section.slice(0, length), 0), RangeError);
  assert.throws(() => readPacketBytes(section.slice(), 1), RangeError);
});

Bytes.run();
