/**
 * Command lines. Each command declares its options once; parsing, checking, help, the manual page and completion
 * all follow from the declaration.
 */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { withNearest } from '../codecs/nearest.js';
import { cutToBytes } from '../codecs/text.js';
import { COLOR_CHOICES, type ColorChoice } from '../explain/text/style.js';
import { CliError, ExitCode, UsageError } from './errors.js';

export interface OptionSpec {
  /** Without the dashes. */
  name: string;
  /** One letter that means the same, such as `o` for `-o`. */
  short?: string;
  /** Placeholder for the value in the help; undefined for a flag. */
  value?: string;
  /** What else a refusal of a second one says. */
  onceHint?: string;
  /** Whether it may be given more than once. */
  multiple?: boolean;
  /** Whether words after the value are further values: a shell replaces a pattern by several words. */
  takesMore?: boolean;
  /** The allowed values; undefined: any. */
  choices?: readonly string[];
  /** Whether a value may start with a dash, as options of another program do. */
  takesDashes?: boolean;
  /** Whether such a value may be followed by `=` and the name of a file. */
  choiceTakesFile?: boolean;
  help: string;
}

export interface Example {
  /** What the command does, in a few words. */
  about: string;
  command: string;
}

export interface CommandSpec {
  name: string;
  /** One line, for the list of commands. */
  summary: string;
  /** The forms of the command line, each without the leading `nfreplay NAME`. */
  usages: readonly string[];
  /** What placeholders stand for, where that is a language of its own. */
  terms?: readonly (readonly [term: string, meaning: string])[];
  options: readonly OptionSpec[];
  /** Placeholder for the positional arguments; undefined: it takes none. */
  positionals?: string;
  /** What they may be; undefined: anything. */
  positionalChoices?: readonly string[];
  examples: readonly Example[];
}

/** Of every command that prints something for people. */
export const COLOR: OptionSpec = {
  name: 'color',
  value: 'WHEN',
  choices: COLOR_CHOICES,
  help: 'colour: auto, always or never (default: auto, if the output is a terminal)',
};

export const HELP: OptionSpec = { name: 'help', short: 'h', help: 'show this help' };

/** A parsed command line. */
export class Arguments {
  readonly positionals: readonly string[];
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]>, positionals: readonly string[]) {
    this.#values = values;
    this.positionals = positionals;
  }

  /** Whether the option was given. */
  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** The value of an option; undefined if it was not given. */
  value(name: string): string | undefined {
    return this.#values.get(name)?.[0];
  }

  /** Every value of an option, in order. */
  values(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** The value of an option that must be given. */
  required(name: string): string {
    const value = this.value(name);
    if (value === undefined) throw new UsageError(`--${name} is required`);
    return value;
  }

  /** The value of `--color`. */
  get color(): ColorChoice {
    return (this.value(COLOR.name) ?? 'auto') as ColorChoice;
  }

  /** A whole number, at least MINIMUM; undefined if the option was not given. */
  wholeNumber(name: string, minimum = 0): number | undefined {
    const text = this.value(name);
    if (text === undefined) return undefined;
    const number = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(number) || number < minimum) {
      throw new UsageError(`--${name} ${text}: expected a whole number, at least ${minimum}`);
    }
    return number;
  }
}

/**
 * Parses ARGS as SPEC declares them. `--help` and `-h` are always accepted.
 * @throws {UsageError} for an unknown option (suggesting the nearest known one), a missing or unexpected value, …
 * @throws {CliError} for a name that is not UTF-8
 */
export function parseCommand(spec: CommandSpec, args: readonly string[]): Arguments {
  const specs = [...spec.options, HELP];
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      specs.map(({ name, value, short }) => [
        name,
        { type: value ? 'string' : 'boolean', ...(short === undefined ? {} : { short }) },
      ]),
    ),
    strict: false,
    tokens: true,
  });

  const values = new Map<string, string[]>();
  const positionals: string[] = [];
  let latest: OptionSpec | undefined;
  for (const token of tokens) {
    if (token.kind === 'positional') {
      const more = latest?.takesMore ? values.get(latest.name) : undefined;
      (more ?? positionals).push(token.value);
    }
    if (token.kind !== 'option') continue;
    const option = specs.find(({ name }) => name === token.name);
    if (!option) throw unknownOption(token.rawName, specs);
    const given = values.get(option.name) ?? [];
    if (given.length && !option.multiple && option.value) {
      throw new UsageError(`${token.rawName} was given more than once${option.onceHint ?? ''}`);
    }
    values.set(option.name, [...given, optionValue(option, token)]);
    latest = option;
  }
  if (positionals.length && !spec.positionals) {
    throw new UsageError(`unexpected argument: ${positionals[0]}`);
  }
  for (const [name, given] of values) {
    const placeholder = specs.find((option) => option.name === name)?.value ?? '';
    for (const value of given) refuseLostBytes(value, `--${name}`, placeholder);
  }
  for (const value of positionals) refuseLostBytes(value, 'the argument', spec.positionals ?? '');
  if (positionals.includes('')) throw new UsageError(`an argument is empty: expected ${spec.positionals}`);
  return new Arguments(values, positionals);
}

/** The value of `--color` in ARGS, which may be incorrect otherwise. */
export function colorIn(args: readonly string[]): ColorChoice {
  const { color } = parseArgs({ args: [...args], options: { color: { type: 'string' } }, strict: false }).values;
  return COLOR_CHOICES.find((choice) => choice === color) ?? 'auto';
}

/** In the words of the command line, Node puts this in place of bytes that are not UTF-8. */
const REPLACEMENT = '\ufffd';

/** Values that name a file, or may: FILE, IFACE=FILE … */
const NAMES_FILE = /FILE|DIR|RULES|CASE/;
/** How much is shown of a value that is refused. */
const MOST_SHOWN_BYTES = 60;
const MOST_NAME_BYTES = 4096;

/**
 * Refuses VALUE of OPTION, a PLACEHOLDER, if bytes of it are lost, unless it names a file that is really called so.
 */
function refuseLostBytes(value: string, option: string, placeholder: string): void {
  if (!value.includes(REPLACEMENT)) return;
  if (!NAMES_FILE.test(placeholder)) {
    const from = Math.max(0, value.indexOf(REPLACEMENT) - MOST_SHOWN_BYTES / 2);
    const part = cutToBytes(value.slice(from), MOST_SHOWN_BYTES);
    throw new UsageError(`${option} is not UTF-8, near "${part}": leave out these bytes, or convert them (iconv)`);
  }
  if (existsSync(value) || existsSync(value.slice(value.indexOf('=') + 1))) return;
  throw new CliError(
    ExitCode.FILE,
    `${cutToBytes(value, MOST_NAME_BYTES)}: this name is not UTF-8, which cannot be given here; rename the file`,
  );
}

interface OptionToken {
  rawName: string;
  value?: string | undefined;
  inlineValue?: boolean | undefined;
}

function optionValue(
  { value: placeholder, choices, choiceTakesFile, takesDashes }: OptionSpec,
  { rawName, value, inlineValue }: OptionToken,
): string {
  if (placeholder === undefined) {
    if (value !== undefined) throw new UsageError(`${rawName} takes no value: ${value}`);
    return '';
  }
  // In `--rules --host h.json` the value was forgotten. A lone dash means standard input.
  if (value === undefined || (!inlineValue && !takesDashes && /^-./.test(value)))
    throw new UsageError(`${rawName} requires ${withArticle(placeholder)}`);
  const choice = choiceTakesFile ? value.split('=')[0] : value;
  if (choices && !choices.includes(choice)) {
    throw new UsageError(withNearest(`${rawName} ${value}: expected one of ${choices.join(', ')}`, choice, choices));
  }
  if (value === '') throw new UsageError(`${rawName} is empty: expected ${withArticle(placeholder)}`);
  return value;
}

/** `a FILE`, `an ENGINE`; `a number` for the placeholder N. */
function withArticle(placeholder: string): string {
  if (placeholder === 'N') return 'a number';
  return `${/^[AEIOU]/.test(placeholder) ? 'an' : 'a'} ${placeholder}`;
}

function unknownOption(given: string, specs: readonly OptionSpec[]): UsageError {
  const names = specs.map(({ name }) => `--${name}`);
  return new UsageError(withNearest(`unknown option: ${given}`, given, names));
}
