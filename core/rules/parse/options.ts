/**
 * The options of a rule during parsing: which exist, which extension they belong to, and their values (getopt_long's
 * rules).
 */
import type { Word } from '../../../codecs/iptables-save.js';
import type { Extension, OptionSpec, ParsedOption, ParsedOptions } from '../extension.js';
import { RuleFault, unknownName } from './error.js';

/** Options common to all rules: long name and letter. */
const BASE_OPTIONS: readonly (readonly [name: string, letter: string])[] = [
  ['--append', 'A'],
  ['--check', 'C'],
  ['--delete', 'D'],
  ['--delete-chain', 'X'],
  ['--destination', 'd'],
  ['--dst', 'd'],
  ['--exact', 'x'],
  ['--flush', 'F'],
  ['--fragments', 'f'],
  ['--goto', 'g'],
  ['--help', 'h'],
  ['--in-interface', 'i'],
  ['--insert', 'I'],
  ['--ipv4', '4'],
  ['--ipv6', '6'],
  ['--jump', 'j'],
  ['--line-numbers', '0'],
  ['--list', 'L'],
  ['--list-rules', 'S'],
  ['--match', 'm'],
  ['--modprobe', 'M'],
  ['--new-chain', 'N'],
  ['--numeric', 'n'],
  ['--out-interface', 'o'],
  ['--policy', 'P'],
  ['--protocol', 'p'],
  ['--rename-chain', 'E'],
  ['--replace', 'R'],
  ['--set-counters', 'c'],
  ['--source', 's'],
  ['--src', 's'],
  ['--table', 't'],
  ['--verbose', 'v'],
  ['--version', 'V'],
  ['--wait', 'w'],
  ['--zero', 'Z'],
];

/** An extension loaded by a rule, and its options so far. */
export class LoadedExtension<E extends Extension<unknown>> implements ParsedOptions {
  readonly extension: E;
  readonly word: Word;
  readonly all: ParsedOption[] = [];

  constructor(extension: E, word: Word) {
    this.extension = extension;
    this.word = word;
  }

  get(name: string): ParsedOption | undefined {
    return this.all.find((option) => option.name === name);
  }

  /** Adds an option, with the checks of xtables_option_parse. */
  give(option: ParsedOption, spec: OptionSpec): void {
    const { name } = this.extension;
    const { word } = option;
    if (option.negated && spec.invertible !== true) {
      throw new RuleFault(word, `${name}: ${spec.name} cannot be inverted`);
    }
    if (this.get(spec.name) !== undefined) throw new RuleFault(word, `${name}: ${spec.name} can only be used once`);
    const clash = this.all.find(
      (other) => excludes(spec, other.name) || excludes(this.#spec(other.name), spec.name),
    )?.name;
    if (clash !== undefined) throw new RuleFault(word, `${name}: ${spec.name} cannot be used together with ${clash}`);
    this.all.push(option);
  }

  #spec(name: string): OptionSpec | undefined {
    return this.extension.options.find((spec) => spec.name === name);
  }

  /** Parses the options into the extension's parameters. */
  parse(): unknown {
    const { extension } = this;
    const missing = extension.options.find((spec) => spec.required === true && this.get(spec.name) === undefined);
    if (missing !== undefined) {
      throw new RuleFault(
        this.word,
        `${extension.name} needs ${missing.name}`,
        `${missing.name} ${missing.expected ?? ''}`.trim(),
      );
    }
    return extension.parse(this);
  }
}

function excludes(spec: OptionSpec | undefined, name: string): boolean {
  return spec?.excludes?.includes(name) === true;
}

type Found =
  | { readonly letter: string }
  | { readonly owner: LoadedExtension<Extension<unknown>>; readonly spec: OptionSpec };

/**
 * Finds the owner of option WORD: the rule itself (by letter or long name), or one of LOADED. An exact match takes
 * precedence over an unambiguous prefix, and later extensions over earlier ones. Returns undefined if there is no owner
 * or it is ambiguous.
 */
export function findOption(word: Word, loaded: readonly LoadedExtension<Extension<unknown>>[]): Found | undefined {
  const { text } = word;
  if (!text.startsWith('--')) return text.length === 2 ? { letter: text[1] } : undefined;
  for (let i = loaded.length - 1; i >= 0; i--) {
    for (const spec of loaded[i].extension.options) {
      if (spec.name === text || spec.aliases?.includes(text) === true) return { owner: loaded[i], spec };
    }
  }
  const exact = BASE_OPTIONS.find(([name]) => name === text);
  if (exact !== undefined) return { letter: exact[1] };

  const letters = new Set(BASE_OPTIONS.filter(([name]) => name.startsWith(text)).map(([, letter]) => letter));
  const found: Found[] = [...letters].map((letter) => ({ letter }));
  const seen = new Set<Extension<unknown>>();
  for (const owner of loaded.toReversed()) {
    if (seen.has(owner.extension)) continue;
    seen.add(owner.extension);
    for (const spec of owner.extension.options) {
      const names = [spec.name, ...(spec.aliases ?? [])];
      if (names.some((name) => name.startsWith(text))) found.push({ owner, spec });
    }
  }
  return found.length === 1 ? found[0] : undefined;
}

/** The error for an option without an owner. */
export function unknownOption(word: Word, loaded: readonly LoadedExtension<Extension<unknown>>[]): RuleFault {
  const names = [...BASE_OPTIONS.map(([name]) => name), ...loaded.flatMap(({ extension }) => optionNames(extension))];
  const owners = loaded.length === 0 ? '' : ` or of ${loaded.map(({ extension }) => extension.name).join(', ')}`;
  return unknownName(word, 'option', word.text, names, `an option of iptables${owners}`);
}

function optionNames(extension: Extension<unknown>): string[] {
  return extension.options.flatMap(({ name, aliases }) => [name, ...(aliases ?? [])]);
}

/** Reads the words of a rule one by one. */
export class WordReader {
  #words: readonly Word[];
  #at = 0;

  constructor(words: readonly Word[]) {
    this.#words = words;
  }

  /** Makes WORD the next word. */
  insert(word: Word): void {
    this.#words = this.#words.toSpliced(this.#at, 0, word);
  }

  next(): Word | undefined {
    return this.#words[this.#at++];
  }

  peek(): Word | undefined {
    return this.#words[this.#at];
  }

  /** The value of OPTION, whatever it looks like. */
  value(option: Word, expected: string): Word {
    const value = this.#words[this.#at++];
    if (value === undefined) throw new RuleFault(option, `option ${option.text} requires an argument`, expected);
    return value;
  }

  /** The COUNT values of OPTION, whatever they look like. */
  values(option: Word, count: number, expected: string): Word[] {
    const values = this.#words.slice(this.#at, this.#at + count);
    if (values.length < count) throw new RuleFault(option, `option ${option.text} requires an argument`, expected);
    this.#at += count;
    return values;
  }
}
