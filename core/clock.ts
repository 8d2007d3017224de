/** Packet time: the clock of a run stands at the time stamp of the packet that is replayed. */
const SECONDS_A_DAY = 86_400;

/** The kernel counts in ticks (jiffies): CONFIG_HZ=250, as distributions build it. Within one nothing changes. */
export const TICK_MS = 4;

export class Clock {
  /** Milliseconds since the first packet. Does not go back where time stamps do. */
  nowMs = 0;
  /** How many packets went in. */
  packets = 0;
  #startSec = -1;
  #startNsec = 0;
  #sec = 0;
  #nsec = 0;

  /** A packet of this time stamp (seconds since 1970, nanoseconds) is next. */
  advance(sec: number, nsec: number): void {
    if (this.#startSec < 0) {
      this.#startSec = sec;
      this.#startNsec = nsec;
    }
    this.#sec = sec;
    this.#nsec = nsec;
    this.packets++;
    const nowMs = (sec - this.#startSec) * 1000 + (nsec - this.#startNsec) * 1e-6;
    if (nowMs > this.nowMs) this.nowMs = nowMs;
  }

  /** Milliseconds since midnight UTC. */
  get dayMs(): number {
    return (this.#sec % SECONDS_A_DAY) * 1000 + Math.floor(this.#nsec / 1e6);
  }
}
