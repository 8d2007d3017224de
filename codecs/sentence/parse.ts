/** Reads sentences (see sentence.ts). */
import { withNearest } from '../nearest.js';
import { PROTOCOL_NAMES, protocolNumber } from '../protocol-names.js';
import { servicePort } from '../services.js';
import { type Attributes, readAttributes } from './parse-attributes.js';
import { parseEnd, type SentenceNames } from './parse-end.js';
import { ANY_PACKET, type Sentence, type SentenceInterface } from './sentence.js';
import { SentenceError } from './sentence-error.js';
import { type Word, wordsOf } from './words.js';

export type { SentenceNames } from './parse-end.js';

export interface SentenceOptions {
  /** Addresses by name. Default: no names are known. */
  readonly names?: SentenceNames;
  /** `END > END` may be left out, as in `icmp host-prohibited`. */
  readonly endsOptional?: boolean;
}

const SENTENCE_FORM = "such as 'eth0 tcp 203.0.113.7:51515 > 192.0.2.10:8081 S'";

const NO_NAMES: SentenceNames = new Map();
const LARGEST_PROTOCOL = 255;

/**
 * Parses TEXT.
 * @throws {SentenceError} with the column
 */
export function parseSentence(text: string, options: SentenceOptions = {}): Sentence {
  const words = wordsOf(text);
  const { names = NO_NAMES, endsOptional = false } = options;
  if (words.length === 0) throw new SentenceError(1, `an empty sentence; expected one ${SENTENCE_FORM}`);
  const arrow = words.findIndex(({ isArrow }) => isArrow);
  const second = words.find(({ isArrow }, i) => isArrow && i > arrow);
  if (second !== undefined)
    throw new SentenceError(second.column, 'a second ">": a packet has one source and one destination');
  if (arrow < 0) {
    if (!endsOptional) throw noArrow(text, words);
    const length = headLength(words);
    return finish(readHead(words.slice(0, length), words[0].column), words.slice(length), undefined);
  }
  const source = arrow === 0 ? undefined : words[arrow - 1];
  const destination = words[arrow + 1];
  if (source === undefined)
    throw new SentenceError(words[0].column, 'no source before ">"; expected PROTOCOL SOURCE > DESTINATION');
  if (destination === undefined) throw new SentenceError(text.trimEnd().length + 1, 'no destination behind ">"');
  const head = readHead(words.slice(0, arrow - 1), source.column);
  const { protocol } = head;
  const ends = { source: parseEnd(source, protocol, names), destination: parseEnd(destination, protocol, names) };
  return finish({ ...head, ends }, words.slice(arrow + 2), destination);
}

/** How many of WORDS, which have no ends, come before the attributes. */
function headLength(words: readonly Word[]): number {
  if (words[0].text === 'in') return 3;
  return words.length > 1 && isProtocolWord(words[1].text) ? 2 : 1;
}

function noArrow(text: string, words: readonly Word[]): SentenceError {
  const column = text.trimEnd().length + 1;
  const example = `expected one ${SENTENCE_FORM}`;
  if (words.some((word) => isProtocolWord(word.text)))
    return new SentenceError(column, `no ">" between source and destination; ${example}`);
  return new SentenceError(words[0].column, `"${words[0].text}" does not begin a sentence; ${example}`);
}

/** Reads `[[in] IFACE|local] PROTO`. END_COLUMN: of what follows. */
function readHead(words: readonly Word[], endColumn: number): Sentence {
  const rest = [...words];
  const first = rest[0];
  let from: Pick<Sentence, 'isLocal' | 'input'> = { isLocal: false, input: undefined };
  if (first?.text === 'in' && !first.isNegated && rest.length > 1) {
    from = { isLocal: false, input: interfaceOf(rest[1]) };
    rest.splice(0, 2);
  } else if (rest.length > 1) {
    const isLocal = first.text === 'local' && !first.isNegated;
    from = { isLocal, input: isLocal ? undefined : interfaceOf(first) };
    rest.shift();
  }
  if (rest.length === 0)
    throw new SentenceError(endColumn, 'no protocol; expected tcp, udp, icmp, a number or the like before the source');
  if (rest.length > 1)
    throw new SentenceError(
      rest[1].column,
      `"${rest[1].text}" is one word too many; expected [in INTERFACE] PROTOCOL SOURCE > DESTINATION`,
    );
  return { ...ANY_PACKET, ...from, protocol: parseProtocol(rest[0], first) };
}

const interfaceOf = ({ text, isNegated }: Word): SentenceInterface => ({ name: text, isNegated });

/** `ip`: any. */
const ANY_PROTOCOL = ['ip', 'all'];

function isProtocolWord(text: string): boolean {
  return protocolOf(text) !== undefined;
}

/** The protocol that TEXT names, -1 for any, or undefined. */
function protocolOf(text: string): number | undefined {
  const lower = text.toLowerCase();
  if (ANY_PROTOCOL.includes(lower)) return -1;
  const number = /^\d{1,3}$/.test(text) ? Number(text) : (protocolNumber(text) ?? protocolNumber(lower));
  return number !== undefined && number <= LARGEST_PROTOCOL ? number : undefined;
}

/** WORD is the protocol; FIRST is what the sentence begins with. */
function parseProtocol(word: Word, first: Word): number | undefined {
  const number = word.isNegated ? undefined : protocolOf(word.text);
  if (number !== undefined) return number < 0 ? undefined : number;
  if (word.isNegated) throw new SentenceError(word.column, 'a protocol cannot be negated');
  if (first !== word && isProtocolWord(first.text)) {
    throw new SentenceError(
      word.column,
      `"${word.text}" is not a protocol; the interface comes first, as in '${word.text} ${first.text} …'`,
    );
  }
  throw (
    noProtocol(word, first === word) ??
    new SentenceError(
      word.column,
      withNearest(`unknown protocol "${word.text}"`, word.text, [...PROTOCOL_NAMES.values(), 'ip']),
    )
  );
}

/** Names of interfaces mostly have a number, as eth0 and br-1f2e3d, or a dot, as eth0.100. */
const INTERFACE_LIKE = /^\p{L}.*\d|^(?:br|veth|lo$)/u;

/** What people may mean by WORD, which is no protocol. IS_FIRST: it begins the sentence. */
function noProtocol({ text, column }: Word, isFirst: boolean): SentenceError | undefined {
  const lower = text.toLowerCase();
  if (lower === 'ping')
    return new SentenceError(column, '"ping" is not a protocol; write icmp SOURCE > DESTINATION echo-request');
  const protocol = ['tcp', 'udp'].find((name) => servicePort(lower, name) !== undefined);
  if (protocol !== undefined)
    return new SentenceError(
      column,
      `"${text}" is a service, not a protocol; write ${protocol} SOURCE > DESTINATION:${lower}`,
    );
  if (!isFirst || !INTERFACE_LIKE.test(lower)) return undefined;
  return new SentenceError(
    column,
    `no protocol behind the interface "${text}"; expected one, as in '${text} tcp SOURCE > DESTINATION'`,
  );
}

/** HEAD with the attributes in WORDS. DESTINATION: the word before them. */
function finish(head: Sentence, words: readonly Word[], destination: Word | undefined): Sentence {
  const attributes = readAttributes(words, head.protocol, destination);
  checkInput(head, attributes);
  const { input = head.input, ...others } = attributes.values;
  return { ...head, ...others, input };
}

function checkInput({ isLocal, input }: Sentence, { values, columns }: Attributes): void {
  const column = columns.get('in');
  if (values.input === undefined || column === undefined) return;
  if (isLocal) throw new SentenceError(column, 'a packet that the host itself sends (local) comes in nowhere');
  if (input !== undefined) throw new SentenceError(column, 'the interface where it comes in is given twice');
}
