// Writes the manual page nfreplay(1), made of the declarations of the commands, to the file that is its argument. The
// build runs it; man(7) describes the format.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { version } from '../replay/version.js';
import type { CommandSpec, Example, OptionSpec } from './args.js';
import { COMMANDS } from './commands/index.js';
import { ABOUT, ENVIRONMENT, EXIT_CODES, GLOBAL_OPTIONS, optionsOf, optionText, wrapCommand } from './help.js';

const DESCRIPTION = [
  "nfreplay emulates one Linux host's IPv4 packet processing: netfilter, connection tracking, NAT and routing.",
  'Rules, a description of the host and captured frames go in. The frames that the host would have sent come out, with',
  'its rule counters, its connection table, and the reason for every drop. It needs no root, no kernel and no network.',
].join(' ');

const SEE_ALSO = [
  ['iptables-save', 8],
  ['ip', 8],
  ['conntrack', 8],
  ['tcpdump', 8],
] as const;

/** So that examples fit a terminal of 80 columns. */
const EXAMPLE_WIDTH = 68;

/** TEXT that groff and mandoc print as it is. */
function escaped(text: string): string {
  const named: Readonly<Record<string, string>> = {
    '\\': '\\e',
    '-': '\\-',
    "'": '\\(aq',
    '`': '\\(ga',
    '^': '\\(ha',
    '~': '\\(ti',
  };
  return text
    .replace(/[\\\-'`^~]/g, (char) => named[char])
    .replace(/[^\n -~]/gu, (char) => `\\[u${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}]`)
    .replace(/^(?=\.)/gm, '\\&');
}

/** TEXT, in which `code` is bold. */
function prose(text: string): string {
  return text
    .split('`')
    .map((part, i) => (i % 2 === 0 ? escaped(part) : bold(part)))
    .join('');
}

const bold = (text: string): string => `\\fB${escaped(text)}\\fR`;
const italic = (text: string): string => `\\fI${escaped(text)}\\fR`;

/** The words of a command line: what is typed is bold, placeholders are italic. */
function usage(text: string): string {
  return text.replace(/(?<![\w-])--?[a-z][\w-]*|[A-Z]+(?:=[A-Z]+)?|[^A-Z-]+|-/g, (part) => {
    if (/^--?[a-z]/.test(part)) return bold(part);
    return /^[A-Z]/.test(part) ? italic(part) : escaped(part);
  });
}

const term = (name: string, about: string): string[] => ['.TP', name, about];

const optionLines = (option: OptionSpec): string[] => term(usage(optionText(option)), prose(option.help));

function commandLines(spec: CommandSpec): string[] {
  return [
    `.SS nfreplay ${spec.name}`,
    `${prose(sentence(spec.summary))}`,
    ...spec.usages.flatMap((words) => ['.PP', `${bold(`nfreplay ${spec.name}`)} ${usage(words)}`]),
    ...(spec.terms ?? []).flatMap(([name, meaning]) => term(usage(name), prose(meaning))),
    ...optionsOf(spec).flatMap(optionLines),
  ];
}

const exampleLines = ({ about, command }: Example): string[] => [
  prose(sentence(about)),
  '.PP',
  '.RS 4',
  '.nf',
  escaped(wrapCommand(command, EXAMPLE_WIDTH).join('\n')),
  '.fi',
  '.RE',
];

/** TEXT as a sentence. */
const sentence = (text: string): string => `${text[0].toUpperCase()}${text.slice(1)}.`;

function manualPage(): string {
  return [
    '.\\" Made from the table of commands in nfreplay. Do not edit.',
    `.TH NFREPLAY 1 "" "nfreplay ${version()}" "User Commands"`,
    // Neither hyphens at the end of lines nor wider blanks: much of it is to be typed.
    '.nh',
    '.ad l',
    '.SH NAME',
    `nfreplay \\- ${escaped(ABOUT)}`,
    '.SH SYNOPSIS',
    `${bold('nfreplay')} ${usage('COMMAND [options]')}`,
    '.SH DESCRIPTION',
    prose(DESCRIPTION),
    '.SH OPTIONS',
    ...GLOBAL_OPTIONS.flatMap(optionLines),
    '.SH COMMANDS',
    ...COMMANDS.flatMap(commandLines),
    '.SH EXAMPLES',
    ...COMMANDS.flatMap(({ examples }) => examples)
      .map(exampleLines)
      .flatMap((lines, i) => (i === 0 ? lines : ['.PP', ...lines])),
    '.SH "EXIT STATUS"',
    ...EXIT_CODES.flatMap(([code, meaning]) => term(bold(String(code)), prose(sentence(meaning)))),
    '.SH ENVIRONMENT',
    ...ENVIRONMENT.flatMap(([name, about]) => term(bold(name), prose(sentence(about)))),
    '.SH "SEE ALSO"',
    SEE_ALSO.map(([name, section]) => `${bold(name)}(${section})`).join(', '),
    '',
  ].join('\n');
}

const [path] = process.argv.slice(2);
mkdirSync(dirname(path), { recursive: true });
writeFileSync(path, manualPage());
