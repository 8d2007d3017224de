/**
 * The cost of the rows at an earlier time, to show what a change to the code does to them. The baseline has ratios: the
 * fastest run of a row divided by the fastest run of the yardstick in the same measurement. The minimum is used because
 * interference only ever adds time.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Measured } from './measure.js';

/** A larger change is a loss. */
const LOSS_SHARE = 0.1;

export interface Baseline {
  /** The machine it was measured on. Informative only. */
  machine: string;
  /** The size of the workloads. Other sizes cannot be compared. */
  packets: number;
  /** By key of the series: its value per millisecond of the yardstick. */
  ratios: Record<string, number>;
}

export interface Comparison {
  key: string;
  ratio: number;
  baseline: number;
  /** 0.1 means 10 % slower. */
  change: number;
  isLoss: boolean;
}

/** The ratios of MEASURED, without other programs and without series that are not times. */
export function ratiosOf(measured: readonly Measured[], yardstickRunsMs: readonly number[]): Record<string, number> {
  const yardstickMs = Math.min(...yardstickRunsMs);
  const own = measured.filter(({ unit, isForeign }) => (unit === 'ns' || unit === 'ms') && !isForeign);
  return Object.fromEntries(own.map(({ key, runs }) => [key, round(Math.min(...runs) / yardstickMs)]));
}

const round = (ratio: number) => Number(ratio.toPrecision(4));

/** Compares RATIOS with those in BASELINE, for all keys that both have. */
export function compareRatios(ratios: Readonly<Record<string, number>>, baseline: Baseline): Comparison[] {
  return Object.entries(ratios).flatMap(([key, ratio]) => {
    const before = baseline.ratios[key];
    if (before === undefined) return [];
    const change = ratio / before - 1;
    return [{ key, ratio, baseline: before, change, isLoss: change > LOSS_SHARE }];
  });
}

/** The baseline at PATH; undefined if there is none, or if its workloads have another size. */
export function readBaseline(path: string, packets: number): Baseline | undefined {
  if (!existsSync(path)) return undefined;
  const baseline: Baseline = JSON.parse(readFileSync(path, 'utf8'));
  return baseline.packets === packets ? baseline : undefined;
}

/** Writes BASELINE to PATH. Keeps ratios of the same size that BASELINE does not have. */
export function updateBaseline(path: string, baseline: Baseline): void {
  const before = readBaseline(path, baseline.packets);
  const ratios = { ...before?.ratios, ...baseline.ratios };
  writeFileSync(path, `${JSON.stringify({ ...baseline, ratios }, null, 2)}\n`);
}
