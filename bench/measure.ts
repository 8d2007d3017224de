/** Runs contenders in turn, collects their numbers and checks them against goals. */
import type { Yardstick } from './yardstick.js';

export type Unit = 'ns' | 'ms' | 'MiB' | 'bytes';

/** A number that a contender measures in every run. */
export interface Series {
  /** Unique among all rows. The first series of a row has the name of the row. */
  readonly key: string;
  /** The title in the table. */
  readonly title: string;
  readonly unit: Unit;
  /** Whether another program is measured: it has no baseline. */
  readonly isForeign?: boolean;
}

/** One program, or one way to run nfreplay, that does the work of a row. */
export interface Contender {
  readonly series: readonly Series[];
  /** Whether this is another program: if it fails, the others go on without it. */
  readonly isPeer?: boolean;
  /**
   * How many bytes of memory and page cache a run fills besides PROCESS_BYTES: as many are allocated and freed before
   * it.
   */
  readonly fillsBytes?: number;
  /** Makes one run; resolves with a number for each of `series`. */
  run(): Promise<readonly number[]>;
  /** Releases its resources. */
  close?(): void;
}

/** The median of `key` must be at most `limit`, which is undefined if the contender to compare with was not run. */
export interface Goal {
  readonly key: string;
  /** A description, such as `at most 1.2 × est64`. */
  readonly text: string;
  limit(medianOf: (key: string) => number | undefined): number | undefined;
}

/** A row of the table. */
export interface Row {
  readonly name: string;
  readonly about: string;
  /** Rows that the goals compare with. */
  readonly needs: readonly string[];
  /** Whether the row runs only with --long. */
  readonly isLong?: boolean;
  /** The maximum number of rounds, for rows that take long. */
  readonly rounds?: number;
  readonly goals: readonly Goal[];
  prepare(): Contender[];
}

/** A series with its numbers, run by run. */
export interface Measured extends Series {
  readonly row: string;
  readonly runs: number[];
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * About the size of a process itself, its program and its heap, whose pages cost as much to allocate as those of files.
 */
const PROCESS_BYTES = 128 * 2 ** 20;

export interface MeasureOptions {
  rounds: number;
  yardstick: Yardstick;
  /** Makes the system find BYTES of free memory in advance: on a virtual machine, each new page is expensive. */
  warm(bytes: number): void;
  /** Called with the current status. */
  showStatus(line: string): void;
}

/**
 * Prepares ROWS and runs all contenders in turn, ROUNDS times, so that a slow phase of the machine affects all alike.
 * The yardstick is measured before each row.
 */
export async function measureRows(rows: readonly Row[], options: MeasureOptions): Promise<Measured[]> {
  const { rounds, yardstick, warm, showStatus } = options;
  const entrants = rows.map((row) => {
    showStatus(`preparing ${row.name}`);
    return { row, contenders: row.prepare() };
  });
  const measured = new Map<string, Measured>();
  const failed = new Set<Contender>();
  try {
    for (let round = 0; round < rounds; round++) {
      for (const { row, contenders } of entrants) {
        if (round >= (row.rounds ?? rounds)) continue;
        showStatus(`round ${round + 1} of ${Math.min(rounds, row.rounds ?? rounds)}: ${row.name}`);
        yardstick.measure();
        for (const contender of contenders) {
          if (failed.has(contender)) continue;
          warm(PROCESS_BYTES + (contender.fillsBytes ?? 0));
          if (!(await runOnce(contender, row, measured, showStatus))) failed.add(contender);
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
  showStatus: (line: string) => void,
): Promise<boolean> {
  let values: readonly number[];
  try {
    values = await contender.run();
  } catch (error) {
    if (!contender.isPeer) throw error;
    showStatus(`${contender.series[0].title} is left out: ${error instanceof Error ? error.message : error}`);
    return false;
  }
  contender.series.forEach((series, i) => {
    const known = measured.get(series.key) ?? { ...series, row: row.name, runs: [] };
    known.runs.push(values[i]);
    measured.set(series.key, known);
  });
  return true;
}

/** CONTENDERS, each of which fills BYTES. */
export function filling(bytes: number, contenders: readonly Contender[]): Contender[] {
  return contenders.map((contender) => ({ ...contender, fillsBytes: bytes }));
}

/** Whether a goal was met. */
export interface Outcome {
  readonly key: string;
  readonly text: string;
  readonly value: number;
  readonly limit: number;
  readonly isMet: boolean;
}

/** The outcomes of those goals of ROWS whose two sides were both measured. */
export function judge(rows: readonly Row[], measured: readonly Measured[]): Outcome[] {
  const medians = new Map(measured.map(({ key, runs }) => [key, median(runs)]));
  return rows.flatMap(({ goals }) =>
    goals.flatMap(({ key, text, limit }) => {
      const value = medians.get(key);
      const maximum = limit((other) => medians.get(other));
      if (value === undefined || maximum === undefined) return [];
      return [{ key, text, value, limit: maximum, isMet: value <= maximum }];
    }),
  );
}
