/** Whatever packets there are: what is written as pcap is read as the same, and so is pcapng built block by block. */
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MemorySink } from '../../codecs/byte-stream.js';
import { quoteWord, splitWords } from '../../codecs/iptables-save.js';
import { PcapWriter } from '../../codecs/pcap-writer.js';
import { testSeed } from '../random.js';
import { Scratch } from './capture-files.js';

const Properties = suite('captures and words: written and read');

const seed = testSeed();
console.log(`seed ${seed}`);
const scratch = new Scratch();
Properties.after(() => scratch.remove());

const packet = fc.record({
  sec: fc.integer({ min: 0, max: 0xffffffff }),
  nsec: fc.integer({ min: 0, max: 999_999_999 }),
  bytes: fc.uint8Array({ maxLength: 200 }),
  cutBytes: fc.integer({ min: 0, max: 3000 }),
});
const packets = fc.array(packet, { maxLength: 8 });
type Packets = typeof packets extends fc.Arbitrary<infer Value> ? Value : never;

const wanted = (written: Packets) =>
  written.map(({ sec, nsec, bytes, cutBytes }) => [
    sec,
    nsec,
    bytes.length + cutBytes,
    Buffer.from(bytes).toString('hex'),
  ]);
const found = (bytes: Uint8Array) => {
  const { records, cutAt } = scratch.read(bytes);
  assert.is(cutAt, null);
  return records.map(({ tsSec, tsNsec, wirelen, packet }) => [tsSec, tsNsec, wirelen, packet.toString('hex')]);
};

Properties('a pcap holds what was written', () => {
  fc.assert(
    fc.property(packets, (written) => {
      const sink = new MemorySink();
      const writer = new PcapWriter(sink, 1);
      for (const { sec, nsec, bytes, cutBytes } of written)
        writer.write(sec, nsec, bytes, 0, bytes.length, bytes.length + cutBytes);
      writer.close();
      assert.equal(found(sink.bytes()), wanted(written));
    }),
    { seed, numRuns: 150 },
  );
});

/**
 * A pcapng of one interface that counts nanoseconds (draft-ietf-opsawg-pcapng, sections 4.1 to 4.3), in either byte
 * order.
 */
function pcapng(written: Packets, isLittleEndian: boolean): Uint8Array {
  const blocks = [
    block(0x0a0d0d0a, 16, isLittleEndian, (view) => {
      view.setUint32(0, 0x1a2b3c4d, isLittleEndian);
      view.setUint16(4, 1, isLittleEndian);
      view.setBigInt64(8, -1n, isLittleEndian);
    }),
  ];
  blocks.push(
    block(1, 20, isLittleEndian, (view) => {
      view.setUint16(0, 1, isLittleEndian);
      // if_tsresol: 10^-9 s; then the end of the options.
      view.setUint16(8, 9, isLittleEndian);
      view.setUint16(10, 1, isLittleEndian);
      view.setUint8(12, 9);
    }),
  );
  for (const { sec, nsec, bytes, cutBytes } of written) {
    const paddedLength = (bytes.length + 3) & ~3;
    blocks.push(
      block(6, 20 + paddedLength, isLittleEndian, (view, body) => {
        const count = BigInt(sec) * 1_000_000_000n + BigInt(nsec);
        view.setUint32(4, Number(count >> 32n), isLittleEndian);
        view.setUint32(8, Number(count & 0xffffffffn), isLittleEndian);
        view.setUint32(12, bytes.length, isLittleEndian);
        view.setUint32(16, bytes.length + cutBytes, isLittleEndian);
        body.set(bytes, 20);
      }),
    );
  }
  return Buffer.concat(blocks);
}

function block(
  type: number,
  bodyLength: number,
  isLittleEndian: boolean,
  fill: (view: DataView, body: Uint8Array) => void,
): Uint8Array {
  const bytes = new Uint8Array(12 + bodyLength);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, isLittleEndian);
  view.setUint32(4, bytes.length, isLittleEndian);
  view.setUint32(8 + bodyLength, bytes.length, isLittleEndian);
  fill(new DataView(bytes.buffer, 8, bodyLength), bytes.subarray(8, 8 + bodyLength));
  return bytes;
}

Properties('a pcapng of either byte order is read as it was built', () => {
  fc.assert(
    fc.property(packets, fc.boolean(), (written, isLittleEndian) => {
      assert.equal(found(pcapng(written, isLittleEndian)), wanted(written));
    }),
    { seed, numRuns: 150 },
  );
});

Properties('a word that iptables-save quotes is read as the same word', () => {
  const text = fc.string({ unit: fc.constantFrom(...'ab09-_"\'\\ \t!$é→'), minLength: 1 });
  fc.assert(
    fc.property(fc.array(text), (words) => {
      const split = splitWords(words.map(quoteWord).join(' '), 1);
      assert.equal(
        split.map((word) => word.text),
        words,
      );
    }),
    { seed, numRuns: 500 },
  );
});

Properties.run();
