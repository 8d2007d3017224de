/** Numbers that may have a name on the host: realms and groups of interfaces. */
import type { Word } from '../../../codecs/iptables-save.js';
import { unknownName } from './error.js';
import { formatHex, type MaskedValue, parseMasked, parseNumber } from './values.js';

/** A value under a mask, as `-m realm` and `-m devgroup` compare it. Both are int32. */
export interface NamedValue extends MaskedValue {
  readonly negated: boolean;
  /** The value's name on the host; only where the mask is full. */
  readonly name: string | undefined;
}

/** Parses `value[/mask]`, or one of NAMES. WHAT is what they are the names of, such as `realm`. */
export function parseNamed(word: Word, negated: boolean, what: string, names: ReadonlyMap<string, number>): NamedValue {
  const named = names.get(word.text);
  const isNumber = parseNumber(word.text.split('/', 1)[0], 0xffffffff) !== undefined;
  if (named === undefined && !isNumber) {
    throw unknownName(word, what, word.text, [...names.keys()], `value[/mask] or the name of a ${what}`);
  }
  const { value, mask } = isNumber ? parseMasked(word) : { value: named! | 0, mask: -1 };
  const name = mask === -1 ? [...names].find(([, number]) => (number | 0) === value)?.[0] : undefined;
  return { value, mask, negated, name };
}

/** Formats ` ! --OPTION value/mask` as iptables-save does. */
export function saveNamed(option: string, { value, mask, negated, name }: NamedValue): string {
  const text = name ?? `${formatHex(value)}${mask === -1 ? '' : `/${formatHex(mask)}`}`;
  return `${negated ? ' !' : ''} ${option} ${text}`;
}
