/** A connection as a ladder: its packets in order, and where it had timed out in between or at the end. */
import type { Story } from '../story/story.js';
import { type Between, EntryCourse, type LadderEnd } from './entry-course.js';
import { type Course, type Direction, type Rung, rungOf } from './rung.js';

/** When the story of a packet has just been told. */
export interface Moment {
  readonly nowMs: number;
  /** Conntrack has an entry for it now. */
  readonly hasEntry: boolean;
  /** As its ends tell it. */
  readonly direction: Direction | undefined;
}

export class Ladder {
  readonly rungs: { readonly rung: Rung; readonly before: Between | undefined }[] = [];
  /** Packets beyond those that are kept. */
  omitted = 0;
  readonly #most: number;
  readonly #course: Course = { translated: new Map(), marks: new Map() };
  readonly #entry = new EntryCourse();

  /** At most MOST packets are kept. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Whether conntrack had an entry for the last packet. */
  get hasEntry(): boolean {
    return this.#entry.isThere;
  }

  /** STORY of the frame NAME has been told. */
  add(name: string, story: Story, { nowMs, hasEntry, direction }: Moment): void {
    const before = this.#entry.next(story, nowMs, hasEntry);
    if (before !== undefined) this.#course.translated.clear();
    const rung = rungOf(name, story, this.#course, direction);
    if (this.rungs.length < this.#most) this.rungs.push({ rung, before });
    else this.omitted++;
  }

  /** How it is at NOW_MS, when the captures have ended. IS_THERE: conntrack still has its entry. */
  endAt(nowMs: number, isThere: boolean): LadderEnd {
    return this.#entry.endAt(nowMs, isThere);
  }
}
