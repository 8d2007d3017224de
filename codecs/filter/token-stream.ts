/** The words of a filter, one after another, for the parser. */
import { withNearest } from '../nearest.js';
import { FilterError, unsupported } from './filter-error.js';
import { cut, type Token, tokensOf } from './lexer.js';
import { filterWords } from './words.js';

/** Parentheses, `not` and the like may be this deep. */
const DEEPEST = 400;

export class TokenStream {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#tokens = tokensOf(text);
  }

  /** The current word. */
  get token(): Token {
    return this.#tokens[this.#at];
  }

  get isAtEnd(): boolean {
    return this.token.is === 'end';
  }

  get column(): number {
    return this.token.column;
  }

  /** The word COUNT after the current one. */
  ahead(count: number): Token {
    return this.#tokens[Math.min(this.#at + count, this.#tokens.length - 1)];
  }

  advance(count = 1): void {
    this.#at = Math.min(this.#at + count, this.#tokens.length - 1);
  }

  /** Whether the current word is SYMBOL, such as `(`. */
  isSymbol(symbol: string, token = this.token): boolean {
    return token.is === 'symbol' && token.symbol === symbol;
  }

  /** The operator that TOKEN is, as a word or as a symbol. */
  operatorOf(token = this.token): '&&' | '||' | '!' | undefined {
    if (token.is === 'keyword' && token.keyword.is === 'operator') return token.keyword.operator;
    if (token.is !== 'symbol') return undefined;
    const { symbol } = token;
    return symbol === '&&' || symbol === '||' || symbol === '!' ? symbol : undefined;
  }

  expectSymbol(symbol: string, wanted: string): void {
    if (!this.isSymbol(symbol)) throw this.fault(wanted);
    this.advance();
  }

  /** The number that is expected here, as WANTED says. */
  expectNumber(wanted: string): number {
    const { token } = this;
    if (token.is !== 'number') throw this.fault(wanted);
    this.advance();
    return token.value;
  }

  /** The number in parentheses or without, if one is here. */
  optionalNumber(): number | undefined {
    let open = 0;
    while (this.isSymbol('(', this.ahead(open))) open++;
    const token = this.ahead(open);
    if (token.is !== 'number') return undefined;
    this.advance(open + 1);
    for (; open > 0; open--) this.expectSymbol(')', 'a closing parenthesis');
    return token.value;
  }

  /** PARSE, one level deeper. */
  nested<T>(parse: () => T): T {
    if (this.#depth >= DEEPEST)
      throw new FilterError(this.column, `the filter is nested deeper than ${DEEPEST} levels`);
    this.#depth++;
    const result = parse();
    this.#depth--;
    return result;
  }

  /** The error about the current word, in whose place WANTED is expected. */
  fault(wanted: string): FilterError {
    const { token } = this;
    const { column } = token;
    if (token.is === 'end') return new FilterError(column, `the filter ends here; expected ${wanted}`);
    if (token.is === 'keyword' && token.keyword.is === 'unsupported') {
      return unsupported(column, `${token.text}: ${token.keyword.reason}`);
    }
    const message = `"${cut(token.text)}": expected ${wanted}`;
    return new FilterError(column, token.is === 'name' ? withNearest(message, token.text, filterWords()) : message);
  }
}
