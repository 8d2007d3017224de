/** The command `nfreplay check`: replays golden cases and shows where the results differ from what they expect. */

import { shown } from '../codecs/text.js';
import type { Comparison } from '../replay/compare.js';
import { casesIn, checkCase, type GoldenCase, updateCase } from '../replay/golden-case.js';
import { parseCommand } from './args.js';
import { CHECK } from './commands.js';
import { ExitCode, UsageError } from './errors.js';
import { count } from './number.js';
import { STDOUT } from './output.js';
import { renderDifference } from './render-difference.js';
import { type Style, styleOf } from './style.js';

/**
 * Runs the command; resolves with the exit code. If a case cannot be replayed, the others still are, and its error is
 * thrown at the end.
 */
export async function check(args: readonly string[]): Promise<number> {
  const given = parseCommand(CHECK, args);
  if (given.positionals.length === 0) throw new UsageError('nfreplay check requires at least one CASE folder');
  const style = styleOf(STDOUT, given.color);
  const cases = given.positionals.flatMap(casesIn);
  const width = Math.max(...cases.map(({ dir }) => shown(dir).length));
  const tally = { agreeing: 0, differing: 0 };
  const errors: unknown[] = [];
  for (const golden of cases) {
    const name = shown(golden.dir).padEnd(width);
    try {
      STDOUT.write(`${given.has('update') ? update(golden, name) : compare(golden, name, style, tally)}\n`);
    } catch (error) {
      errors.push(error);
      STDOUT.write(`${style.red('failed ')} ${name}\n`);
    }
  }
  if (!given.has('update')) STDOUT.write(`${tally.agreeing} ok, ${tally.differing + errors.length} failed\n`);
  if (errors.length > 0) throw errors[0];
  return tally.differing > 0 ? ExitCode.DIFFERENT : ExitCode.DONE;
}

function update(golden: GoldenCase, name: string): string {
  updateCase(golden);
  return `updated ${name}`;
}

function compare(
  golden: GoldenCase,
  name: string,
  style: Style,
  tally: { agreeing: number; differing: number },
): string {
  const comparison = checkCase(golden);
  if (comparison.differences.length === 0) {
    tally.agreeing++;
    return `${style.green('ok     ')} ${name}  ${style.dim(extent(comparison))}`;
  }
  tally.differing++;
  return `${style.red('differs')} ${name}  ${firstDifference(comparison, style)}`;
}

function extent({ frames, rules, connections }: Comparison): string {
  return `${count(frames, 'packet')}, ${count(rules, 'rule')}, ${count(connections, 'connection')}`;
}

function firstDifference({ differences }: Comparison, style: Style): string {
  const lines = renderDifference(differences[0], style).map((line) => (line === '' ? '' : `  ${line}`));
  return [`${count(differences.length, 'difference')}, the first:`, '', ...lines, ''].join('\n');
}
