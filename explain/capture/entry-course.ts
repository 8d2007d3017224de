/** What becomes of conntrack's entry for a connection from packet to packet, and when the captures end. */
import type { TimeoutFields, TrackedEvent } from '../../core/events.js';
import type { Story } from '../story/story.js';
import { timedOutOf } from './rung.js';

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
  /** The entry was there, and is not any more: the table was full, its tuple was needed, or somebody deleted it. */
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

export class EntryCourse {
  /** Whether there was an entry for the last packet. */
  isThere = false;
  #expiresAtMs = Number.POSITIVE_INFINITY;
  #timeout: TimeoutFields | undefined;
  #state: string | undefined;

  /**
   * STORY, of the next packet, has just been told, at NOW_MS. HAS_ENTRY: conntrack has an entry for it now. Returns what
   * became of the entry before it came.
   */
  next(story: Story, nowMs: number, hasEntry: boolean): Between | undefined {
    const before = this.#before(story, nowMs);
    const { tracked } = story;
    if (tracked?.timeout !== undefined) this.#timeout = tracked.timeout;
    if (tracked?.expiresSec !== undefined) this.#expiresAtMs = nowMs + tracked.expiresSec * 1000;
    if (tracked?.stateAfter !== undefined) this.#state = tracked.stateAfter;
    this.isThere = hasEntry;
    return before;
  }

  #before(story: Story, nowMs: number): Between | undefined {
    const { tracked } = story;
    if (!this.isThere || tracked === undefined) return undefined;
    const heard = timedOutOf(story);
    if (heard !== undefined || this.#expiresAtMs <= nowMs) return { kind: 'timed-out', ...this.#timedOut(nowMs) };
    return isFirst(tracked) ? { kind: 'gone', state: this.#state } : undefined;
  }

  #timedOut(nowMs: number): TimedOut {
    return { state: this.#state, timeout: this.#timeout, agoSec: (nowMs - this.#expiresAtMs) / 1000 };
  }

  /** How it is at NOW_MS, when the captures have ended. IS_THERE: conntrack still has its entry. */
  endAt(nowMs: number, isThere: boolean): LadderEnd {
    if (!this.isThere) return { kind: 'none' };
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
