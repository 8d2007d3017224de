/**
 * Packets over lo. A capture of lo may show each twice, as it leaves and as it arrives, and shows the answers that the
 * kernel makes (REJECT) besides those of sockets.
 */
import type { CapturedFrame } from './captured-frame.js';
import { millisecondsBetween } from './captured-frame.js';

/** How long a packet takes over lo, at most. */
const WINDOW_MS = 1000;

export class LoopbackCopies {
  /** Packets that left by lo and whose arrival was not yet seen, by identity: when each left. */
  readonly #departed = new Map<string, CapturedFrame[]>();
  /** What the emulated host has answered over lo, by identity. */
  readonly #answers = new Map<string, number>();

  /** Whether FRAME, over lo, is the arrival of a packet that was already seen as it left. */
  isCopy(frame: CapturedFrame, identity: string): boolean {
    if (frame.isDeparture) {
      const others = this.#departed.get(identity);
      if (others === undefined) this.#departed.set(identity, [frame]);
      else others.push(frame);
      return false;
    }
    const departed = this.#departed.get(identity);
    const first = departed?.shift();
    if (departed?.length === 0) this.#departed.delete(identity);
    return first !== undefined && millisecondsBetween(first, frame) <= WINDOW_MS;
  }

  /** The emulated host has answered over lo with a packet of IDENTITY. */
  answered(identity: string): void {
    this.#answers.set(identity, (this.#answers.get(identity) ?? 0) + 1);
  }

  /** Whether a packet of IDENTITY is one that the emulated host has sent as an answer. Each is asked for once. */
  takeAnswer(identity: string): boolean {
    const left = this.#answers.get(identity) ?? 0;
    if (left <= 1) this.#answers.delete(identity);
    else this.#answers.set(identity, left - 1);
    return left > 0;
  }
}
