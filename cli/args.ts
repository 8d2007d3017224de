/** Command lines: what a command takes, declared once; parsed, checked, and explained from that. */
import { parseArgs } from 'node:util';
import { nearest } from '../core/rules/parse/error.js';
import { UsageError } from './errors.js';
import { PLAIN, type Style } from './style.js';

export interface OptionSpec {
  /** Without the dashes. */
  name: string;
  /** What its value is called in the help; undefined: it has none. */
  value?: string;
  /** It may be given several times. */
  multiple?: boolean;
  /** The only values that it takes. */
  choices?: readonly string[];
  help: string;
}

export interface Example {
  /** What it is for. */
  about: string;
  command: string;
}

export interface CommandSpec {
  name: string;
  /** One line, for the list of commands. */
  summary: string;
  /** What follows `nfreplay NAME`, one way to call it each. */
  usages: readonly string[];
  options: readonly OptionSpec[];
  /** What its arguments are called; undefined: it takes none. */
  positionals?: string;
  examples: readonly Example[];
}

const HELP: OptionSpec = { name: 'help', help: 'show this help' };

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

  /** The value of an option, undefined where it was not given. */
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
    if (value === undefined) throw new UsageError(`--${name} is missing`);
    return value;
  }

  /** A whole number, at least MINIMUM; undefined where the option was not given. */
  wholeNumber(name: string, minimum = 0): number | undefined {
    const text = this.value(name);
    if (text === undefined) return undefined;
    const number = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(number) || number < minimum) {
      throw new UsageError(`--${name} ${text}: a whole number is wanted, at least ${minimum}`);
    }
    return number;
  }
}

/**
 * ARGS, as SPEC declares them. `--help` and `-h` are always there.
 * @throws {UsageError} for an option that there is not (with the nearest that there is), a missing or needless value, …
 */
export function parseCommand(spec: CommandSpec, args: readonly string[]): Arguments {
  const specs = [...spec.options, HELP];
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      specs.map(({ name, value }) => [
        name,
        { type: value ? 'string' : 'boolean', ...(name === HELP.name ? { short: 'h' } : {}) },
      ]),
    ),
    strict: false,
    tokens: true,
  });

  const values = new Map<string, string[]>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const option = specs.find(({ name }) => name === token.name);
    if (!option) throw unknownOption(token.rawName, specs);
    const given = values.get(option.name) ?? [];
    if (given.length && !option.multiple && option.value) throw new UsageError(`${token.rawName} is given twice`);
    values.set(option.name, [...given, optionValue(option, token)]);
  }
  if (positionals.length && !spec.positionals) {
    throw new UsageError(`nfreplay ${spec.name} takes no argument: ${positionals[0]}`);
  }
  return new Arguments(values, positionals);
}

interface OptionToken {
  rawName: string;
  value?: string | undefined;
  inlineValue?: boolean | undefined;
}

function optionValue(
  { value: placeholder, choices }: OptionSpec,
  { rawName, value, inlineValue }: OptionToken,
): string {
  if (placeholder === undefined) {
    if (value !== undefined) throw new UsageError(`${rawName} takes no value: ${value}`);
    return '';
  }
  // `--rules --host h.json`: the value was forgotten. A lone dash is standard input.
  if (value === undefined || (!inlineValue && /^-./.test(value)))
    throw new UsageError(`${rawName} wants ${placeholder}`);
  if (choices && !choices.includes(value)) {
    throw new UsageError(
      withHint(`${rawName} ${value}: one of ${choices.join(', ')} is wanted`, nearest(value, choices)),
    );
  }
  return value;
}

function unknownOption(given: string, specs: readonly OptionSpec[]): UsageError {
  const hint = nearest(
    given.replace(/^-+/, ''),
    specs.map(({ name }) => name),
  );
  return new UsageError(withHint(`there is no option ${given}`, hint.replace('mean ', 'mean --')));
}

/** MESSAGE, and the HINT that `nearest` gives behind it. */
export function withHint(message: string, hint: string): string {
  return hint === '' ? message : `${message}; ${hint}`;
}

/** The help of one command. */
export function helpOf(spec: CommandSpec, style: Style = PLAIN): string {
  const options = [...spec.options, HELP].map((option) => ({
    left: `--${option.name}${option.value ? ` ${option.value}` : ''}`,
    help: option.help,
  }));
  const width = Math.max(...options.map(({ left }) => left.length));
  const indent = ' '.repeat(width + 4);
  return [
    `nfreplay ${spec.name}: ${spec.summary}`,
    '',
    ...spec.usages.map((usage, i) => `${i ? '      ' : 'usage:'} nfreplay ${spec.name} ${usage}`),
    '',
    ...options.map(({ left, help }) => `  ${style.bold(left.padEnd(width))}  ${help.replaceAll('\n', `\n${indent}`)}`),
    '',
    ...examplesOf(spec.examples, style),
  ].join('\n');
}

/** Examples, each under a line saying what it is for. */
export function examplesOf(examples: readonly Example[], style: Style): string[] {
  return ['examples:', ...examples.flatMap(({ about, command }) => [style.dim(`  # ${about}`), `  ${command}`, ''])];
}
