/**
 * The plain part of YAML 1.2 that files of expectations are written in: mappings, lists and texts of one line, each
 * with its place. Whatever says something other than it seems to (anchors, aliases, tags, merge keys, directives,
 * several documents) is refused.
 */
import { parseSentence, type SentenceOptions } from '../sentence/parse.js';
import type { Sentence } from '../sentence/sentence.js';
import { SentenceError } from '../sentence/sentence-error.js';
import { yamlProblem } from '../yaml/yaml-problem.js';
import { type YamlDocument, type YamlNode, YamlSource } from '../yaml/yaml-source.js';
import { ExpectationError, type Place } from './expectation-error.js';
import { misplacedLine } from './misplaced-line.js';
import { EXPLANATIONS, PROTOCOL_FIRST } from './yaml-problem.js';

export type { YamlNode };

/** A text of one line, and where it begins in its file (behind the quote). */
export interface PlacedText extends Place {
  readonly text: string;
  /** It is in the file as it is, so that columns in it can be told. */
  readonly isVerbatim: boolean;
}

export interface YamlEntry {
  readonly key: PlacedText;
  readonly keyNode: YamlNode;
  /** Undefined: nothing, or `null`. */
  readonly value: YamlNode | undefined;
}

/** From where to where, in UTF-16 code units. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A text in its file, quotes included. */
export interface TextSpan extends Span {
  readonly quote: '"' | "'" | undefined;
  /** It is between brackets, where commas and brackets need quotes. */
  readonly isInFlow: boolean;
}

/** Far more than expectations need. */
const DEEPEST = 24;
const LONGEST_FILE = 2 ** 20;
/** Of a text, so that names and rows of reports stay readable, and no search in it takes long. */
const LONGEST_TEXT = 4096;
const LINE_BREAK_OR_CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u;

export class PlacedYaml {
  readonly #source: YamlSource;
  readonly #text: string;
  readonly #file: string;
  readonly #yaml: typeof import('yaml');
  readonly #comments: Span[] = [];

  constructor(text: string, file: string) {
    this.#source = new YamlSource(text);
    this.#yaml = this.#source.yaml;
    this.#text = text;
    this.#file = file;
  }

  /** Those that were met by `read`, from their # to the end of their lines. */
  get comments(): readonly Span[] {
    return this.#comments;
  }

  /**
   * The content. FORM: what the file should look like.
   * @throws {ExpectationError} if it is empty, or not YAML of this kind
   */
  read(form: string): YamlNode {
    const document = this.#document();
    const [error] = document.errors;
    if (error !== undefined) throw this.#fault(document, error);
    const { contents } = document;
    if (contents === null || (this.#yaml.isScalar(contents) && contents.value === null))
      throw this.#error(0, `the file is empty; ${form}`);
    return contents;
  }

  /** The entries of NODE, a mapping, in their order. */
  entries(node: YamlNode, expected: string): YamlEntry[] {
    const { isMap, isScalar } = this.#yaml;
    if (!isMap(node)) throw this.at(node, expected);
    const entries = new Map<string, YamlEntry>();
    for (const { key, value } of node.items as { key: YamlNode; value: YamlNode | null }[]) {
      if (!isScalar(key)) throw this.at(key, expected);
      const placed = this.#placed(key, String(key.source ?? key.value));
      const first = entries.get(placed.text)?.key;
      if (first !== undefined) throw errorIn(placed, `"${placed.text}" is there twice, first in line ${first.line}`);
      if (placed.text === '<<') throw errorIn(placed, 'a merge key (<<) is not allowed here');
      const isNothing = value === null || (isScalar(value) && value.value === null);
      entries.set(placed.text, { key: placed, keyNode: key, value: isNothing ? undefined : value });
    }
    return [...entries.values()];
  }

  /** The items of NODE, a list. */
  items(node: YamlNode, expected: string): YamlNode[] {
    if (!this.#yaml.isSeq(node)) throw this.at(node, expected);
    return node.items as YamlNode[];
  }

  /** The text that NODE is. */
  text(node: YamlNode, expected: string): PlacedText {
    const { isScalar } = this.#yaml;
    if (isScalar(node) && typeof node.value !== 'string' && node.source !== undefined)
      throw this.at(node, `${expected}; ${node.source} is a text only in quotes: "${node.source}"`);
    if (!isScalar(node) || typeof node.value !== 'string') throw this.at(node, expected);
    if ((node.type ?? 'PLAIN').startsWith('BLOCK'))
      throw this.at(node, 'a text is one line here: write it behind ": " or "- "');
    return this.#placed(node, node.value);
  }

  /** The sentence that TEXT is. */
  sentence(text: PlacedText, options: SentenceOptions): Sentence {
    try {
      return parseSentence(text.text, options);
    } catch (error) {
      if (error instanceof SentenceError) throw errorInSentence(error, text);
      throw error;
    }
  }

  /** That PROBLEM is at NODE. */
  at(node: YamlNode, problem: string): ExpectationError {
    return this.#error(node.range?.[0] ?? 0, problem);
  }

  /** All texts in NODE, keys too, where they are in the file. */
  spans(node: YamlNode): Map<YamlNode, TextSpan> {
    const spans = new Map<YamlNode, TextSpan>();
    const add = (one: YamlNode, isInFlow: boolean): void => {
      if (this.#yaml.isScalar(one)) {
        const quote = this.#text[one.range[0]];
        const isQuoted = this.#source.isQuoted(one);
        const [start, end] = one.range;
        spans.set(one, { start, end, quote: isQuoted ? (quote as '"' | "'") : undefined, isInFlow });
      } else if (this.#yaml.isSeq(one)) {
        for (const item of one.items as YamlNode[]) add(item, isInFlow || one.flow === true);
      } else if (this.#yaml.isMap(one)) {
        for (const { key, value } of one.items as { key: YamlNode; value: YamlNode | null }[]) {
          add(key, isInFlow || one.flow === true);
          if (value !== null) add(value, isInFlow || one.flow === true);
        }
      }
    };
    add(node, false);
    return spans;
  }

  #document(): YamlDocument {
    let first: YamlDocument | undefined;
    const limits = {
      deepest: DEEPEST,
      longest: LONGEST_FILE,
      fault: (problem: string, offset: number) => this.#error(offset, problem),
      inspect: (lexeme: string, offset: number) => {
        this.#refuseSpecial(lexeme, offset);
        if (lexeme.startsWith('#')) this.#comments.push({ start: offset, end: offset + lexeme.length });
      },
    };
    for (const document of this.#source.documents('core', limits)) {
      if (first !== undefined)
        throw this.#error(document.range[0], 'a second document (---); expected all expectations in one');
      first = document;
      if (document.errors.length > 0) break;
    }
    // There is always one.
    return first!;
  }

  #placed(node: YamlNode, text: string): PlacedText {
    const start = node.range[0] + (this.#source.isQuoted(node) ? 1 : 0);
    if (text.length > LONGEST_TEXT)
      throw this.at(node, `a text of ${text.length} characters; expected at most ${LONGEST_TEXT}`);
    if (LINE_BREAK_OR_CONTROL.test(text))
      throw this.at(node, 'a line break or control character in a text; a text is one line here');
    const position = this.#source.position(start);
    return { text, file: this.#file, ...position, isVerbatim: this.#text.startsWith(text, start) };
  }

  /** Refuses LEXEME, at OFFSET, if what it says is not what people see. It is not part of a text. */
  #refuseSpecial(lexeme: string, offset: number): void {
    switch (this.#yaml.CST.tokenType(lexeme)) {
      case 'alias':
        throw this.#error(offset, `an alias (*NAME) is not allowed here; ${PROTOCOL_FIRST}`);
      case 'anchor':
        throw this.#error(offset, `an anchor (&NAME) is not allowed here; ${quotesNeeded('&', '"&"')}`);
      case 'tag':
        throw this.#error(offset, `a tag (!NAME) is not allowed here; ${quotesNeeded('!', '"!eth0 tcp * > *:22"')}`);
      case 'directive-line':
        throw this.#error(offset, 'a directive (%) is not allowed here');
    }
  }

  #fault({ contents }: YamlDocument, { code, message, pos }: import('yaml').YAMLParseError): ExpectationError {
    const misplaced = misplacedLine({ code, message, offset: pos[0] }, this.#text);
    if (misplaced !== undefined) return this.#error(misplaced.offset, misplaced.problem);
    const problem = yamlProblem({ code, message, offset: pos[0] }, this.#text, EXPLANATIONS);
    return this.#error(code === 'MISSING_CHAR' ? this.#quoteBefore(contents, pos[0]) : pos[0], problem);
  }

  /** Where the quoted text begins in which OFFSET is; OFFSET if there is none. */
  #quoteBefore(contents: YamlNode | null, offset: number): number {
    if (contents === null) return offset;
    const spans = [...this.spans(contents).values()];
    return (
      spans.find(({ quote, start, end }) => quote !== undefined && start < offset && offset <= end)?.start ?? offset
    );
  }

  #error(offset: number, problem: string): ExpectationError {
    const { line, column } = this.#source.position(offset);
    return new ExpectationError(problem, this.#file, line, column);
  }
}

const quotesNeeded = (first: string, example: string): string =>
  `a text that begins with ${first} has to be in quotes, as in ${example}`;

/** That PROBLEM is at the column COLUMN (from 1) of TEXT. */
export function errorIn(
  { file, line, column, isVerbatim }: PlacedText,
  problem: string,
  at = 1,
  isUnsupported = false,
): ExpectationError {
  return new ExpectationError(problem, file, line, column + (isVerbatim ? at - 1 : 0), isUnsupported);
}

/** ERROR in the sentence TEXT, as an error in its file. */
export function errorInSentence(error: SentenceError, text: PlacedText): ExpectationError {
  return errorIn(text, error.message.replace(/^column \d+: /, ''), error.column ?? 1, error.isUnsupported);
}
