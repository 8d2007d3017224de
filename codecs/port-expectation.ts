/**
 * Which ports are expected to be open, as a file says it (YAML):
 *
 *     open:
 *       - eth0 tcp * > 192.0.2.10:22
 *     closed:
 *       - tcp * > *:3306
 */
import { createRequire } from 'node:module';
import { withNearest } from './nearest.js';
import { parseSentence, type SentenceNames } from './sentence/parse.js';
import type { Sentence } from './sentence/sentence.js';
import { SentenceError } from './sentence/sentence-error.js';
import { shown, shownPath } from './text.js';

const require = createRequire(import.meta.url);

/** A sentence of the file. */
export interface ExpectedPorts {
  readonly text: string;
  readonly sentence: Sentence;
  readonly file: string;
  /** Both from 1: where the sentence begins. */
  readonly line: number;
  readonly column: number;
}

export interface PortExpectation {
  readonly open: readonly ExpectedPorts[];
  readonly closed: readonly ExpectedPorts[];
}

/** A file that cannot be read as an expectation. */
export class ExpectationError extends Error {
  override readonly name = 'ExpectationError';

  constructor(
    problem: string,
    readonly file: string,
    readonly line: number,
    readonly column: number,
    /** It is valid, but asks for what is not scanned. */
    readonly isUnsupported = false,
  ) {
    super(shown(`${shownPath(file)}:${line}:${column}: ${problem}`));
  }
}

const LISTS = ['open', 'closed'] as const;
const FORM = 'expected `open:` and `closed:`, each a list of sentences, such as "- eth0 tcp * > 192.0.2.10:22"';

type Yaml = typeof import('yaml');
type YamlNode = import('yaml').ParsedNode;

/**
 * Parses TEXT, the content of FILE. NAMES: the addresses of names in it.
 * @throws {ExpectationError}
 */
export function parsePortExpectation(text: string, file: string, names: SentenceNames): PortExpectation {
  return new ExpectationReader(text, file, names).read();
}

class ExpectationReader {
  readonly #text: string;
  readonly #file: string;
  readonly #names: SentenceNames;
  // Loaded only here: no other command needs it.
  readonly #yaml: Yaml = require('yaml');
  readonly #lines = new this.#yaml.LineCounter();

  constructor(text: string, file: string, names: SentenceNames) {
    this.#text = text;
    this.#file = file;
    this.#names = names;
  }

  read(): PortExpectation {
    const { isMap, isScalar, parseDocument } = this.#yaml;
    const document = parseDocument(this.#text, { lineCounter: this.#lines, prettyErrors: false, version: '1.2' });
    const [error] = document.errors;
    if (error !== undefined) throw this.#error(error.pos[0], `this is not YAML: ${firstLine(error.message)}`);
    const { contents } = document;
    if (contents === null) throw this.#error(0, `the file is empty; ${FORM}`);
    this.#refuseSpecial(contents as YamlNode);
    if (!isMap(contents)) throw this.#at(contents as YamlNode, FORM);
    const lists: Record<(typeof LISTS)[number], ExpectedPorts[]> = { open: [], closed: [] };
    for (const { key, value } of contents.items as { key: YamlNode; value: YamlNode | null }[]) {
      const name = isScalar(key) ? String(key.value) : '';
      const list = LISTS.find((one) => one === name);
      if (list === undefined) throw this.#at(key, withNearest(`unknown member "${name}"; ${FORM}`, name, LISTS));
      lists[list] = this.#listIn(value);
    }
    return lists;
  }

  /** The sentences in the list VALUE. */
  #listIn(value: YamlNode | null): ExpectedPorts[] {
    const { isScalar, isSeq } = this.#yaml;
    if (value === null || (isScalar(value) && value.value === null)) return [];
    if (!isSeq(value)) throw this.#at(value, `expected a list of sentences, a "- " before each`);
    return (value.items as YamlNode[]).map((item) => this.#sentenceIn(item));
  }

  #sentenceIn(item: YamlNode): ExpectedPorts {
    if (!this.#yaml.isScalar(item) || typeof item.value !== 'string')
      throw this.#at(item, 'expected a sentence, such as eth0 tcp * > 192.0.2.10:22');
    const { type = 'PLAIN', value: text } = item;
    if (type.startsWith('BLOCK')) throw this.#at(item, 'a sentence is one line: write it behind "- "');
    // Behind the quote.
    const { line, col } = this.#lines.linePos(item.range[0] + (type.startsWith('QUOTE') ? 1 : 0));
    try {
      return { text, sentence: parseSentence(text, { names: this.#names }), file: this.#file, line, column: col };
    } catch (error) {
      if (!(error instanceof SentenceError)) throw error;
      const problem = error.message.replace(/^column \d+: /, '');
      throw new ExpectationError(problem, this.#file, line, col + (error.column ?? 1) - 1, error.isUnsupported);
    }
  }

  /** Refuses what says something other than it seems to. */
  #refuseSpecial(contents: YamlNode): void {
    this.#yaml.visit(contents, {
      Alias: (_, alias) => {
        throw this.#at(alias as unknown as YamlNode, 'an alias (*NAME); a * that stands alone is written "*"');
      },
      Node: (_, node) => {
        const { anchor, tag } = node as { anchor?: string; tag?: string };
        if (anchor !== undefined) throw this.#at(node as YamlNode, `an anchor (&${anchor}) is not allowed here`);
        if (tag !== undefined) throw this.#at(node as YamlNode, `a tag (${tag}) is not allowed here`);
      },
    });
  }

  #at(node: YamlNode, problem: string): ExpectationError {
    return this.#error(node.range?.[0] ?? 0, problem);
  }

  #error(offset: number, problem: string): ExpectationError {
    const { line, col } = this.#lines.linePos(offset);
    return new ExpectationError(problem, this.#file, Math.max(line, 1), Math.max(col, 1));
  }
}

const firstLine = (text: string): string => text.split('\n', 1)[0];
