/** Reports of replays: made at once, or looked at while they run. */
import { type ReplayOptions, type ReplayProgress, replaySteps } from '../../replay/replay.js';
import type { Summary } from '../../replay/summary.js';
import { Collector } from './collector.js';
import { REPORT_FORMAT, type ReportIndex, type ResultIndex, type SectionKind } from './format/model.js';
import type { Report } from './format/report.js';
import type { ChosenPackets } from './packet-store.js';
import { CHOSEN_KINDS, REPORT_GENERATOR, resultIndex, resultSection, WHOLE_KINDS } from './result-report.js';

/** How large the file of a report may get, of which its page takes a part. */
const FILE_BYTES = 10_000_000;
const PAGE_BYTES = 500_000;
/** What the data may take, compressed: files have it in base64. */
const FILE_ROOM = ((FILE_BYTES - PAGE_BYTES) * 3) / 4;
/** What the packets of a report may take that is looked at from memory. */
const MEMORY_ROOM = 200_000_000;

/** A replay that a report is to be made of. */
export interface ReportedReplay {
  /** What tells it from the others of the same report. */
  readonly name: string;
  readonly options: ReplayOptions;
  /** How many bytes its packets may take at most, compressed. Default: for a report that is looked at from memory. */
  readonly room?: number;
}

/** A replay under way, of which there is a report at any time. */
export class ReportedRun {
  readonly name: string;
  readonly #room: number;
  readonly #steps: Generator<ReplayProgress, Summary, void>;
  #collector: Collector | undefined;
  #progress: ReplayProgress | undefined;
  #summary: Summary | undefined;
  #chosen: ChosenPackets | undefined;

  constructor({ name, options, room = MEMORY_ROOM }: ReportedReplay) {
    this.name = name;
    this.#room = room;
    this.#steps = replaySteps({
      ...options,
      watch: (run) => {
        this.#collector = new Collector(run, { room, hasChoice: options.show !== undefined });
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
    if (this.#collector?.start === undefined && this.#summary === undefined) return undefined;
    const collector = this.#collector;
    return collector && resultIndex(collector, this.#chosenOf(collector), { name: this.name, ...this.#state });
  }

  get #state(): { progress?: ReplayProgress; summary?: Summary } {
    return {
      ...(this.#progress === undefined ? {} : { progress: this.#progress }),
      ...(this.#summary === undefined ? {} : { summary: this.#summary }),
    };
  }

  #chosenOf({ store }: Collector): ChosenPackets {
    return this.#chosen ?? store.now;
  }

  /** Section NUMBER of a KIND as it is now; undefined: there is none. */
  section(kind: SectionKind, number: number): Uint8Array | undefined {
    const collector = this.#collector;
    return collector && resultSection(collector, this.#chosenOf(collector), { kind, number });
  }

  /** After the end: all sections by kind and number, with as much of the packets as ROOM bytes allow. */
  sections(room: number): Map<string, Uint8Array> {
    const sections = new Map<string, Uint8Array>();
    const collector = this.#collector;
    if (collector === undefined) return sections;
    const add = (kind: SectionKind): number => {
      let size = 0;
      for (let number = 0; ; number++) {
        const section = this.section(kind, number);
        if (section === undefined) return size;
        sections.set(`${kind}/${number}`, section);
        size += section.length;
      }
    };
    const others = WHOLE_KINDS.reduce((sum, kind) => sum + add(kind), 0);
    this.#chosen = collector.store.chosen(Math.min(this.#room, room - others));
    for (const kind of CHOSEN_KINDS) add(kind);
    return sections;
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
    const run = new ReportedRun({ room: FILE_ROOM, ...replay });
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
export function makeReport(title: string, replays: readonly ReportedReplay[], whole = NO_SECTIONS): Report {
  const steps = reportSteps(title, replays, whole);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

function reportOf(title: string, runs: readonly ReportedRun[], whole: WholeSections): Report {
  const sections = new Map(whole);
  const size = () => [...sections.values()].reduce((sum, { length }) => sum + length, 0);
  const indexSize = (JSON.stringify(reportIndex(title, runs, whole)).length * 3) / 4;
  for (const [number, run] of runs.entries()) {
    const room = (FILE_ROOM - indexSize - size()) / (runs.length - number);
    for (const [name, section] of run.sections(room)) sections.set(`${number}/${name}`, section);
  }
  return { index: reportIndex(title, runs, whole), sections };
}
