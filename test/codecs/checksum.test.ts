import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fold, internetChecksum, sumBytes, sumWords, updateChecksum } from '../../codecs/checksum.js';
import { Random } from '../../core/random.js';
import { testSeed } from '../random.js';

const Checksum = suite('checksum');

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** RFC 1071, section 4.1, word by word in the simplest way. */
function slowly(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i] << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return sum;
}

Checksum('RFC 1071, section 3: 00 01 f2 03 f4 f5 f6 f7 sums up to ddf2', () => {
  const bytes = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);
  assert.is(fold(sumBytes(viewOf(bytes), 0, 8)), 0xddf2);
  assert.is(sumWords(viewOf(bytes), 0, 8), 0xf2dd);
  assert.is(internetChecksum(viewOf(bytes), 0, 8), 0x220d);
});

Checksum('is the word-by-word sum for any bytes at any offset, up to 65535 of them', () => {
  const seed = testSeed();
  console.log(`  seed ${seed}`);
  const random = new Random(seed);
  const bytes = Uint8Array.from({ length: 65_535 + 16 }, () => random.uint32() & 0xff);
  const lengths = [...Array.from({ length: 70 }, (_, length) => length), 1480, 9001, 65_534, 65_535];
  for (const length of lengths) {
    const at = random.uint32() % 16;
    const part = bytes.subarray(at, at + length);
    assert.is(fold(sumBytes(viewOf(bytes), at, length)), slowly(part), `${length} bytes from ${at} on`);
  }
  bytes.fill(0xff);
  assert.is(fold(sumBytes(viewOf(bytes), 3, 65_535)), slowly(bytes.subarray(3, 65_538)), 'all ones');
});

Checksum('RFC 1624, section 4: from dd2f with 5555 become 3285, the checksum becomes 0000', () => {
  assert.is(updateChecksum(0xdd2f, 0x5555, 0x3285), 0x0000);
});

Checksum.run();
