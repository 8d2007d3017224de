/** The fragments of one packet that is not whole yet (struct ipq), in flat memory that is used again for the next one. */

/** Where a fragment's number stands in `FragmentQueue.entries`. */
export const ENTRY_OFFSET = 0;
/** Bytes of IP payload, as the header says and trimmed to a multiple of 8 but in the last one. */
export const ENTRY_LENGTH = 1;
/** How many of them are there. */
export const ENTRY_AVAILABLE = 2;
export const ENTRY_HEADER_LENGTH = 3;
/** Where its header, then its payload, lies in `FragmentQueue.bytes`. */
export const ENTRY_AT = 4;
/** How its frame was addressed (PacketType). */
export const ENTRY_TYPE = 5;
export const ENTRY_SIZE = 6;

/** What `FragmentQueue.place` says of a fragment: new, already there, or partly there. */
export const Placement = { NEW: 0, DUPLICATE: 1, OVERLAP: 2 } as const;
export type Placement = (typeof Placement)[keyof typeof Placement];

const FIRST_BYTES = 4096;
const FIRST_ENTRIES = 16;
/** Buffers above this are not kept for the next packet. */
const MOST_BYTES_KEPT = 1 << 16;

export class FragmentQueue {
  /** The key: addresses as loaded little-endian, IP id, protocol, and whose reassembly it is. */
  source = 0;
  destination = 0;
  id = 0;
  protocol = 0;
  user = 0;

  /** Others of the same hash; others by the time at which they are given up. */
  nextInBucket: FragmentQueue | null = null;
  earlier: FragmentQueue | null = null;
  later: FragmentQueue | null = null;
  deadlineMs = 0;

  /** Bytes of payload that the packet has, as far as is known; those that are there; whether the first, the last came. */
  length = 0;
  meat = 0;
  hasFirst = false;
  hasLast = false;
  /** A bit for each ECN codepoint that was seen: 1 << codepoint. */
  ecn = 0;
  /** The largest fragment with its header, and the largest one with DF, in bytes. */
  maxSize = 0;
  maxDfSize = 0;
  /** The interface that the newest fragment came in by. */
  inDev = -1;
  /** The count of its source's fragments when the newest one of this packet came (see FragmentQueues). */
  sourceCount = 0;
  /** What the kernel would hold for it, in bytes. */
  memoryBytes = 0;

  bytes = new Uint8Array(FIRST_BYTES);
  view = new DataView(this.bytes.buffer);
  private bytesUsed = 0;

  /** ENTRY_SIZE numbers a fragment, in order of arrival. */
  entries = new Int32Array(FIRST_ENTRIES * ENTRY_SIZE);
  count = 0;

  /**
   * Stretches of payload that are there, [start, end) each, sorted. A fragment that follows the very last one lengthens its
   * run; any other makes a run of its own. A fragment that lies within one run is a duplicate.
   */
  private runs = new Int32Array(FIRST_ENTRIES * 2);
  private runCount = 0;

  /** Make it empty, as for a new packet; the sizes seen stay where only its fragments are given up (ip_frag_reinit). */
  clear(): void {
    this.length = 0;
    this.meat = 0;
    this.hasFirst = false;
    this.hasLast = false;
    this.ecn = 0;
    this.inDev = -1;
    this.bytesUsed = 0;
    this.count = 0;
    this.runCount = 0;
  }

  /** Make it fit for another packet, and let go of an unusually large buffer. */
  recycle(): void {
    this.clear();
    this.maxSize = 0;
    this.maxDfSize = 0;
    this.sourceCount = 0;
    this.memoryBytes = 0;
    this.nextInBucket = null;
    if (this.bytes.length > MOST_BYTES_KEPT) {
      this.bytes = new Uint8Array(FIRST_BYTES);
      this.view = new DataView(this.bytes.buffer);
    }
  }

  /** Take payload from START to END (exclusive) into account, where none of it is there yet. */
  place(start: number, end: number): Placement {
    const { runs, runCount } = this;
    let at = runCount;
    while (at > 0 && runs[2 * at - 1] > start) {
      at--;
      const runStart = runs[2 * at];
      if (end > runStart) return start >= runStart && end <= runs[2 * at + 1] ? Placement.DUPLICATE : Placement.OVERLAP;
    }
    if (at === runCount && runCount > 0 && runs[2 * at - 1] === start) {
      runs[2 * at - 1] = end;
      return Placement.NEW;
    }
    if (2 * runCount === runs.length) {
      this.runs = new Int32Array(2 * runs.length);
      this.runs.set(runs);
    }
    this.runs.copyWithin(2 * at + 2, 2 * at, 2 * runCount);
    this.runs[2 * at] = start;
    this.runs[2 * at + 1] = end;
    this.runCount++;
    return Placement.NEW;
  }

  /** Keep a fragment: its header and AVAILABLE bytes of payload, from AT on in BYTES. */
  keep(
    bytes: Uint8Array,
    at: number,
    headerLength: number,
    offset: number,
    length: number,
    available: number,
    type: number,
  ): void {
    const size = headerLength + available;
    if (this.bytesUsed + size > this.bytes.length) this.growBytes(this.bytesUsed + size);
    if ((this.count + 1) * ENTRY_SIZE > this.entries.length) {
      const entries = new Int32Array(2 * this.entries.length);
      entries.set(this.entries);
      this.entries = entries;
    }
    copyBytes(bytes, at, this.bytes, this.bytesUsed, size);
    const entry = this.count * ENTRY_SIZE;
    this.entries[entry + ENTRY_OFFSET] = offset;
    this.entries[entry + ENTRY_LENGTH] = length;
    this.entries[entry + ENTRY_AVAILABLE] = available;
    this.entries[entry + ENTRY_HEADER_LENGTH] = headerLength;
    this.entries[entry + ENTRY_AT] = this.bytesUsed;
    this.entries[entry + ENTRY_TYPE] = type;
    this.count++;
    this.bytesUsed += size;
  }

  /** Where the numbers of the fragment at offset 0 stand in `entries`; -1: it is not there. */
  firstEntry(): number {
    for (let entry = 0; entry < this.count * ENTRY_SIZE; entry += ENTRY_SIZE) {
      if (this.entries[entry + ENTRY_OFFSET] === 0) return entry;
    }
    return -1;
  }

  private growBytes(needed: number): void {
    let size = this.bytes.length;
    while (size < needed) size *= 2;
    const bytes = new Uint8Array(size);
    bytes.set(this.bytes);
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }
}

/** Copy LENGTH bytes; without a view on them, so that nothing is allocated a fragment where they are few. */
export function copyBytes(from: Uint8Array, fromAt: number, to: Uint8Array, toAt: number, length: number): void {
  if (length < 64) for (let i = 0; i < length; i++) to[toAt + i] = from[fromAt + i];
  else to.set(from.subarray(fromAt, fromAt + length), toAt);
}
