/** Types and codes of ICMP and ICMPv6 in rules (ipt_parse_icmp of libxt_icmp). */
import type { IcmpName } from '../../codecs/icmp-names.js';
import type { Word } from '../../codecs/iptables-save.js';
import { RuleFault, unknownName } from '../rules/parse/error.js';
import { parseNumber } from '../rules/parse/values.js';
import type { ValueRange } from '../rules/ranges.js';

export interface IcmpTypes {
  readonly type: number;
  /** The codes, both inclusive; undefined for any. If the first exceeds the last, nothing matches, as in iptables. */
  readonly codes: ValueRange | undefined;
}

const MAX = 255;

/** A type as words of rules have it. ALL_CODES: of several codes, all; iptables-save prints the first one. */
export function formatIcmpTypes({ type, codes }: IcmpTypes, allCodes: boolean): string {
  if (codes === undefined) return String(type);
  return `${type}/${codes.min}${allCodes && codes.max !== codes.min ? `:${codes.max}` : ''}`;
}

/** Parses a type, `type/code`, `type/first:last` or one of NAMES, of which the beginning is enough. */
export function parseIcmpTypes(word: Word, names: readonly IcmpName[]): IcmpTypes {
  const { text } = word;
  const lower = text.toLowerCase();
  const exact = names.find(([name]) => name.toLowerCase() === lower);
  if (exact !== undefined) return named(exact);
  const numeric = /^([^/]+)(?:\/(.*))?$/s.exec(text);
  const types = numeric && parseRange(numeric[1]);
  if (types !== undefined && types !== null && numeric !== null) {
    if (types.min !== types.max) throw new RuleFault(word, `a range of ICMP types "${text}"`, 'one type, 0–255');
    return { type: types.min, codes: numeric[2] === undefined ? undefined : parseCodes(word, numeric[2]) };
  }
  const similar = lower === '' ? [] : names.filter(([name]) => name.toLowerCase().startsWith(lower));
  if (similar.length === 1) return named(similar[0]);
  if (similar.length > 1) {
    throw new RuleFault(word, `ambiguous ICMP type "${text}"`, similar.map(([name]) => name).join(' or '));
  }
  const known = names.map(([name]) => name);
  throw unknownName(word, 'ICMP type', text, known, 'a type, type/code or name');
}

/** Parses `code` or `first:last`. */
function parseCodes(word: Word, text: string): ValueRange | undefined {
  const codes = parseRange(text);
  if (codes === undefined) throw new RuleFault(word, `unknown ICMP code "${word.text}"`, 'type/code, 0–255 each');
  return codes.min === 0 && codes.max === MAX ? undefined : codes;
}

/** Parses `n` or `first:last`. */
function parseRange(text: string): ValueRange | undefined {
  const [min, max, more] = text.split(':').map((part) => parseNumber(part, MAX));
  const parts = text.split(':').length;
  if (min === undefined || (parts > 1 && max === undefined) || more !== undefined || parts > 2) return undefined;
  return { min, max: max ?? min };
}

function named([, type, code]: IcmpName): IcmpTypes {
  return { type, codes: code === undefined ? undefined : { min: code, max: code } };
}
