/** Compression for what is not a file of its own. */
import { deflateRawSync } from 'node:zlib';

/** BYTES compressed without any header (RFC 1951), as browsers unpack it (`deflate-raw`). */
export function deflated(bytes: Uint8Array): Uint8Array {
  return deflateRawSync(bytes);
}
