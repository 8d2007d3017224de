/** The stories of a few packets out of captures, each as part of the whole replay. */

import type { Frame } from '../../core/link/frame.js';
import { FateRecorder } from '../../replay/fates/fate-recorder.js';
import type { FramePlace } from '../../replay/packet-watch.js';
import { prepareRun } from '../../replay/prepared-run.js';
import type { ReplayOptions, ReplayProgress } from '../../replay/replay.js';
import type { ReplayRun } from '../../replay/replay-run.js';
import type { Story } from '../story/story.js';
import { StoryTeller } from '../story/story-teller.js';
import { BATCH_PACKETS, startNoted } from './compare-runs.js';

/** Has the emulator observed while it has one of the wanted packets of a run that numbers its frames. */
class WatchedFates extends FateRecorder {
  run: ReplayRun | undefined;
  readonly stories = new Map<number, Story>();
  readonly #teller = new StoryTeller();
  readonly #wanted: ReadonlySet<number>;

  constructor(wanted: ReadonlySet<number>) {
    super();
    this.#wanted = wanted;
  }

  override arrive(frame: Frame, place: FramePlace): void {
    super.arrive(frame, place);
    if (this.#isWanted) this.begin();
  }

  override settle(isShown: boolean): void {
    const { packetNumber } = this;
    const isWanted = this.#isWanted;
    super.settle(isShown);
    if (isWanted) this.end(packetNumber);
  }

  get #isWanted(): boolean {
    return this.run?.hostCapture !== undefined && this.#wanted.has(this.packetNumber);
  }

  begin(): void {
    this.run?.emulator.observe(this.#teller.hear);
  }

  /** What was observed is the story of packet NUMBER. */
  end(number: number): void {
    this.run?.emulator.observe(undefined);
    const story = this.#teller.finish();
    if (story !== undefined) this.stories.set(number, story);
  }
}

/**
 * Replays as OPTIONS say, as far as needed, and returns the stories of the packets KEYS (`FrameExample`), by their keys.
 * Those that do not arrive have none.
 */
export function* storiesOf(
  options: ReplayOptions,
  keys: readonly number[],
): Generator<ReplayProgress, ReadonlyMap<number, Story>, void> {
  const sorted = [...new Set(keys)].sort((a, b) => a - b);
  const fates = new WatchedFates(new Set(sorted));
  if (sorted.length === 0) return fates.stories;
  const prepared = prepareRun(options);
  const run = startNoted(prepared, fates);
  fates.run = run;
  const step = function* (packets: number): Generator<ReplayProgress, boolean, void> {
    fates.startBatch();
    const hasMore = run.step(packets);
    const { read, consumedBytes, totalBytes } = run;
    yield { packets: read, consumedBytes, totalBytes, rulesPerPacket: prepared.rulesPerPacket };
    return hasMore;
  };
  try {
    if (run.hostCapture !== undefined) {
      while (fates.packetNumber <= sorted[sorted.length - 1] && (yield* step(BATCH_PACKETS)));
      run.close();
      return fates.stories;
    }
    for (const key of sorted) {
      let hasMore = true;
      while (hasMore && fates.packetNumber < key)
        hasMore = yield* step(Math.min(BATCH_PACKETS, key - fates.packetNumber));
      fates.begin();
      while (hasMore && fates.packetNumber === key) hasMore = yield* step(1);
      fates.end(key);
    }
    return fates.stories;
  } finally {
    run.abandon();
  }
}
