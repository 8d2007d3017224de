/**
 * How a reassembled packet was cut when it arrived: the host cuts it the same way again where it leaves (ip_do_fragment's
 * list of fragments).
 */

/** The most fragments of one packet: 65535 bytes in pieces of 8. */
export const MOST_FRAGMENTS = 8192;

/**
 * Room in front of a fragment's IP header, in bytes: what a raw or packet socket leaves, hence what a frame sent by the host
 * itself or by tcpreplay over a veth pair has. (A network card's driver leaves more.) Where a later fragment's own header
 * and this room cannot take the first fragment's header and a link-layer header together, the kernel cuts anew.
 */
const HEADROOM = 16;
/** What the kernel keeps free for a link-layer header of Ethernet (LL_RESERVED_SPACE). */
const LINK_LAYER_ROOM = 16;

/** The fragments of the packet reassembled last, in order; one object, reused for each. */
export class FragmentGeometry {
  /** How many fragments there are. */
  count = 0;
  /** Bytes of the IP payload that each carries. */
  readonly lengths = new Int32Array(MOST_FRAGMENTS);
  /** Room in front of each one's payload, in bytes. */
  private readonly headrooms = new Int32Array(MOST_FRAGMENTS);

  /** How many fragments arrived, and which bytes of the payload each brought: [start, end). Cut by a snaplen: fewer. */
  private arrived = 0;
  private isCut = false;
  private readonly starts = new Int32Array(MOST_FRAGMENTS);
  private readonly knownEnds = new Int32Array(MOST_FRAGMENTS);

  reset(): void {
    this.count = 0;
    this.arrived = 0;
    this.isCut = false;
  }

  /**
   * Append a fragment: where its payload starts, its length, how much of it is there, and its own header's length, all in
   * bytes.
   */
  append(start: number, length: number, available: number, headerLength: number): void {
    this.lengths[this.count] = length;
    this.headrooms[this.count] = headerLength + HEADROOM;
    this.count++;
    this.starts[this.arrived] = start;
    this.knownEnds[this.arrived] = start + available;
    this.arrived++;
    if (available < length) this.isCut = true;
  }

  /**
   * Whoever rewrites the first LENGTH bytes after the IP header calls this first: the kernel moves as many bytes into the
   * first fragment (skb_ensure_writable), which changes how the packet is cut where the first fragment was shorter.
   */
  ensureWritable(length: number): void {
    const { lengths, headrooms } = this;
    if (this.count === 0 || lengths[0] >= length) return;
    let missing = length - lengths[0];
    let emptied = 0;
    for (let i = 1; i < this.count && missing > 0; i++) {
      const moved = Math.min(missing, lengths[i]);
      lengths[0] += moved;
      lengths[i] -= moved;
      headrooms[i] += moved;
      missing -= moved;
      if (lengths[i] === 0) emptied++;
    }
    lengths.copyWithin(1, 1 + emptied, this.count);
    headrooms.copyWithin(1, 1 + emptied, this.count);
    this.count -= emptied;
  }

  /**
   * Whether a packet with a header of HEADER_LENGTH bytes can leave cut as it arrived, no fragment's payload longer than
   * ROOM (the geometry checks of ip_do_fragment).
   */
  isUsable(headerLength: number, room: number): boolean {
    const { lengths, headrooms, count } = this;
    if (count < 2 || lengths[0] > room || (lengths[0] & 7) !== 0) return false;
    for (let i = 1; i < count; i++) {
      if (lengths[i] > room || headrooms[i] < headerLength + LINK_LAYER_ROOM) return false;
      if ((lengths[i] & 7) !== 0 && i < count - 1) return false;
    }
    return true;
  }

  /** How many bytes from START on are there without a gap, up to END (offsets in the payload). */
  availableFrom(start: number, end: number): number {
    if (!this.isCut) return end - start;
    let known = start;
    for (let i = 0; i < this.arrived && known < end; i++) {
      if (this.starts[i] > known) break;
      if (this.knownEnds[i] > known) known = this.knownEnds[i];
    }
    return Math.min(known, end) - start;
  }
}
