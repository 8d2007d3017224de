// Loaded before uvu: `.run()` then only leaves its run in this queue, for worker.ts to take.
declare global {
  var UVU_DEFER: number;
  var UVU_QUEUE: (() => Promise<unknown>)[][];
}

globalThis.UVU_DEFER = 1;
globalThis.UVU_QUEUE = [[]];

export const queue = globalThis.UVU_QUEUE[0];
