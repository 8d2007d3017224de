/** When the changes of a replay are due: before the first frame at the time, or with the number, that each names. */
import type { When } from '../../codecs/when.js';
import { type Time, timeOf } from '../time.js';

const NEVER: Time = { sec: Number.POSITIVE_INFINITY, nsec: 0 };
const ALWAYS: Time = { sec: Number.NEGATIVE_INFINITY, nsec: 0 };

/** Something to be done at a time. */
interface Scheduled<C> {
  readonly change: C;
  readonly when: When;
}

interface Due<C> {
  readonly change: C;
  readonly time: Time;
}

/** The changes C that are still to come. */
export class ChangeSchedule<C extends { readonly when: When }> {
  /** In the order in which they were given. */
  #pending: readonly Scheduled<C>[];
  #start: Time | undefined;
  #nextTime: Time;
  #nextFrame: number;

  constructor(changes: readonly C[]) {
    this.#pending = changes.map((change) => ({ change, when: change.when }));
    this.#nextTime = NEVER;
    this.#nextFrame = Number.POSITIVE_INFINITY;
    this.#plan();
  }

  /** No frame at this time or after it may be replayed before `take` is called with it. */
  get nextTime(): Time {
    return this.#nextTime;
  }

  /** Nor one with this number, from 1, in the order of the merged captures. */
  get nextFrame(): number {
    return this.#nextFrame;
  }

  /** Whether something is due before the frame NUMBER at SEC and NSEC. */
  isDue(sec: number, nsec: number, number: number): boolean {
    const { sec: dueSec, nsec: dueNsec } = this.#nextTime;
    return number >= this.#nextFrame || sec > dueSec || (sec === dueSec && nsec >= dueNsec);
  }

  /**
   * What is due before the frame NUMBER at TIME, in the order of the times; at the same time, in the order in which it
   * was given.
   */
  take(time: Time, number: number): Due<C>[] {
    this.#start ??= time;
    const due: Due<C>[] = [];
    const left: Scheduled<C>[] = [];
    for (const scheduled of this.#pending) {
      const at = this.#timeOf(scheduled.when, time, number);
      if (at === undefined || isBefore(time, at)) left.push(scheduled);
      else due.push({ change: scheduled.change, time: at });
    }
    this.#pending = left;
    this.#plan();
    return due.sort((a, b) => (isBefore(a.time, b.time) ? -1 : isBefore(b.time, a.time) ? 1 : 0));
  }

  /** What is still to come when the captures have ended, in the order in which it would have been due. */
  takeRest(): C[] {
    const rest = [...this.#pending];
    this.#pending = [];
    this.#plan();
    const timed = rest.map(({ change, when }) => ({
      change,
      time: when.is === 'frame' ? NEVER : timeOf(when, this.#start ?? { sec: 0, nsec: 0 }),
      number: when.is === 'frame' ? when.number : 0,
    }));
    timed.sort((a, b) => (isBefore(a.time, b.time) ? -1 : isBefore(b.time, a.time) ? 1 : a.number - b.number));
    return timed.map(({ change }) => change);
  }

  /** When WHEN is, if a frame NUMBER at TIME comes next; undefined: later. */
  #timeOf(when: When, time: Time, number: number): Time | undefined {
    if (when.is === 'frame') return number >= when.number ? time : undefined;
    return timeOf(when, this.#start ?? time);
  }

  #plan(): void {
    this.#nextTime = NEVER;
    this.#nextFrame = Number.POSITIVE_INFINITY;
    for (const { when } of this.#pending) {
      if (when.is === 'frame') {
        this.#nextFrame = Math.min(this.#nextFrame, when.number);
        continue;
      }
      // What is so long after the first packet is known with that.
      const time = when.is === 'offset' && this.#start === undefined ? ALWAYS : timeOf(when, this.#start ?? NEVER);
      if (isBefore(time, this.#nextTime)) this.#nextTime = time;
    }
  }
}

function isBefore(a: Time, b: Time): boolean {
  return a.sec < b.sec || (a.sec === b.sec && a.nsec < b.nsec);
}
