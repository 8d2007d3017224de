/** Numbers that may have a name on the host: realms and groups of interfaces. */
import type { NamesDescription } from '../../../codecs/host/names.js';
import type { Word } from '../../../codecs/iptables-save.js';
import { withNearest } from '../../../codecs/nearest.js';
import { RuleFault, unknownName } from './error.js';
import { formatHex, type MaskedValue, parseMasked, parseNumber } from './values.js';

/** A value under a mask, as `-m realm` and `-m devgroup` compare it. Both are int32. */
export interface NamedValue extends MaskedValue {
  readonly negated: boolean;
  /** The value's name on the host; only where the mask is full. */
  readonly name: string | undefined;
}

/** What has names: as messages call it, and as the description of a host does. */
const KINDS = { realms: 'realm', deviceGroups: 'group of interfaces' } as const;

/** Parses `value[/mask]`, or one of the names of KIND in NAMES. */
export function parseNamed(
  word: Word,
  negated: boolean,
  kind: keyof typeof KINDS,
  { [kind]: names }: NamesDescription,
): NamedValue {
  const named = names.get(word.text);
  const isNumber = parseNumber(word.text.split('/', 1)[0], 0xffffffff) !== undefined;
  if (named === undefined && !isNumber) throw unknownNamed(word, kind, [...names.keys()]);
  const { value, mask } = isNumber ? parseMasked(word) : { value: named! | 0, mask: -1 };
  const name = mask === -1 ? [...names].find(([, number]) => (number | 0) === value)?.[0] : undefined;
  return { value, mask, negated, name };
}

/** The fault of WORD, which may be a name on the host that its description leaves out; KNOWN are those that it has. */
function unknownNamed(word: Word, kind: keyof typeof KINDS, known: readonly string[]): RuleFault {
  const what = KINDS[kind];
  if (!/^[A-Za-z][-.\w]*$/.test(word.text)) {
    return unknownName(word, what, word.text, known, `value[/mask] or the name of a ${what}`);
  }
  const expected = withNearest(`its number, or names.${kind} in host.json`, word.text, known);
  return new RuleFault(word, `the ${what} "${word.text}" of the host is not known here`, expected, 'unsupported');
}

/** Formats ` ! --OPTION value/mask` as iptables-save does. */
export function saveNamed(option: string, { value, mask, negated, name }: NamedValue): string {
  const text = name ?? `${formatHex(value)}${mask === -1 ? '' : `/${formatHex(mask)}`}`;
  return `${negated ? ' !' : ''} ${option} ${text}`;
}
