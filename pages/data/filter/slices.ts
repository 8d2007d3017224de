/** Work on many rows, in slices, so that the page goes on answering. */

/** How many rows are worked on without a look at the clock. */
export const BLOCK_ROWS = 1 << 14;
/** Less than a frame of the screen has. */
const SLICE_MS = 8;

/** Runs work block by block. Throws what SIGNAL was aborted with. */
export class Slices {
  readonly #signal: AbortSignal | undefined;
  #began = performance.now();

  constructor(signal?: AbortSignal) {
    this.#signal = signal;
  }

  /** Calls WORK for all of COUNT rows, BLOCK_ROWS at most at a time. */
  async each(count: number, work: (from: number, to: number) => void): Promise<void> {
    for (let from = 0; from < count; from += BLOCK_ROWS) {
      this.#signal?.throwIfAborted();
      if (performance.now() - this.#began > SLICE_MS) await this.#pause();
      work(from, Math.min(count, from + BLOCK_ROWS));
    }
  }

  async #pause(): Promise<void> {
    await nextTask();
    this.#began = performance.now();
  }
}

/** After whatever waits for the page, without the delay that browsers add to timers. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    const go = () => {
      port1.close();
      resolve();
    };
    port1.addEventListener('message', go);
    port1.start();
    port2.postMessage(undefined);
  });
}
