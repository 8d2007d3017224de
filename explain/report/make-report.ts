/** Reports of replays: made at once, or looked at while they run. */
import { type ReplayOptions, type ReplayProgress, replaySteps } from '../../replay/replay.js';
import type { Summary } from '../../replay/summary.js';
import { Collector } from './collector.js';
import { REPORT_FORMAT, type ReportIndex, type ResultIndex, type SectionKind } from './format/model.js';
import type { Report } from './format/report.js';
import { REPORT_GENERATOR, resultIndex, resultSection } from './result-report.js';

/** A replay that a report is to be made of. */
export interface ReportedReplay {
  /** What tells it from the others of the same report. */
  readonly name: string;
  readonly options: ReplayOptions;
}

/** A replay under way, of which there is a report at any time. */
export class ReportedRun {
  readonly name: string;
  readonly #steps: Generator<ReplayProgress, Summary, void>;
  #collector: Collector | undefined;
  #progress: ReplayProgress | undefined;
  #summary: Summary | undefined;

  constructor({ name, options }: ReportedReplay) {
    this.name = name;
    this.#steps = replaySteps({
      ...options,
      watch: (run) => {
        this.#collector = new Collector(run);
        return this.#collector;
      },
    });
  }

  /** Undefined until it has ended. */
  get summary(): Summary | undefined {
    return this.#summary;
  }

  get progress(): ReplayProgress | undefined {
    return this.#progress;
  }

  /**
   * Goes on for a moment. Returns false at the end.
   * @throws what `replay` throws
   */
  step(): boolean {
    const { done, value } = this.#steps.next();
    if (done) this.#summary = value;
    else this.#progress = value;
    return !done;
  }

  /** Ends it before its end. */
  abandon(): void {
    this.#steps.return(undefined as never);
  }

  /** As it is now; undefined: it has not begun to read packets. */
  index(): ResultIndex | undefined {
    const collector = this.#collector;
    return collector && resultIndex(collector, { name: this.name, ...this.#state });
  }

  get #state(): { progress?: ReplayProgress; summary?: Summary } {
    return {
      ...(this.#progress === undefined ? {} : { progress: this.#progress }),
      ...(this.#summary === undefined ? {} : { summary: this.#summary }),
    };
  }

  /** Section NUMBER of a KIND as it is now; undefined: there is none. */
  section(kind: SectionKind, number: number): Uint8Array | undefined {
    const chunks = this.index()?.sections[kind].chunks ?? 0;
    return this.#collector === undefined || number >= chunks ? undefined : resultSection(this.#collector, kind, number);
  }
}

/** Sections of a report as a whole, by name: `bench`, `comparison`. */
export type WholeSections = ReadonlyMap<string, Uint8Array>;
const NO_SECTIONS: WholeSections = new Map();

/** The index of a report with TITLE of RUNS, as they are now, and of WHOLE. */
export function reportIndex(title: string, runs: readonly ReportedRun[], whole = NO_SECTIONS): ReportIndex {
  const results = runs.map((run) => run.index()).filter((index) => index !== undefined);
  return {
    ...{ format: REPORT_FORMAT, generator: REPORT_GENERATOR(), title, results },
    ...{ isComparison: whole.has('comparison'), hasBench: whole.has('bench') },
  };
}

/**
 * Replays each of REPLAYS, and makes a report with TITLE of them and of WHOLE.
 * @throws what `replay` throws
 */
export function* reportSteps(
  title: string,
  replays: readonly ReportedReplay[],
  whole = NO_SECTIONS,
): Generator<ReplayProgress, Report, void> {
  const runs: ReportedRun[] = [];
  for (const replay of replays) {
    const run = new ReportedRun(replay);
    runs.push(run);
    let isDone = false;
    try {
      while (run.step()) if (run.progress !== undefined) yield run.progress;
      isDone = true;
    } finally {
      if (!isDone) run.abandon();
    }
  }
  return reportOf(title, runs, whole);
}

/** The same at once. */
export function makeReport(title: string, replays: readonly ReportedReplay[]): Report {
  const steps = reportSteps(title, replays);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

function reportOf(title: string, runs: readonly ReportedRun[], whole: WholeSections): Report {
  const index = reportIndex(title, runs, whole);
  const sections = new Map(whole);
  for (const [number, run] of runs.entries()) {
    for (const [kind, { chunks }] of Object.entries(index.results[number].sections) as SectionEntries) {
      for (let chunk = 0; chunk < chunks; chunk++) {
        const section = run.section(kind, chunk);
        if (section !== undefined) sections.set(`${number}/${kind}/${chunk}`, section);
      }
    }
  }
  return { index, sections };
}

type SectionEntries = [SectionKind, { readonly chunks: number }][];
