/** What `-m set` and `-j SET` say about a set: its name, and what of a packet is looked up (xt_set). */
import type { Word } from '../../codecs/iptables-save.js';
import { isLongerThan } from '../../codecs/text.js';
import type { ParsedOption, SetMention } from '../rules/extension.js';
import { RuleFault } from '../rules/parse/error.js';
import type { SetLookup } from '../sets/ip-set.js';

const MAX_NAME_BYTES = 31;
const MAX_DIMENSIONS = 6;

export const SET_EXPECTED = 'the name of a set, and src or dst for each of its parts, comma-separated';

export interface SetReference extends SetMention {
  readonly name: string;
  /** For each part of the set's entries, whether it is compared with the source's or the destination's. */
  readonly ends: readonly ('src' | 'dst')[];
}

export function parseSetReference({ values: [name, ends] }: ParsedOption): SetReference {
  if (isLongerThan(name.text, MAX_NAME_BYTES)) {
    throw new RuleFault(name, `the name of the set "${name.text}" is too long`, `at most ${MAX_NAME_BYTES} bytes`);
  }
  return { name: name.text, word: name, ends: parseEnds(ends) };
}

/** iptables looks at the first three letters. */
function parseEnds(word: Word): ('src' | 'dst')[] {
  const parts = word.text.split(',');
  const ends = parts.map((part) => (part.startsWith('src') ? 'src' : part.startsWith('dst') ? 'dst' : undefined));
  if (ends.length > MAX_DIMENSIONS || ends.includes(undefined)) {
    throw new RuleFault(word, `bad directions "${word.text}"`, `at most ${MAX_DIMENSIONS} of src and dst`);
  }
  return ends as ('src' | 'dst')[];
}

/** REFERENCE as a rule asks the set: how many directions it has, and which of them mean the source. */
export function directionsOf({ ends }: SetReference): Pick<SetLookup, 'dimensions' | 'sources'> {
  const sources = ends.reduce((bits, end, i) => (end === 'src' ? bits | (1 << i) : bits), 0);
  return { dimensions: ends.length, sources };
}

export function formatSetReference({ name, ends }: SetReference): string {
  return `${name} ${ends.join(',')}`;
}
