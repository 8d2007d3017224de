/** hot: remembers the ports of fragmented packets, which only their first fragments have. */
import { IPV4_ID_AT } from '../../codecs/layouts.js';
import type { CapturedPacket, Kind } from './captured-packet.js';

const SLOTS_LOG2 = 10;
const SLOTS = 1 << SLOTS_LOG2;

// The words of a slot.
const SOURCE = 0;
const DESTINATION = 1;
/** Protocol << 16 | IP ID; 0 if empty. Protocol 0 has no ports anyway. */
const ID = 2;
const PORTS = 3;
const CONVERSATION = 4;
const KIND = 5;
const WORDS = 6;

export class FragmentPorts {
  /** How many fragments came without, or before, the first one of their packet. */
  early = 0;
  readonly #slots = new Int32Array(SLOTS * WORDS);

  /** Notes the ports of PACKET, a first fragment at AT, or adds them to a later one. */
  complete(packet: CapturedPacket, view: DataView, at: number): void {
    const { tuple } = packet;
    const id = (tuple.protocol << 16) | view.getUint16(at + IPV4_ID_AT);
    const slot = this.#slotOf(tuple.source, tuple.destination, id);
    const slots = this.#slots;
    if (!packet.isLaterFragment) {
      slots[slot + SOURCE] = tuple.source;
      slots[slot + DESTINATION] = tuple.destination;
      slots[slot + ID] = id;
      slots[slot + PORTS] = tuple.ports;
      slots[slot + CONVERSATION] = packet.conversationPorts;
      slots[slot + KIND] = packet.kind;
      return;
    }
    const isKnown =
      slots[slot + SOURCE] === tuple.source &&
      slots[slot + DESTINATION] === tuple.destination &&
      slots[slot + ID] === id;
    if (!isKnown) {
      this.early++;
      return;
    }
    tuple.ports = slots[slot + PORTS];
    packet.conversationPorts = slots[slot + CONVERSATION];
    packet.kind = slots[slot + KIND] as Kind;
    packet.sequence = 0;
    packet.end = 0;
  }

  #slotOf(source: number, destination: number, id: number): number {
    const hash = Math.imul(Math.imul(source, 0x9e3779b1) ^ destination, 0x85ebca6b) ^ Math.imul(id, 0xc2b2ae35);
    return (hash >>> (32 - SLOTS_LOG2)) * WORDS;
  }
}
