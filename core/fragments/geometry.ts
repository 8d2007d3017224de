/**
 * How a reassembled packet was fragmented when it arrived. The host fragments it the same way when it leaves (the
 * fragment list in ip_do_fragment).
 */

/** The maximum number of fragments in a packet: 65535 bytes in pieces of 8. */
export const MAX_FRAGMENTS = 8192;

/**
 * Headroom in front of a fragment's IP header, in bytes: what raw and packet sockets leave, so it applies to frames
 * sent by the host itself and by tcpreplay over a veth pair. (Network drivers leave more.) If a later fragment's own
 * header and headroom have no room for the first fragment's header plus a link-layer header, the kernel splits the
 * packet from scratch.
 */
const HEADROOM = 16;
/** Room that the kernel reserves for an Ethernet header (LL_RESERVED_SPACE). */
const LINK_LAYER_ROOM = 16;

/** The fragments of the packet reassembled last, in order. One object is reused for all packets. */
export class FragmentGeometry {
  /** Number of fragments. */
  count = 0;
  /** IP payload bytes in each fragment. */
  readonly lengths = new Int32Array(MAX_FRAGMENTS);
  /** Headroom before each fragment's payload, in bytes. */
  private readonly headrooms = new Int32Array(MAX_FRAGMENTS);

  /** Number of fragments that arrived, and the payload range [start, end) that each brought, shortened by a snaplen. */
  private arrived = 0;
  private isCut = false;
  private readonly starts = new Int32Array(MAX_FRAGMENTS);
  private readonly knownEnds = new Int32Array(MAX_FRAGMENTS);

  reset(): void {
    this.count = 0;
    this.arrived = 0;
    this.isCut = false;
  }

  /**
   * Appends a fragment: the offset of its payload, its length, its available bytes and the length of its own header,
   * all in bytes.
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
   * Must be called before the first LENGTH bytes after the IP header are rewritten. The kernel then pulls that many
   * bytes into the first fragment (skb_ensure_writable). If the first fragment was shorter, this changes the geometry.
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
   * Where each fragment's payload ends, in bytes after the IP header. The first REWRITTEN_LENGTH bytes are in the first
   * fragment, as after `ensureWritable`.
   */
  pieces(rewrittenLength: number): number[] {
    const ends: number[] = [];
    let end = 0;
    for (let i = 0; i < this.count; i++) {
      end += this.lengths[i];
      if (ends.length === 0) ends.push(Math.max(end, rewrittenLength));
      else if (end > rewrittenLength) ends.push(end);
    }
    return ends;
  }

  /**
   * Whether a packet with a header of HEADER_LENGTH bytes can leave in its original fragments, none with a payload
   * longer than ROOM (the geometry checks in ip_do_fragment).
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

  /** Number of contiguous bytes available from START, up to END (payload offsets). */
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
