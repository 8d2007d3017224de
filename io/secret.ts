/** Values that nobody can tell without a secret, and that are always the same with it. */
import { createCipheriv, createHash, createHmac, randomBytes } from 'node:crypto';

const KEY_BYTES = 16;
const BLOCK_BYTES = 16;

export class Secret {
  readonly #key: Uint8Array;
  /** Of the stream, which is another one than the values. */
  readonly #streamKey: Uint8Array;

  /** SEED: any text, for the same values again. Left out: a secret that nobody knows, and that is not kept. */
  constructor(seed?: string) {
    this.#key = seed === undefined ? randomBytes(2 * KEY_BYTES) : createHash('sha256').update(seed).digest();
    this.#streamKey = this.#hash('stream').subarray(0, KEY_BYTES);
  }

  /** A number of 32 bits, unsigned. */
  number(text: string): number {
    return this.#hash(text).readUInt32BE(0);
  }

  /** COUNT bytes. */
  bytes(text: string, count: number): Uint8Array {
    const hash = this.#hash(text);
    if (count <= hash.length) return hash.subarray(0, count);
    return keystream(hash.subarray(0, KEY_BYTES), 0, count);
  }

  /** COUNT bytes for DATA. */
  bytesFor(data: Uint8Array, count: number): Uint8Array {
    const hash = createHmac('sha256', this.#key).update('data ').update(data).digest();
    return count <= hash.length ? hash.subarray(0, count) : keystream(hash.subarray(0, KEY_BYTES), 0, count);
  }

  /** COUNT bytes of one long stream, from OFFSET on. */
  stream(offset: number, count: number): Uint8Array {
    return keystream(this.#streamKey, offset, count);
  }

  #hash(text: string): Buffer {
    return createHmac('sha256', this.#key).update(text, 'utf8').digest();
  }
}

function keystream(key: Uint8Array, offset: number, count: number): Uint8Array {
  const counter = Buffer.alloc(BLOCK_BYTES);
  const block = Math.floor(offset / BLOCK_BYTES);
  counter.writeUInt32BE(Math.floor(block / 2 ** 32), 8);
  counter.writeUInt32BE(block % 2 ** 32, 12);
  const skipped = offset % BLOCK_BYTES;
  const zeros = Buffer.alloc(skipped + count);
  return createCipheriv('aes-128-ctr', key, counter).update(zeros).subarray(skipped);
}
