/** Publishes a report while its packets are replayed: again and again what has come to it since the last time. */
import { growingKinds, type ResultIndex, type SectionKind } from '../../explain/report/format/model.js';
import { type ReportedRun, reportIndex, type WholeSections } from '../../explain/report/make-report.js';
import type { ReportUpdate } from './served-report.js';

/** How often people see something new, at most. */
const SHORTEST_MS = 250;
/** Publishing may take this part of the time: what it takes grows with the report. */
const SHARE = 0.1;

export class Publisher {
  readonly #title: string;
  readonly #runs: readonly ReportedRun[];
  #whole: WholeSections;
  /** Of these, what has not been published. */
  #newWhole: WholeSections;
  readonly #publish: (update: ReportUpdate) => void;
  /** Of each run, what it had of each section when it was last published. */
  readonly #published: (ResultIndex | undefined)[];
  #isBegun = false;
  #dueMs = 0;

  constructor(
    { title, runs, whole }: { title: string; runs: readonly ReportedRun[]; whole: WholeSections },
    publish: (update: ReportUpdate) => void,
  ) {
    this.#title = title;
    this.#runs = runs;
    this.#whole = whole;
    this.#newWhole = whole;
    this.#publish = publish;
    this.#published = runs.map(() => undefined);
  }

  /** Publishes what is new, if there is anything, and if it is time to. */
  publishSometimes(): void {
    const startMs = performance.now();
    if (startMs < this.#dueMs) return;
    // Results are told apart by their numbers.
    if (this.#runs.some((run) => run.index() === undefined)) return;
    this.publish();
    const endMs = performance.now();
    this.#dueMs = endMs + Math.max(SHORTEST_MS, (endMs - startMs) / SHARE);
  }

  /** Publishes SECTIONS of the report as a whole, which were not there before. */
  add(sections: WholeSections): void {
    if (sections.size === 0) return;
    this.#whole = new Map([...this.#whole, ...sections]);
    this.#newWhole = sections;
    this.publish();
  }

  /** Publishes what is new. */
  publish(): void {
    const index = reportIndex(this.#title, this.#runs, this.#whole);
    const sections = new Map(this.#newWhole);
    let isNew = !this.#isBegun || sections.size > 0;
    this.#newWhole = new Map();
    for (const [number, result] of index.results.entries()) {
      const before = this.#published[number];
      if (before !== undefined && !isNewer(result, before)) continue;
      isNew = true;
      this.#published[number] = result;
      for (const [kind, chunk] of changedSections(result, before)) {
        const bytes = this.#runs[number].section(kind, chunk);
        if (bytes !== undefined) sections.set(`${number}/${kind}/${chunk}`, bytes);
      }
    }
    this.#isBegun = true;
    if (isNew) this.#publish({ index: JSON.stringify(index), sections });
  }
}

function isNewer(result: ResultIndex, before: ResultIndex): boolean {
  return result.packets.read !== before.packets.read || result.isRunning !== before.isRunning;
}

/** The kinds and chunks of the sections that RESULT has and are not as in the one BEFORE. */
function* changedSections(
  { sections, packets }: ResultIndex,
  before: ResultIndex | undefined,
): Generator<readonly [SectionKind, number]> {
  const growing = before === undefined ? [] : growingKinds(packets, before.packets);
  for (const [kind, { chunks }] of Object.entries(sections) as [SectionKind, { readonly chunks: number }][]) {
    const first = before !== undefined && growing.includes(kind) ? Math.max(0, before.sections[kind].chunks - 1) : 0;
    for (let chunk = first; chunk < chunks; chunk++) yield [kind, chunk];
  }
}
