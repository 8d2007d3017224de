/** Makes a story that fails shorter, by leaving out steps, as long as it fails in the same way. */
import type { Step } from './story.js';

/** These make the frame of a story. */
const KEPT = ['start', 'engine'];

/** Whether a story still fails in the same way; playing one takes seconds. */
type StillFails = (steps: readonly Step[]) => Promise<boolean>;

/** Tries at most TRIES stories. */
export async function shrinkStory(
  steps: readonly Step[],
  stillFails: StillFails,
  tries: number,
): Promise<readonly Step[]> {
  let shortest = steps;
  let left = tries;
  for (let size = Math.ceil(steps.length / 2); size >= 1 && left > 0; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let end = shortest.length; end > 0 && left > 0; end -= size) {
      const start = Math.max(0, end - size);
      const shorter = shortest.filter(({ verb }, i) => i < start || i >= end || KEPT.includes(verb));
      if (shorter.length === shortest.length || !shorter.some(({ verb }) => verb === 'snapshot')) continue;
      left--;
      if (await stillFails(shorter)) shortest = shorter;
    }
  }
  return shortest;
}
