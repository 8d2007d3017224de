/** Packet time: the clock of a run stands at the time stamp of the packet that is replayed. */
import {
  CONTROL_NOW_MS_F64,
  CONTROL_NSEC_F64,
  CONTROL_PACKETS_F64,
  CONTROL_SEC_F64,
  CONTROL_START_NSEC_F64,
  CONTROL_START_SEC_F64,
  type Memory,
} from './memory.js';

const SECONDS_A_DAY = 86_400;

/** The kernel counts in ticks (jiffies): CONFIG_HZ=250, as distributions build it. Within one nothing changes. */
export const TICK_MS = 4;

/** It stands in the memory's CONTROL: the code in `wasm/` winds it too (wasm/capture/records.ts). */
export class Clock {
  readonly #control: Float64Array;

  constructor({ control }: Memory) {
    this.#control = control;
  }

  /** Milliseconds since the first packet. Does not go back where time stamps do. */
  get nowMs(): number {
    return this.#control[CONTROL_NOW_MS_F64];
  }

  /** How many packets went in. */
  get packets(): number {
    return this.#control[CONTROL_PACKETS_F64];
  }

  /** A packet of this time stamp (seconds since 1970, nanoseconds) is next. */
  advance(sec: number, nsec: number): void {
    const control = this.#control;
    if (control[CONTROL_PACKETS_F64] === 0) {
      control[CONTROL_START_SEC_F64] = sec;
      control[CONTROL_START_NSEC_F64] = nsec;
    }
    control[CONTROL_SEC_F64] = sec;
    control[CONTROL_NSEC_F64] = nsec;
    control[CONTROL_PACKETS_F64] += 1;
    const nowMs = (sec - control[CONTROL_START_SEC_F64]) * 1000 + (nsec - control[CONTROL_START_NSEC_F64]) * 1e-6;
    if (nowMs > control[CONTROL_NOW_MS_F64]) control[CONTROL_NOW_MS_F64] = nowMs;
  }

  /** Milliseconds since midnight UTC. */
  get dayMs(): number {
    return (this.#control[CONTROL_SEC_F64] % SECONDS_A_DAY) * 1000 + Math.floor(this.#control[CONTROL_NSEC_F64] / 1e6);
  }
}
