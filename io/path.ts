/** Names of files whose bytes are not UTF-8 (codecs/text.ts), such as the capture of an interface with such a name. */
import { readdirSync } from 'node:fs';
import { decodeText, encodeText } from '../codecs/text.js';

/** PATH as the functions of node:fs take it. */
export function nativePath(path: string): string | Buffer {
  return /\p{Cs}/u.test(path) ? Buffer.from(encodeText(path)) : path;
}

/** The names in DIR, sorted. */
export function namesIn(dir: string): string[] {
  return readdirSync(nativePath(dir), { encoding: 'buffer' }).map(decodeText).sort();
}
