/**
 * The options of a command as docker takes them (github.com/spf13/pflag): `--name value`, `--name=value`, `-n value`,
 * `-nvalue`, `-n=value`, and letters in one word, of which the last may take a value (`-itdp 8080:80`).
 */
import type { Word } from '../../codecs/iptables-save.js';
import { withNearest } from '../../codecs/nearest.js';
import { expansionIn } from '../../codecs/shell-words.js';
import { CommandFault, partOf } from './fault.js';
import { checkFlagValue, type FlagType, isTrue } from './flag-values.js';

export interface FlagSpec {
  /** Without dashes. */
  readonly name: string;
  readonly short: string | undefined;
  readonly type: FlagType;
}

export type FlagTable = ReadonlyMap<string, FlagSpec>;

/** The flags of TEXT, a line each, as the help of docker shows them: `-p, --publish list`. One without type is a bool. */
export function flagTable(text: string): FlagTable {
  const flags = text
    .trim()
    .split(/\n+/)
    .map((line): [string, FlagSpec] => {
      const [, short, name, type = 'bool'] = /^\s*(?:-(\w), )?--([\w-]+)(?: (\w+))?$/.exec(line) ?? [];
      return [name, { name, short, type: type as FlagType }];
    });
  return new Map(flags);
}

/** The options that were given to a command, and its other words. */
export class Flags {
  readonly positionals: readonly Word[];
  readonly #values: ReadonlyMap<string, readonly Word[]>;

  constructor(values: ReadonlyMap<string, readonly Word[]>, positionals: readonly Word[]) {
    this.#values = values;
    this.positionals = positionals;
  }

  /** Every value of a flag, in order. */
  all(name: string): readonly Word[] {
    return this.#values.get(name) ?? [];
  }

  /** The value that counts: the last. */
  last(name: string): Word | undefined {
    return this.#values.get(name)?.at(-1);
  }

  /** Whether a bool is set; otherwise what it is by default. */
  isSet(name: string, byDefault = false): boolean {
    const word = this.last(name);
    return word === undefined ? byDefault : isTrue(word.text);
  }

  /** The first of NAMES that was given, with its value. */
  firstOf(names: readonly string[]): { name: string; word: Word } | undefined {
    const name = names.find((one) => this.#values.has(one));
    return name === undefined ? undefined : { name, word: this.all(name)[0] };
  }

  /** The first word of `list` values, each split at commas (pflag's stringSlice). */
  split(name: string): Word[] {
    return this.all(name).flatMap(commaParts);
  }
}

/** The parts of WORD between commas. */
export function commaParts(word: Word): Word[] {
  let at = 0;
  return word.text.split(',').map((text) => {
    const part = partOf(word, at, at + text.length);
    at += text.length + 1;
    return part;
  });
}

export interface FlagOptions {
  /** How the command is called in messages: `docker run`. */
  readonly command: string;
  /** Whether options may stand behind the first word that is none. */
  readonly isInterspersed: boolean;
}

/**
 * Parses WORDS, those behind a command.
 * @throws {CommandFault} for an option that there is not, a missing value or one that its type does not have
 */
export function parseFlags(words: readonly Word[], table: FlagTable, options: FlagOptions): Flags {
  return new FlagReader(words, table, options).read();
}

class FlagReader {
  readonly #words: readonly Word[];
  readonly #table: FlagTable;
  readonly #options: FlagOptions;
  readonly #values = new Map<string, Word[]>();
  readonly #positionals: Word[] = [];
  #at = 0;

  constructor(words: readonly Word[], table: FlagTable, options: FlagOptions) {
    this.#words = words;
    this.#table = table;
    this.#options = options;
  }

  read(): Flags {
    while (this.#at < this.#words.length) {
      const word = this.#words[this.#at++];
      const { text } = word;
      if (text === '--') {
        this.#rest();
      } else if (text.startsWith('--')) this.#long(word);
      else if (text.startsWith('-') && text !== '-') this.#letters(word);
      else {
        this.#positionals.push(word);
        if (!this.#options.isInterspersed) this.#rest();
      }
    }
    return new Flags(this.#values, this.#positionals);
  }

  #rest(): void {
    this.#positionals.push(...this.#words.slice(this.#at));
    this.#at = this.#words.length;
  }

  #long(word: Word): void {
    const [, name, equals, value] = /^--([^=]*)(=?)(.*)$/s.exec(word.text) ?? [];
    if (name === '' || name.startsWith('-')) throw new CommandFault(word, `${word.text} is no option`, '--NAME');
    const spec = this.#table.get(name);
    if (spec === undefined) throw this.#unknown(word, `--${name}`);
    if (equals !== '') this.#give(spec, partOf(word, word.text.length - value.length), `--${name}`);
    else if (spec.type === 'bool') this.#give(spec, { ...word, text: 'true' }, `--${name}`);
    else this.#give(spec, this.#next(word, `--${name}`), `--${name}`);
  }

  #letters(word: Word): void {
    for (let at = 1; at < word.text.length; at++) {
      const letter = word.text[at];
      const rest = partOf(word, at + 1);
      const spec = [...this.#table.values()].find(({ short }) => short === letter);
      if (spec === undefined) {
        const within = word.text.length > 2 ? ` (in ${word.text})` : '';
        throw this.#unknown(word, `-${letter}`, within);
      }
      const isLast = rest.text.startsWith('=') || spec.type !== 'bool';
      if (rest.text.startsWith('=')) this.#give(spec, partOf(rest, 1), `-${letter}`);
      else if (!isLast) this.#give(spec, { ...word, text: 'true' }, `-${letter}`);
      else this.#give(spec, rest.text === '' ? this.#next(word, `-${letter}`) : rest, `-${letter}`);
      if (isLast) return;
    }
  }

  #next(word: Word, name: string): Word {
    const next = this.#words[this.#at++];
    if (next === undefined) throw new CommandFault(word, `${name} has no value`, `${name} VALUE`);
    return next;
  }

  #give(spec: FlagSpec, word: Word, name: string): void {
    if (spec.type === 'bool' || expansionIn(word) === undefined) checkFlagValue(spec.type, word, name);
    const given = this.#values.get(spec.name);
    if (given === undefined) this.#values.set(spec.name, [word]);
    else given.push(word);
  }

  #unknown(word: Word, name: string, within = ''): CommandFault {
    const names = [...this.#table.values()].map((spec) => `--${spec.name}`);
    return new CommandFault(word, withNearest(`${this.#options.command} has no option ${name}${within}`, name, names));
  }
}
