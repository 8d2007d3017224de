/** The fragments of an incomplete packet (struct ipq), in flat memory that is reused for other packets. */
import type { Packet, PacketType } from '../packet.js';

/** Positions of a fragment's values in `FragmentQueue.entries`. */
export const ENTRY_OFFSET = 0;
/** IP payload bytes according to the header, rounded down to a multiple of 8 except in the last fragment. */
export const ENTRY_LENGTH = 1;
/** How many of these bytes are available. */
export const ENTRY_AVAILABLE = 2;
export const ENTRY_HEADER_LENGTH = 3;
/** Offset of its header, followed by its payload, in `FragmentQueue.bytes`. */
export const ENTRY_AT = 4;
/** How its frame was addressed (PacketType). */
const ENTRY_TYPE = 5;
/** The MAC addresses of its frame, as in `Packet`: source and destination, each the upper 16 bits and the lower 32. */
const ENTRY_MACS = 6;
export const ENTRY_SIZE = 10;

/** Result of `FragmentQueue.place`: the fragment is new, a duplicate, or a partial overlap. */
export const Placement = { NEW: 0, DUPLICATE: 1, OVERLAP: 2 } as const;
export type Placement = (typeof Placement)[keyof typeof Placement];

/** A queue starts small, since there may be hundreds of thousands, most of them with a single fragment. */
const FIRST_ENTRIES = 2;
/** Larger buffers are not kept for the next packet. */
const MAX_BYTES_KEPT = 1 << 16;

export class FragmentQueue {
  /** The key: addresses as loaded little-endian, IP ID, protocol and FragmentUser. */
  source = 0;
  destination = 0;
  id = 0;
  protocol = 0;
  user = 0;
  /** The hash of the key. */
  hash = 0;

  /** Links to queues with the same hash, and to neighbours in the list sorted by deadline. */
  nextInBucket: FragmentQueue | null = null;
  earlier: FragmentQueue | null = null;
  later: FragmentQueue | null = null;
  deadlineMs = 0;

  /** Payload length known so far, available payload bytes, and whether the first and the last fragment have arrived. */
  length = 0;
  meat = 0;
  hasFirst = false;
  hasLast = false;
  /** One bit for each ECN codepoint seen: 1 << codepoint. */
  ecn = 0;
  /** Size of the largest fragment, and of the largest with DF, header included, in bytes. */
  maxSize = 0;
  maxDfSize = 0;
  /** The interface on which the newest fragment arrived. */
  inDev = -1;
  /** The fragment count of the source when the newest fragment of this packet arrived (see FragmentQueues). */
  sourceCount = 0;
  /** The memory that the kernel would use for it, in bytes. */
  memoryBytes = 0;

  bytes = new Uint8Array(0);
  private bytesUsed = 0;

  /** ENTRY_SIZE numbers for each fragment, in order of arrival. */
  entries = new Int32Array(FIRST_ENTRIES * ENTRY_SIZE);
  count = 0;

  /**
   * The payload ranges present, each [start, end), sorted. A fragment right after the last run extends it. Any other
   * starts a new run. A fragment within one run is a duplicate.
   */
  private runs = new Int32Array(FIRST_ENTRIES * 2);
  private runCount = 0;

  /** Empties the queue for a new packet. Keeps the sizes seen, as a restart does (ip_frag_reinit). */
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

  /** Prepares the queue for another packet and frees unusually large buffers. */
  recycle(): void {
    this.clear();
    this.maxSize = 0;
    this.maxDfSize = 0;
    this.sourceCount = 0;
    this.memoryBytes = 0;
    this.nextInBucket = null;
    if (this.bytes.length > MAX_BYTES_KEPT) this.bytes = new Uint8Array(0);
  }

  /** Adds the payload range from START to END (exclusive), unless part of it is already present. */
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

  /** Stores the fragment PACKET: its header and AVAILABLE of LENGTH bytes of payload, which belong at OFFSET. */
  keep(packet: Packet, offset: number, length: number, available: number): void {
    const { bytes, at, headerLength, type } = packet;
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
    this.entries[entry + ENTRY_MACS] = packet.sourceMacHigh;
    this.entries[entry + ENTRY_MACS + 1] = packet.sourceMacLow;
    this.entries[entry + ENTRY_MACS + 2] = packet.destinationMacHigh;
    this.entries[entry + ENTRY_MACS + 3] = packet.destinationMacLow;
    this.count++;
    this.bytesUsed += size;
  }

  /** The position in `entries` of the fragment at offset 0; -1 if it is missing. */
  firstEntry(): number {
    for (let entry = 0; entry < this.count * ENTRY_SIZE; entry += ENTRY_SIZE) {
      if (this.entries[entry + ENTRY_OFFSET] === 0) return entry;
    }
    return -1;
  }

  /** Tells PACKET how the frame of the fragment at ENTRY in `entries` was addressed. */
  copyLink(entry: number, packet: Packet): void {
    packet.type = this.entries[entry + ENTRY_TYPE] as PacketType;
    packet.sourceMacHigh = this.entries[entry + ENTRY_MACS];
    packet.sourceMacLow = this.entries[entry + ENTRY_MACS + 1];
    packet.destinationMacHigh = this.entries[entry + ENTRY_MACS + 2];
    packet.destinationMacLow = this.entries[entry + ENTRY_MACS + 3];
  }

  private growBytes(needed: number): void {
    const bytes = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
    bytes.set(this.bytes);
    this.bytes = bytes;
  }
}

/** Copies LENGTH bytes. Copies short runs byte by byte, to avoid allocating a view for each fragment. */
export function copyBytes(from: Uint8Array, fromAt: number, to: Uint8Array, toAt: number, length: number): void {
  if (length < 64) for (let i = 0; i < length; i++) to[toAt + i] = from[fromAt + i];
  else to.set(from.subarray(fromAt, fromAt + length), toAt);
}
