/** What happens besides packets, as few events as tell it: the same that follows soon is told with the first. */
import type { TimelineEvent } from './format/model.js';

/** More of them are told together. */
export const MOST_EVENTS = 2000;
const FIRST_GAP_NS = 1e9;

/** Something happened. */
export interface Happening {
  readonly kind: TimelineEvent['kind'];
  readonly rule?: number | undefined;
  /** What happens again has the same. */
  readonly key: string;
  readonly times: number;
  /** How many there were before and after, of what can be counted. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** What is told of so many TIMES. */
  readonly text: (times: number, from: number | undefined, to: number | undefined) => string;
}

/** Happenings that are told together. */
interface Told extends Happening {
  readonly timeNs: number;
  untilNs: number;
  times: number;
  to?: number | undefined;
}

export class TimelineEvents {
  #told: Told[] = [];
  readonly #last = new Map<string, Told>();
  #gapNs = FIRST_GAP_NS;

  add(timeNs: number, happening: Happening): void {
    const last = this.#last.get(happening.key);
    if (last !== undefined && Math.abs(timeNs - last.untilNs) <= this.#gapNs) {
      join(last, timeNs, happening);
      return;
    }
    const told = { ...happening, timeNs, untilNs: timeNs };
    this.#told.push(told);
    this.#last.set(happening.key, told);
    while (this.#told.length > MOST_EVENTS && this.#gapNs < Number.MAX_SAFE_INTEGER) this.#thin();
  }

  /** In the order of their times. */
  list(): TimelineEvent[] {
    const sorted = [...this.#told].sort((a, b) => a.timeNs - b.timeNs);
    return sorted.map(({ kind, rule, timeNs, untilNs, times, from, to, text }) => ({
      timeNs,
      ...(untilNs === timeNs ? {} : { untilNs }),
      kind,
      text: text(times, from, to),
      ...(rule === undefined ? {} : { rule }),
      ...(times === 1 ? {} : { times }),
    }));
  }

  /** Tells together what has longer gaps between. */
  #thin(): void {
    this.#gapNs *= 2;
    const last = this.#last;
    const told = this.#told;
    last.clear();
    this.#told = [];
    for (const one of told) {
      const before = last.get(one.key);
      if (before !== undefined && Math.abs(one.timeNs - before.untilNs) <= this.#gapNs) join(before, one.untilNs, one);
      else {
        this.#told.push(one);
        last.set(one.key, one);
      }
    }
  }
}

function join(told: Told, timeNs: number, { times, to }: Happening): void {
  told.untilNs = Math.max(told.untilNs, timeNs);
  told.times += times;
  told.to = to;
}
