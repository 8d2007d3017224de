/**
 * The lines and words of what `ipset save` writes, as `ipset restore` reads them (version 7.17): lines into a buffer of
 * 1,023 bytes (fgets), of which a longer line fills several; a NUL byte ends its line. Words are separated by blanks.
 * A double quote starts or ends a part in which blanks belong to the word; nothing escapes it.
 */
import { decodeText, encodeText, isLongerThan } from './text.js';

/** The longest line that is read at once, with its line feed, in bytes. */
const MAX_PIECE_BYTES = 1023;
/** The most words of a line. */
const MAX_WORDS = 30;

/** What is wrong with the quotes or the number of words of a line, in the words of ipset. */
export type LineFault = 'Missing close quote!' | 'Line is too long to parse.';

/** What a piece of text is: a line of words, one that says nothing, or COMMIT. */
export type LineKind = 'words' | 'nothing' | 'commit';

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const HASH = 0x23;

/**
 * Reads a text line by line. The reader and its arrays are reused for each line, so that nothing is allocated for a
 * line but its words.
 */
export class IpsetLines {
  /** The line in the text, from 1. */
  line = 0;
  /** The line as ipset counts: a line of more than 1,023 bytes is several. */
  countedLine = 0;
  /** Where the line starts in the text, and where it ends (its line feed, or the end of the text). */
  start = 0;
  end = 0;
  /** The words of the line, after `splitWords`. */
  readonly words: string[] = [];
  /** The columns of the words, from 1, in characters. */
  readonly columns: number[] = [];

  readonly #text: string;
  readonly #hasNul: boolean;
  /** The pieces of a long line that are still to be read, and how many characters of the line came before them. */
  #pieces: string[] = [];
  #piece: string | undefined;
  #pieceColumn = 0;

  constructor(text: string) {
    this.#text = text;
    this.#hasNul = text.includes('\0');
    this.end = -1;
  }

  /** The whole text. */
  get text(): string {
    return this.#text;
  }

  /** Goes to the next line, or the next piece of a long one; returns false at the end of the text. */
  next(): boolean {
    if (this.#pieces.length > 0) return this.#nextPiece();
    if (this.end + 1 >= this.#text.length) return false;
    this.start = this.end + 1;
    const feed = this.#text.indexOf('\n', this.start);
    this.end = feed === -1 ? this.#text.length : feed;
    this.line++;
    this.countedLine++;
    this.#piece = undefined;
    this.#pieceColumn = 0;
    // UTF-8 takes at most three bytes for a UTF-16 code unit.
    const isLong = (this.end + 1 - this.start) * 3 > MAX_PIECE_BYTES;
    if (isLong || this.#hasNul) this.#cut();
    return true;
  }

  /** Whether the line is one whole piece of the text, from `start` to `end`. */
  get isWhole(): boolean {
    return this.#piece === undefined;
  }

  #cut(): void {
    const line = this.#text.slice(this.start, this.end + 1);
    const pieces = isLongerThan(line, MAX_PIECE_BYTES) ? piecesOf(line) : [line];
    if (pieces.length === 1 && !line.includes('\0')) return;
    this.#pieces = pieces;
    this.countedLine--;
    this.#nextPiece();
  }

  #nextPiece(): boolean {
    this.#pieceColumn += this.#piece === undefined ? 0 : this.#pieceLength;
    const piece = this.#pieces.shift()!;
    this.#pieceLength = piece.length;
    const nul = piece.indexOf('\0');
    this.#piece = nul === -1 ? piece : piece.slice(0, nul);
    this.countedLine++;
    return true;
  }

  #pieceLength = 0;

  /** What the line is. */
  kind(): LineKind {
    const text = this.#piece ?? this.#text;
    const end = this.#piece === undefined ? Math.min(this.end + 1, text.length) : text.length;
    let at = this.#piece === undefined ? this.start : 0;
    while (at < end && isSpace(text.charCodeAt(at))) at++;
    if (at === end || text.charCodeAt(at) === HASH) return 'nothing';
    const isCommit = text.startsWith('COMMIT\n', at) || text.startsWith('COMMIT\r\n', at);
    return isCommit ? 'commit' : 'words';
  }

  /** Splits the line, from its character FROM on, behind COUNT words, into `words`; returns what is wrong with it. */
  splitWords(from = 0, count = 0): LineFault | undefined {
    this.#count = 0;
    const text = this.#piece ?? this.#text;
    const start = this.#piece === undefined ? this.start : 0;
    const end = this.#piece === undefined ? Math.min(this.end + 1, text.length) : text.length;
    this.#maxWords = MAX_WORDS - count;
    const fault = this.#split(text, start + from, end, 1 + this.#pieceColumn - start);
    // An array that is emptied would have to grow again for the next line.
    if (this.words.length !== this.#count) {
      this.words.length = this.#count;
      this.columns.length = this.#count;
    }
    return fault;
  }

  #maxWords = MAX_WORDS;
  #count = 0;

  #split(text: string, start: number, end: number, columnOffset: number): LineFault | undefined {
    let at = start;
    while (at < end && isSpace(text.charCodeAt(at))) at++;
    while (at < end) {
      if (this.#count === this.#maxWords) return 'Line is too long to parse.';
      let stop = at;
      let char = text.charCodeAt(stop);
      while (!isBlank(char) && char !== QUOTE && ++stop < end) char = text.charCodeAt(stop);
      if (stop === end || char !== QUOTE) this.#add(text.slice(at, stop), at + columnOffset);
      else {
        const quoted = quotedWord(text, at, end);
        // If the line ends with a blank within quotes, ipset forgets the word.
        if (quoted === undefined) return isBlank(text.charCodeAt(end - 1)) ? undefined : 'Missing close quote!';
        this.#add(quoted.word, at + columnOffset);
        stop = quoted.stop;
      }
      at = stop + 1;
    }
    return undefined;
  }

  #add(word: string, column: number): void {
    if (word === '') return;
    this.words[this.#count] = word;
    this.columns[this.#count] = column;
    this.#count++;
  }
}

/** The word at AT, part of which is quoted, and the blank behind it; undefined if a quote is not closed before END. */
function quotedWord(text: string, at: number, end: number): { word: string; stop: number } | undefined {
  let word = '';
  let isQuoted = false;
  let stop = at;
  for (; stop < end; stop++) {
    const char = text.charCodeAt(stop);
    if (char === QUOTE) isQuoted = !isQuoted;
    else if (isBlank(char) && !isQuoted) break;
    else word += text[stop];
  }
  return isQuoted ? undefined : { word, stop };
}

/** LINE, with its line feed, in pieces of 1,023 bytes. */
function piecesOf(line: string): string[] {
  const bytes = encodeText(line);
  const pieces: string[] = [];
  for (let at = 0; at < bytes.length; at += MAX_PIECE_BYTES) {
    pieces.push(decodeText(bytes.subarray(at, at + MAX_PIECE_BYTES)));
  }
  return pieces;
}

/** What separates words. */
function isBlank(char: number): boolean {
  return char === SPACE || char === LINE_FEED || char === TAB || char === CARRIAGE_RETURN;
}

/** What may stand before the first word (isspace). */
function isSpace(char: number): boolean {
  return char === SPACE || (char >= TAB && char <= CARRIAGE_RETURN);
}

/** Options that may stand before a command. */
const EXIST = '^(?:-exist |-! )*';
const NAMES = 'create|new|n|add|del|flush|destroy|x|swap|w|rename|e|COMMIT';
const COMMANDS = new RegExp(`${EXIST}(?:--)?(?:${NAMES}|-[NADFXWE])(?: |$)`);
const CREATE = String.raw`(?:create|new|n|--create|-N) \S+ (?:hash|bitmap|list):`;
const CREATE_OR_ADD = new RegExp(String.raw`${EXIST}(?:${CREATE}|(?:--)?add \S+ \S)`);
/** What begins a file that only changes sets which are there. Single letters with a dash are rules' as well. */
const FIRST = /^(?:(?:-exist|-!)\s+)*(?:--)?(?:create|new|n|add|del|flush|destroy|x|swap|w|rename|e)(?:\s|$)/;
/** nft's own commands of the same name. */
const NFT = /^(?:add|create) (?:table|chain|rule|set|map|element|flowtable|counter|quota|limit|ct) /;
/** How many lines `isIpsetText` looks at. */
const MAX_LINES = 50;

/**
 * Whether TEXT, or its beginning, is that of a file for `ipset restore`: only commands of ipset, one of which creates a
 * set or adds to one.
 */
export function isIpsetText(text: string): boolean {
  const lines = text
    .replace(/^\ufeff/, '')
    .slice(0, 4096)
    .split('\n', MAX_LINES);
  const commands = lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  // The last one may have been cut.
  const whole = commands.slice(0, Math.max(1, commands.length - 1));
  return (
    whole.every((line) => COMMANDS.test(line)) && commands.some((line) => CREATE_OR_ADD.test(line) && !NFT.test(line))
  );
}

/** Whether TEXT, or its beginning, is that of a file for `ipset restore`, which may create nothing. */
export function isIpsetCommands(text: string): boolean {
  if (isIpsetText(text)) return true;
  const lines = text.replace(/^\ufeff/, '').split('\n');
  const first = lines.map((line) => line.trim()).find((line) => line !== '' && !line.startsWith('#'));
  return first !== undefined && FIRST.test(first) && !NFT.test(first);
}
