/**
 * The words of a command of ipset: options that may stand anywhere, the command, which may be abbreviated, and its
 * arguments (ipset_parser). What the arguments mean for a type of set is up to typed-options.ts.
 */
import { type IpsetStop, usageStop } from './report.js';

export type CommandName =
  | 'create'
  | 'add'
  | 'del'
  | 'test'
  | 'destroy'
  | 'list'
  | 'save'
  | 'restore'
  | 'flush'
  | 'rename'
  | 'swap'
  | 'help'
  | 'version'
  | 'quit';

interface Command {
  readonly name: CommandName;
  /** An abbreviation of any of them is enough; of several commands, the first in this list is meant. */
  readonly names: readonly string[];
  /** How many arguments it needs, or takes if there are any. */
  readonly args: 0 | 'optional' | 2;
}

const COMMANDS: readonly Command[] = [
  { name: 'create', names: ['create', 'new', '-N'], args: 2 },
  { name: 'add', names: ['add', '-A'], args: 2 },
  { name: 'del', names: ['del', '-D'], args: 2 },
  { name: 'test', names: ['test', '-T'], args: 2 },
  { name: 'destroy', names: ['destroy', 'x', '-X'], args: 'optional' },
  { name: 'list', names: ['list', '-L'], args: 'optional' },
  { name: 'save', names: ['save', '-S'], args: 'optional' },
  { name: 'restore', names: ['restore', '-R'], args: 0 },
  { name: 'flush', names: ['flush', '-F'], args: 'optional' },
  { name: 'rename', names: ['rename', 'e', '-E'], args: 2 },
  { name: 'swap', names: ['swap', 'w', '-W'], args: 2 },
  { name: 'help', names: ['help', '-h', '-H'], args: 'optional' },
  { name: 'version', names: ['version', '-v', '-V'], args: 0 },
  { name: 'quit', names: ['quit'], args: 0 },
];
const NOT_IN_FILES: readonly CommandName[] = ['restore', 'version', 'help'];

export type OutputMode = 'plain' | 'save' | 'xml';

/** Options that go before or behind a command, and hold for the rest of a file. */
export interface Environment {
  output: OutputMode | undefined;
  isSorted: boolean;
  isQuiet: boolean;
  isResolving: boolean;
  /** `-exist`. */
  isExist: boolean;
  /** `-name`. */
  isNames: boolean;
  /** `-terse`. */
  isTerse: boolean;
  file: string | undefined;
}

export function newEnvironment(): Environment {
  return {
    output: undefined,
    isSorted: false,
    isQuiet: false,
    isResolving: false,
    isExist: false,
    isNames: false,
    isTerse: false,
    file: undefined,
  };
}

const DASH = 0x2d;
/** In the order in which ipset looks for them. */
const ENVIRONMENT_OPTIONS = [
  ['-o', '-output', 'output'],
  ['-s', '-sorted', 'isSorted'],
  ['-q', '-quiet', 'isQuiet'],
  ['-r', '-resolve', 'isResolving'],
  ['-!', '-exist', 'isExist'],
  ['-n', '-name', 'isNames'],
  ['-t', '-terse', 'isTerse'],
  ['-f', '-file', 'file'],
] as const;

/** The words of a command, without `ipset`. Reused for each line of a file. */
export class CommandWords {
  command: CommandName = 'quit';
  /** What stands behind the command; `typed` follows the two that are required. */
  first: string | undefined = undefined;
  second: string | undefined = undefined;
  readonly rest: string[] = [];
  /** For each of these, which word of the line it is; -1: none. */
  firstAt = -1;
  secondAt = -1;
  readonly restAt: number[] = [];

  readonly #words: string[] = [];
  readonly #at: number[] = [];

  /**
   * Reads WORDS. IN_FILE: they are a line of a file for `ipset restore`. ERROR makes an error out of what is wrong with
   * an option's value. Throws an IpsetStop; `at` then says which word it is about.
   */
  read(words: readonly string[], environment: Environment, inFile: boolean, error: (text: string) => IpsetStop): void {
    this.#words.length = 0;
    this.#at.length = 0;
    for (let i = 0; i < words.length; i++) {
      this.#words.push(words[i]);
      this.#at.push(i);
    }
    this.at = -1;
    this.#takeEnvironment(environment, error);
    this.#takeCommand(inFile);
  }

  /**
   * Reads WORDS as what follows `add SET`. Returns false if there is nothing, or an option of ipset among them.
   */
  readAdded(words: readonly string[]): boolean {
    if (words.length === 0) return false;
    for (const word of words) if (word.charCodeAt(0) === DASH) return false;
    this.command = 'add';
    this.firstAt = -1;
    this.second = words[0];
    this.secondAt = 0;
    const count = words.length - 1;
    for (let i = 0; i < count; i++) {
      this.rest[i] = words[i + 1];
      this.restAt[i] = i + 1;
    }
    if (this.rest.length !== count) {
      this.rest.length = count;
      this.restAt.length = count;
    }
    return true;
  }

  /** The word that was read last. */
  at = -1;

  #takeEnvironment(environment: Environment, error: (text: string) => IpsetStop): void {
    if (!this.#words.some((word) => word.startsWith('-'))) return;
    for (const [short, long, member] of ENVIRONMENT_OPTIONS) {
      for (let i = 0; i < this.#words.length; ) {
        const word = this.#words[i].startsWith('--') ? this.#words[i].slice(1) : this.#words[i];
        if (word !== short && word !== long) {
          i++;
          continue;
        }
        this.#remove(i);
        if (member !== 'output' && member !== 'file') {
          environment[member] = true;
          continue;
        }
        if (i >= this.#words.length) throw usageStop(`Missing mandatory argument to option ${short}`);
        this.#setEnvironment(environment, member, this.#words[i], error);
        this.#remove(i);
      }
    }
  }

  #setEnvironment(
    environment: Environment,
    member: 'output' | 'file',
    value: string,
    error: (text: string) => IpsetStop,
  ): void {
    if (member === 'file') {
      if (environment.file !== undefined) {
        throw usageStop('-file option cannot be used when full io is activated', 'one -file');
      }
      environment.file = value;
    } else if (value === 'plain' || value === 'save' || value === 'xml') environment.output = value;
    else throw error(`Syntax error: unknown output mode '${value}'`);
  }

  #remove(i: number): void {
    this.at = this.#at[i];
    this.#words.splice(i, 1);
    this.#at.splice(i, 1);
  }

  #takeCommand(inFile: boolean): void {
    const [word] = this.#words;
    const command = word === undefined ? undefined : COMMANDS.find(({ names }) => matches(word, names));
    if (command === undefined) throw this.#noCommand(word);
    this.at = this.#at[0];
    if (inFile && NOT_IN_FILES.includes(command.name)) {
      throw usageStop(`Command \`${command.name}' is invalid in restore mode.`);
    }
    this.command = command.name;
    let taken = 1;
    this.first = undefined;
    this.second = undefined;
    this.firstAt = -1;
    this.secondAt = -1;
    if (command.args !== 0) {
      if (command.args === 2 && this.#words.length < 2) {
        throw usageStop(`Missing mandatory argument to command ${command.name}`, 'the name of a set');
      }
      if (this.#words.length > 1) {
        this.first = this.#words[1];
        this.firstAt = this.#at[1];
        taken = 2;
      }
      if (command.args === 2) {
        if (this.#words.length < 3) throw usageStop(`Missing second mandatory argument to command ${command.name}`);
        this.second = this.#words[2];
        this.secondAt = this.#at[2];
        taken = 3;
      }
    }
    this.rest.length = 0;
    this.restAt.length = 0;
    for (let i = taken; i < this.#words.length; i++) {
      this.rest.push(this.#words[i]);
      this.restAt.push(this.#at[i]);
    }
  }

  #noCommand(word: string | undefined): IpsetStop {
    const expected = 'create, add, del, test, destroy, list, save, restore, flush, rename, swap';
    if (word === undefined) return usageStop('No command specified.', expected);
    this.at = this.#at[0];
    return usageStop(`No command specified: unknown argument ${word}`, expected);
  }

  /** Throws if a word is left that the command has no use for. */
  endHere(): void {
    if (this.rest.length === 0) return;
    [this.at] = this.restAt;
    throw usageStop(`Unknown argument ${this.rest[0]}`);
  }
}

/** Whether WORD is one of NAMES or an abbreviation of one. */
function matches(word: string, names: readonly string[]): boolean {
  const name = word.startsWith('--') ? word.slice(2) : word;
  return name !== '' && word !== '-' && names.some((known) => known.startsWith(name));
}
