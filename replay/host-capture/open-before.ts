/** Which TCP connections were open before a capture began: what NAT did to them is unknown. */
import {
  IPPROTO_TCP,
  IPV4_FRAGMENT_AT,
  IPV4_LENGTH,
  IPV4_OFFSET_MASK,
  IPV4_PROTOCOL_AT,
  TCP_FLAGS_AT,
  TCP_LENGTH,
  TCP_SYN,
} from '../../codecs/layouts.js';
import { Tuple } from '../../core/conntrack/tuple.js';
import { TupleMap } from '../tuple-map.js';
import type { PacketBytes } from './packet-identity.js';

const SEEN_OPENING = 1;
const OPEN_BEFORE = 2;

export class OpenBefore {
  /** How many there are. */
  count = 0;
  readonly #states = new TupleMap(1);
  readonly #tuple = new Tuple();

  /**
   * Whether PACKET belongs to a connection whose opening was not captured. IS_TRACKED: whether the emulated host knows
   * a connection with this tuple.
   */
  has(packet: PacketBytes, isTracked: (tuple: Tuple) => boolean): boolean {
    const { view, at, available } = packet;
    if (available < IPV4_LENGTH || view.getUint8(at + IPV4_PROTOCOL_AT) !== IPPROTO_TCP) return false;
    const l4 = at + ((view.getUint8(at) & 15) << 2);
    const isWhole =
      (view.getUint16(at + IPV4_FRAGMENT_AT) & IPV4_OFFSET_MASK) === 0 && l4 + TCP_LENGTH <= at + available;
    const tuple = this.#tuple;
    if (!isWhole || !tuple.read(view, at, available)) return false;
    const isOpening = (view.getUint8(l4 + TCP_FLAGS_AT) & TCP_SYN) !== 0;
    const known = this.#states.find(tuple.source, tuple.destination, tuple.ports, IPPROTO_TCP);
    const before = known < 0 ? 0 : this.#states.words[known];
    if (!isOpening && before !== 0) return before === OPEN_BEFORE;
    const state = isOpening || isTracked(tuple) ? SEEN_OPENING : OPEN_BEFORE;
    if (state === OPEN_BEFORE) this.count++;
    if (state === before) return false;
    this.#set(tuple, state);
    tuple.invert();
    this.#set(tuple, state);
    return state === OPEN_BEFORE;
  }

  #set({ source, destination, ports }: Tuple, state: number): void {
    const at = this.#states.insert(source, destination, ports, IPPROTO_TCP);
    this.#states.words[at] = state;
  }
}
