/** A connection as a ladder: its packets in order, and where it had timed out in between or at the end. */
import type { TimeoutFields, TrackedEvent } from '../../core/events.js';
import type { Story } from '../story/story.js';
import { type Course, type Direction, type Rung, rungOf, timedOutOf } from './rung.js';

/** An entry of conntrack that has expired. */
export interface TimedOut {
  readonly state: string | undefined;
  readonly timeout: TimeoutFields | undefined;
  /** How long nothing refreshed it before it expired is `timeout.seconds`; how long it had been gone. */
  readonly agoSec: number;
}

/** Between two packets, or behind the last one. */
export type Between =
  | ({ readonly kind: 'timed-out' } & TimedOut)
  /** The entry was there, and is not any more: the table was full, or its tuple was needed. */
  | { readonly kind: 'gone'; readonly state: string | undefined };

/** How a connection is at the end of the captures. */
export type LadderEnd =
  | ({ readonly kind: 'timed-out' } & TimedOut)
  | {
      readonly kind: 'open';
      readonly state: string | undefined;
      readonly expiresSec: number;
      readonly timeout?: TimeoutFields;
    }
  /** Its entry was removed before it expired. */
  | { readonly kind: 'gone'; readonly state: string | undefined }
  /** It has no entry: none of its packets came so far, or a reset ended it. */
  | { readonly kind: 'none' };

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
  hasEntry = false;
  #expiresAtMs = Number.POSITIVE_INFINITY;
  #timeout: TimeoutFields | undefined;
  #state: string | undefined;

  /** At most MOST packets are kept. */
  constructor(most: number) {
    this.#most = most;
  }

  /** STORY of the frame NAME has been told. */
  add(name: string, story: Story, { nowMs, hasEntry, direction }: Moment): void {
    const before = this.#before(story, nowMs);
    if (before !== undefined) this.#course.translated.clear();
    const rung = rungOf(name, story, this.#course, direction);
    if (this.rungs.length < this.#most) this.rungs.push({ rung, before });
    else this.omitted++;
    const { tracked } = story;
    if (tracked?.timeout !== undefined) this.#timeout = tracked.timeout;
    if (tracked?.expiresSec !== undefined) this.#expiresAtMs = nowMs + tracked.expiresSec * 1000;
    if (tracked?.stateAfter !== undefined) this.#state = tracked.stateAfter;
    this.hasEntry = hasEntry;
  }

  #before(story: Story, nowMs: number): Between | undefined {
    const { tracked } = story;
    if (!this.hasEntry || tracked === undefined) return undefined;
    const heard = timedOutOf(story);
    if (heard !== undefined || this.#expiresAtMs <= nowMs) return { kind: 'timed-out', ...this.#timedOut(nowMs) };
    return isFirst(tracked) ? { kind: 'gone', state: this.#state } : undefined;
  }

  #timedOut(nowMs: number): TimedOut {
    return { state: this.#state, timeout: this.#timeout, agoSec: (nowMs - this.#expiresAtMs) / 1000 };
  }

  /** How it is at NOW_MS, when the captures have ended. IS_THERE: conntrack still has its entry. */
  endAt(nowMs: number, isThere: boolean): LadderEnd {
    if (!this.hasEntry) return { kind: 'none' };
    if (this.#expiresAtMs <= nowMs) return { kind: 'timed-out', ...this.#timedOut(nowMs) };
    if (!isThere) return { kind: 'gone', state: this.#state };
    const timeout = this.#timeout;
    const expiresSec = (this.#expiresAtMs - nowMs) / 1000;
    return { kind: 'open', state: this.#state, expiresSec, ...(timeout === undefined ? {} : { timeout }) };
  }
}

/** Whether a packet of a protocol with states has just opened its connection, not in place of another one. */
function isFirst({ stateBefore, stateAfter, isReopened }: TrackedEvent): boolean {
  return stateBefore === undefined && stateAfter !== undefined && !isReopened;
}
