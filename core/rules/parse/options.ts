/**
 * The words of a line as options and their values (getopt_long, with the options of iptables and of the extensions that
 * the rule has loaded).
 */
import type { Family } from '../../../codecs/address.js';
import type { NamesDescription } from '../../../codecs/host/names.js';
import type { Word } from '../../../codecs/iptables-save.js';
import type { Extension, OptionSpec, ParsedOption, ParsedOptions } from '../extension.js';
import { RuleFault, unknownName } from './error.js';
import { neededBefore } from './option-owners.js';

/** Whether an option takes a value: no, yes, or only one that is attached to it. */
type Takes = 'nothing' | 'value' | 'attached';

type BaseOption = readonly [name: string, letter: string, takes: Takes];

/** Options common to all rules: long name, letter, value. */
const ALL_BASE_OPTIONS: readonly BaseOption[] = [
  ['--append', 'A', 'value'],
  ['--check', 'C', 'value'],
  ['--delete', 'D', 'value'],
  ['--delete-chain', 'X', 'attached'],
  ['--destination', 'd', 'value'],
  ['--dst', 'd', 'value'],
  ['--exact', 'x', 'nothing'],
  ['--flush', 'F', 'attached'],
  ['--fragments', 'f', 'nothing'],
  ['--goto', 'g', 'value'],
  ['--help', 'h', 'attached'],
  ['--in-interface', 'i', 'value'],
  ['--insert', 'I', 'value'],
  ['--ipv4', '4', 'nothing'],
  ['--ipv6', '6', 'nothing'],
  ['--jump', 'j', 'value'],
  ['--line-numbers', '0', 'nothing'],
  ['--list', 'L', 'attached'],
  ['--list-rules', 'S', 'attached'],
  ['--match', 'm', 'value'],
  ['--modprobe', 'M', 'value'],
  ['--new-chain', 'N', 'value'],
  ['--numeric', 'n', 'nothing'],
  ['--out-interface', 'o', 'value'],
  ['--policy', 'P', 'value'],
  ['--protocol', 'p', 'value'],
  ['--rename-chain', 'E', 'value'],
  ['--replace', 'R', 'value'],
  ['--set-counters', 'c', 'value'],
  ['--source', 's', 'value'],
  ['--src', 's', 'value'],
  ['--table', 't', 'value'],
  ['--verbose', 'v', 'nothing'],
  ['--version', 'V', 'nothing'],
  ['--wait', 'w', 'attached'],
  ['--wait-interval', 'W', 'attached'],
  ['--zero', 'Z', 'attached'],
];

/** ip6tables knows `-f`, to refuse it, but not its long name. */
const BASE_OPTIONS: Readonly<Record<Family, readonly BaseOption[]>> = {
  ipv4: ALL_BASE_OPTIONS,
  ipv6: ALL_BASE_OPTIONS.filter(([, letter]) => letter !== 'f'),
};

/** What each letter takes. `-0` has no letter of its own on the command line. */
const LETTERS: ReadonlyMap<string, Takes> = new Map(
  ALL_BASE_OPTIONS.filter(([, letter]) => letter !== '0').map(([, letter, takes]) => [letter, takes]),
);

/** An extension loaded by a rule, and its options so far. */
export class LoadedExtension<E extends Extension<unknown>> implements ParsedOptions {
  readonly extension: E;
  readonly word: Word;
  readonly family: Family;
  readonly names: NamesDescription;
  readonly all: ParsedOption[] = [];

  constructor(extension: E, word: Word, { family, names }: Pick<LoadedExtension<E>, 'family' | 'names'>) {
    this.extension = extension;
    this.word = word;
    this.family = family;
    this.names = names;
  }

  get(name: string): ParsedOption | undefined {
    return this.all.find((option) => option.name === name);
  }

  /** Adds an option, with the checks of xtables_option_parse. */
  give(option: ParsedOption, spec: OptionSpec): void {
    const { name } = this.extension;
    const { word } = option;
    if (option.negated && spec.invertible !== true) {
      const tool = this.#toolMessage(`option "${longName(spec)}" cannot be inverted.`);
      throw new RuleFault(word, `${name}: ${spec.name} cannot be inverted`, '', 'invalid', tool);
    }
    if (this.get(spec.name) !== undefined && spec.repeatable !== true) {
      const tool = this.#toolMessage(`option "${longName(spec)}" can only be used once.`);
      throw new RuleFault(word, `${name}: ${spec.name} can only be used once`, '', 'invalid', tool);
    }
    this.all.push(option);
  }

  /** Parses the options into the extension's parameters, with the checks of xtables_option_mfcall. */
  parse(): unknown {
    const { extension } = this;
    const missing = this.#missing();
    if (missing !== undefined) {
      throw new RuleFault(
        this.word,
        `${extension.name} needs ${missing.name}`,
        `${missing.name} ${missing.expected ?? ''}`.trim(),
        'invalid',
        this.#toolMessage(`option "${missing.name}" must be specified`),
      );
    }
    if (this.all.length > 1) this.#refuseClash();
    return extension.parse(this);
  }

  /**
   * Checks the values of the options, but not whether they are all that is needed. Returns false if that is not
   * possible, as some are missing.
   */
  checkValues(): boolean {
    if (this.#missing() !== undefined) return this.all.length === 0;
    try {
      this.extension.parse(this);
    } catch (fault) {
      if (!(fault instanceof RuleFault) || fault.word !== this.word) throw fault;
    }
    return true;
  }

  /** What iptables says about the options, if it is TEXT. */
  #toolMessage(text: string): string {
    const { name, hasOwnMessages } = this.extension;
    return hasOwnMessages === true ? '' : `${name}: ${text}\n`;
  }

  #missing(): OptionSpec | undefined {
    return this.extension.options.find((spec) => spec.required === true && this.get(spec.name) === undefined);
  }

  #refuseClash(): void {
    const { name, options } = this.extension;
    for (const [i, { name: later, word }] of this.all.entries()) {
      const spec = options.find((one) => one.name === later);
      for (const { name: earlier } of this.all.slice(0, i)) {
        const other = options.find((one) => one.name === earlier);
        if (!excludes(spec, earlier) && !excludes(other, later)) continue;
        throw new RuleFault(word, `${name}: ${later} cannot be used together with ${earlier}`);
      }
    }
  }
}

/** The name by which iptables calls an option: of several, the long one. */
function longName({ name, aliases = [] }: OptionSpec): string {
  return aliases.reduce((long, alias) => (alias.length > long.length ? alias : long), name);
}

function excludes(spec: OptionSpec | undefined, name: string): boolean {
  return spec?.excludes?.includes(name) === true;
}

type Loaded = readonly LoadedExtension<Extension<unknown>>[];

type Found =
  | { readonly letter: string; readonly takes: Takes }
  | { readonly owner: LoadedExtension<Extension<unknown>>; readonly spec: OptionSpec };

/**
 * Finds the owner of the long option NAME: the rule itself, or one of the extensions that it has loaded. An exact match
 * takes precedence over an unambiguous prefix, and later extensions over earlier ones. Returns undefined if there is no
 * owner or several.
 */
function findOption(name: string, { loaded, family }: OptionOwners): Found | undefined {
  for (let i = loaded.length - 1; i >= 0; i--) {
    for (const spec of loaded[i].extension.options) {
      if (spec.families?.includes(family) === false) continue;
      if (spec.name === name || spec.aliases?.includes(name) === true) return { owner: loaded[i], spec };
    }
  }
  const exact = BASE_OPTIONS[family].find(([known]) => known === name);
  if (exact !== undefined) return { letter: exact[1], takes: exact[2] };

  const found = new Map<string, Found>();
  for (const [known, letter, takes] of BASE_OPTIONS[family])
    if (known.startsWith(name)) found.set(letter, { letter, takes });
  const seen = new Set<Extension<unknown>>();
  for (const owner of loaded.toReversed()) {
    if (seen.has(owner.extension)) continue;
    seen.add(owner.extension);
    for (const spec of owner.extension.options) {
      if (spec.families?.includes(family) === false) continue;
      if (optionNames(spec).some((known) => known.startsWith(name))) {
        found.set(`${owner.extension.name} ${spec.name}`, { owner, spec });
      }
    }
  }
  return found.size === 1 ? [...found.values()][0] : undefined;
}

function optionNames({ name, aliases }: OptionSpec): string[] {
  return [name, ...(aliases ?? [])];
}

/** The error for an option without an owner. */
function unknownOption(word: Word, { loaded, family }: OptionOwners): RuleFault {
  const name = word.text.split('=', 1)[0];
  const tool = `unknown option "${word.text}"`;
  const needed = neededBefore(name, family);
  if (needed !== undefined && !BASE_OPTIONS[family].some(([known]) => known === name)) {
    return new RuleFault(word, `unknown option "${name}"`, `${needed} before it`, 'invalid', tool);
  }
  // Of equally near names, that of an extension is meant.
  const names = [
    ...loaded.flatMap(({ extension }) => extension.options.flatMap(optionNames)),
    ...BASE_OPTIONS[family].map(([known]) => known),
  ];
  const owners = loaded.length === 0 ? '' : ` or of ${loaded.map(({ extension }) => extension.name).join(', ')}`;
  return unknownName(word, 'option', name, names, `an option of iptables${owners}`, tool);
}

/** What is next in a line. */
export type Item =
  /** A word that is neither an option nor the value of one. */
  | { readonly kind: 'word'; readonly word: Word }
  | {
      readonly kind: 'base';
      readonly letter: string;
      readonly word: Word;
      readonly value: Word | undefined;
      /** For `-ieth0` and `--in-interface=eth0`, the whole word; else the value. */
      readonly given: Word | undefined;
    }
  | {
      readonly kind: 'extension';
      readonly owner: LoadedExtension<Extension<unknown>>;
      readonly spec: OptionSpec;
      readonly word: Word;
      readonly values: readonly Word[];
    };

/** What the reader asks of the rule. */
export interface OptionOwners {
  readonly family: Family;
  readonly loaded: Loaded;
  /** Loads the extension that WORD may belong to; returns whether there is one. */
  loadFor(word: Word): boolean;
}

/** Reads the words of a line one by one. */
export class OptionReader {
  readonly #words: readonly Word[];
  readonly #owners: OptionOwners;
  #at = 0;
  #excess: Word | undefined;
  /** The word of several letters that is being read, and the position in it. */
  #cluster: Word | undefined;
  #clusterAt = 0;

  constructor(words: readonly Word[], owners: OptionOwners) {
    this.#words = words;
    this.#owners = owners;
  }

  /** The next option or word; undefined at the end. */
  next(): Item | undefined {
    if (this.#cluster !== undefined) return this.#letter(this.#cluster);
    const word = this.#words[this.#at++];
    if (word === undefined) return undefined;
    const { text } = word;
    if (text.length < 2 || text[0] !== '-') return { kind: 'word', word };
    if (text[1] !== '-') {
      this.#clusterAt = 1;
      return this.#letter(word);
    }
    return text.length === 2 ? this.#end() : this.#long(word);
  }

  /** The word after `--`, which iptables takes for a mistake once it has read all before. */
  get excess(): Word | undefined {
    return this.#excess;
  }

  /** The next word, if it can be a further value of the last option. */
  further(): Word | undefined {
    const word = this.#words[this.#at];
    if (word === undefined || word.text[0] === '-' || word.text[0] === '!') return undefined;
    this.#at++;
    return word;
  }

  /** `--` ends the options. */
  #end(): undefined {
    this.#excess = this.#words[this.#at];
    return undefined;
  }

  #letter(word: Word): Item {
    const { text, line, column } = word;
    const at = this.#clusterAt;
    const letter = text[at];
    const takes = LETTERS.get(letter);
    if (takes === undefined) throw unknownOption(word, this.#owners);
    this.#clusterAt++;
    const isLast = this.#clusterAt >= text.length;
    this.#cluster = isLast || takes !== 'nothing' ? undefined : word;
    const isAttached = takes !== 'nothing' && !isLast;
    const name = text.length === 2 ? word : { text: `-${letter}`, line, column: at === 1 ? column : column + at };
    if (isAttached) {
      const value = { text: text.slice(at + 1), line, column: column + at + 1 };
      return { kind: 'base', letter, word: at === 1 ? word : name, value, given: word };
    }
    const value = takes === 'value' ? this.#value(name, '') : undefined;
    return { kind: 'base', letter, word: name, value, given: value };
  }

  #long(word: Word): Item {
    const equals = word.text.indexOf('=');
    const name = equals < 0 ? word.text : word.text.slice(0, equals);
    const attached: Word | undefined =
      equals < 0 ? undefined : { text: word.text.slice(equals + 1), line: word.line, column: word.column + equals + 1 };
    const owners = this.#owners;
    let found = findOption(name, owners);
    if (found === undefined && owners.loadFor(word)) found = findOption(name, owners);
    if (found === undefined) throw unknownOption(word, owners);
    if ('letter' in found) {
      const { letter, takes } = found;
      if (takes === 'nothing' && attached !== undefined) throw noValue(word, name);
      const value = takes === 'value' ? (attached ?? this.#value(word, '')) : attached;
      return { kind: 'base', letter, word, value, given: attached === undefined ? value : word };
    }
    const { owner, spec } = found;
    if (spec.words === 0) {
      if (attached !== undefined) throw noValue(word, name);
      const further = spec.mayHaveWord === true ? this.further() : undefined;
      return { kind: 'extension', owner, spec, word, values: further === undefined ? [] : [further] };
    }
    const expected = spec.expected ?? 'a value';
    const values = [attached ?? this.#value(word, expected)];
    if (spec.words === 2) {
      const second = this.further();
      if (second === undefined) throw new RuleFault(word, `option ${name} requires two arguments`, expected);
      values.push(second);
    }
    return { kind: 'extension', owner, spec, word, values };
  }

  /** The value of OPTION, whatever it looks like. */
  #value(option: Word, expected: string): Word {
    const value = this.#words[this.#at++];
    if (value === undefined) {
      const tool = `option "${option.text}" requires an argument`;
      throw new RuleFault(option, `option ${option.text} requires an argument`, expected, 'invalid', tool);
    }
    return value;
  }
}

function noValue(word: Word, name: string): RuleFault {
  return new RuleFault(word, `option ${name} takes no value`, name, 'invalid', `unknown option "${word.text}"`);
}
