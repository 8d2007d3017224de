/**
 * The plain part of YAML 1.2 that files of expectations are written in: mappings, lists and texts of one line, each with
 * its place. Whatever says something other than it seems to (anchors, aliases, tags, merge keys, several documents) is
 * refused.
 */
import { createRequire } from 'node:module';
import { parseSentence, type SentenceOptions } from '../sentence/parse.js';
import type { Sentence } from '../sentence/sentence.js';
import { SentenceError } from '../sentence/sentence-error.js';
import { ExpectationError, type Place } from './expectation-error.js';

const require = createRequire(import.meta.url);

type Yaml = typeof import('yaml');
export type YamlNode = import('yaml').ParsedNode;

/** A text of one line, and where it begins in its file (behind the quote). */
export interface PlacedText extends Place {
  readonly text: string;
  /** It is in the file as it is, so that columns in it can be told. */
  readonly isVerbatim: boolean;
}

export interface YamlEntry {
  readonly key: PlacedText;
  /** Undefined: nothing, or `null`. */
  readonly value: YamlNode | undefined;
}

export class PlacedYaml {
  readonly #text: string;
  readonly #file: string;
  // Loaded only here: most commands do not need it.
  readonly #yaml: Yaml = require('yaml');
  readonly #lines = new this.#yaml.LineCounter();

  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
  }

  /**
   * The content. FORM: what the file should look like.
   * @throws {ExpectationError} if it is empty, or not YAML of this kind
   */
  read(form: string): YamlNode {
    const { parseDocument } = this.#yaml;
    const document = parseDocument(this.#text, { lineCounter: this.#lines, prettyErrors: false, version: '1.2' });
    const [error] = document.errors;
    if (error !== undefined) throw this.#error(error.pos[0], `this is not YAML: ${firstLine(error.message)}`);
    const contents = document.contents as YamlNode | null;
    if (contents === null) throw this.#error(0, `the file is empty; ${form}`);
    this.#refuseSpecial(contents);
    return contents;
  }

  /** The entries of NODE, a mapping, in their order. */
  entries(node: YamlNode, expected: string): YamlEntry[] {
    const { isMap, isScalar } = this.#yaml;
    if (!isMap(node)) throw this.at(node, expected);
    return (node.items as { key: YamlNode; value: YamlNode | null }[]).map(({ key, value }) => {
      if (!isScalar(key)) throw this.at(key, expected);
      return { key: this.#placed(key, String(key.source ?? key.value)), value: isNothing(value) ? undefined : value! };
    });

    function isNothing(value: YamlNode | null): boolean {
      return value === null || (isScalar(value) && value.value === null);
    }
  }

  /** The items of NODE, a list. */
  items(node: YamlNode, expected: string): YamlNode[] {
    if (!this.#yaml.isSeq(node)) throw this.at(node, expected);
    return node.items as YamlNode[];
  }

  isMapping(node: YamlNode): boolean {
    return this.#yaml.isMap(node);
  }

  /** The text of NODE, which has to be one of one line. */
  text(node: YamlNode, expected: string): PlacedText {
    if (!this.#yaml.isScalar(node) || typeof node.value !== 'string') throw this.at(node, expected);
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

  #placed(node: YamlNode, text: string): PlacedText {
    const start = node.range[0] + (this.#isQuoted(node) ? 1 : 0);
    const { line, col } = this.#lines.linePos(start);
    return { text, file: this.#file, line, column: col, isVerbatim: this.#text.startsWith(text, start) };
  }

  #isQuoted(node: YamlNode): boolean {
    return this.#yaml.isScalar(node) && (node.type ?? 'PLAIN').startsWith('QUOTE');
  }

  #refuseSpecial(contents: YamlNode): void {
    this.#yaml.visit(contents, {
      Alias: (_, alias) => {
        throw this.at(alias as unknown as YamlNode, 'an alias (*NAME); a * that stands alone is written "*"');
      },
      Node: (_, node) => {
        const { anchor, tag } = node as { anchor?: string; tag?: string };
        if (anchor !== undefined) throw this.at(node as YamlNode, `an anchor (&${anchor}) is not allowed here`);
        if (tag !== undefined) throw this.at(node as YamlNode, `a tag (${tag}) is not allowed here`);
      },
    });
  }

  #error(offset: number, problem: string): ExpectationError {
    const { line, col } = this.#lines.linePos(offset);
    return new ExpectationError(problem, this.#file, Math.max(line, 1), Math.max(col, 1));
  }
}

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

const firstLine = (text: string): string => text.split('\n', 1)[0];
