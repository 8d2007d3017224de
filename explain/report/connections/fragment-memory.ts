/** hot: the tuples of packets whose fragments are on their way: only first fragments have ports. */
import type { Frame } from '../../../core/link/frame.js';
import type { ArrivingPacket } from './arriving-packet.js';
import { ERROR, type Membership } from './membership.js';

/** After that the kernel waits for the rest no more (IP_FRAG_TIME), and the ID may be that of another packet. */
const LIFETIME_SEC = 30;
/** More than that are forgotten, the oldest first. */
const MOST = 1 << 16;

interface FirstFragment {
  readonly source: number;
  readonly destination: number;
  readonly ports: number;
  readonly protocol: number;
  readonly sec: number;
  connection: number;
  direction: number;
}

const NOTHING: Membership = { connection: -1, direction: ERROR };

export class FragmentMemory {
  /** What the first fragment of the packet that was recalled last belongs to. */
  found: Membership = NOTHING;
  readonly #firsts = new Map<string, FirstFragment>();

  /** PACKET, in FRAME, is a first fragment. */
  remember({ fragment, tuple }: ArrivingPacket, { tsSec: sec }: Frame): void {
    const { source, destination, ports, protocol } = tuple;
    this.found = NOTHING;
    this.#firsts.delete(fragment);
    this.#firsts.set(fragment, { source, destination, ports, protocol, sec, connection: -1, direction: 0 });
    if (this.#firsts.size <= MOST) return;
    const [oldest] = this.#firsts.keys();
    this.#firsts.delete(oldest);
  }

  /** PACKET, in FRAME, is a later fragment: gives it the tuple of its first one, if that has come. */
  recall({ fragment, tuple }: ArrivingPacket, { tsSec }: Frame): void {
    const first = this.#firsts.get(fragment);
    this.found = NOTHING;
    if (first === undefined || tsSec - first.sec > LIFETIME_SEC) return;
    tuple.source = first.source;
    tuple.destination = first.destination;
    tuple.ports = first.ports;
    tuple.protocol = first.protocol;
    this.found = first;
  }

  /** The fragment PACKET belongs to MEMBERSHIP. IS_HELD: its packet is not complete yet. */
  settle({ fragment }: ArrivingPacket, membership: Membership, isHeld: boolean): void {
    const first = this.#firsts.get(fragment);
    if (first === undefined) return;
    first.connection = membership.connection;
    first.direction = membership.direction;
    if (!isHeld) this.#firsts.delete(fragment);
  }
}
