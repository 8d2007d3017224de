/** What bench has measured, ruleset by ruleset. */
import type { BenchFile } from '../../../explain/report/bench-file.js';
import type { BenchResult, RulesetResult } from '../../../replay/bench-result.js';
import { grouped } from '../../words/numbers.js';

export interface Measurement {
  /** What tells it from the others. */
  readonly label: string;
  readonly result: BenchResult;
  readonly ruleset: RulesetResult;
}

/** All rulesets of FILES. */
export function measurementsOf(files: readonly BenchFile[]): Measurement[] {
  const labels = new Map<string, number>();
  return files.flatMap(({ name, result }) =>
    result.rulesets.map((ruleset) => {
      const label = files.length > 1 ? `${ruleset.file} (${name})` : ruleset.file;
      const times = (labels.get(label) ?? 0) + 1;
      labels.set(label, times);
      return { label: times > 1 ? `${label} #${times}` : label, result, ruleset };
    }),
  );
}

/** The medians of what each stage takes, in nanoseconds a packet. `rules` is negative if their drops save more. */
export function ofStages({ result, ruleset }: Measurement) {
  const reading = result.readingNs.median;
  const { costNs, bareNs } = ruleset;
  return { reading, host: bareNs.median - reading, rules: costNs.median - bareNs.median };
}

/** `1,235`; small ones with a digit behind the point; `−12`. */
export function nanoseconds(ns: number): string {
  const size = Math.abs(ns);
  return `${ns < 0 ? '−' : ''}${grouped(size < 10 ? Number(size.toFixed(1)) : Math.round(size))}`;
}

/** Round numbers from 0 to MOST or a little more: about COUNT of them. */
export function ticksTo(most: number, count: number): number[] {
  const step = niceStep(most / count);
  return Array.from({ length: Math.ceil(most / step - 1e-9) + 1 }, (_, i) => i * step);
}

function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1e-9)));
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= least) ?? 10);
}
