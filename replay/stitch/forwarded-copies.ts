/**
 * hot: recognizes packets that were captured twice, before and after the captured host forwarded them: in merged
 * captures of both of its sides, or in one of all of its interfaces. The second has a TTL one lower.
 */
import {
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPV4_DESTINATION_AT,
  IPV4_ID_AT,
  IPV4_LENGTH,
  IPV4_PROTOCOL_AT,
  IPV4_SOURCE_AT,
  IPV4_TOTAL_LENGTH_AT,
  IPV4_TTL_AT,
  TCP_CHECKSUM_AT,
  UDP_CHECKSUM_AT,
} from '../../codecs/layouts.js';

const SLOTS_LOG2 = 12;
const SLOTS = 1 << SLOTS_LOG2;
/** How long a host takes to forward a packet, at most. */
const MOST_SECONDS = 1;

// The words of a slot.
const SOURCE = 0;
const DESTINATION = 1;
/** IP ID << 16 | total length. */
const ID = 2;
/** What follows the IP header: both ports, or the type, code and checksum of ICMP. */
const HEAD = 3;
/** TCP, UDP: the checksum, which depends on all of the packet. */
const CHECKSUM = 4;
const TTL = 5;
const SECONDS = 6;
const WORDS = 7;

export class ForwardedCopies {
  readonly #slots = new Int32Array(SLOTS * WORDS);

  /**
   * Whether the IPv4 packet at AT, of which AVAILABLE bytes are present, was captured before, one hop earlier.
   * Remembers it otherwise.
   */
  isCopy(view: DataView, at: number, available: number, tsSec: number): boolean {
    const l4 = at + (view.getUint8(at) & 15) * 4;
    const end = at + available;
    if (available < IPV4_LENGTH || l4 + 4 > end) return false;
    const source = view.getInt32(at + IPV4_SOURCE_AT);
    const destination = view.getInt32(at + IPV4_DESTINATION_AT);
    const id = (view.getUint16(at + IPV4_ID_AT) << 16) | view.getUint16(at + IPV4_TOTAL_LENGTH_AT);
    const head = view.getInt32(l4);
    const checksumAt = l4 + checksumOffset(view.getUint8(at + IPV4_PROTOCOL_AT));
    const checksum = checksumAt + 2 <= end ? view.getUint16(checksumAt) : 0;
    const ttl = view.getUint8(at + IPV4_TTL_AT);
    const slot = slotOf(source ^ head, destination ^ id);
    const slots = this.#slots;
    if (
      slots[slot + SOURCE] === source &&
      slots[slot + DESTINATION] === destination &&
      slots[slot + ID] === id &&
      slots[slot + HEAD] === head &&
      slots[slot + CHECKSUM] === checksum &&
      slots[slot + TTL] === ttl + 1 &&
      Math.abs((tsSec | 0) - slots[slot + SECONDS]) <= MOST_SECONDS
    ) {
      return true;
    }
    slots[slot + SOURCE] = source;
    slots[slot + DESTINATION] = destination;
    slots[slot + ID] = id;
    slots[slot + HEAD] = head;
    slots[slot + CHECKSUM] = checksum;
    slots[slot + TTL] = ttl;
    slots[slot + SECONDS] = tsSec;
    return false;
  }
}

function checksumOffset(protocol: number): number {
  if (protocol === IPPROTO_TCP) return TCP_CHECKSUM_AT;
  return protocol === IPPROTO_UDP ? UDP_CHECKSUM_AT : 0;
}

function slotOf(a: number, b: number): number {
  const hash = Math.imul(Math.imul(a, 0x9e3779b1) ^ b, 0x85ebca6b);
  return (hash >>> (32 - SLOTS_LOG2)) * WORDS;
}
