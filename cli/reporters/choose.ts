/** Which reporters tell of a run (`--reporter`), and where. */
import { fstatSync, type Stats, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { widthOf } from '../../explain/text/columns.js';
import { styleOf, type TextOutput } from '../../explain/text/style.js';
import { nativePath } from '../../io/path.js';
import type { Leftovers } from '../../io/staged-dir.js';
import type { Names } from '../../replay/names.js';
import type { Arguments } from '../args.js';
import { REPORTER, type ReporterName } from '../commands/reporter.js';
import { UsageError } from '../errors.js';
import { STDOUT, warn } from '../output.js';
import { GithubReporter } from './github.js';
import { GithubSummary } from './github-summary.js';
import { JsonReporter } from './json.js';
import { JunitReporter } from './junit.js';
import type { CheckedCase, DetailLayout, Reporter, TextWriter } from './model.js';
import { PrettyReporter } from './pretty.js';
import { ReportFile } from './report-file.js';
import { TapReporter } from './tap.js';
import { TerseReporter } from './terse.js';

/** How text in files looks. */
const FILE_OUTPUT: TextOutput = { isTTY: false };
/** Of text in files and of what other programs read: it is the same on every terminal. */
const FILE_WIDTH = 100;

export interface ReportersSetting {
  /** Those of `--names`. */
  readonly names: Names;
  /** Called before a file is created, with what has to be removed if the thread that writes is ended. */
  readonly onCreate?: ((leftovers: Leftovers) => void) | undefined;
  /** Default: that of the process. */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * The reporters that GIVEN asks for, as one: each hears of everything, and their files appear at the end. In any case,
 * call `discard` when the run is over.
 * @throws {UsageError} for an unknown name, or if two write to the same place
 * @throws {FileError} if a file cannot be written; from the methods, too
 */
export function reportersOf(given: Arguments, setting: ReportersSetting): Required<Reporter> {
  const { names, onCreate, env = process.env } = setting;
  const choices = withDefaults(given.values(REPORTER.name).map(parseChoice), env);
  refuseSameOutput(choices);
  refuseSameFile(choices);
  const isShared = choices.filter(({ path }) => path === undefined).length > 1;
  const files: ReportFile[] = [];
  try {
    const reporters = choices.map(({ name, path }) => {
      const file = path === undefined ? undefined : new ReportFile(path, onCreate);
      if (file !== undefined) files.push(file);
      const output = file === undefined ? STDOUT : FILE_OUTPUT;
      const layout: DetailLayout = {
        names,
        width: file === undefined && name === 'pretty' ? widthOf(output) : FILE_WIDTH,
        // Only text for people has colours.
        style: styleOf(output, name === 'pretty' ? given.color : 'never'),
      };
      return reporterNamed(name, file ?? STDOUT, layout, { isFile: file !== undefined, isShared, env });
    });
    return new AllReporters(reporters, files);
  } catch (error) {
    for (const file of files) file.discard();
    throw error;
  }
}

/** The files that the reporters write which GIVEN asks for, each with the TEXT that does. */
export function reportFilesOf(given: Arguments): { readonly text: string; readonly path: string }[] {
  return given.values(REPORTER.name).flatMap((text) => {
    const { path } = parseChoice(text);
    return path === undefined ? [] : [{ text, path }];
  });
}

interface Choice {
  readonly name: ReporterName;
  /** Undefined: standard output. */
  readonly path: string | undefined;
}

/** TEXT is one of the choices of `--reporter`, and a file or not. */
function parseChoice(text: string): Choice {
  const at = text.indexOf('=');
  const name = (at < 0 ? text : text.slice(0, at)) as ReporterName;
  const path = at < 0 ? undefined : text.slice(at + 1);
  if (path === '') throw new UsageError(`--${REPORTER.name} ${text}: expected the name of a file after =`);
  return { name, path: path === '-' ? undefined : path };
}

/** Standard output always has a reporter, and people who look at GitHub's pages see what is printed for people, too. */
function withDefaults(given: readonly Choice[], env: NodeJS.ProcessEnv): Choice[] {
  const isPrinted = given.some(({ path }) => path === undefined);
  const choices: Choice[] = isPrinted ? [...given] : [{ name: 'pretty', path: undefined }, ...given];
  const isForPeople = choices.every(({ name, path }) => path !== undefined || name === 'pretty');
  const isGithub = ({ name }: Choice): boolean => name === 'github';
  if (env.GITHUB_ACTIONS === 'true' && isForPeople && !choices.some(isGithub))
    choices.push({ name: 'github', path: undefined });
  return [...choices.filter((choice) => !isGithub(choice)), ...choices.filter(isGithub)];
}

function refuseSameOutput(choices: readonly Choice[]): void {
  const printed = choices.filter(({ path }) => path === undefined).map(({ name }) => name);
  if (printed.length < 2 || (printed.length === 2 && printed.includes('pretty') && printed.includes('github'))) return;
  const [first, second] = printed;
  throw new UsageError(
    `--${REPORTER.name} ${first} and --${REPORTER.name} ${second} both print to standard output; ` +
      `give one of them a file: --${REPORTER.name} ${second}=FILE`,
  );
}

function refuseSameFile(choices: readonly Choice[]): void {
  const seen = new Map<string, string>();
  const printed = fileIdOf(fstatIfOpen(1));
  if (printed !== undefined) seen.set(printed, 'standard output');
  for (const { name, path } of choices) {
    if (path === undefined) continue;
    const option = `--${REPORTER.name} ${name}=${path}`;
    const there = fileIdOf(statSync(nativePath(path), { throwIfNoEntry: false }));
    const ids = [`path ${resolve(path)}`, ...(there === undefined ? [] : [there])];
    const other = ids.map((id) => seen.get(id)).find((found) => found !== undefined);
    if (other !== undefined) throw new UsageError(`${option} would write the same file as ${other}`);
    for (const id of ids) seen.set(id, option);
  }
}

/** Tells one regular file from all others. */
function fileIdOf(stat: Stats | undefined): string | undefined {
  return stat?.isFile() ? `inode ${stat.dev}:${stat.ino}` : undefined;
}

function fstatIfOpen(fd: number): Stats | undefined {
  try {
    return fstatSync(fd);
  } catch {
    return undefined;
  }
}

interface Placement {
  readonly isFile: boolean;
  /** Whether another reporter prints to standard output, too. */
  readonly isShared: boolean;
  readonly env: NodeJS.ProcessEnv;
}

function reporterNamed(
  name: ReporterName,
  out: TextWriter,
  layout: DetailLayout,
  { isFile, isShared, env }: Placement,
): Reporter {
  switch (name) {
    case 'pretty':
      return new PrettyReporter(out, layout, { tellsAll: isFile });
    case 'tap':
      return new TapReporter(out, layout);
    case 'junit':
      return new JunitReporter(out, layout);
    case 'json':
      return new JsonReporter(out, layout);
    case 'terse':
      return new TerseReporter(out);
    case 'github': {
      const { GITHUB_STEP_SUMMARY: path, GITHUB_WORKSPACE: workspace } = env;
      const summary = path ? new GithubSummary({ path, layout, warn }) : undefined;
      return new GithubReporter(out, { isShared: isShared && !isFile, workspace: workspace || undefined, summary });
    }
  }
}

/** Tells several reporters. The last one begins first: GitHub's commands are around what others print. */
class AllReporters implements Required<Reporter> {
  readonly #reporters: readonly Reporter[];
  readonly #files: readonly ReportFile[];
  #isOver = false;

  constructor(reporters: readonly Reporter[], files: readonly ReportFile[]) {
    this.#reporters = reporters;
    this.#files = files;
  }

  begin(dirs: readonly string[]): void {
    for (const reporter of [...this.#reporters].reverse()) reporter.begin?.(dirs);
  }

  finished(one: CheckedCase): void {
    for (const reporter of this.#reporters) reporter.finished(one);
  }

  end(): void {
    for (const reporter of this.#reporters) reporter.end();
    this.#isOver = true;
    const errors: unknown[] = [];
    for (const file of this.#files) {
      try {
        file.commit();
      } catch (error) {
        file.discard();
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  discard(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const reporter of this.#reporters) reporter.discard?.();
    for (const file of this.#files) file.discard();
  }
}
