/** The names of connection states in `-m state` and `-m conntrack`. */
import type { Word } from '../../codecs/iptables-save.js';
import { CTSTATE_DNAT, CTSTATE_SNAT } from '../field-formats.js';
import { CtInfo } from '../packet.js';
import { unknownName } from '../rules/parse/error.js';

/** In iptables-save order. The bit is 1 << CtInfo. */
export const STATES: readonly (readonly [name: string, bit: number])[] = [
  ['INVALID', 1 << CtInfo.INVALID],
  ['NEW', 1 << CtInfo.NEW],
  ['RELATED', 1 << CtInfo.RELATED],
  ['ESTABLISHED', 1 << CtInfo.ESTABLISHED],
  ['UNTRACKED', 1 << CtInfo.UNTRACKED],
];
export const CT_STATES: typeof STATES = [...STATES, ['SNAT', CTSTATE_SNAT], ['DNAT', CTSTATE_DNAT]];

export type NamedBits = readonly (readonly [name: string, bit: number])[];

/** Parses the comma-separated names in WORD into bits. Names may be abbreviated, and case does not matter. */
export function parseNames(word: Word, names: NamedBits, what: string): number {
  let bits = 0;
  for (const part of word.text.split(',')) {
    const upper = part.toUpperCase();
    const found = part === '' ? undefined : names.find(([name]) => name.startsWith(upper));
    if (found === undefined) {
      const known = names.map(([name]) => name);
      throw unknownName(word, what, part, known, `${known.join(', ')}, comma-separated`);
    }
    bits |= found[1];
  }
  return bits;
}

export function formatNames(bits: number, names: NamedBits): string {
  return names
    .filter(([, bit]) => (bits & bit) !== 0)
    .map(([name]) => name)
    .join(',');
}
