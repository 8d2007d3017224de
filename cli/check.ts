/** The command `nfreplay check`: replays golden cases and shows where the results differ from what they expect. */

import { setImmediate as turn } from 'node:timers/promises';
import { shown } from '../codecs/text.js';
import { widthOf } from '../explain/text/columns.js';
import { type Style, styleOf } from '../explain/text/style.js';
import { readHostAt } from '../io/host-files.js';
import { type CaseComparison, checkCase, updateCase } from '../replay/check-case.js';
import { casesIn, type GoldenCase, isQuick } from '../replay/golden-case.js';
import { loadNames, type Names } from '../replay/names.js';
import { parseCommand } from './args.js';
import { CHECK } from './commands/check.js';
import { CliError, ExitCode, UsageError } from './errors.js';
import { count } from './number.js';
import { STDOUT, warn } from './output.js';
import { renderDifference } from './render-difference.js';
import { exitCodeOf, onSignals, type Signal } from './signals.js';
import { NeedsThread, type Supervision } from './supervisor.js';

/**
 * Runs the command; resolves with the exit code. If a case cannot be replayed, the others still are, and its error is
 * thrown at the end.
 */
export async function check(args: readonly string[], supervision?: Supervision): Promise<number> {
  const given = parseCommand(CHECK, args);
  if (given.positionals.length === 0) throw new UsageError('nfreplay check requires at least one CASE folder');
  const cases = given.positionals.flatMap(casesIn);
  if (given.has('allow-truncated') && !given.has('update'))
    throw new UsageError('--allow-truncated goes with --update');
  if (supervision === undefined && cases.some((golden) => !isQuick(golden))) throw new NeedsThread();
  supervision?.onReady(false);

  const names = loadNames(given.value('names'), undefined);
  const report = new CheckReport(cases, names, styleOf(STDOUT, given.color));
  const run = given.has('update')
    ? (golden: GoldenCase) => {
        report.updated(golden, updateCase(golden, { ...supervision, allowTruncated: given.has('allow-truncated') }));
      }
    : (golden: GoldenCase) => report.compared(golden, checkCase(golden, supervision));
  let signalled: Signal | undefined;
  const stop = onSignals((signal) => {
    signalled = signal;
  });
  try {
    for (const golden of cases) {
      // Signals are delivered between turns of the event loop.
      await turn();
      if (signalled !== undefined) return exitCodeOf(signalled);
      try {
        run(golden);
      } catch (error) {
        if (error instanceof CliError) throw error;
        report.failed(golden, error);
      }
    }
  } finally {
    if (signalled === undefined) stop();
  }
  if (!given.has('update')) report.total();
  if (report.errors.length > 0) throw report.errors[0];
  return report.differing > 0 ? ExitCode.DIFFERENT : ExitCode.DONE;
}

/** Prints the outcome of each case. */
class CheckReport {
  readonly errors: unknown[] = [];
  differing = 0;
  #agreeing = 0;
  readonly #names: Names;
  readonly #style: Style;
  readonly #width: number;

  constructor(cases: readonly GoldenCase[], names: Names, style: Style) {
    this.#names = names;
    this.#style = style;
    this.#width = Math.max(...cases.map(({ dir }) => shown(dir).length));
  }

  updated(golden: GoldenCase, warnings: readonly string[]): void {
    warnings.forEach(warn);
    STDOUT.write(`updated ${this.#nameOf(golden)}\n`);
  }

  compared(golden: GoldenCase, comparison: CaseComparison): void {
    comparison.warnings.forEach(warn);
    const style = this.#style;
    const name = this.#nameOf(golden);
    if (comparison.differences.length === 0) {
      this.#agreeing++;
      STDOUT.write(`${style.green('ok     ')} ${name}  ${style.dim(extent(comparison))}\n`);
    } else {
      this.differing++;
      const names = new Map([...containersOf(golden), ...this.#names]);
      STDOUT.write(`${style.red('differs')} ${name}  ${firstDifference(comparison, names, style)}\n`);
    }
  }

  failed(golden: GoldenCase, error: unknown): void {
    this.errors.push(error);
    STDOUT.write(`${this.#style.red('failed ')} ${this.#nameOf(golden)}\n`);
  }

  total(): void {
    STDOUT.write(`${this.#agreeing} ok, ${this.differing + this.errors.length} failed\n`);
  }

  #nameOf({ dir }: GoldenCase): string {
    return shown(dir).padEnd(this.#width);
  }
}

function extent({ frames, rules, connections }: CaseComparison): string {
  return `${count(frames, 'packet')}, ${count(rules, 'rule')}, ${count(connections, 'connection')}`;
}

/** The names of the containers of the case's host. */
function containersOf({ hostPath }: GoldenCase): Names {
  return loadNames(undefined, readHostAt(hostPath).description);
}

function firstDifference({ differences }: CaseComparison, names: Names, style: Style): string {
  const lines = renderDifference(differences[0], style, widthOf(STDOUT) - '  '.length, names).map((line) =>
    line === '' ? '' : `  ${line}`,
  );
  return [`${count(differences.length, 'difference')}, the first:`, '', ...lines, ''].join('\n');
}
