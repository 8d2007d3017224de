/** Damaged files for `ipset restore`: they load, or are refused with a message, and what is saved loads again. */
import { decodeText } from '../../codecs/text.js';
import { readSets, saveSets } from '../../core/ipset/index.js';
import { IpsetError } from '../../core/ipset/ipset-error.js';
import { TYPE_NAMES } from '../../core/ipset/type-words.js';
import { newStore } from '../ipset/our-ipset.js';
import { randomRestoreText } from '../kernel/ipset/generator.js';
import type { Prng } from '../kernel/prng.js';
import { mutateBytes } from './mutate-capture.js';

/** What a kernel saves and does not take again. */
const ONCE_ONLY: readonly RegExp[] = [
  // A name that was quoted is several words, or none.
  /^create (?!\S+ (?:hash|bitmap|list):)/m,
  /^(?:create|add) .*["\v\f\r].*["\v\f\r].*["\v\f\r]/m,
  // Masks are not applied to all addresses of a range.
  /^create .* (?:netmask|bitmask) /m,
];

/** A file for `ipset restore`, mostly damaged. */
export function randomSets(prng: Prng): Uint8Array {
  const bytes = Buffer.from(randomRestoreText(prng, TYPE_NAMES));
  return prng.chance(0.6) ? mutateBytes(prng, bytes) : bytes;
}

/**
 * What is wrong with how BYTES load; undefined: nothing.
 * @throws whatever is no message for people
 */
export function faultOfSets(bytes: Uint8Array): string | undefined {
  const store = newStore();
  try {
    readSets(decodeText(bytes), 'sets.txt', store);
  } catch (error) {
    if (!(error instanceof IpsetError)) throw error;
    if (!/^sets\.txt:\d+:\d+: ./.test(error.message)) return `the message says nothing: ${error.message}`;
  }
  const saved = saveSets(store);
  if (ONCE_ONLY.some((pattern) => pattern.test(saved))) return undefined;
  const again = newStore();
  readSets(saved, 'saved.txt', again);
  const [one, other] = [saved, saveSets(again)].map((text) => text.split('\n').sort().join('\n'));
  return one === other ? undefined : `saved again, it is different:\n${one}\n---\n${other}`;
}
