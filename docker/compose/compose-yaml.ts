/** Reads the YAML of a compose file: aliases, merge keys and the tags !reset and !override mean what compose has them mean. */
import { withNearest } from '../../codecs/nearest.js';
import {
  BACKSLASH,
  COLON_IN_TEXT,
  NO_COLON,
  OUT_OF_LINE,
  SPECIAL_FIRST,
  TAB,
  TEXT_BEHIND_QUOTES,
  UNCLOSED_QUOTE,
  WRONG_INDENT,
  type YamlExplanation,
  yamlProblem,
} from '../../codecs/yaml/yaml-problem.js';
import { type YamlDocument, type YamlNode, YamlSource } from '../../codecs/yaml/yaml-source.js';
import { ComposeError, type Place } from './compose-error.js';
import {
  type ComposeEntry,
  type ComposeNode,
  type ComposeScalar,
  type ComposeTag,
  listOf,
  mapOf,
  unexpected,
} from './compose-node.js';
import { type ComposeGeneration, plainScalar } from './scalar-type.js';

/** Far more than compose files need. */
const DEEPEST = 64;
const LONGEST_FILE = 2 ** 20;
/** With what aliases stand for. Compose's own limit. */
const MOST_NODES = 100_000;

const EXPLANATIONS: readonly YamlExplanation[] = [
  SPECIAL_FIRST,
  COLON_IN_TEXT,
  WRONG_INDENT,
  TEXT_BEHIND_QUOTES,
  NO_COLON,
  UNCLOSED_QUOTE,
  { code: 'MISSING_CHAR', message: /flow/, problem: 'expected a comma or the closing bracket' },
  { code: 'BAD_INDENT', message: /Flow/, problem: 'the bracket is not closed' },
  OUT_OF_LINE,
  TAB,
  BACKSLASH,
];

/**
 * The documents of TEXT, the content of FILE, but for empty ones.
 * @throws {ComposeError} if it is not YAML, or too large
 */
export function readComposeYaml(text: string, file: string, generation: ComposeGeneration): ComposeNode[] {
  const source = new YamlSource(text);
  const limits = {
    deepest: DEEPEST,
    longest: LONGEST_FILE,
    fault: (problem: string, offset: number) => new ComposeError(problem, { file, ...source.position(offset) }),
  };
  const documents: ComposeNode[] = [];
  for (const document of source.documents('failsafe', limits)) {
    const node = new DocumentReader(source, file, generation).read(document);
    if (node !== undefined) documents.push(node);
  }
  return documents;
}

/** What the tag of a value says: what becomes of it when files are merged, or that it is a text. */
type Tag = ComposeTag | 'text';

class DocumentReader {
  readonly #source: YamlSource;
  readonly #file: string;
  readonly #generation: ComposeGeneration;
  /** Undefined: its node is being read. */
  readonly #anchors = new Map<string, ComposeNode | undefined>();

  constructor(source: YamlSource, file: string, generation: ComposeGeneration) {
    this.#source = source;
    this.#file = file;
    this.#generation = generation;
  }

  /** Undefined: the document is empty. */
  read({ contents, errors: [error] }: YamlDocument): ComposeNode | undefined {
    if (error !== undefined) {
      const fault = { code: error.code, message: error.message, offset: error.pos[0] };
      throw this.#error(error.pos[0], yamlProblem(fault, this.#source.text, EXPLANATIONS));
    }
    if (contents === null) return undefined;
    const node = this.#node(contents);
    return node.kind === 'scalar' && node.type === 'null' ? undefined : node;
  }

  #node(node: YamlNode): ComposeNode {
    const { isAlias } = this.#source.yaml;
    if (isAlias(node)) return this.#aliased(node);
    const { anchor } = node;
    if (anchor !== undefined) this.#anchors.set(anchor, undefined);
    const read = this.#content(node);
    if (anchor !== undefined) this.#anchors.set(anchor, read);
    if (read.size > MOST_NODES || read.depth > DEEPEST)
      throw new ComposeError(
        `with what aliases stand for, this consists of over ${MOST_NODES} values or is nested over ${DEEPEST} deep`,
        read.place,
      );
    return read;
  }

  #content(node: YamlNode): ComposeNode {
    const { isMap, isSeq } = this.#source.yaml;
    const place = this.#place(node);
    if (isMap(node)) return this.#map(node, place);
    if (isSeq(node)) {
      const items = (node.items as YamlNode[]).map((item) => this.#node(item));
      return { ...listOf(items, place), ...tagged(this.#tag(node)) };
    }
    return this.#scalar(node as import('yaml').Scalar.Parsed, place);
  }

  #aliased(node: import('yaml').Alias.Parsed): ComposeNode {
    const found = this.#anchors.get(node.source);
    if (found !== undefined) return found;
    const problem = this.#anchors.has(node.source)
      ? `*${node.source} stands for what it is itself a part of`
      : withNearest(`there is no anchor &${node.source} before this alias`, node.source, this.#anchors.keys());
    throw this.#error(node.range[0], problem);
  }

  #scalar(node: import('yaml').Scalar.Parsed, place: Place): ComposeScalar {
    const text = String(node.value ?? '');
    const tag = this.#tag(node);
    const isPlain = (node.type ?? 'PLAIN') === 'PLAIN' && tag !== 'text';
    const typed = isPlain ? plainScalar(text, this.#generation) : { type: 'text' as const, text };
    const isVerbatim = this.#source.text.startsWith(typed.text, this.#textStart(node));
    return { kind: 'scalar', ...typed, place, isVerbatim, size: 1, depth: 1, ...tagged(tag) };
  }

  #map(node: import('yaml').YAMLMap.Parsed, place: Place): ComposeNode {
    const entries = new Map<string, ComposeEntry>();
    const merged: ComposeNode[] = [];
    let size = 1;
    for (const { key, value } of node.items as { key: YamlNode; value: YamlNode | null }[]) {
      const { name, place: keyPlace } = this.#key(key);
      const read = value === null ? nothingAt(keyPlace) : this.#node(value);
      size += read.size;
      if (name === '<<') {
        merged.push(read);
        continue;
      }
      const first = entries.get(name);
      if (first !== undefined)
        throw new ComposeError(`"${name}" is there twice, first in line ${first.place.line}`, keyPlace);
      entries.set(name, { place: keyPlace, value: read });
    }
    for (const source of merged) mergeInto(entries, source);
    const map = { ...mapOf(entries, place), ...tagged(this.#tag(node)) };
    // What a merge key brought twice counts, too: it has to be gone through.
    return { ...map, size: Math.max(size, map.size) };
  }

  #key(key: YamlNode): { name: string; place: Place } {
    const { isScalar, isAlias } = this.#source.yaml;
    const node = isAlias(key) ? this.#aliased(key) : undefined;
    const place = this.#place(key);
    if (node?.kind === 'scalar') return { name: node.text, place };
    if (!isScalar(key))
      throw new ComposeError('a member with a name that is a list or mapping; expected a text', place);
    const { type, text } = this.#scalar(key as import('yaml').Scalar.Parsed, place);
    if (type !== 'text')
      throw new ComposeError(`the name ${text === '' ? '(none)' : text} is no text; write it in quotes`, place);
    return { name: text, place };
  }

  #tag({ tag, range }: YamlNode): Tag | undefined {
    switch (tag) {
      case undefined:
      case 'tag:yaml.org,2002:map':
      case 'tag:yaml.org,2002:seq':
        return undefined;
      case '!':
      case 'tag:yaml.org,2002:str':
        return 'text';
      case '!reset':
      case '!override':
        if (this.#generation === 2) return tag === '!reset' ? 'reset' : 'override';
        throw this.#error(range[0], `the tag ${tag} is not known to compose 1`);
      default:
        throw this.#error(range[0], withNearest(`unknown tag ${tag}; expected none`, tag, ['!reset', '!override']));
    }
  }

  #textStart(node: YamlNode): number {
    return node.range[0] + (this.#source.isQuoted(node) ? 1 : 0);
  }

  #place(node: YamlNode): Place {
    return { file: this.#file, ...this.#source.position(this.#textStart(node)) };
  }

  #error(offset: number, problem: string): ComposeError {
    return new ComposeError(problem, { file: this.#file, ...this.#source.position(offset) });
  }
}

/** Adds what the merge key's value SOURCE has and ENTRIES have not; of a list, earlier mappings come first. */
function mergeInto(entries: Map<string, ComposeEntry>, source: ComposeNode): void {
  const maps = source.kind === 'list' ? source.items : [source];
  for (const map of maps) {
    if (map.kind !== 'map')
      throw unexpected(map, 'what a merge key (<<) stands for', 'a mapping, or a list of mappings');
    for (const [name, entry] of map.entries) if (!entries.has(name)) entries.set(name, entry);
  }
}

const tagged = (tag: Tag | undefined): { tag?: ComposeTag } => (tag === undefined || tag === 'text' ? {} : { tag });

function nothingAt(place: Place): ComposeScalar {
  return { kind: 'scalar', type: 'null', text: '', place, isVerbatim: false, size: 1, depth: 1 };
}
