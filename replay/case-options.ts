/** The options of a golden case: `case.json`, `{ "options": ["--at", "10s=rules-2.v4"] }`. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { withNearest } from '../codecs/nearest.js';
import { shownPath } from '../codecs/text.js';
import { EMULATOR_ENGINES } from '../core/emulator.js';
import { CHECKSUM_MODES } from '../core/offload/checksums.js';
import { GUESSES } from '../core/rules/guess/guess.js';
import { nativePath, refuseIrregular } from '../io/path.js';
import { readText } from '../io/text-file.js';
import { fileInCase, refuseLinkOut } from './case-folder.js';
import { changeAt } from './changes/planned-change.js';
import { startsAsCommand } from './commands/host-command.js';
import { ReplayOptionsError } from './errors.js';
import { HOST_CONNTRACK } from './listed-connections.js';
import type { ReplayOptions } from './replay.js';
import { rulesAt } from './rules-files.js';

export const CASE_FILE = 'case.json';

/** Options of `nfreplay replay`, with paths that lead into the folder of the case. */
export interface CaseOptions extends Partial<ReplayOptions> {
  /** A warning, an assumption or an uncertain packet fails the case. */
  isStrict?: boolean;
}

/** The path of the file that a case calls GIVEN in the value of OPTION. */
type InCase = (given: string, option: string) => string;

/** How an option of `nfreplay replay` changes the options of a case. Its VALUE is empty if it takes none. */
interface CaseOption {
  readonly takesValue: boolean;
  add(options: CaseOptions, value: string, inCase: InCase): CaseOptions;
}

const valued = (add: CaseOption['add']): CaseOption => ({ takesValue: true, add });
const flag = (more: CaseOptions): CaseOption => ({ takesValue: false, add: (options) => ({ ...options, ...more }) });
const list = <T>(given: readonly T[] | undefined, more: T): T[] => [...(given ?? []), more];
const text = (member: 'filter' | 'from' | 'to' | 'show'): CaseOption =>
  valued((options, value) => ({ ...options, [member]: value }));
const number = (member: 'seed' | 'limit'): CaseOption =>
  valued((options, value) => {
    const number = Number(value);
    if (!/^\d+$/.test(value) || !Number.isSafeInteger(number)) {
      throw new ReplayOptionsError(`--${member} ${value}: expected a whole number`);
    }
    return { ...options, [member]: number };
  });

const MULTIPLE = ['--in', '--stitch', '--capture', '--ipset', '--apply', '--at', '--expect-counters'];

const OPTIONS: Readonly<Record<string, CaseOption>> = {
  '--rules': valued((options, value, inCase) => ({
    ...options,
    rulesPath: rulesAt(value, (path) => inCase(path, '--rules')),
  })),
  '--guess': valued((options, value) => ({ ...options, guess: oneOf('--guess', value, GUESSES) })),
  '--host': valued((options, value, inCase) => ({ ...options, hostPath: inCase(value, '--host') })),
  '--in': valued((options, value, inCase) => {
    const [, iface, path] = /^([^=]+)=(.+)$/s.exec(value) ?? [];
    if (iface === undefined) throw new ReplayOptionsError(`--in ${value}: expected IFACE=FILE`);
    return { ...options, inputs: list(options.inputs, { iface, path: inCase(path, '--in') }) };
  }),
  '--stitch': valued((options, value, inCase) => ({
    ...options,
    stitchPaths: list(options.stitchPaths, inCase(value, '--stitch')),
  })),
  '--capture': valued((options, value, inCase) => ({
    ...options,
    captures: list(
      options.captures,
      captureOf(value, (path) => inCase(path, '--capture')),
    ),
  })),
  '--ipset': valued((options, value, inCase) => ({
    ...options,
    ipsetPaths: list(options.ipsetPaths, inCase(value, '--ipset')),
  })),
  '--apply': valued((options, value, inCase) => ({
    ...options,
    apply: list(options.apply, startsAsCommand(value) ? value : inCase(value, '--apply')),
  })),
  '--conntrack': valued((options, value, inCase) => ({
    ...options,
    conntrackPath: value === HOST_CONNTRACK ? value : inCase(value, '--conntrack'),
  })),
  '--backend': valued((options, value) => ({ ...options, backend: oneOf('--backend', value, ['legacy', 'nft']) })),
  '--service-rules': valued((options, value, inCase) => ({
    ...options,
    serviceRulesPath: inCase(value, '--service-rules'),
  })),
  '--at': valued((options, value, inCase) => ({
    ...options,
    changes: list(
      options.changes,
      changeAt(value, (path) => inCase(path, '--at')),
    ),
  })),
  '--filter': text('filter'),
  '--from': text('from'),
  '--to': text('to'),
  '--limit': number('limit'),
  '--show': text('show'),
  '--seed': number('seed'),
  '--checksums': valued((options, value) => ({
    ...options,
    checksums: oneOf('--checksums', value, CHECKSUM_MODES),
  })),
  '--nfqueue': valued((options, value) => ({ ...options, nfqueue: oneOf('--nfqueue', value, ['accept', 'drop']) })),
  '--lax': flag({ lax: true }),
  '--strict': flag({ isStrict: true }),
  '--keep-counters': flag({ keepCounters: true }),
  '--names': valued((options, value, inCase) => ({ ...options, namesPath: inCase(value, '--names') })),
  '--expect-egress': flag({ expectEgress: true }),
  '--expect-counters': valued((options, value, inCase) => ({
    ...options,
    expectCounters: list(options.expectCounters, inCase(value, '--expect-counters')),
  })),
  '--log-time': flag({ logTime: true }),
  '--engine': valued((options, value) => ({ ...options, engine: oneOf('--engine', value, EMULATOR_ENGINES) })),
};
/** Those that may not be given again. */
const ONCE: ReadonlySet<string> = new Set(
  Object.entries(OPTIONS)
    .filter(([name, { takesValue }]) => takesValue && !MULTIPLE.includes(name))
    .map(([name]) => name),
);
/** Options of `nfreplay replay` about what it prints and writes, which `check` decides. */
const OF_OUTPUT = ['--out', '-o', '--save-rules', '--annotate', '--trace', '--json', '--top', '--color'];

/** What a case may have of the options of `nfreplay replay`, and what it may not. */
export const CASE_OPTIONS: { readonly taken: readonly string[]; readonly ofOutput: readonly string[] } = {
  taken: Object.keys(OPTIONS),
  ofOutput: OF_OUTPUT,
};

/** The value of a `--capture`: FILE, or IFACE=FILE unless there is a file of that name. */
function captureOf(value: string, inCase: (path: string) => string): { iface?: string; path: string } {
  const [, iface, path] = /^([^=/]+)=(.+)$/s.exec(value) ?? [];
  const whole = inCase(iface === undefined ? value : '.');
  if (iface === undefined || path === undefined || existsSync(nativePath(join(whole, value)))) {
    return { path: inCase(value) };
  }
  return { iface, path: inCase(path) };
}

function oneOf<T extends string>(option: string, value: string, known: readonly T[]): T {
  const found = known.find((one) => one === value);
  if (found === undefined) throw new ReplayOptionsError(`${option} ${value}: expected ${known.join(' or ')}`);
  return found;
}

/**
 * The options of the case in DIR; none if it has no case.json.
 * @throws {ReplayOptionsError} if the file is not as it has to be, or has an option that a case cannot have, or names a
 *   file that is not in DIR
 */
export function caseOptionsIn(dir: string): CaseOptions {
  const path = join(dir, CASE_FILE);
  if (!existsSync(nativePath(path))) return {};
  refuseLinkOut(dir, path);
  refuseIrregular(path);
  try {
    return optionsOf(wordsIn(readText(path)), (given, option) => fileInCase(dir, given, option));
  } catch (error) {
    if (!(error instanceof ReplayOptionsError)) throw error;
    throw new ReplayOptionsError(`${shownPath(path)}: ${error.message}`);
  }
}

/** The words of `options`. */
function wordsIn(text: string): string[] {
  const expected = 'expected {"options": ["--at", "10s=rules-2.v4"]}';
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new ReplayOptionsError(`not JSON: ${(error as Error).message}; ${expected}`);
  }
  const members = typeof json === 'object' && json !== null && !Array.isArray(json) ? Object.entries(json) : [];
  const words = members.find(([name]) => name === 'options')?.[1];
  const other = members.find(([name]) => name !== 'options')?.[0];
  if (other !== undefined) throw new ReplayOptionsError(`unknown member ${JSON.stringify(other)}; ${expected}`);
  const isList = Array.isArray(words) && words.every((word) => typeof word === 'string');
  if (!isList) throw new ReplayOptionsError(`options is no list of words; ${expected}`);
  return words;
}

function optionsOf(words: readonly string[], inCase: InCase): CaseOptions {
  let options: CaseOptions = {};
  const given = new Set<string>();
  for (let i = 0; i < words.length; i++) {
    const [, name, attached] = /^(--?[\w-]+)(?:=(.*))?$/s.exec(words[i]) ?? [];
    const option = name === undefined || !Object.hasOwn(OPTIONS, name) ? undefined : OPTIONS[name];
    if (name === undefined || option === undefined) throw notOfCase(name ?? words[i]);
    if (!option.takesValue && attached !== undefined) throw new ReplayOptionsError(`${name} takes no value`);
    if (ONCE.has(name) && given.has(name)) throw new ReplayOptionsError(`${name} was given more than once`);
    given.add(name);
    const value = option.takesValue ? (attached ?? words[++i]) : '';
    if (value === undefined) throw new ReplayOptionsError(`${name} requires a value`);
    if (option.takesValue && value === '') throw new ReplayOptionsError(`${name} is empty: expected a value`);
    options = option.add(options, value, inCase);
  }
  return options;
}

function notOfCase(word: string): ReplayOptionsError {
  if (OF_OUTPUT.includes(word)) {
    return new ReplayOptionsError(`${word} is about the output of replay, which a case does not decide; leave it out`);
  }
  const known = Object.keys(OPTIONS);
  const what = `${word} is no option of a case; expected one of ${known.join(', ')}`;
  return new ReplayOptionsError(withNearest(what, word, known));
}
