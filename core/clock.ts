/** Packet time: the clock of a host shows the time stamp of the packet in hand. */
import { f64, layout } from '../codecs/record-layout.js';
import type { Memory } from './memory.js';

const SECONDS_A_DAY = 86_400;

/** The kernel counts time in ticks (jiffies): CONFIG_HZ=250, as distributions build it. */
export const TICK_MS = 4;

/**
 * The clock in memory, which wasm/capture/records.ts advances as well. Only packets that reach the host advance it: frames that
 * the link stage skips do not.
 */
export const CLOCK = layout('Clock', {
  /** Milliseconds since the first packet. */
  nowMs: f64,
  /** The time at which fragments have waited long enough: the next packet takes the slow path, which gives them up. */
  deadlineMs: f64,
  /** The time stamp of the first packet: seconds since 1970, nanoseconds. */
  startSec: f64,
  startNsec: f64,
  /** The time stamp of the packet in hand, as far as the slow path has seen it. */
  sec: f64,
  nsec: f64,
  /** How many packets went in. */
  packets: f64,
});

export class Clock {
  readonly #clock: Memory['clock'];

  constructor({ clock }: Memory) {
    this.#clock = clock;
  }

  /** Milliseconds since the first packet. It never goes back, even if time stamps do. */
  get nowMs(): number {
    return this.#clock.nowMs;
  }

  /** How many packets went in, which is also the number of the packet in hand. */
  get packets(): number {
    return this.#clock.packets;
  }

  /** The next packet has this time stamp (seconds since 1970, nanoseconds). */
  advance(sec: number, nsec: number): void {
    const clock = this.#clock;
    if (clock.packets === 0) {
      clock.startSec = sec;
      clock.startNsec = nsec;
    }
    clock.sec = sec;
    clock.nsec = nsec;
    clock.packets += 1;
    const nowMs = (sec - clock.startSec) * 1000 + (nsec - clock.startNsec) * 1e-6;
    if (nowMs > clock.nowMs) clock.nowMs = nowMs;
  }

  /** Milliseconds since midnight UTC. */
  get dayMs(): number {
    return (this.#clock.sec % SECONDS_A_DAY) * 1000 + Math.floor(this.#clock.nsec / 1e6);
  }
}
