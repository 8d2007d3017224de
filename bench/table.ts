/** The measurements as a table and as data. */
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { formatNumber } from '../cli/number.js';
import { columns } from '../explain/text/columns.js';
import type { Comparison } from './baseline.js';
import { type Measured, median, type Outcome, type Row } from './measure.js';

/** A description of this machine. */
export function machine(): string {
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const system = `${process.platform} ${release()}; Node ${process.versions.node}`;
  return `${cpus()[0].model}, ${availableParallelism()} cores, ${memory}; ${system}`;
}

/** The lines for ROWS, with the median and range of each series. */
export function measuredLines(
  rows: readonly Row[],
  measured: readonly Measured[],
  outcomes: readonly Outcome[],
): string[] {
  return rows.flatMap((row) => {
    const own = measured.filter((series) => series.row === row.name);
    const cells = own.map(({ title, unit, runs }) => [
      title,
      formatNumber(median(runs)),
      unit,
      `${formatNumber(Math.min(...runs))} … ${formatNumber(Math.max(...runs))}`,
    ]);
    const goals = row.goals.map(({ key, text }) =>
      goalLine(
        text,
        outcomes.find((one) => one.key === key && one.text === text),
      ),
    );
    return [`${row.name}: ${row.about}`, ...columns(cells, ['left', 'right', 'left', 'left']), ...goals, ''];
  });
}

function goalLine(text: string, outcome: Outcome | undefined): string {
  if (outcome === undefined) return `  – ${text}: not measured`;
  const { isMet, value, limit } = outcome;
  return `  ${isMet ? '✓ met' : '✗ not met'}: ${text}: ${formatNumber(value)}, limit ${formatNumber(limit)}`;
}

/** The lines for COMPARISONS with the baseline, with losses marked. */
export function baselineLines(comparisons: readonly Comparison[]): string[] {
  const cells = comparisons.map(({ key, ratio, baseline, change, isLoss }) => [
    key,
    formatNumber(ratio),
    formatNumber(baseline),
    `${change < 0 ? '−' : '+'}${Math.abs(change * 100).toFixed(0)} %`,
    isLoss ? 'LOSS' : '',
  ]);
  const header = ['fastest run / yardstick', 'now', 'baseline', 'change', ''];
  return columns([header, ...cells], ['left', 'right', 'right', 'right', 'left']);
}

/** All measurements, for `--json`. */
export function asData(
  measured: readonly Measured[],
  outcomes: readonly Outcome[],
  comparisons: readonly Comparison[],
  yardstickRunsMs: readonly number[],
): object {
  return {
    machine: machine(),
    yardstickMs: yardstickRunsMs,
    series: measured.map(({ key, row, title, unit, runs }) => ({
      key,
      row,
      title: title.trim(),
      unit,
      median: median(runs),
      min: Math.min(...runs),
      max: Math.max(...runs),
      runs,
    })),
    goals: outcomes,
    baseline: comparisons,
  };
}
