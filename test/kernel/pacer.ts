/** Makes real time pass as in the captures. */
export class Pacer {
  private readonly startedMs = performance.now();
  private readonly cell = new Int32Array(new SharedArrayBuffer(4));

  constructor(private readonly firstNs: bigint) {}

  /** Waits until as much time has passed since the first packet as in the timestamps. */
  waitFor(tsNs: bigint): void {
    const waitMs = this.startedMs + Number(tsNs - this.firstNs) / 1e6 - performance.now();
    if (waitMs > 0) Atomics.wait(this.cell, 0, 0, waitMs);
  }
}
