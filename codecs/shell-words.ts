/**
 * Commands as a POSIX shell splits them into words (XCU 2.2 Quoting, 2.3 Token Recognition). Nothing is expanded: what
 * a shell would expand, redirect or run besides is refused.
 */
import type { Word } from './iptables-save.js';

/** A command that cannot be split into words, or that is more than words. `word` is what stands in the way. */
export class ShellFault extends Error {
  readonly word: Word;
  readonly expected: string;

  constructor(word: Word, what: string, expected: string) {
    super(`${what}; expected: ${expected}`);
    this.word = word;
    this.expected = expected;
  }
}

/** What a shell does with characters that are not quoted, and what to write instead. */
const OPERATORS: Readonly<Record<string, readonly [what: string, expected: string]>> = {
  ';': ['separates commands', 'one command'],
  '&': ['runs commands in the background, or one after another', 'one command'],
  '|': ['passes output on to another command, or runs that if the first fails', 'one command'],
  '<': ['redirects input', 'the words of the command only'],
  '>': ['redirects output', 'the words of the command only'],
  '(': ['opens a subshell', 'the words of the command only, or quotes around it'],
  ')': ['closes a subshell', 'the words of the command only, or quotes around it'],
};
const EXPANSION = ['is expanded by a shell', "the value itself, or '$' in single quotes"] as const;
const SUBSTITUTION = ['runs a command in a shell', 'what that command prints'] as const;
const HOME = ['is expanded by a shell', 'the path itself'] as const;
const EXPANDED = /^\$(?:\w+|\{\w+\}|\([^()`$\n]*\))/;
const BLANK = /[ \t]/;
/** What a backslash escapes within double quotes. */
const ESCAPED_IN_QUOTES = '$`"\\';

/**
 * The commands of TEXT, whose first line has number LINE: the words of each. A backslash at the end of a line continues
 * it. Comments and empty lines are left out.
 */
export function splitCommands(text: string, line = 1, options: ShellOptions = {}): Word[][] {
  return new ShellReader(text, line, options).commands();
}

export interface ShellOptions {
  /** `>` is a word of its own (`isOperator`), and not refused. Default: it is. */
  readonly mayRedirect?: boolean;
  /** `$NAME`, `${NAME}` and `$(command)` stay as they stand in words, for `expansionIn`. Default: they are refused. */
  readonly mayExpand?: boolean;
}

/** A word of which a shell expands a part. */
interface ExpandedWord extends Word {
  readonly expansion: ShellFault;
}

/** What is wrong with WORD, or a part of such a word, where its value matters: a shell would expand it. */
export function expansionIn(word: Word): ShellFault | undefined {
  return 'expansion' in word ? (word as ExpandedWord).expansion : undefined;
}

/** Where output goes. */
class Operator implements Word {
  readonly text = '>';
  constructor(
    readonly line: number,
    readonly column: number,
  ) {}
}

/** Whether WORD is a `>` that a shell would obey. */
export function isOperator(word: Word): boolean {
  return word instanceof Operator;
}

class ShellReader {
  readonly #text: string;
  readonly #mayRedirect: boolean;
  readonly #mayExpand: boolean;
  /** The first one in the word that is being read. */
  #expansion: ShellFault | undefined;
  #line: number;
  #lineStart = 0;
  #at = 0;

  constructor(text: string, line: number, { mayRedirect = false, mayExpand = false }: ShellOptions) {
    this.#mayExpand = mayExpand;
    this.#text = text;
    this.#line = line;
    this.#mayRedirect = mayRedirect;
  }

  commands(): Word[][] {
    const commands: Word[][] = [];
    let words: Word[] = [];
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at];
      if (char === '\n') {
        if (words.length > 0) commands.push(words);
        words = [];
        this.#newline();
      } else if (BLANK.test(char)) this.#at++;
      else if (this.#isContinuation()) this.#continue();
      else if (char === '#') this.#skipComment();
      else if (this.#isRedirection()) words.push(this.#operator());
      else words.push(this.#word());
    }
    if (words.length > 0) commands.push(words);
    return commands;
  }

  #newline(): void {
    this.#at++;
    this.#line++;
    this.#lineStart = this.#at;
  }

  #isContinuation(): boolean {
    return this.#text.startsWith('\\\n', this.#at);
  }

  /** Not `>>`, nor `2>` and the like. */
  #isRedirection(): boolean {
    if (!this.#mayRedirect || this.#text[this.#at] !== '>') return false;
    return this.#text[this.#at + 1] !== '>' && !/[\d&]/.test(this.#text[this.#at - 1] ?? '');
  }

  #operator(): Word {
    const { line, column } = this.#here();
    this.#at++;
    return new Operator(line, column);
  }

  #continue(): void {
    this.#at++;
    this.#newline();
  }

  #skipComment(): void {
    while (this.#at < this.#text.length && this.#text[this.#at] !== '\n') this.#at++;
  }

  #here(text = this.#text[this.#at]): Word {
    return { text, line: this.#line, column: this.#at - this.#lineStart + 1 };
  }

  #word(): Word {
    const start = this.#here();
    if (start.text === '~') throw this.#refused(HOME);
    this.#expansion = undefined;
    let text = '';
    for (; this.#at < this.#text.length; ) {
      const char = this.#text[this.#at];
      if (char === '\n' || BLANK.test(char) || this.#isRedirection()) break;
      if (char === "'") text += this.#singleQuoted();
      else if (char === '"') text += this.#doubleQuoted();
      else if (char === '\\') text += this.#escaped();
      else if (this.#isExpansion()) text += this.#expanded();
      else {
        this.#refuse(char);
        text += char;
        this.#at++;
      }
    }
    const expansion = this.#expansion as ShellFault | undefined;
    const word: Word | ExpandedWord = expansion === undefined ? { ...start, text } : { ...start, text, expansion };
    return word;
  }

  /** One that ends in this line, and may stay as it is. */
  #isExpansion(): boolean {
    return this.#mayExpand && EXPANDED.test(this.#text.slice(this.#at));
  }

  #expanded(): string {
    const [text] = EXPANDED.exec(this.#text.slice(this.#at))!;
    this.#expansion ??= this.#refused(text.startsWith('$(') ? SUBSTITUTION : EXPANSION);
    this.#at += text.length;
    return text;
  }

  /** Throws if CHAR means something to a shell, outside of quotes. */
  #refuse(char: string): void {
    const operator = OPERATORS[char];
    if (operator !== undefined) throw this.#refused(operator);
    if (char === '\r') throw new ShellFault(this.#here(), 'a line that ends in CR LF', 'lines that end in LF');
    this.#refuseExpansion(char);
  }

  /** Throws if CHAR is expanded, within double quotes too. */
  #refuseExpansion(char: string): void {
    if (char === '`') throw this.#refused(SUBSTITUTION);
    if (char === '$') throw this.#refused(this.#text[this.#at + 1] === '(' ? SUBSTITUTION : EXPANSION);
  }

  #refused([what, expected]: readonly [string, string]): ShellFault {
    const [operator] = /^(?:&&|\|\||>>|<<|\$\w+|\$\{[^}]*\}?|\$\(|.)/s.exec(this.#text.slice(this.#at))!;
    return new ShellFault(this.#here(operator), `"${operator}" ${what}`, expected);
  }

  #escaped(): string {
    if (this.#isContinuation()) {
      this.#continue();
      return '';
    }
    const [char] = this.#text.slice(this.#at + 1, this.#at + 3);
    if (char === undefined) throw new ShellFault(this.#here(), 'nothing after the backslash', 'a character');
    this.#at += 1 + char.length;
    return char;
  }

  #singleQuoted(): string {
    const start = this.#here();
    const end = this.#text.indexOf("'", this.#at + 1);
    if (end < 0) throw new ShellFault(start, "a ' that is not closed", "another ' at the end of the quotation");
    const text = this.#text.slice(this.#at + 1, end);
    this.#pass(end + 1);
    return text;
  }

  #doubleQuoted(): string {
    const start = this.#here();
    let text = '';
    for (this.#at++; this.#text[this.#at] !== '"'; ) {
      const char = this.#text[this.#at];
      if (char === undefined) throw new ShellFault(start, 'a " that is not closed', 'another " at the end');
      if (this.#isExpansion()) {
        text += this.#expanded();
        continue;
      }
      this.#refuseExpansion(char);
      if (this.#isContinuation()) this.#continue();
      else if (char === '\\' && ESCAPED_IN_QUOTES.includes(this.#text[this.#at + 1] || ' ')) {
        text += this.#text[this.#at + 1];
        this.#at += 2;
      } else {
        text += char;
        this.#pass(this.#at + 1);
      }
    }
    this.#at++;
    return text;
  }

  /** Goes on to END, counting the lines on the way. */
  #pass(end: number): void {
    while (this.#at < end) {
      if (this.#text[this.#at] === '\n') this.#newline();
      else this.#at++;
    }
  }
}
