/**
 * The ports of bridges (and of bonds). A capture shows a packet on the port and on the bridge. With
 * net.bridge.bridge-nf-call-iptables, PREROUTING has seen an arrival before the bridge has it, which then shows it as
 * translated: so the packet of the port is taken, as arriving on the bridge. What passes between ports is not on the
 * bridge at all.
 */
import { type CapturedFrame, millisecondsBetween } from './captured-frame.js';

/** How much later than a port an arrival is seen on the bridge, or than the bridge a departure on the port. */
const WINDOW_MS = 100;

interface Seen {
  readonly frame: CapturedFrame;
  readonly identity: string;
  /** The index of the bridge. */
  readonly bridge: number;
  isTaken: boolean;
}

export class BridgePorts {
  /** Arrivals on ports that the bridge has not shown yet, and departures from bridges that no port has shown. */
  readonly #arrivals = new Map<string, Seen[]>();
  readonly #departures = new Map<string, Seen[]>();
  readonly #queue: Seen[] = [];
  readonly #onBridged: (frame: CapturedFrame, bridge: number) => void;
  readonly #onSecond: (frame: CapturedFrame) => void;

  /**
   * @param onBridged called for each frame on a port of which the packet was not on the bridge
   * @param onSecond called for each second view of a packet
   */
  constructor(onBridged: (frame: CapturedFrame, bridge: number) => void, onSecond: (frame: CapturedFrame) => void) {
    this.#onBridged = onBridged;
    this.#onSecond = onSecond;
  }

  /** FRAME was captured on a port of BRIDGE. */
  onPort(frame: CapturedFrame, identity: string, bridge: number): void {
    if (!frame.isDeparture) this.#add(this.#arrivals, { frame, identity, bridge, isTaken: false });
    else if (take(this.#departures, identity, bridge) === undefined) this.#onBridged(frame, bridge);
    else this.#onSecond(frame);
  }

  /** FRAME was captured on a bridge, or on an interface without ports: returns it as it is to be followed. */
  onBridge(frame: CapturedFrame, identity: string): CapturedFrame {
    const seen = { frame, identity, bridge: frame.dev, isTaken: false };
    if (!frame.isDeparture) return this.#arrived(frame, identity) ?? frame;
    this.#add(this.#departures, seen);
    return frame;
  }

  /**
   * FRAME was captured on a bridge or on one of its ports. Returns it if it is to be followed; undefined if it is the
   * first view of an arrival, the second of a departure, or passes between ports.
   */
  onEither(frame: CapturedFrame, identity: string): CapturedFrame | undefined {
    const { dev: bridge } = frame;
    const port = this.#arrived(frame, identity);
    if (!frame.isDeparture) {
      if (port === undefined) this.onPort(frame, identity, bridge);
      return port;
    }
    const arrival = take(this.#arrivals, identity, bridge);
    if (arrival !== undefined) {
      this.#onBridged(arrival.frame, bridge);
      this.#onBridged(frame, bridge);
      return undefined;
    }
    if (take(this.#departures, identity, bridge) === undefined) return this.onBridge(frame, identity);
    this.#onSecond(frame);
    return undefined;
  }

  /** The arrival FRAME as a port has seen it; undefined if none has. */
  #arrived(frame: CapturedFrame, identity: string): CapturedFrame | undefined {
    const port = frame.isDeparture ? undefined : take(this.#arrivals, identity, frame.dev);
    if (port === undefined) return undefined;
    this.#onSecond(port.frame);
    const { bytes, view, captured, onWire } = port.frame;
    return { ...frame, bytes, view, captured, onWire };
  }

  #add(kind: Map<string, Seen[]>, seen: Seen): void {
    const same = kind.get(seen.identity);
    if (same === undefined) kind.set(seen.identity, [seen]);
    else same.push(seen);
    this.#queue.push(seen);
  }

  /** Decides about what is too old at the time of NOW; undefined: the captures have ended. */
  advance(now: CapturedFrame | undefined): void {
    const queue = this.#queue;
    let done = 0;
    for (; done < queue.length; done++) {
      const seen = queue[done];
      if (now !== undefined && millisecondsBetween(seen.frame, now) <= WINDOW_MS) break;
      if (seen.isTaken) continue;
      take(seen.frame.isDeparture ? this.#departures : this.#arrivals, seen.identity, seen.bridge);
      if (!seen.frame.isDeparture) this.#onBridged(seen.frame, seen.bridge);
    }
    if (done > 0) queue.splice(0, done);
  }
}

/** Takes the first of KIND with this identity and bridge. */
function take(kind: Map<string, Seen[]>, identity: string, bridge: number): Seen | undefined {
  const same = kind.get(identity);
  const at = same?.findIndex((seen) => seen.bridge === bridge) ?? -1;
  if (same === undefined || at < 0) return undefined;
  const [seen] = same.splice(at, 1);
  if (same.length === 0) kind.delete(identity);
  seen.isTaken = true;
  return seen;
}
