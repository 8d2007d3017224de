/** Help for people, made of the declarations of the commands. */

import { NO_BREAK, wrapAfter } from '../explain/text/columns.js';
import { PLAIN, type Style } from '../explain/text/style.js';
import { type CommandSpec, type Example, HELP, type OptionSpec } from './args.js';
import { COMMANDS } from './commands/index.js';

/** What nfreplay is, in one line. */
export const ABOUT = 'replay captures through Linux netfilter, offline, packet for packet';

/** The exit codes, and what they mean. */
export const EXIT_CODES: readonly (readonly [code: number | string, meaning: string])[] = [
  [0, 'done'],
  [
    1,
    'a comparison (`check`, `diff`) found a difference, `doctor`, `lint` or `scan --expect` found something, or ' +
      '`--strict` found that the result may be wrong or incomplete',
  ],
  [2, 'incorrect usage, or an invalid ruleset, host, case or filter'],
  [3, 'the ruleset, the host or a filter uses an unsupported feature'],
  [4, 'a file cannot be read or written'],
  [70, 'a bug in nfreplay'],
  ['128+n', 'ended by signal n'],
];

/** The environment variables that have an effect. */
export const ENVIRONMENT: readonly (readonly [name: string, effect: string])[] = [
  ['COLUMNS', 'the width of what is printed, instead of that of the terminal, or of 120 characters'],
  ['FORCE_COLOR', 'colour without a terminal; `0`: no colour'],
  ['NO_COLOR', 'no colour, if not empty'],
  ['NFREPLAY_DEBUG', 'if not empty, a stack trace with the message of a bug in nfreplay'],
];

/** The options of nfreplay itself. */
export const GLOBAL_OPTIONS: readonly OptionSpec[] = [HELP, { name: 'version', short: 'v', help: 'show the version' }];

/** All options of the command SPEC. */
export function optionsOf(spec: CommandSpec): readonly OptionSpec[] {
  return [...spec.options, HELP];
}

/** `--in IFACE=FILE`, `-o, --out DIR` */
export function optionText({ name, short, value }: OptionSpec): string {
  return `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
}

/** The help of one command, in lines of at most WIDTH characters. */
export function helpOf(spec: CommandSpec, style: Style = PLAIN, width = Number.POSITIVE_INFINITY): string {
  const usages = spec.usages.flatMap((usage, i) =>
    wrapAfter(`${i === 0 ? 'usage:' : '      '} nfreplay ${spec.name} `, withValues(usage), width),
  );
  const options = optionsOf(spec).map((option): [string, string] => [optionText(option), option.help]);
  return [
    ...wrapAfter(`nfreplay ${spec.name}: `, spec.summary, width),
    '',
    ...usages,
    '',
    ...definitions([...(spec.terms ?? []), ...options], style, width),
    '',
    ...examplesOf(spec.examples, style, width),
  ].join('\n');
}

/** The help of nfreplay itself, in lines of at most WIDTH characters. */
export function overview(style: Style = PLAIN, width = Number.POSITIVE_INFINITY): string {
  return [
    ...wrapAfter('nfreplay: ', ABOUT, width),
    '',
    'usage: nfreplay COMMAND [options]',
    '',
    ...definitions(
      COMMANDS.map(({ name, summary }) => [name, summary]),
      style,
      width,
    ),
    '',
    ...definitions(
      [
        ['nfreplay COMMAND --help', 'show all options of a command'],
        ['nfreplay --version', 'show the version'],
        ['man nfreplay', 'all of it as a manual page, where npm installed nfreplay globally'],
      ],
      PLAIN,
      width,
    ),
    '',
    ...examplesOf(
      COMMANDS.map(({ examples }) => examples[0]),
      style,
      width,
    ),
    'exit codes:',
    ...definitions(
      EXIT_CODES.map(([code, meaning]) => [String(code), meaning.replaceAll('`', '')]),
      PLAIN,
      width,
    ),
    '',
  ].join('\n');
}

/** USAGE, in which options stay with their values. */
const withValues = (usage: string): string => usage.replace(/(--\S+) (?=[A-Z…])|(?<=\S) (?=…)/g, `$1${NO_BREAK}`);

/** TEXT, in which commands stay together. */
const withCode = (text: string): string => text.replace(/`[^`]*`/g, (code) => code.replaceAll(' ', NO_BREAK));

/** Terms in one column, and what they mean in another. */
function definitions(
  rows: readonly (readonly [term: string, meaning: string])[],
  style: Style,
  width: number,
): string[] {
  const termWidth = Math.max(...rows.map(([term]) => term.length));
  return rows.flatMap(([term, meaning]) => {
    const [first, ...more] = wrapAfter(`  ${term.padEnd(termWidth)}  `, withCode(meaning), width);
    return [first.replace(term, style.bold), ...more];
  });
}

/** Examples, each below a line that says what it does. */
function examplesOf(examples: readonly Example[], style: Style, width: number): string[] {
  const lines = examples.flatMap(({ about, command }) => [
    ...wrapAfter('  # ', about, width).map((line, i) => style.dim(i === 0 ? line : line.replace('   ', '  #'))),
    ...wrapCommand(command, width - '  '.length).map((line) => `  ${line}`),
    '',
  ]);
  return ['examples:', ...lines];
}

/** Parts of a shell command: between options and pipes outside of quotes. */
const COMMAND_PART = /(?:'[^']*'|(?! (?:--|\| ))[^'])+/g;

/** A shell command as lines that can be pasted into a shell, split before options and pipes. */
export function wrapCommand(command: string, width: number): string[] {
  const lines = [''];
  for (const part of (command.match(COMMAND_PART) ?? []).map((text) => text.trim())) {
    const line = lines[lines.length - 1];
    // A line that is continued ends with ` \`.
    if (line === '') lines[lines.length - 1] = part;
    else if (line.length + part.length + ' '.length + ' \\'.length <= width) lines[lines.length - 1] += ` ${part}`;
    else {
      lines[lines.length - 1] += ' \\';
      lines.push(`    ${part}`);
    }
  }
  return lines;
}
