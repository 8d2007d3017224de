/** Reads files of variables: `.env`, and those of `--env-file` and of `include`. */
import { ComposeError } from './compose-error.js';
import { InterpolationError, interpolateText, type Variables } from './interpolate.js';
import type { ComposeGeneration } from './scalar-type.js';

const STATEMENT = /(?:export[ \t]+)?([\p{L}\p{N}_.\-[\]]*)[ \t]*(=|:|(?=\r?\n|$|#))[ \t]*/uy;
const UNQUOTED = /[^\n]*/y;
const ESCAPE = /\\([abcfnrtv$"\\]|0[0-7]{0,3})/g;
const ESCAPED: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  c: '\\c',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  // Two dollar signs stand for one when variables are expanded.
  $: '$$',
  '"': '"',
  '\\': '\\',
};

export interface EnvironmentReading {
  readonly file: string;
  readonly generation: ComposeGeneration;
  /** Variables that are set already; they come before those of the file. */
  readonly environment: ReadonlyMap<string, string>;
}

/**
 * The variables that TEXT sets.
 * @throws {ComposeError} if a line is none of `NAME=VALUE`, `export NAME=VALUE`, `NAME` and a comment
 */
export function readDotEnv(text: string, reading: EnvironmentReading): Map<string, string> {
  return new DotEnvReader(text.replace(/^\ufeff/, '').replaceAll('\r\n', '\n'), reading).read();
}

class DotEnvReader {
  readonly #text: string;
  readonly #reading: EnvironmentReading;
  readonly #values = new Map<string, string>();
  readonly #variables: Variables;

  constructor(text: string, reading: EnvironmentReading) {
    this.#text = text;
    this.#reading = reading;
    const lookUp = (name: string): string | undefined => reading.environment.get(name) ?? this.#values.get(name);
    this.#variables = { generation: reading.generation, lookUp };
  }

  read(): Map<string, string> {
    const blank = /(?:\s|#[^\n]*)*/y;
    for (let at = 0; ; ) {
      blank.lastIndex = at;
      blank.exec(this.#text);
      at = blank.lastIndex;
      if (at >= this.#text.length) return this.#values;
      at = this.#statement(at);
    }
  }

  /** Reads the statement at AT; where it ends. */
  #statement(at: number): number {
    STATEMENT.lastIndex = at;
    const [, name, divider] = STATEMENT.exec(this.#text) ?? [];
    if (name === undefined || name === '') throw this.#error(at, 'expected NAME=VALUE, or # before a comment');
    const start = STATEMENT.lastIndex;
    if (divider === '') {
      const inherited = this.#reading.environment.get(name);
      if (inherited !== undefined) this.#values.set(name, inherited);
      return start;
    }
    const { value, end } = this.#value(start);
    this.#values.set(name, value);
    return end;
  }

  #value(start: number): { value: string; end: number } {
    const quote = this.#text[start];
    if (quote !== '"' && quote !== "'") {
      UNQUOTED.lastIndex = start;
      const [line] = UNQUOTED.exec(this.#text)!;
      return { value: this.#expanded(line.split(' #', 1)[0].trimEnd(), start), end: start + line.length };
    }
    let content = '';
    for (let at = start + 1; at < this.#text.length; at++) {
      const char = this.#text[at];
      if (char === '\\' && at + 1 < this.#text.length) {
        at++;
        content += this.#text[at] === quote ? quote : `\\${this.#text[at]}`;
      } else if (char === quote) {
        const isVerbatim = quote === "'" && this.#reading.generation === 2;
        const plain = quote === "'" ? content : content.replace(ESCAPE, unescaped);
        const value = isVerbatim ? content : this.#expanded(plain, start + 1);
        return { value, end: at + 1 };
      } else content += char;
    }
    throw this.#error(start, 'the quote that begins here is not closed');
  }

  #expanded(text: string, start: number): string {
    // python-dotenv expands nothing else, and keeps all other dollar signs.
    if (this.#reading.generation === 1)
      return text.replace(
        /\$\{([^}:]*)(?::-([^}]*))?\}/g,
        (_, name, otherwise) => this.#variables.lookUp(name) ?? otherwise ?? '',
      );
    try {
      return interpolateText(text, this.#variables);
    } catch (error) {
      throw error instanceof InterpolationError ? this.#error(start + error.offset, error.message) : error;
    }
  }

  #error(at: number, problem: string): ComposeError {
    const before = this.#text.slice(0, at);
    const line = before.split('\n').length;
    return new ComposeError(problem, { file: this.#reading.file, line, column: at - before.lastIndexOf('\n') });
  }
}

function unescaped(whole: string, char: string): string {
  if (!char.startsWith('0')) return ESCAPED[char];
  // Go reads three octal digits behind the zero, or leaves the escape as it is.
  return /^0[0-3][0-7]{2}$/.test(char) ? String.fromCharCode(Number.parseInt(char, 8)) : whole;
}
