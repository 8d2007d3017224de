/**
 * Words of a filter. As in tcpdump, the longest possible word counts: `tcp-syn` is one word, `80-90` too, and `10-3` is
 * a name and no subtraction.
 */
import { parseAddress } from '../address.js';
import { shown } from '../text.js';
import { FilterError } from './filter-error.js';
import { type Keyword, keywordOf, namedNumber } from './words.js';

export type Token = { readonly column: number; readonly text: string } & (
  | { readonly is: 'end' }
  | { readonly is: 'keyword'; readonly keyword: Keyword }
  | { readonly is: 'number'; readonly value: number }
  /** A name; or with a backslash before it, a word that would otherwise be a keyword. */
  | { readonly is: 'name' }
  /** Two to four numbers with dots between. */
  | { readonly is: 'ipv4' }
  | { readonly is: 'ipv6' }
  | { readonly is: 'mac' }
  | { readonly is: 'symbol'; readonly symbol: string }
);

const SPACE = /[ \r\n\t]*/y;
const WORD = /[A-Za-z0-9](?:[-_.A-Za-z0-9]*[.A-Za-z0-9])?/y;
const ESCAPED = /\\[^ !()\n\t]+/y;
const SYMBOL = /&&|\|\||>=|<=|!=|==|<<|>>|[+\-*/%:[\]!<>()&|^=]/y;
const NUMBER = /^(?:[0-9]+|0[xX][0-9A-Fa-f]+)$/;
const DOTTED = /^(?:[0-9]+|0[xX][0-9A-Fa-f]+)(?:\.(?:[0-9]+|0[xX][0-9A-Fa-f]+)){1,3}$/;
const HEX_WORDS = '[0-9A-Fa-f]{4}';
const HEX_BYTE = '[0-9A-Fa-f]{1,2}';
/** Six bytes with colons, hyphens or dots between, three words with dots between, or twelve digits. */
const MAC = new RegExp(
  [
    ...[':', '-', '\\.'].map((separator) => `${HEX_BYTE}(?:${separator}${HEX_BYTE}){5}`),
    `${HEX_WORDS}\\.${HEX_WORDS}\\.${HEX_WORDS}`,
    '[0-9A-Fa-f]{12}',
  ].join('|'),
  'y',
);
/** As long as an IPv6 address can be. */
const IPV6_CHARS = /[0-9A-Fa-f:.]{2,45}/y;

/** Splits TEXT into its words; the last is the end. */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let at = matched(SPACE, text, 0).length;
  while (at < text.length) {
    const token = tokenAt(text, at);
    tokens.push(token);
    at += token.text.length;
    at += matched(SPACE, text, at).length;
  }
  tokens.push({ is: 'end', column: text.length + 1, text: '' });
  return tokens;
}

function tokenAt(text: string, at: number): Token {
  const column = at + 1;
  const word = matched(WORD, text, at);
  const mac = matched(MAC, text, at);
  const ipv6 = ipv6At(text, at);
  const longest = Math.max(word.length, mac.length, ipv6.length);
  if (longest > 0) {
    const keyword = keywordOf(word);
    if (word.length === longest && keyword !== undefined) return { is: 'keyword', keyword, column, text: word };
    if (mac.length === longest) return { is: 'mac', column, text: mac };
    if (word.length < longest) return { is: 'ipv6', column, text: ipv6 };
    return wordToken(word, column);
  }
  const escaped = matched(ESCAPED, text, at);
  if (escaped !== '') return { is: 'name', column, text: escaped };
  const symbol = matched(SYMBOL, text, at);
  if (symbol !== '') return { is: 'symbol', symbol: symbol === '==' ? '=' : symbol, column, text: symbol };
  const found = String.fromCodePoint(text.codePointAt(at) ?? 0);
  throw new FilterError(column, `"${shown(found)}" has no meaning in a filter`);
}

function wordToken(word: string, column: number): Token {
  if (NUMBER.test(word)) return { is: 'number', value: numberOf(word, column), column, text: word };
  if (DOTTED.test(word)) return { is: 'ipv4', column, text: word };
  const value = namedNumber(word);
  return value === undefined ? { is: 'name', column, text: word } : { is: 'number', value, column, text: word };
}

/** A number as in C: decimal, 0x for hexadecimal, 0 for octal. */
function numberOf(word: string, column: number): number {
  const isOctal = /^0[0-9]/.test(word);
  if (isOctal && /[89]/.test(word)) {
    throw new FilterError(
      column,
      `${cut(word)} starts with 0 and is octal, but has the digit ${/[89]/.exec(word)?.[0]}`,
    );
  }
  const value = isOctal ? Number.parseInt(word, 8) : Number(word);
  if (value > 0xffffffff) throw new FilterError(column, `${cut(word)} does not fit into 32 bits`);
  return value;
}

/** The longest IPv6 address at AT. */
function ipv6At(text: string, at: number): string {
  const chars = matched(IPV6_CHARS, text, at);
  if (!chars.includes(':')) return '';
  for (let length = longestIpv6(chars); length > 1; length--) {
    const address = chars.slice(0, length);
    if (address.includes(':') && parseAddress(address) !== undefined) return address;
  }
  return '';
}

/** How long the address at the start of CHARS can be: it has at most seven colons besides one `::`. */
function longestIpv6(chars: string): number {
  let colons = 0;
  let pairs = 0;
  for (let i = 0; i < chars.length; i++) {
    if (chars[i] !== ':') continue;
    colons++;
    if (chars[i - 1] === ':') pairs++;
    if (colons > 8 || pairs > 1) return i;
  }
  return colons < 2 ? 0 : chars.length;
}

function matched(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}

/** WORD, shortened for a message. */
export function cut(word: string): string {
  return shown(word.length > 40 ? `${word.slice(0, 40)}…` : word);
}
