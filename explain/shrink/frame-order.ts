/** Points of a replay where frames are left out: what `10s` and `n100` of all frames are when some of them are kept. */
import { parseWhen, type When } from '../../codecs/when.js';
import { timeOf } from '../../replay/time.js';
import { type CapturedFrame, timeOfFrame } from './captured-frames.js';
import type { Selection } from './units.js';

const NANOSECOND_DIGITS = 9;

export class FrameOrder {
  readonly frames: readonly CapturedFrame[];
  /** The unit of each frame. */
  readonly units: readonly number[];

  /** FRAMES in the order of the replay. */
  constructor(frames: readonly CapturedFrame[], units: readonly number[]) {
    this.frames = frames;
    this.units = units;
  }

  /** How many of the first COUNT frames SELECTION keeps. */
  keptOf(count: number, selection: Selection): number {
    let kept = 0;
    for (let i = 0; i < Math.min(count, this.units.length); i++) kept += selection.flags[this.units[i]];
    return kept;
  }

  /**
   * WHEN, for who knows only the frames that SELECTION keeps: the same moment. A frame's number becomes that of the
   * first frame from there on that is kept, or with IS_LAST, of the last one up to there.
   */
  rewritten(when: string, selection: Selection, isLast = false): string {
    const parsed = parseWhen(when);
    if (parsed === undefined || this.frames.length === 0) return when;
    if (parsed.is === 'frame') {
      const number = isLast ? this.keptOf(parsed.number, selection) : this.keptOf(parsed.number - 1, selection) + 1;
      return `n${Math.max(1, number)}`;
    }
    return parsed.is === 'offset' ? this.#absolute(parsed) : when;
  }

  #absolute(offset: Exclude<When, { is: 'frame' }>): string {
    const { sec, nsec } = timeOf(offset, timeOfFrame(this.frames[0]));
    return `@${sec}.${String(nsec).padStart(NANOSECOND_DIGITS, '0')}`;
  }
}
