/**
 * YAML as the `yaml` package reads it, with places, and with limits: that package is recursive, and its errors at the
 * end of the stack are fatal.
 */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

type Yaml = typeof import('yaml');
export type YamlNode = import('yaml').ParsedNode;
export type YamlDocument = import('yaml').Document.Parsed;

export interface YamlLimits {
  /** How deep lists and mappings may be nested. */
  readonly deepest: number;
  /** Of the text, in UTF-16 code units. Reading 2^20 takes about a second. */
  readonly longest: number;
  /** That PROBLEM is at OFFSET (in UTF-16 code units), as an error. */
  readonly fault: (problem: string, offset: number) => Error;
  /** Is told LEXEME at OFFSET if it is not part of a text. May throw. */
  readonly inspect?: (lexeme: string, offset: number) => void;
}

export class YamlSource {
  // Loaded only here: most commands do not need it.
  readonly yaml: Yaml = require('yaml');
  readonly #lines = new this.yaml.LineCounter();

  constructor(readonly text: string) {}

  /** The documents of the text, at least one. Scalars are as SCHEMA of the `yaml` package says. */
  *documents(schema: 'core' | 'failsafe', limits: YamlLimits): Generator<YamlDocument, void> {
    const { length } = this.text;
    if (length > limits.longest)
      throw limits.fault(`a file of ${length} characters; expected at most ${limits.longest}`, 0);
    const composer = new this.yaml.Composer({ version: '1.2', schema, uniqueKeys: false });
    yield* composer.compose(this.#tokens(limits), true, length);
  }

  /** Where OFFSET is. Both from 1. */
  position(offset: number): { readonly line: number; readonly column: number } {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  }

  isQuoted(node: YamlNode): boolean {
    return this.yaml.isScalar(node) && (node.type ?? 'PLAIN').startsWith('QUOTE');
  }

  /** The syntax of the text, as long as that is not nested too deeply. */
  *#tokens({ deepest, fault, inspect }: YamlLimits): Generator<import('yaml').CST.Token, void> {
    const { CST, Lexer, Parser } = this.yaml;
    const parser = new Parser(this.#lines.addNewLine);
    this.#lines.addNewLine(0);
    let isText = false;
    for (const lexeme of new Lexer().lex(this.text)) {
      if (!isText) inspect?.(lexeme, parser.offset);
      isText = lexeme === CST.SCALAR;
      yield* parser.next(lexeme);
      if (parser.stack.length > deepest) throw fault('lists and mappings are nested too deeply', parser.offset);
    }
    yield* parser.end();
  }
}
