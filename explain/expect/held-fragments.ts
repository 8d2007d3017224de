/** Fragments that wait for the rest of their packets, until these are complete or given up. */
import type { MetPacket } from './packet-claims.js';

/** Those of a packet, in the order in which they came. */
interface Waiting {
  readonly deadlineMs: number;
  readonly fragments: MetPacket[];
}

/** Reasons for which a fragment is dropped, and those of its packet that wait with it (inet_frag_kill). */
const GIVING_UP: readonly string[] = [
  'fragment-overlap',
  'fragment-end',
  'fragment-empty',
  'fragment-ecn',
  'fragment-too-long',
];

export class HeldFragments {
  readonly #timeoutMs: number;
  readonly #judge: (held: MetPacket) => void;
  /** By what the fragments of a packet have in common; the oldest first. */
  readonly #waiting = new Map<string, Waiting>();

  /**
   * @param timeoutMs the sysctl net.ipv4.ipfrag_time, which counts from the first fragment
   * @param judge hears of those that were given up
   */
  constructor(timeoutMs: number, judge: (held: MetPacket) => void) {
    this.#timeoutMs = timeoutMs;
    this.#judge = judge;
  }

  /** MET, a fragment of the packet KEY, waits since NOW_MS. */
  hold(key: string, met: MetPacket, nowMs: number): void {
    const offset = offsetOf(met);
    // The host would drop a second one of the same packet.
    if (this.#waiting.get(key)?.fragments.some((other) => offsetOf(other) === offset)) this.giveUp(key);
    const waiting = this.#waiting.get(key) ?? { deadlineMs: nowMs + this.#timeoutMs, fragments: [] };
    waiting.fragments.push(met);
    this.#waiting.set(key, waiting);
  }

  /** A fragment has completed the packet KEY: those that waited are a part of that. */
  complete(key: string): void {
    this.#waiting.delete(key);
  }

  /** A fragment of the packet KEY was dropped for REASON. */
  dropped(key: string, reason: string): void {
    if (GIVING_UP.includes(reason)) this.giveUp(key);
  }

  /** Gives up packets that are overdue at NOW_MS. */
  passTime(nowMs: number): void {
    for (const [key, { deadlineMs }] of this.#waiting) {
      if (deadlineMs > nowMs) return;
      this.giveUp(key);
    }
  }

  /** Gives up the packet KEY. */
  giveUp(key: string): void {
    const fragments = this.#waiting.get(key)?.fragments ?? [];
    this.#waiting.delete(key);
    for (const held of fragments) this.#judge(held);
  }

  /** Gives up all, as the captures end. */
  close(): void {
    for (const key of this.#waiting.keys()) this.giveUp(key);
  }
}

const offsetOf = ({ story }: MetPacket): number | undefined => story.packet?.fragment?.offsetBytes;
