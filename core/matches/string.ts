/** `-m string`: whether the packet contains certain bytes (xt_string). */
import type { Word } from '../../codecs/iptables-save.js';
import { cutToBytes, decodeText, encodeText } from '../../codecs/text.js';
import type { Packet } from '../packet.js';
import type { MatchExtension, ParsedOptions } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { parseNumber } from '../rules/parse/values.js';
import { unlessNegated } from './captured.js';
import { contentOf, contentTest, pieceEnds } from './content.js';
import { TextSearch } from './text-search.js';

/** XT_STRING_MAX_PATTERN_SIZE. */
const MAX_PATTERN_BYTES = 128;
/** XT_STRING_MAX_ALGO_NAME_SIZE without the terminating zero. */
const MAX_ALGORITHM_BYTES = 15;
const MAX_OFFSET = 0xffff;
const [SPACE, QUOTE, BACKSLASH, BAR, TILDE] = [0x20, 0x22, 0x5c, 0x7c, 0x7e];
/** A finite state machine is a list of these (struct ts_fsm_token). */
const FSM_TOKEN_BYTES = 4;

interface StringParams {
  readonly pattern: Uint8Array;
  /** Of the kernel's search algorithms (lib/textsearch.c), by name. */
  readonly algorithm: string;
  /** Where the search starts, in bytes from the IP header. */
  readonly from: number;
  /** Where it ends: the last byte of the pattern must be before. */
  readonly to: number;
  readonly ignoresCase: boolean;
  readonly negated: boolean;
}

export const string: MatchExtension<StringParams> = {
  name: 'string',
  options: [
    { name: '--from', words: 1, expected: 'an offset, 0–65535' },
    { name: '--to', words: 1, expected: 'an offset, 0–65535' },
    { name: '--algo', words: 1, required: true, expected: 'bm or kmp' },
    { name: '--string', words: 1, invertible: true, excludes: ['--hex-string'], expected: 'a text' },
    { name: '--hex-string', words: 1, invertible: true, excludes: ['--string'], expected: 'a text: GET |0d 0a|' },
    { name: '--icase', words: 0 },
  ],

  listed: listed(
    /STRING match/,
    [/(!)? ?"((?:[^"\\]|\\.)*)"/, listedPattern],
    [/ALGO name (\S+)/, '--algo $1'],
    [/FROM (\d+)/, '--from $1'],
    [/TO (\d+)/, '--to $1'],
    [/ICASE/, '--icase'],
  ),

  parse(options) {
    const text = options.get('--string');
    const option = text ?? options.get('--hex-string');
    if (option === undefined) {
      throw new RuleFault(options.word, 'string needs --string or --hex-string', '--string text');
    }
    const [word] = option.values;
    return {
      pattern: text === undefined ? parseHexString(word) : parseString(word),
      algorithm: cutToBytes(options.get('--algo')!.values[0].text, MAX_ALGORITHM_BYTES),
      from: parseOffset(options, '--from', 0),
      to: parseOffset(options, '--to', MAX_OFFSET),
      ignoresCase: options.get('--icase') !== undefined,
      negated: option.negated,
    };
  },

  refuse({ pattern, algorithm, from, to, ignoresCase }) {
    if (algorithm !== 'bm' && algorithm !== 'kmp' && algorithm !== 'fsm') {
      return `the kernel has no search algorithm "${algorithm}": use bm or kmp`;
    }
    if (from > to) return `the search from ${from} would end before it starts, at ${to}`;
    if (pattern.length === 0) return 'there is nothing to search for';
    const isMachine = pattern.length % FSM_TOKEN_BYTES === 0 && !ignoresCase;
    return algorithm === 'fsm' && !isMachine
      ? 'the pattern is no finite state machine: use --algo bm or kmp'
      : undefined;
  },

  unsupported({ algorithm }) {
    return algorithm === 'fsm' ? 'the search by a finite state machine' : undefined;
  },

  save({ pattern, algorithm, from, to, ignoresCase, negated }) {
    let text = `${negated ? ' !' : ''} ${savePattern(pattern)} --algo ${algorithm}`;
    if (from !== 0) text += ` --from ${from}`;
    if (to !== MAX_OFFSET) text += ` --to ${to}`;
    return ignoresCase ? `${text} --icase` : text;
  },

  lower(params) {
    const { negated, algorithm, pattern, ignoresCase } = params;
    const search = new TextSearch(pattern, ignoresCase, algorithm === 'bm' ? 'bm' : 'kmp');
    const ask = (packet: Packet): boolean | undefined => unlessNegated(contains(params, search, packet), negated);
    const plain = string.save({ ...params, negated: false });
    const explanation = `it ${negated ? 'contains' : 'does not contain'}${plain}`;
    return { native: contentTest(ask, `-m string${string.save(params)}`, explanation) };
  },
};

/** Whether SEARCH finds its pattern in PACKET (skb_find_text); undefined if it may be where the packet was cut. */
function contains({ from, to, algorithm }: StringParams, search: TextSearch, packet: Packet): boolean | undefined {
  const { at, length, available } = packet;
  const end = Math.min(to, length);
  if (from + search.length > end) return false;
  const bytes = contentOf(packet);
  const found =
    algorithm === 'bm' && packet.fragmentMaxSize > 0
      ? findInPieces(search, bytes, packet, from)
      : search.find(bytes, at + from, at + available);
  if (found < 0 && available < end) return undefined;
  return found >= 0 && found - at + search.length <= end;
}

/**
 * Searches the fragments of a reassembled packet one by one, as the kernel's bm does: what is cut by their ends is not
 * found (lib/ts_bm.c).
 */
function findInPieces(search: TextSearch, bytes: Uint8Array, packet: Packet, from: number): number {
  const { at, available } = packet;
  let start = 0;
  for (const end of pieceEnds(packet)) {
    const first = Math.max(start, from);
    const found = first < end ? search.find(bytes, at + first, at + Math.min(end, available)) : -1;
    if (found >= 0) return found;
    start = end;
  }
  return -1;
}

function parseOffset(options: ParsedOptions, name: string, otherwise: number): number {
  const word = options.get(name)?.values[0];
  if (word === undefined) return otherwise;
  const offset = parseNumber(word.text, MAX_OFFSET);
  if (offset === undefined) throw new RuleFault(word, `bad offset "${word.text}"`, 'bytes from the IP header, 0–65535');
  return offset;
}

function parseString(word: Word): Uint8Array {
  const bytes = encodeText(word.text);
  if (bytes.length > MAX_PATTERN_BYTES) throw tooLong(word);
  return Uint8Array.from(bytes);
}

function tooLong(word: Word): RuleFault {
  return new RuleFault(word, `the text "${word.text}" is too long`, `at most ${MAX_PATTERN_BYTES} bytes`);
}

/**
 * Parses a text with hexadecimal parts between bars. A backslash takes the next character as it is. Some of what this
 * accepts or refuses is odd: the character behind a bar is never a bar or a backslash with a meaning.
 */
function parseHexString(word: Word): Uint8Array {
  const text = encodeText(word.text);
  if (text.length === 0) throw new RuleFault(word, 'the text is empty', 'at least one character');
  const pattern: number[] = [];
  let isHex = false;
  for (let at = 0; at < text.length; ) {
    if (pattern.length >= MAX_PATTERN_BYTES) throw tooLong(word);
    const isEscape = text[at] === BACKSLASH;
    if (isEscape && isHex) throw new RuleFault(word, 'a backslash between bars', 'hexadecimal digits');
    if (isEscape) {
      if (at + 1 >= text.length) throw new RuleFault(word, 'nothing follows the backslash', 'a character');
      pattern.push(text[at + 1]);
      at += 2;
      continue;
    }
    if (text[at] === BAR) {
      isHex = !isHex;
      if (isHex) while (text[at + 1] === SPACE) at++;
      if (++at >= text.length) break;
    }
    if (isHex) {
      pattern.push(hexByte(word, text, at));
      at += text[at + 2] === SPACE ? 3 : 2;
    } else {
      pattern.push(text[at++]);
    }
  }
  return Uint8Array.from(pattern);
}

/** The byte that stands AT in TEXT as two digits, with something behind it. */
function hexByte(word: Word, text: Uint8Array, at: number): number {
  const expected = 'pairs of hexadecimal digits between two bars: |0d 0a|';
  const digits = String.fromCharCode(...text.subarray(at, at + 2));
  if (at + 2 >= text.length) throw new RuleFault(word, 'the hexadecimal part does not end with a bar', expected);
  if (!/^[0-9a-fA-F]{2}$/.test(digits)) {
    throw new RuleFault(word, `bad byte "${decodeText(text.subarray(at, at + 2))}"`, expected);
  }
  return Number.parseInt(digits, 16);
}

/** The words of a pattern as a listing prints it: like iptables-save, but the same for both options. */
function listedPattern([, not, text]: readonly (string | undefined)[]): string[] {
  const hex = /^\|((?:[0-9a-f]{2})+)\|$/.exec(text!)?.[1];
  const isHex = hex !== undefined && !isPrintable(Buffer.from(hex, 'hex'));
  const words = isHex ? ['--hex-string', text!] : ['--string', text!.replace(/\\(.)/g, '$1')];
  return [...(not === undefined ? [] : [not]), ...words];
}

function isPrintable(pattern: Uint8Array): boolean {
  return pattern.every((byte) => byte >= SPACE && byte <= TILDE) && pattern.at(-1) !== BACKSLASH;
}

/** As text, unless a byte is not printable or the last one is a backslash. */
function savePattern(pattern: Uint8Array): string {
  if (!isPrintable(pattern))
    return `--hex-string "|${Array.from(pattern, (byte) => byte.toString(16).padStart(2, '0')).join('')}|"`;
  const chars = Array.from(pattern, (byte) => {
    const char = String.fromCharCode(byte);
    return byte === QUOTE || byte === BACKSLASH ? `\\${char}` : char;
  });
  return `--string "${chars.join('')}"`;
}
