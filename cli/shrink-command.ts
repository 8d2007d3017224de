/** The command `nfreplay shrink`: the smallest case that still shows a failure. */
import { existsSync } from 'node:fs';
import { shown } from '../codecs/text.js';
import { failureLines } from '../explain/expect/failure-text.js';
import { claimFailureOf } from '../explain/shrink/claim-failure.js';
import { differenceOf } from '../explain/shrink/difference-failure.js';
import { errorFailureOf } from '../explain/shrink/error-failure.js';
import { type Failure, NothingToShowError } from '../explain/shrink/failure.js';
import type { Step } from '../explain/shrink/reduce.js';
import { type ShrinkCounts, Shrinking } from '../explain/shrink/shrink.js';
import type { UnitKind } from '../explain/shrink/units.js';
import { linesOfRows, widthOf, wrapAfter } from '../explain/text/columns.js';
import { type Style, styleOf } from '../explain/text/style.js';
import { readHostAt } from '../io/host-files.js';
import { nativePath } from '../io/path.js';
import { refuseFolderInCase } from '../replay/case-places.js';
import { casesIn, type GoldenCase } from '../replay/golden-case.js';
import { loadNames, type Names } from '../replay/names.js';
import { TemporaryFolder } from '../replay/temporary-folder.js';
import { writeCase } from '../replay/write-case.js';
import { type Arguments, parseCommand } from './args.js';
import { SHRINK } from './commands/shrink.js';
import { reportOf } from './error-report.js';
import { CliError, ExitCode, UsageError } from './errors.js';
import { count, formatNumber } from './number.js';
import { STDERR, STDOUT } from './output.js';
import { Progress } from './progress.js';
import { renderDifference } from './render-difference.js';
import { exitCodeOf } from './signals.js';
import { NeedsThread, namesPipe, type Supervision } from './supervisor.js';

const MILLISECONDS_PER_SECOND = 1000;

/**
 * Runs the command, in a thread; returns the exit code. The first SIGINT ends the search, and the smallest case
 * so far is written; the second one ends the command.
 */
export function shrinkCommand(args: readonly string[], supervision?: Supervision): number {
  if (supervision === undefined) throw new NeedsThread();
  const given = parseCommand(SHRINK, args);
  const golden = caseOf(given);
  const out = given.value('out');
  if (out !== undefined) refuseFolderInCase(golden.dir, out, `-o ${out}`);
  const style = styleOf(STDOUT, given.color);
  const report = new ShrinkReport(style, widthOf(STDOUT));
  supervision.onReady(true);
  const startedMs = performance.now();
  const folder = new TemporaryFolder('shrink', supervision.onCreate);
  try {
    const failure = failureOf(given, golden, style, folder);
    report.failure(failure);
    const shrinking = new Shrinking(golden, failure, folder);
    for (const note of shrinking.model.notes) report.note(note);
    search(shrinking, supervision);
    if (out !== undefined) writeCase(out, shrinking.content(), supervision);
    const seconds = (performance.now() - startedMs) / MILLISECONDS_PER_SECOND;
    report.result(shrinking, seconds, out);
    return shrinking.isDone ? ExitCode.DONE : exitCodeOf('SIGINT');
  } catch (error) {
    if (error instanceof NothingToShowError) throw new CliError(ExitCode.USAGE, `nothing to show: ${error.message}`);
    throw error;
  } finally {
    folder.remove();
  }
}

function caseOf(given: Arguments): GoldenCase {
  const [path, second] = given.positionals;
  if (path === undefined || second !== undefined) throw new UsageError('nfreplay shrink requires one CASE folder');
  const [golden, another] = casesIn(path);
  if (another !== undefined)
    throw new UsageError(`${path} contains several cases, such as ${golden.dir}; expected one`);
  const rulesPath = given.value('rules');
  if (rulesPath === undefined) return golden;
  if (namesPipe([`rules=${rulesPath}`]))
    throw new UsageError(`--rules ${rulesPath}: a pipe can be read only once; give a file`);
  return { ...golden, rulesPath };
}

/** What is asked for, or else what there is: a difference from `want/`, or a claim that is not met. */
function failureOf(given: Arguments, golden: GoldenCase, style: Style, folder: TemporaryFolder): Failure {
  const width = widthOf(STDOUT);
  const names = new Map([...containersOf(golden), ...loadNames(given.value('names'), undefined)]);
  const ofDifference = () =>
    differenceOf(golden, (difference) => renderDifference(difference, style, width, names), folder);
  const ofClaim = (name?: string) =>
    claimFailureOf(golden, name, (result) => failureLines(result, { width, style, names }));
  const claim = given.value('claim');
  if (claim !== undefined && given.has('exit-code')) throw new UsageError('--claim and --exit-code cannot be combined');
  if (claim !== undefined) return ofClaim(claim);
  const exitCode = given.wholeNumber('exit-code', 1);
  if (exitCode !== undefined && exitCode !== ExitCode.DIFFERENT) return errorFailureOf(golden, exitCode, reportOf);
  const hasWant = existsSync(nativePath(golden.wantDir));
  if (golden.expectPath === undefined) return ofDifference();
  if (!hasWant) return ofClaim();
  try {
    return ofDifference();
  } catch (error) {
    if (error instanceof NothingToShowError) return ofClaim();
    throw error;
  }
}

/** The names of the containers of the case's host. */
function containersOf({ hostPath }: GoldenCase): Names {
  try {
    return loadNames(undefined, readHostAt(hostPath).description, hostPath);
  } catch {
    // Whoever replays it says what is wrong.
    return new Map();
  }
}

/** Takes the steps of SHRINKING, until SIGINT. */
function search(shrinking: Shrinking, { hasEnded }: Supervision): void {
  const progress = new Progress(STDERR);
  try {
    for (const step of shrinking.steps()) {
      if (hasEnded()) return;
      progress.show(() => progressText(step, shrinking.counts));
    }
  } finally {
    progress.clear();
  }
}

function progressText({ stage, left, of }: Step, { tried }: ShrinkCounts): string {
  return `${stage}: ${formatNumber(of)} → ${formatNumber(left)}   ${count(tried, 'replay')}`;
}

/** Prints what was searched, and what was found. */
class ShrinkReport {
  readonly #style: Style;
  readonly #width: number;

  constructor(style: Style, width: number) {
    this.#style = style;
    this.#width = width;
  }

  failure({ words, notes }: Failure): void {
    const [first = '', ...more] = words;
    STDOUT.write(`${[this.#style.bold(first), ...more].join('\n')}\n\n`);
    for (const note of notes) this.note(note);
  }

  note(note: string): void {
    STDOUT.write(`${this.#style.dim(shown(note))}\n`);
  }

  result({ counts, isDone }: Shrinking, seconds: number, out: string | undefined): void {
    const rows = counts.counted.map(({ kind, before, after }) => [
      nameOf(kind, 2),
      formatNumber(before),
      '→',
      formatNumber(after),
    ]);
    const align = ['left', 'right', 'left', 'right'] as const;
    STDOUT.write(`${linesOfRows(rows, align, this.#width).flat().join('\n')}\n\n`);
    const { tried, faulty } = counts;
    const time = seconds < 1 ? '1 s' : `${formatNumber(Math.round(seconds))} s`;
    const faults = faulty === 0 ? '' : `, of which ${formatNumber(faulty)} were no case or could not be replayed`;
    const found = `${sentenceOf(counts)}: ${count(tried, 'replay')} in ${time}${faults}`;
    STDOUT.write(`${wrapAfter('', found, this.#width).join('\n')}\n`);
    const { yellow } = this.#style;
    if (isDone) STDOUT.write('no single one of these can be left out\n');
    else STDOUT.write(`${yellow('interrupted')}: this is the smallest case so far; more could be left out\n`);
    if (out !== undefined) STDOUT.write(`written to ${shown(out)}\n`);
  }
}

function nameOf(kind: UnitKind, number: number): string {
  // The one that is shown is not counted.
  if (kind === 'claim') return number === 1 ? 'other claim' : 'other claims';
  if (number === 1) return kind;
  return /[^aeiou]y$/.test(kind) ? `${kind.slice(0, -1)}ies` : /(?:s|x)$/.test(kind) ? `${kind}es` : `${kind}s`;
}

/** `1,203 packets → 3, 214 rules → 4` */
function sentenceOf({ counted }: ShrinkCounts): string {
  const main = counted.filter(({ kind }) => ['packet', 'rule', 'interface'].includes(kind));
  return main
    .map(({ kind, before, after }) => `${formatNumber(before)} ${nameOf(kind, before)} → ${formatNumber(after)}`)
    .join(', ');
}
