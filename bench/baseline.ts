/**
 * What the rows cost at another time, to see what a change of the code does to them. Kept are ratios: the best run of a row
 * over the best run of the yardstick in the same measurement. The best, for what else a machine does only ever adds.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Measured } from './measure.js';

/** More than this is a loss. */
const LOSS_SHARE = 0.1;

export interface Baseline {
  /** Where it was measured: for people, nothing is compared with it. */
  machine: string;
  /** Another size of the workloads cannot be compared. */
  packets: number;
  /** By key of a series: its unit for each millisecond of the yardstick. */
  ratios: Record<string, number>;
}

export interface Comparison {
  key: string;
  ratio: number;
  baseline: number;
  /** 0.1: a tenth slower. */
  change: number;
  isLoss: boolean;
}

/** The ratios of MEASURED; what is no time, or not ours, is left out. */
export function ratiosOf(measured: readonly Measured[], yardstickRunsMs: readonly number[]): Record<string, number> {
  const yardstickMs = Math.min(...yardstickRunsMs);
  const own = measured.filter(({ unit, isForeign }) => (unit === 'ns' || unit === 'ms') && !isForeign);
  return Object.fromEntries(own.map(({ key, runs }) => [key, round(Math.min(...runs) / yardstickMs)]));
}

const round = (ratio: number) => Number(ratio.toPrecision(4));

/** RATIOS beside those of BASELINE, of all keys that both have. */
export function compareRatios(ratios: Readonly<Record<string, number>>, baseline: Baseline): Comparison[] {
  return Object.entries(ratios).flatMap(([key, ratio]) => {
    const before = baseline.ratios[key];
    if (before === undefined) return [];
    const change = ratio / before - 1;
    return [{ key, ratio, baseline: before, change, isLoss: change > LOSS_SHARE }];
  });
}

/** The baseline at PATH; undefined where there is none, or it is of workloads of another size. */
export function readBaseline(path: string, packets: number): Baseline | undefined {
  if (!existsSync(path)) return undefined;
  const baseline: Baseline = JSON.parse(readFileSync(path, 'utf8'));
  return baseline.packets === packets ? baseline : undefined;
}

/** Write BASELINE to PATH; what is there of the same size stays where BASELINE has no row for it. */
export function updateBaseline(path: string, baseline: Baseline): void {
  const before = readBaseline(path, baseline.packets);
  const ratios = { ...before?.ratios, ...baseline.ratios };
  writeFileSync(path, `${JSON.stringify({ ...baseline, ratios }, null, 2)}\n`);
}
