/**
 * The text of a filter: words of sentences (docs/sentences.md), of which any part may be left out, and all else plain
 * text, which has to be somewhere in what is shown of a packet. It is read while it is typed: what cannot be read yet
 * is told, and everything else applies.
 */
import { IPPROTO_ICMP, IPPROTO_TCP } from '../../../codecs/assigned-numbers.js';
import {
  type IcmpKind,
  type NumberRange,
  SENTENCE_STATES,
  type SentenceState,
  STATE_PHRASES,
} from '../../../codecs/sentence/sentence.js';
import { parseFlags } from '../../../codecs/sentence/tcp-flags.js';
import type { NumberNames } from '../../../explain/report/format/model.js';
import { type EndTest, type KnownHosts, readEnd } from './filter-end.js';

/** What a text asks for. What is undefined can be anything. */
export interface FilterText {
  isLocal?: boolean;
  /** Positions of interfaces. */
  input?: InterfaceTest;
  output?: InterfaceTest;
  protocol?: number;
  source?: EndTest;
  destination?: EndTest;
  flags?: number;
  icmp?: IcmpKind;
  length?: NumberRange;
  state?: SentenceState;
  /** Plain text, in lower case. */
  readonly words: PlainWord[];
  problem?: TextProblem;
}

export interface InterfaceTest {
  readonly devs: readonly number[];
  readonly isNegated: boolean;
}

export interface PlainWord {
  readonly text: string;
  readonly isNegated: boolean;
}

/** What cannot be read, and where it begins, from 1. */
export interface TextProblem {
  readonly column: number;
  readonly message: string;
}

/** What names in a text can stand for. */
export interface KnownNames extends KnownHosts, NumberNames {
  /** In the order of their numbers. */
  readonly interfaces: readonly string[];
}

interface Word {
  readonly text: string;
  /** From 0. */
  readonly at: number;
  readonly isNegated: boolean;
  readonly isQuoted: boolean;
}

const WORD = /(!\s*)?("[^"]*"?|->|[>→⟶]|(?:(?!->)[^\s,>→⟶"])+)/gu;
const ARROW = /^(?:->|[>→⟶])$/u;
/** How reports name an address behind it: `172.17.0.3:80 (web)`. */
const REMARK = /^\(.*\)$/;
const LARGEST_PROTOCOL = 255;

/** Reads TEXT. */
export function readFilterText(text: string, names: KnownNames): FilterText {
  return new TextReader(text, names).read();
}

class TextReader {
  readonly #filter: FilterText = { words: [] };
  readonly #text: string;
  readonly #names: KnownNames;
  readonly #words: readonly Word[];
  readonly #arrow: number;
  #next = 0;

  constructor(text: string, names: KnownNames) {
    this.#text = text;
    this.#names = names;
    this.#words = wordsOf(text);
    this.#arrow = this.#words.findIndex(isArrow);
  }

  read(): FilterText {
    while (this.#next < this.#words.length) this.#readOne();
    return this.#filter;
  }

  #readOne(): void {
    const word = this.#words[this.#next++];
    if (isArrow(word)) this.#readArrow(word);
    else if (this.#next === this.#arrow) this.#filter.source = this.#end(word);
    else if (word.isQuoted || !this.#readKnown(word)) this.#readPlain(word);
  }

  /** Reads WORD, if it is one of a sentence. */
  #readKnown(word: Word): boolean {
    const keyword = word.text.toLowerCase();
    if (this.#readHead(word)) return true;
    if (word.isNegated) return false;
    if (this.#readPhrase(word)) return true;
    switch (keyword) {
      case 'in':
      case 'out':
        return this.#readInterface(word, keyword);
      case 'len':
      case 'ttl':
      case 'mark':
        return this.#readNumber(word, keyword);
      case 'state':
        return this.#readState(word);
      default:
        return this.#readProtocol(word) || this.#readFlags(word) || this.#readKind(word);
    }
  }

  /** The interface, or `local`, that a sentence begins with. */
  #readHead({ text, isNegated }: Word): boolean {
    const follower = this.#words[this.#next];
    if (this.#next !== 1 || follower === undefined || this.#protocolOf(follower.text) === undefined) return false;
    if (text === 'local' && !isNegated) {
      this.#filter.isLocal = true;
      return true;
    }
    const dev = this.#names.interfaces.indexOf(text);
    if (dev >= 0) this.#filter.input = { devs: [dev], isNegated };
    return dev >= 0;
  }

  #readArrow(word: Word): void {
    const position = this.#next - 1;
    if (position !== this.#arrow) {
      this.#problem(word, 'a packet has one source and one destination');
      return;
    }
    if (position === 0) this.#problem(word, 'the source is missing: ADDRESS:PORT, or * for any');
    const destination = this.#words[this.#next];
    if (destination === undefined) {
      this.#problem(word, 'the destination is missing: ADDRESS:PORT, or * for any');
      return;
    }
    if (isArrow(destination)) return;
    this.#next++;
    this.#filter.destination = this.#end(destination);
  }

  #end(word: Word): EndTest {
    const end = readEnd(word.text, word.isNegated, this.#names);
    if (end.problem !== undefined) this.#problem(word, end.problem);
    return end.test;
  }

  #readInterface(word: Word, keyword: 'in' | 'out'): boolean {
    const name = this.#take(word, 'an interface');
    if (name === undefined) return true;
    const { interfaces } = this.#names;
    const exact = interfaces.indexOf(name.text);
    const devs = [...interfaces.keys()].filter((dev) =>
      exact < 0 ? interfaces[dev].startsWith(name.text) : dev === exact,
    );
    if (devs.length === 0) this.#problem(name, `there is no interface "${name.text}"`);
    else this.#filter[keyword === 'in' ? 'input' : 'output'] = { devs, isNegated: name.isNegated };
    return true;
  }

  #readNumber(word: Word, keyword: 'len' | 'ttl' | 'mark'): boolean {
    const value = this.#take(word, 'a number');
    if (value === undefined) return true;
    const match = /^(\d{1,5})(?:-(\d{0,5}))?$/.exec(value.text);
    if (keyword !== 'len')
      this.#problem(word, `packets are not listed with their ${keyword}; open one to see its bytes`);
    else if (match === null || value.isNegated) this.#problem(value, `"${value.text}" is not a length: N, or N-M`);
    else this.#filter.length = { min: Number(match[1]), max: match[2] === '' ? 65_535 : Number(match[2] ?? match[1]) };
    return true;
  }

  #readState(word: Word): boolean {
    const value = this.#take(word, `one of ${SENTENCE_STATES.join(', ')}`);
    if (value === undefined) return true;
    const state = SENTENCE_STATES.find((name) => name.startsWith(value.text.toUpperCase()));
    if (state === undefined || value.isNegated)
      this.#problem(value, `"${value.text}" is not a state: ${SENTENCE_STATES.join(', ')}`);
    else this.#filter.state = state;
    return true;
  }

  #readPhrase({ at }: Word): boolean {
    const rest = this.#text.slice(at);
    for (const [pattern, state] of STATE_PHRASES) {
      const match = pattern.exec(rest);
      if (match === null) continue;
      const end = at + match[0].trimEnd().length;
      while (this.#next < this.#words.length && this.#words[this.#next].at < end) this.#next++;
      this.#filter.state = state;
      return true;
    }
    return false;
  }

  /** A number is one of a protocol only right before the source, or at the beginning of a sentence with ends. */
  #readProtocol({ text }: Word): boolean {
    const protocol = this.#protocolOf(text);
    const isHead = this.#next === this.#arrow - 1;
    if (protocol === undefined || (/^\d/.test(text) && !isHead)) return false;
    if (protocol >= 0) this.#filter.protocol = protocol;
    return true;
  }

  /** The number of the protocol that TEXT names, -1 for any, or undefined. */
  #protocolOf(text: string): number | undefined {
    const lower = text.toLowerCase();
    if (lower === 'ip' || lower === 'all') return -1;
    if (/^\d{1,3}$/.test(text)) return Number(text) > LARGEST_PROTOCOL ? undefined : Number(text);
    return Object.hasOwn(this.#names.protocols, lower) ? this.#names.protocols[lower] : undefined;
  }

  #readFlags({ text }: Word): boolean {
    const { protocol } = this.#filter;
    if (protocol !== IPPROTO_TCP && (protocol !== undefined || this.#arrow < 0)) return false;
    const flags = parseFlags(text);
    if (flags === undefined) return false;
    this.#filter.flags = flags;
    return true;
  }

  #readKind({ text }: Word): boolean {
    const kind = this.#filter.protocol === IPPROTO_ICMP ? kindOf(text, this.#names) : undefined;
    if (kind !== undefined) this.#filter.icmp = kind;
    return kind !== undefined;
  }

  #readPlain({ text, isNegated, isQuoted }: Word): void {
    // A `*` says nothing, half an arrow and a `!` nothing yet.
    if (text !== '' && (isQuoted || !/^[*!-]$/.test(text)))
      this.#filter.words.push({ text: text.toLowerCase(), isNegated });
  }

  /** The word behind KEYWORD. */
  #take(keyword: Word, wanted: string): Word | undefined {
    const value = this.#words[this.#next];
    if (value === undefined || isArrow(value)) {
      this.#problem(keyword, `${wanted} is missing behind "${keyword.text}"; as plain text write it in quotes`);
      return undefined;
    }
    this.#next++;
    return value;
  }

  #problem({ at }: Word, message: string): void {
    this.#filter.problem ??= { column: at + 1, message };
  }
}

function wordsOf(text: string): Word[] {
  return [...text.matchAll(WORD)].flatMap((match) => {
    const [, bang, content] = match;
    const isQuoted = content.startsWith('"');
    const word = isQuoted ? content.replaceAll('"', '') : content;
    if (!isQuoted && REMARK.test(word)) return [];
    return [{ text: word, at: match.index, isNegated: bang !== undefined, isQuoted }];
  });
}

const isArrow = ({ text, isQuoted }: Word): boolean => !isQuoted && ARROW.test(text);

/** The type of ICMP that TEXT names. */
function kindOf(text: string, { icmp }: NumberNames): IcmpKind | undefined {
  const lower = text.toLowerCase();
  const name = Object.keys(icmp).find((one) => one.toLowerCase() === lower);
  const numbers = /^(\d{1,3})(?:\/(\d{1,3}))?$/.exec(name === undefined ? text : icmp[name]);
  if (numbers === null) return undefined;
  return { type: Number(numbers[1]), code: numbers[2] === undefined ? undefined : Number(numbers[2]) };
}
