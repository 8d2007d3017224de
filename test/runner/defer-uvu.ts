// Loaded before uvu, so that `.run()` only adds its run to this queue, from which worker.ts takes it.
declare global {
  var UVU_DEFER: number;
  var UVU_QUEUE: (() => Promise<unknown>)[][];
}

globalThis.UVU_DEFER = 1;
globalThis.UVU_QUEUE = [[]];

export const queue = globalThis.UVU_QUEUE[0];
