/** The arrivals of the last moment, by what identifies them on their way through the host. */
import { Tuple } from '../../core/conntrack/tuple.js';
import { type CapturedFrame, millisecondsBetween } from './captured-frame.js';
import type { Cause } from './egress-comparison.js';
import type { PacketBytes } from './packet-identity.js';

/** How long the host may take to forward or to answer a packet. */
const WINDOW_MS = 1000;

interface Arrival {
  readonly cause: Cause;
  /** The tuple of what answers it. */
  readonly answer: string | undefined;
}

export class RecentArrivals {
  readonly #byIdentity = new Map<string, Cause>();
  readonly #byAnswer = new Map<string, Cause>();
  readonly #queue: Arrival[] = [];
  #queueAt = 0;
  readonly #tuple = new Tuple();

  add(cause: Cause, packet: PacketBytes): void {
    const tuple = this.#tuple;
    const answer = tuple.read(packet.view, packet.at, packet.available) && tuple.invert() ? keyOf(tuple) : undefined;
    this.#byIdentity.set(cause.identity, cause);
    if (answer !== undefined) this.#byAnswer.set(answer, cause);
    this.#queue.push({ cause, answer });
  }

  /** The arrival of IDENTITY; undefined if there was none. */
  find(identity: string): Cause | undefined {
    return this.#byIdentity.get(identity);
  }

  /** The last arrival with the addresses and ports of PACKET in reverse. */
  answeredBy({ view, at, available }: PacketBytes): Cause | undefined {
    const tuple = this.#tuple;
    return tuple.read(view, at, available) ? this.#byAnswer.get(keyOf(tuple)) : undefined;
  }

  /** Forgets what is too old at the time of NOW. */
  advance(now: CapturedFrame): void {
    const queue = this.#queue;
    while (this.#queueAt < queue.length && millisecondsBetween(queue[this.#queueAt].cause, now) > WINDOW_MS) {
      const { cause, answer } = queue[this.#queueAt++];
      if (this.#byIdentity.get(cause.identity) === cause) this.#byIdentity.delete(cause.identity);
      if (answer !== undefined && this.#byAnswer.get(answer) === cause) this.#byAnswer.delete(answer);
    }
    if (this.#queueAt < 1024 || this.#queueAt * 2 < queue.length) return;
    queue.splice(0, this.#queueAt);
    this.#queueAt = 0;
  }
}

function keyOf({ protocol, source, destination, ports }: Tuple): string {
  return `${protocol} ${source} ${destination} ${ports}`;
}
