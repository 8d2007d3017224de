/** Lets real time pass as the captures' time does. */
export class Pacer {
  private readonly startedMs = performance.now();
  private readonly cell = new Int32Array(new SharedArrayBuffer(4));

  constructor(private readonly firstNs: bigint) {}

  /** Returns when as much time has passed since the first packet as TSNS is behind it. */
  waitFor(tsNs: bigint): void {
    const waitMs = this.startedMs + Number(tsNs - this.firstNs) / 1e6 - performance.now();
    if (waitMs > 0) Atomics.wait(this.cell, 0, 0, waitMs);
  }
}
