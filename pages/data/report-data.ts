/** What the page has of a report. While a replay runs, a new one takes the place of the last. */
import type { ReportIndex } from '../../explain/report/format/model.js';
import type { Result } from './result.js';
import { remembered, SectionedResult } from './sectioned-result.js';
import { readJson } from './unpack.js';

/** Where sections come from: the page itself, or whoever served it. */
export interface SectionSource {
  /** The section NAME, compressed. Rejects if there is none. */
  load(name: string): Promise<Uint8Array>;
}

export interface ReportData {
  readonly index: ReportIndex;
  /** In the order of the index. */
  readonly results: readonly Result[];
  /** A section of the report as a whole, which is JSON: `comparison`, `bench`. */
  section<T>(name: string): Promise<T>;
}

/** The report with INDEX. PREVIOUS: as it was, of which what still holds is kept. */
export function reportData(index: ReportIndex, source: SectionSource, previous?: ReportData): ReportData {
  const unpacked = new Map<string, Promise<unknown>>();
  return {
    index,
    results: index.results.map((one, at) => {
      const before = previous?.results[at];
      if (!(before instanceof SectionedResult)) return new SectionedResult(one, at, source);
      // A replay that has ended stays as it is.
      return before.index.isRunning ? new SectionedResult(one, at, source, before) : before;
    }),
    section<T>(name: string): Promise<T> {
      return remembered(unpacked, name, () => source.load(name).then(readJson)) as Promise<T>;
    },
  };
}
