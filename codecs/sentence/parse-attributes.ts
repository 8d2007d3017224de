/** What follows the ends in a sentence: interfaces, flags, types, numbers, the state. */

import { IPPROTO_TCP } from '../assigned-numbers.js';
import { withNearest } from '../nearest.js';
import { protocolName } from '../protocol-names.js';
import { icmpNames, isIcmp, parseIcmpKind } from './icmp-kinds.js';
import { type NumberRange, SENTENCE_STATES, type Sentence, STATE_PHRASES } from './sentence.js';
import { SentenceError } from './sentence-error.js';
import { FLAG_NAMES, parseFlags } from './tcp-flags.js';
import type { Word } from './words.js';

type Values = Pick<Sentence, 'input' | 'output' | 'flags' | 'icmp' | 'ttl' | 'length' | 'mark' | 'state'>;

export interface Attributes {
  readonly values: Partial<Values>;
  /** Where each keyword was given. */
  readonly columns: ReadonlyMap<string, number>;
}

const LONGEST_PHRASE = 5;
const LARGEST = { ttl: 255, len: 65_535, mark: 0xffffffff } as const;

class AttributeReader {
  readonly values: { -readonly [K in keyof Values]?: Values[K] } = {};
  readonly columns = new Map<string, number>();
  #next = 0;

  constructor(
    readonly words: readonly Word[],
    readonly protocol: number | undefined,
    /** The column behind the last word. */
    readonly end: number,
  ) {}

  read(): void {
    while (this.#next < this.words.length) this.#readOne(this.words[this.#next]);
  }

  #readOne(word: Word): void {
    const keyword = word.text.toLowerCase();
    if (word.isNegated)
      throw new SentenceError(word.column, `"!${word.text}" cannot be negated; only interfaces and addresses can`);
    if (this.#readPhrase(word)) return;
    if (keyword === 'in' || keyword === 'out') this.#readInterface(word, keyword);
    else if (keyword === 'ttl' || keyword === 'len') this.#readRange(word, keyword);
    else if (keyword === 'mark') this.#readMark(word);
    else if (keyword === 'state') this.#readState(word);
    else if (!this.#readFlags(word) && !this.#readType(word)) throw this.#unknown(word);
  }

  #readInterface(word: Word, keyword: 'in' | 'out'): void {
    this.#note(word, keyword);
    const { text: name, isNegated } = this.#take(word, 'an interface, or ! and an interface');
    this.values[keyword === 'in' ? 'input' : 'output'] = { name, isNegated };
  }

  #readRange(word: Word, keyword: 'ttl' | 'len'): void {
    this.#note(word, keyword);
    const value = this.#take(word, 'a number');
    const match = /^(\d{1,10})(?:-(\d{1,10}))?$/.exec(value.text);
    const range: NumberRange = { min: Number(match?.[1] ?? Number.NaN), max: Number(match?.[2] ?? match?.[1]) };
    const largest = LARGEST[keyword];
    if (value.isNegated || !(range.min <= range.max && range.max <= largest)) {
      throw new SentenceError(
        value.column,
        `"${value.text}" is not a ${keyword}; expected 0 to ${largest}, or FIRST-LAST`,
      );
    }
    this.values[keyword === 'ttl' ? 'ttl' : 'length'] = range;
  }

  #readMark(word: Word): void {
    this.#note(word, 'mark');
    const value = this.#take(word, 'a number');
    const number = /^(?:\d{1,10}|0x[\da-f]{1,8})$/i.test(value.text) ? Number(value.text) : Number.NaN;
    if (value.isNegated || !(number <= LARGEST.mark)) {
      throw new SentenceError(value.column, `"${value.text}" is not a mark; expected 0 to 0xffffffff`);
    }
    this.values.mark = number;
  }

  #readState(word: Word): void {
    this.#note(word, 'state');
    const value = this.#take(word, `one of ${SENTENCE_STATES.join(', ')}`);
    const state = SENTENCE_STATES.find((name) => name === value.text.toUpperCase());
    if (state === undefined || value.isNegated) {
      const message = withNearest(`unknown state "${value.text}"`, value.text, SENTENCE_STATES);
      throw new SentenceError(value.column, `${message} (${SENTENCE_STATES.join(', ')})`);
    }
    this.values.state = state;
  }

  #readPhrase(word: Word): boolean {
    const rest = this.words.slice(this.#next, this.#next + LONGEST_PHRASE).map(({ text }) => text);
    for (const [words, state] of STATE_PHRASES) {
      const match = words.exec(rest.join(' '));
      if (match === null) continue;
      this.#note(word, 'state');
      this.#next += match[0].trim().split(' ').length - 1;
      this.values.state = state;
      return true;
    }
    return false;
  }

  #readFlags(word: Word): boolean {
    const flags = this.protocol === IPPROTO_TCP || !isIcmp(this.protocol) ? parseFlags(word.text) : undefined;
    if (flags === undefined) return false;
    if (this.protocol !== IPPROTO_TCP) throw this.#elsewhere(word, 'flags of TCP');
    this.#next++;
    this.values.flags = (this.values.flags ?? 0) | flags;
    return true;
  }

  #readType(word: Word): boolean {
    const kind = parseIcmpKind(word.text, this.protocol);
    const isNumber = /^\d/.test(word.text);
    if (kind === undefined || (isNumber && !isIcmp(this.protocol))) return false;
    if (!isIcmp(this.protocol)) throw this.#elsewhere(word, 'a type of ICMP');
    this.#note(word, 'type');
    this.values.icmp = kind;
    return true;
  }

  #elsewhere({ text, column }: Word, what: string): SentenceError {
    const of = this.protocol === undefined ? 'ip (any protocol)' : protocolName(this.protocol);
    return new SentenceError(column, `"${text}" is ${what}, but the protocol is ${of}`);
  }

  /** Takes WORD, which begins what is called NAME. */
  #note({ column }: Word, name: string): void {
    if (this.columns.has(name)) throw new SentenceError(column, `${name} is given twice`);
    this.columns.set(name, column);
    this.#next++;
  }

  /** Takes what belongs to WORD. */
  #take(word: Word, expected: string): Word {
    const next = this.words[this.#next++];
    if (next === undefined) throw new SentenceError(this.end, `nothing behind "${word.text}"; expected ${expected}`);
    return next;
  }

  #unknown({ text, column }: Word): SentenceError {
    const names = [...ATTRIBUTE_WORDS, ...icmpNames(this.protocol)];
    if (this.protocol === IPPROTO_TCP) names.push(...FLAG_NAMES);
    const more = isIcmp(this.protocol)
      ? ', a type such as echo-request'
      : this.protocol === IPPROTO_TCP
        ? ', flags such as S or SYN/ACK'
        : '';
    const known = `${ATTRIBUTE_WORDS.join(', ')}${more}`;
    return new SentenceError(
      column,
      `${withNearest(`"${text}" is not understood`, text, names)} (known here: ${known})`,
    );
  }
}

const ATTRIBUTE_WORDS: readonly string[] = ['in', 'out', 'ttl', 'len', 'mark', 'state'];

/** Reads WORDS, the attributes of a packet of PROTOCOL. BEFORE: the word before them. Throws a SentenceError. */
export function readAttributes(
  words: readonly Word[],
  protocol: number | undefined,
  before: Word | undefined,
): Attributes {
  const last = words[words.length - 1] ?? before;
  const reader = new AttributeReader(words, protocol, last === undefined ? 1 : last.column + last.text.length);
  reader.read();
  return reader;
}
