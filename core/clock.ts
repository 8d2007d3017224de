/** Packet time: a host's clock shows the time stamp of the current packet. */
import { f64, layout } from '../codecs/record-layout.js';
import type { Memory } from './memory.js';

const SECONDS_PER_DAY = 86_400;

/** The kernel counts time in ticks (jiffies). CONFIG_HZ=250 is what distributions use. */
export const TICK_MS = 4;

/**
 * The clock in memory. wasm/capture/capture-loop.ts also advances it. Only packets that reach the host advance it;
 * frames skipped by the link stage do not.
 */
export const CLOCK = layout('Clock', {
  /** Milliseconds since the first packet. */
  nowMs: f64,
  /** The time at which waiting fragments expire. The next packet then takes the slow path, which expires them. */
  deadlineMs: f64,
  /** Time stamp of the first packet: seconds since 1970 and nanoseconds. */
  startSec: f64,
  startNsec: f64,
  /** Time stamp of the last packet seen by the slow path. */
  sec: f64,
  nsec: f64,
  /** Number of packets received. */
  packets: f64,
});

export class Clock {
  readonly #clock: Memory['clock'];

  constructor({ clock }: Memory) {
    this.#clock = clock;
  }

  /** Milliseconds since the first packet. Never decreases, even if time stamps do. */
  get nowMs(): number {
    return this.#clock.nowMs;
  }

  /** The number of packets received, which is also the number of the current packet. */
  get packets(): number {
    return this.#clock.packets;
  }

  /** Sets the time stamp of the next packet (seconds since 1970, nanoseconds). */
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

  /** Time has passed up to this time stamp, without a packet. Does nothing before the first packet. */
  advanceTo(sec: number, nsec: number): void {
    const clock = this.#clock;
    const nowMs = (sec - clock.startSec) * 1000 + (nsec - clock.startNsec) * 1e-6;
    if (clock.packets > 0 && nowMs > clock.nowMs) clock.nowMs = nowMs;
  }

  /** Milliseconds since midnight UTC. */
  get dayMs(): number {
    return (this.#clock.sec % SECONDS_PER_DAY) * 1000 + Math.floor(this.#clock.nsec / 1e6);
  }
}
