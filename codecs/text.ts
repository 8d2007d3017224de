/**
 * Text that somebody else wrote: comments, prefixes, the names of chains, interfaces and files.
 *
 * Linux keeps it as bytes, usually UTF-8 but not always. In strings, a byte that is not part of valid UTF-8 is a lone
 * surrogate, U+DC80 for 0x80 to U+DCFF for 0xff (as in Python's surrogateescape, PEP 383). So decoding loses nothing,
 * and different bytes remain different strings. `shown` is how text appears in messages and on terminals.
 */

const ESCAPE_BASE = 0xdc00;
const NON_ASCII = /[^\0-\x7f]/;
const LONE_SURROGATE = /\p{Cs}/u;
/** In text with one character a byte: well-formed UTF-8 sequences (RFC 3629, section 4), and any other byte. */
const SEQUENCE = new RegExp(
  [
    /[\xc2-\xdf][\x80-\xbf]/,
    /(?:\xe0[\xa0-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]|\xed[\x80-\x9f])[\x80-\xbf]/,
    /(?:\xf0[\x90-\xbf]|[\xf1-\xf3][\x80-\xbf]|\xf4[\x80-\x8f])[\x80-\xbf]{2}/,
    /[\x80-\xff]/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'g',
);
/** Controls, bidirectional marks and other invisible characters, lone surrogates, private use, line separators. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;
/** The same without the line feed. */
const UNSAFE_IN_LINES = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;

/** Decodes BYTES; `encodeText` returns the same bytes. A byte order mark is kept. */
export function decodeText(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const text = buffer.toString('utf8');
  // A valid text may contain U+FFFD too.
  if (!text.includes('\ufffd') || buffer.equals(Buffer.from(text))) return text;
  return buffer
    .toString('latin1')
    .replace(SEQUENCE, (sequence) =>
      sequence.length === 1
        ? String.fromCharCode(ESCAPE_BASE + sequence.charCodeAt(0))
        : Buffer.from(sequence, 'latin1').toString('utf8'),
    );
}

/** The bytes of TEXT. A lone surrogate that no byte is decoded to becomes U+FFFD. */
export function encodeText(text: string): Uint8Array {
  if (!LONE_SURROGATE.test(text)) return Buffer.from(text);
  const oneCharAByte = text.replace(/[^\0-\x7f]/gu, (char) => {
    const code = char.charCodeAt(0);
    const isByte = char.length === 1 && code >= ESCAPE_BASE + 0x80 && code <= ESCAPE_BASE + 0xff;
    return isByte ? String.fromCharCode(code - ESCAPE_BASE) : Buffer.from(char).toString('latin1');
  });
  return Buffer.from(oneCharAByte, 'latin1');
}

/** The length of TEXT in bytes. */
export function byteLength(text: string): number {
  return NON_ASCII.test(text) ? encodeText(text).length : text.length;
}

/** Whether TEXT has over MAX_BYTES bytes. */
export function isLongerThan(text: string, maxBytes: number): boolean {
  // UTF-8 takes at most three bytes for a UTF-16 code unit.
  return text.length * 3 > maxBytes && byteLength(text) > maxBytes;
}

/** TEXT as `decodeText` returns it, after parts of characters were put together. */
export function rejoined(text: string): string {
  return LONE_SURROGATE.test(text) ? decodeText(encodeText(text)) : text;
}

/** The first MAX_BYTES bytes of TEXT. May end in the middle of a character, as C cuts it. */
export function cutToBytes(text: string, maxBytes: number): string {
  if (!isLongerThan(text, maxBytes)) return text;
  return decodeText(encodeText(text).subarray(0, maxBytes));
}

/** Whether the bytes of TEXT start with those of PREFIX. */
export function startsWithBytes(text: string, prefix: string): boolean {
  if (text.startsWith(prefix) || !LONE_SURROGATE.test(prefix)) return text.startsWith(prefix);
  const bytes = encodeText(prefix);
  return Buffer.compare(encodeText(text).subarray(0, bytes.length), bytes) === 0;
}

/** Compares the bytes of A and B like strcmp. */
export function compareBytes(a: string, b: string): number {
  if (NON_ASCII.test(a) || NON_ASCII.test(b)) return Buffer.compare(encodeText(a), encodeText(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * TEXT as messages and reports show it, on one line. Whatever could change the terminal, hide or reorder other text, or
 * is not text at all becomes an escape: `\x1b` for a control character or a byte, `\u202e` or `\u{e0001}` for another
 * character.
 */
export function shown(text: string): string {
  return text.replace(UNSAFE, escaped);
}

/** `1 packet`, `2 packets`: COUNT of ONE, or of MANY. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** PATH as messages show it; `-` is standard input. */
export function shownPath(path: string): string {
  return path === '-' ? 'standard input' : shown(path);
}

/** The same for text whose line feeds are our own. */
export function shownLines(text: string): string {
  return text.replace(UNSAFE_IN_LINES, escaped);
}

/** VALUE as indented JSON in which every character that `shown` escapes is escaped as JSON does. */
export function shownJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(UNSAFE_IN_LINES, (char) =>
    Array.from({ length: char.length }, (_, i) => `\\u${hex(char.charCodeAt(i), 4)}`).join(''),
  );
}

function escaped(char: string): string {
  const code = char.codePointAt(0)!;
  if (code < 0x80) return `\\x${hex(code, 2)}`;
  if (code >= ESCAPE_BASE + 0x80 && code <= ESCAPE_BASE + 0xff) return `\\x${hex(code - ESCAPE_BASE, 2)}`;
  return code > 0xffff ? `\\u{${hex(code, 0)}}` : `\\u${hex(code, 4)}`;
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}
