/** `nfreplay check --update`: makes the results of cases their golden captures, and shows what that changes first. */
import { existsSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { shown } from '../../codecs/text.js';
import { widthOf } from '../../explain/text/columns.js';
import { type Style, styleOf } from '../../explain/text/style.js';
import { ClosedPipeError } from '../../io/file-error.js';
import { readHostAt } from '../../io/host-files.js';
import { nativePath } from '../../io/path.js';
import { recover } from '../../io/staged-dir.js';
import { updateCase } from '../../replay/check-case.js';
import type { Comparison } from '../../replay/compare.js';
import type { GoldenCase } from '../../replay/golden-case.js';
import { loadNames, type Names } from '../../replay/names.js';
import type { Arguments } from '../args.js';
import { CliError, ExitCode } from '../errors.js';
import { count } from '../number.js';
import { STDERR, STDOUT, warn } from '../output.js';
import { exitCodeOf, onSignals, type Signal } from '../signals.js';
import type { Supervision } from '../supervisor.js';
import { groupsOf } from './difference-groups.js';
import { errorIn, type FoundCase } from './found-cases.js';
import { differenceLines } from './golden-test.js';

interface UpdateSetting {
  readonly given: Arguments;
  /** How many differences of a kind are shown. */
  readonly top: number;
  readonly supervision: Supervision | undefined;
}

const INDENT = '  ';

/** Updates CASES; resolves with the exit code. */
export async function updateCases(cases: readonly FoundCase[], setting: UpdateSetting): Promise<number> {
  const { given } = setting;
  const updates = new Updates(setting, loadNames(given.value('names'), undefined), styleOf(STDOUT, given.color));
  let exitCode: number = ExitCode.DONE;
  let signal: Signal | undefined;
  const stop = onSignals((received) => {
    signal = received;
  });
  try {
    for (const { dir, golden, error } of cases) {
      await turn();
      if (signal !== undefined) return exitCodeOf(signal);
      try {
        if (golden === undefined) throw error;
        updates.update(golden);
      } catch (error) {
        if (error instanceof CliError || error instanceof ClosedPipeError) throw error;
        const { message, exitCode: code } = errorIn(dir, error);
        updates.say('failed', 'red', dir);
        STDERR.write(`nfreplay: ${message}\n`);
        exitCode = Math.max(exitCode, code);
      }
    }
  } finally {
    if (signal === undefined) stop();
  }
  return exitCode;
}

class Updates {
  readonly #setting: UpdateSetting;
  readonly #names: Names;
  readonly #style: Style;

  constructor(setting: UpdateSetting, names: Names, style: Style) {
    this.#setting = setting;
    this.#names = names;
    this.#style = style;
  }

  update(golden: GoldenCase): void {
    const { dir, wantDir, expectPath } = golden;
    recover(wantDir);
    const isNew = !existsSync(nativePath(wantDir));
    if (isNew && expectPath !== undefined) {
      this.say(
        'kept',
        'dim',
        dir,
        'it has an expect.yaml, which people write, and no want/: there is nothing to update',
      );
      return;
    }
    const { given, supervision } = this.#setting;
    const { warnings, isWritten } = updateCase(golden, {
      ...supervision,
      allowTruncated: given.has('allow-truncated'),
      before: (comparison) => this.#before(golden, comparison, isNew),
    });
    warnings.forEach(warn);
    const claims = expectPath === undefined ? '' : 'expect.yaml is as it was';
    if (isWritten) this.say('updated', 'green', dir, claims);
    else this.say('unchanged', 'dim', dir, claims);
  }

  /** Shows what an update of GOLDEN changes. */
  #before({ dir, hostPath, options }: GoldenCase, comparison: Comparison | undefined, isNew: boolean): void {
    if (comparison === undefined) {
      this.say('differs', 'red', dir, isNew ? 'it has no want/ yet' : 'its want/ cannot be read');
      return;
    }
    const { differences } = comparison;
    if (differences.length === 0) return;
    this.say('differs', 'red', dir, count(differences.length, 'difference'));
    const own = loadNames(options.namesPath, readHostAt(hostPath).description, hostPath);
    const layout = { style: this.#style, names: this.#names, width: widthOf(STDOUT) - INDENT.length };
    const lines = differenceLines(groupsOf(differences), { top: this.#setting.top, names: own }, layout);
    STDOUT.write(`\n${lines.map((line) => `${line === '' ? '' : INDENT}${line}\n`).join('')}\n`);
  }

  say(word: string, paint: 'red' | 'green' | 'dim', dir: string, more = ''): void {
    const end = more === '' ? '' : `  ${this.#style.dim(more)}`;
    STDOUT.write(`${this.#style[paint](word.padEnd('unchanged'.length))} ${shown(dir)}${end}\n`);
  }
}
