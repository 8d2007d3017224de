/** What became of some frames of a capture, in one replay. */
import type { FramePlace } from '../../replay/packet-watch.js';
import { type ReplayOptions, replay } from '../../replay/replay.js';
import type { Summary } from '../../replay/summary.js';
import type { Story } from '../story/story.js';
import { StoryWatch } from './story-watch.js';

export interface FrameStories {
  /** By the number of the frame; those that did not enter the host are left out. */
  readonly stories: ReadonlyMap<number, Story>;
  readonly summary: Summary;
}

/** Replays with OPTIONS, which have one capture, and tells the stories of its frames NUMBERS, from 1. Throws as `replay`. */
export function frameStories(options: ReplayOptions, numbers: readonly number[]): FrameStories {
  const watch = new FramesWatch(new Set(numbers));
  const summary = replay({ ...options, watch: () => watch });
  return { stories: watch.stories, summary };
}

class FramesWatch extends StoryWatch {
  readonly stories = new Map<number, Story>();
  readonly #wanted: ReadonlySet<number>;

  constructor(wanted: ReadonlySet<number>) {
    super();
    this.#wanted = wanted;
  }

  wants({ number }: FramePlace): boolean {
    return this.#wanted.has(number);
  }

  told(story: Story | undefined, { number }: FramePlace): void {
    if (story !== undefined) this.stories.set(number, story);
  }
}
