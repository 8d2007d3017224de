/** A replay of a candidate: what came out, and what became of the packets at one time. */
import type { Frame } from '../../core/link/frame.js';
import { type GoldenCase, optionsOf } from '../../replay/golden-case.js';
import type { FramePlace } from '../../replay/packet-watch.js';
import { type ReplayOptions, replay } from '../../replay/replay.js';
import type { TemporaryFolder } from '../../replay/temporary-folder.js';
import { StoryWatch } from '../capture/story-watch.js';
import type { Story } from '../story/story.js';
import { storyKind } from './story-kind.js';

export interface Observed {
  /** The folder with the results, until the next replay. */
  readonly dir: string;
  /** What became of the packets at that time, in their order. */
  readonly fates: readonly string[];
}

/**
 * Replays GOLDEN into FOLDER. TS_NS: the time of the packets in question; undefined: none.
 * @throws as `replay`
 */
export function observe(golden: GoldenCase, tsNs: bigint | undefined, folder: TemporaryFolder): Observed {
  const watch = tsNs === undefined ? undefined : new TimeWatch(tsNs);
  const dir = `${folder.path}/got`;
  const options: ReplayOptions = { ...optionsOf(golden), outDir: dir };
  replay({ ...options, ...(watch === undefined ? {} : { watch }) });
  return { dir, fates: watch?.fates ?? [] };
}

const NANOSECONDS = 1_000_000_000n;

/** Hears of the packets at one time. */
class TimeWatch extends StoryWatch {
  readonly fates: string[] = [];
  readonly #tsSec: number;
  readonly #tsNsec: number;

  constructor(tsNs: bigint) {
    super();
    this.#tsSec = Number(tsNs / NANOSECONDS);
    this.#tsNsec = Number(tsNs % NANOSECONDS);
  }

  wants(_place: FramePlace, { tsSec, tsNsec }: Frame): boolean {
    return tsSec === this.#tsSec && tsNsec === this.#tsNsec;
  }

  told(story: Story | undefined): void {
    if (story !== undefined) this.fates.push(storyKind(story));
  }
}
