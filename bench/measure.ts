/** Measuring: who does what work, run in turn, and what came out of it. */
import type { Yardstick } from './yardstick.js';

export type Unit = 'ns' | 'ms' | 'MiB' | 'bytes';

/** One number that a contender gives in every run. */
export interface Series {
  /** Unique among all rows; the first of a row is the row's name. */
  readonly key: string;
  /** What it is, for the table. */
  readonly title: string;
  readonly unit: Unit;
  /** It is another program's: no baseline is kept of it. */
  readonly isForeign?: boolean;
}

/** One way of doing a row's work. */
export interface Contender {
  readonly series: readonly Series[];
  /** Another program: where it fails, the rest goes on without it. */
  readonly isPeer?: boolean;
  /** How many bytes of memory and of files in the page cache a run fills besides PROCESS_BYTES: as many are had and given back before it. */
  readonly fillsBytes?: number;
  /** One run: a number for each of `series`. */
  run(): Promise<readonly number[]>;
  /** Give back what it holds. */
  close?(): void;
}

/** What must hold: the median of `key` at most `limit` (undefined: not known, as who it compares with was not run). */
export interface Goal {
  readonly key: string;
  /** As people say it: `at most 1.2 × est64`. */
  readonly text: string;
  limit(medianOf: (key: string) => number | undefined): number | undefined;
}

/** A row of the table. */
export interface Row {
  readonly name: string;
  readonly about: string;
  /** Rows that its goals compare with. */
  readonly needs: readonly string[];
  /** Only with --long. */
  readonly isLong?: boolean;
  /** At most so many rounds: of what takes long. */
  readonly rounds?: number;
  readonly goals: readonly Goal[];
  prepare(): Contender[];
}

/** All numbers of a series, run by run. */
export interface Measured extends Series {
  readonly row: string;
  readonly runs: number[];
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** About what a process takes in itself, its program and its heap: in pages that cost as much to be had as those of its files. */
const PROCESS_BYTES = 128 * 2 ** 20;

export interface MeasureOptions {
  rounds: number;
  yardstick: Yardstick;
  /** Have the system find so many bytes of memory, so that it has them at hand: where it is a guest, each new page costs a lot. */
  warm(bytes: number): void;
  /** Told of what is going on. */
  say(line: string): void;
}

/**
 * Prepares ROWS and runs all contenders in turn, ROUNDS times over, so that a slow moment of the machine hits all alike;
 * the yardstick is measured before each row.
 */
export async function measureRows(rows: readonly Row[], options: MeasureOptions): Promise<Measured[]> {
  const { rounds, yardstick, warm, say } = options;
  const entrants = rows.map((row) => {
    say(`preparing ${row.name}`);
    return { row, contenders: row.prepare() };
  });
  const measured = new Map<string, Measured>();
  const failed = new Set<Contender>();
  try {
    for (let round = 0; round < rounds; round++) {
      for (const { row, contenders } of entrants) {
        if (round >= (row.rounds ?? rounds)) continue;
        say(`round ${round + 1} of ${row.rounds === undefined ? rounds : Math.min(rounds, row.rounds)}: ${row.name}`);
        yardstick.measure();
        for (const contender of contenders) {
          if (failed.has(contender)) continue;
          warm(PROCESS_BYTES + (contender.fillsBytes ?? 0));
          if (!(await runOnce(contender, row, measured, say))) failed.add(contender);
        }
      }
    }
  } finally {
    for (const { contenders } of entrants) for (const contender of contenders) contender.close?.();
  }
  return [...measured.values()];
}

async function runOnce(
  contender: Contender,
  row: Row,
  measured: Map<string, Measured>,
  say: (line: string) => void,
): Promise<boolean> {
  let values: readonly number[];
  try {
    values = await contender.run();
  } catch (error) {
    if (!contender.isPeer) throw error;
    say(`${contender.series[0].title} is left out: ${error instanceof Error ? error.message : error}`);
    return false;
  }
  contender.series.forEach((series, i) => {
    const known = measured.get(series.key) ?? { ...series, row: row.name, runs: [] };
    known.runs.push(values[i]);
    measured.set(series.key, known);
  });
  return true;
}

/** CONTENDERS, each of which fills so many BYTES. */
export function filling(bytes: number, contenders: readonly Contender[]): Contender[] {
  return contenders.map((contender) => ({ ...contender, fillsBytes: bytes }));
}

/** What became of a goal. */
export interface Outcome {
  readonly key: string;
  readonly text: string;
  readonly value: number;
  readonly limit: number;
  readonly isMet: boolean;
}

/** The goals of ROWS of which both sides were measured. */
export function judge(rows: readonly Row[], measured: readonly Measured[]): Outcome[] {
  const medians = new Map(measured.map(({ key, runs }) => [key, median(runs)]));
  return rows.flatMap(({ goals }) =>
    goals.flatMap(({ key, text, limit }) => {
      const value = medians.get(key);
      const most = limit((other) => medians.get(other));
      if (value === undefined || most === undefined) return [];
      return [{ key, text, value, limit: most, isMet: value <= most }];
    }),
  );
}
