/** Replaces texts in expect.yaml where they stand: comments, order and layout stay. */
import { FOLLOW_WORDS } from '../sentence/follow-words.js';
import { AFTER_CAPTURES, EXPECTED_TABLES } from './expectation.js';
import { PlacedYaml, type TextSpan, type YamlEntry, type YamlNode } from './placed-yaml.js';
import { yamlText } from './write-yaml.js';

/** What takes the place of each text of a kind. What is left out stays as it is. */
export interface ExpectationEdits {
  /** A name in `names`. Sentences that use it are changed by `sentence`. */
  readonly name?: (name: string) => string;
  /** The address of NAME in `names`. */
  readonly address?: (address: string, name: string) => string;
  /** The sentence of a member such as `packet` or `becomes`; not words such as `reply`. */
  readonly sentence?: (text: string, member: string) => string;
  /** The name of a claim: `it`, and `after` where it says one. */
  readonly claim?: (name: string) => string;
  /** What decided, or has counters: `filter DOCKER "--dport 6379"`. Not reasons and `none`. */
  readonly decider?: (text: string) => string;
  /** A comment, with its `#`. Undefined: it goes. */
  readonly comment?: (text: string) => string | undefined;
}

const SENTENCES: readonly string[] = ['packet', 'connection', 'send', 'never', 'becomes', 'answer'];

interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * TEXT, the content of FILE, which `readExpectation` accepts, after EDITS.
 * @throws {ExpectationError} if it is not a file of expectations
 */
export function rewriteExpectation(text: string, file: string, edits: ExpectationEdits): string {
  const yaml = new PlacedYaml(text, file);
  const root = yaml.read('expected expectations');
  const texts = new TextEdits(yaml, yaml.spans(root), edits);
  for (const { key, value } of yaml.entries(root, 'expected `expect:`')) {
    if (value === undefined) continue;
    if (key.text === 'names') texts.editNames(value);
    if (key.text === 'expect') texts.editClaims(value);
  }
  return replaced(text, [...texts.replacements, ...commentEdits(text, yaml, edits)]);
}

class TextEdits {
  readonly replacements: Replacement[] = [];
  readonly #claimNames = new Set<string>();

  constructor(
    readonly yaml: PlacedYaml,
    readonly spans: ReadonlyMap<YamlNode, TextSpan>,
    readonly edits: ExpectationEdits,
  ) {}

  editNames(node: YamlNode): void {
    const { name, address } = this.edits;
    for (const { key, keyNode, value } of this.yaml.entries(node, 'expected names')) {
      this.#replace(keyNode, key.text, name);
      if (value !== undefined && address !== undefined)
        this.#replace(value, this.yaml.text(value, 'expected an address').text, (text) => address(text, key.text));
    }
  }

  editClaims(node: YamlNode): void {
    const claims = this.yaml.items(node, 'expected claims').map((item) => this.yaml.entries(item, 'expected a claim'));
    for (const entry of claims.flat())
      if (entry.key.text === 'it' && entry.value !== undefined)
        this.#claimNames.add(this.yaml.text(entry.value, 'expected a text').text.trim());
    for (const entry of claims.flat()) this.#editMember(entry);
  }

  #editMember({ key: { text: member }, value }: YamlEntry): void {
    if (value === undefined) return;
    const { claim, decider } = this.edits;
    if (member === 'counters') {
      for (const { key, keyNode } of this.yaml.entries(value, 'expected counters'))
        this.#replace(keyNode, key.text, decider);
      return;
    }
    const { text } = this.yaml.text(value, 'expected a text');
    if (member === 'it') this.#replace(value, text, claim);
    else if (member === 'after') this.#editAfter(value, text);
    else if (member === 'by' && EXPECTED_TABLES.some((table) => text.trim().startsWith(`${table} `)))
      this.#replace(value, text, decider);
    else if (SENTENCES.includes(member)) this.#editSentence(value, text, member);
  }

  #editAfter(node: YamlNode, text: string): void {
    const name = text.trim();
    if (name === AFTER_CAPTURES) return;
    // A claim without a name is called by its sentence.
    if (this.#claimNames.has(name)) this.#replace(node, text, this.edits.claim);
    else this.#editSentence(node, text, 'send');
  }

  #editSentence(node: YamlNode, text: string, member: string): void {
    const { sentence } = this.edits;
    if (FOLLOW_WORDS.some((word) => word === text.trim())) return;
    this.#replace(node, text, sentence && ((old) => sentence(old, member)));
  }

  #replace(node: YamlNode, text: string, edit: ((text: string) => string) | undefined): void {
    const span = this.spans.get(node);
    const next = edit?.(text) ?? text;
    if (span === undefined || next === text) return;
    const { start, end, quote, isInFlow } = span;
    this.replacements.push({ start, end, text: yamlText(next, isInFlow, quote) });
  }
}

function commentEdits(text: string, yaml: PlacedYaml, { comment }: ExpectationEdits): Replacement[] {
  if (comment === undefined) return [];
  return yaml.comments.flatMap(({ start, end }): Replacement[] => {
    const old = text.slice(start, end);
    const next = comment(old);
    if (next === old) return [];
    if (next !== undefined) return [{ start, end, text: `#${next.replace(/^#/, '').replace(/[\r\n]+/g, ' ')}` }];
    return [withoutComment(text, start, end)];
  });
}

/**
 * What goes with the comment from START to END of TEXT: the blanks before it, and its line if that has nothing else.
 */
function withoutComment(text: string, start: number, end: number): Replacement {
  let from = start;
  while (text[from - 1] === ' ' || text[from - 1] === '\t') from--;
  const isAlone = from === 0 || text[from - 1] === '\n';
  const lineBreak = text.startsWith('\r\n', end) ? 2 : 1;
  return { start: from, end: isAlone ? Math.min(end + lineBreak, text.length) : end, text: '' };
}

function replaced(text: string, replacements: Replacement[]): string {
  let result = '';
  let at = 0;
  for (const one of replacements.sort((a, b) => a.start - b.start)) {
    result += text.slice(at, one.start) + one.text;
    at = one.end;
  }
  return result + text.slice(at);
}
