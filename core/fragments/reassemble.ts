/**
 * Reassembly of fragments before conntrack (nf_defrag_ipv4), separately at PREROUTING and OUTPUT.
 *
 * Fragments are held until the packet is complete. The packet record of the last one to arrive then describes the whole
 * packet. Its original geometry is kept for transmission (see fragment.ts).
 */
import { internetChecksum } from '../../codecs/checksum.js';
import {
  ETHERNET_LENGTH,
  IPPROTO_TCP,
  IPV4_CHECKSUM_AT,
  IPV4_DF,
  IPV4_FRAGMENT_AT,
  IPV4_ID_AT,
  IPV4_MF,
  IPV4_TOS_AT,
  IPV4_TOTAL_LENGTH_AT,
  TCP_LENGTH,
} from '../../codecs/layouts.js';
import { KeyedHash } from '../keyed-hash.js';
import { Packet } from '../packet.js';
import type { Reason } from '../reasons.js';
import { FragmentGeometry, MAX_FRAGMENTS } from './geometry.js';
import {
  copyBytes,
  ENTRY_AT,
  ENTRY_AVAILABLE,
  ENTRY_HEADER_LENGTH,
  ENTRY_LENGTH,
  ENTRY_OFFSET,
  ENTRY_SIZE,
  FragmentQueue,
  Placement,
} from './queue.js';

/** Who reassembles (enum ip_defrag_users). Fragments of different users are never combined. */
export const FragmentUser = { CONNTRACK_IN: 0, CONNTRACK_OUT: 1, LOCAL_DELIVER: 2 } as const;
export type FragmentUser = (typeof FragmentUser)[keyof typeof FragmentUser];

/** What happened to a fragment: it is held, it completed a packet, or it was dropped. */
export const Reassembly = { PENDING: 0, COMPLETE: 1, DROPPED: 2 } as const;
export type Reassembly = (typeof Reassembly)[keyof typeof Reassembly];

/** Why a fragment was dropped, either alone (duplicate, memory) or with all others of its packet. */
export type FragmentDropReason = Extract<
  Reason,
  | 'fragment-duplicate'
  | 'fragment-overlap'
  | 'fragment-end'
  | 'fragment-empty'
  | 'fragment-ecn'
  | 'fragment-too-long'
  | 'fragment-memory'
>;

/** The reassembly limits, from sysctls. */
export interface FragmentLimits {
  /** net.ipv4.ipfrag_time, in milliseconds. */
  timeoutMs: number;
  /** net.ipv4.ipfrag_high_thresh: above it, no fragment is accepted. */
  highThreshBytes: number;
  /**
   * net.ipv4.ipfrag_max_dist: how many fragments of the same source may arrive between two of one packet; 0 means no
   * limit.
   */
  maxDist: number;
}

const DEFAULT_FRAGMENT_LIMITS: FragmentLimits = { timeoutMs: 30_000, highThreshBytes: 4 << 20, maxDist: 64 };

/** Free bytes before the IP header of a reassembled packet, for a link-layer header. */
const REASSEMBLY_HEADROOM = 64;

const MAX_BYTES = 65535;
const INITIAL_BUCKETS = 1024;
const MAX_QUEUES_KEPT = 64;

const ECN_MASK = 3;
const ECN_CE = 3;
const NOT_ECT_SEEN = 1 << 0;
const CE_SEEN = 1 << ECN_CE;

/** The kernel's memory use for a queue (struct ipq) and for a fragment besides its bytes (struct sk_buff), in bytes. */
const QUEUE_MEMORY = 200;
const FRAGMENT_MEMORY = 256;
/** What it adds behind a frame (struct skb_shared_info) and in front of it, its smallest allocation, and a page. */
const SHARED_INFO_MEMORY = 320;
const HEADROOM_MEMORY = 16;
const MIN_HEAD_MEMORY = 576;
const PAGE_MEMORY = 4096;

/** Counts the fragments from one source while any of its packets is incomplete (struct inet_peer, rid). */
interface FragmentSource {
  count: number;
  queues: number;
}

export class FragmentQueues {
  /** How the most recently completed packet was fragmented on arrival. */
  readonly geometry = new FragmentGeometry();
  /** Deadline of the oldest incomplete packet, in milliseconds since the first packet; Infinity if there is none. */
  nextDeadlineMs = Number.POSITIVE_INFINITY;
  /** Number of waiting fragments. */
  pendingFragments = 0;
  /** After `add` returned DROPPED: the reason, and the number of waiting fragments dropped with this one. */
  dropReason: FragmentDropReason | '' = '';
  droppedWaiting = 0;

  limits: Readonly<FragmentLimits>;
  private readonly hash: KeyedHash;
  /** Their number is a power of two, and at least that of the queues in them. */
  private buckets: (FragmentQueue | null)[] = new Array(INITIAL_BUCKETS).fill(null);
  private queues = 0;
  private readonly free: FragmentQueue[] = [];
  /** By the permuted source address. */
  private readonly sources = new Map<number, FragmentSource>();
  private oldest: FragmentQueue | null = null;
  private newest: FragmentQueue | null = null;
  private memoryBytes = 0;

  private readonly wholeBytes = new Uint8Array(REASSEMBLY_HEADROOM + MAX_BYTES + 1);
  private readonly wholeView = new DataView(this.wholeBytes.buffer);
  private readonly order = new Int32Array(MAX_FRAGMENTS);
  private readonly expiredFirst = new Packet();

  constructor(limits: Partial<FragmentLimits> = {}, hash = new KeyedHash()) {
    this.hash = hash;
    this.limits = { ...DEFAULT_FRAGMENT_LIMITS, ...limits };
  }

  /**
   * Adds a fragment (a packet with MF or an offset). After COMPLETE, PACKET is the whole packet, in this object's
   * buffer and valid until the next COMPLETE. It has the header, addressing and link type of the first fragment and the
   * interface of the newest one, with `fragmentMaxSize` and `fragmentHadDf` set. Its header has DF if one of the
   * largest fragments had it (IPSKB_FRAG_PMTU).
   *
   * A fragment truncated by a snaplen counts with the length in its header. The whole packet is then truncated at the
   * first missing byte. Bytes after the gap are in the buffer (the gap is zeros), and are sent if the packet leaves in
   * its original fragments.
   */
  add(packet: Packet, user: FragmentUser): Reassembly {
    this.dropReason = '';
    this.droppedWaiting = 0;
    if (this.memoryBytes > this.limits.highThreshBytes || this.limits.highThreshBytes === 0) {
      this.dropReason = 'fragment-memory';
      return Reassembly.DROPPED;
    }
    const { view, at, headerLength } = packet;
    const queue = this.queueOf(packet, view.getUint16(at + IPV4_ID_AT), user);
    if (this.isTooFar(queue)) this.restart(queue, packet.nowMs);

    const fragment = view.getUint16(at + IPV4_FRAGMENT_AT);
    const start = packet.fragmentOffset;
    let end = start + packet.length - headerLength;
    if ((fragment & IPV4_MF) === 0) {
      if (end < queue.length || (queue.hasLast && end !== queue.length)) {
        return this.discard(queue, 'fragment-end');
      }
      queue.hasLast = true;
      queue.length = end;
    } else {
      end &= ~7;
      if (end > queue.length) {
        if (queue.hasLast) return this.discard(queue, 'fragment-end');
        queue.length = end;
      }
    }
    if (end === start) return this.discard(queue, 'fragment-empty');

    const placement = queue.place(start, end);
    if (placement === Placement.OVERLAP) return this.discard(queue, 'fragment-overlap');
    if (placement === Placement.DUPLICATE) {
      this.dropReason = 'fragment-duplicate';
      return Reassembly.DROPPED;
    }
    const length = end - start;
    const available = Math.min(length, packet.available - headerLength);
    queue.keep(packet, start, length, available);
    this.pendingFragments++;
    this.account(queue, fragmentMemory(packet.length));
    queue.inDev = packet.inDev;
    queue.meat += length;
    queue.ecn |= 1 << (view.getUint8(at + IPV4_TOS_AT) & ECN_MASK);
    if (start === 0) queue.hasFirst = true;
    const size = headerLength + length;
    if (size > queue.maxSize) queue.maxSize = size;
    if ((fragment & IPV4_DF) !== 0 && size > queue.maxDfSize) queue.maxDfSize = size;

    if (!queue.hasFirst || !queue.hasLast || queue.meat !== queue.length) return Reassembly.PENDING;
    return this.complete(queue, packet, user === FragmentUser.CONNTRACK_IN);
  }

  /**
   * Expires the packets that are overdue at NOW_MS, oldest first. Calls ON_EXPIRED with the first fragment of each
   * packet whose first fragment arrived at PREROUTING (a record valid only during the call; `inDev` is the interface of
   * the newest fragment). If it is addressed to this host, the host answers with ICMP 11/1 (ip_expire).
   *
   * Returns the number of fragments dropped.
   */
  expire(nowMs: number, onExpired: (first: Packet) => void): number {
    const before = this.pendingFragments;
    for (let queue = this.oldest; queue !== null && queue.deadlineMs <= nowMs; queue = this.oldest) {
      const first = queue.user === FragmentUser.CONNTRACK_IN ? queue.firstEntry() : -1;
      this.unlink(queue);
      if (first !== -1) onExpired(this.loadFirst(queue, first));
      this.release(queue);
    }
    return before - this.pendingFragments;
  }

  private queueOf(packet: Packet, id: number, user: FragmentUser): FragmentQueue {
    const { source, destination, protocol } = packet;
    const hash = this.hashOf(source, destination, id, protocol);
    for (let queue = this.buckets[hash & (this.buckets.length - 1)]; queue !== null; queue = queue.nextInBucket) {
      const isSame =
        queue.id === id &&
        queue.source === source &&
        queue.destination === destination &&
        queue.protocol === protocol &&
        queue.user === user;
      if (isSame) return queue;
    }
    const queue = this.free.pop() ?? new FragmentQueue();
    queue.source = source;
    queue.destination = destination;
    queue.id = id;
    queue.protocol = protocol;
    queue.user = user;
    queue.hash = hash;
    if (++this.queues > this.buckets.length) this.growBuckets();
    this.link(queue);
    this.account(queue, QUEUE_MEMORY);
    const sourceKey = this.hash.permute(source);
    const sender = this.sources.get(sourceKey);
    if (sender === undefined) this.sources.set(sourceKey, { count: 0, queues: 1 });
    else sender.queues++;
    this.schedule(queue, packet.nowMs + this.limits.timeoutMs);
    return queue;
  }

  /**
   * Whether too many fragments of the same source have arrived since QUEUE's newest (ip_frag_too_far). Counts this one.
   */
  private isTooFar(queue: FragmentQueue): boolean {
    if (this.limits.maxDist === 0) return false;
    const sender = this.sources.get(this.hash.permute(queue.source));
    if (sender === undefined) return false;
    const distance = ++sender.count - queue.sourceCount;
    queue.sourceCount = sender.count;
    return queue.count > 0 && distance > this.limits.maxDist;
  }

  /** Drops the fragments in QUEUE and restarts its time-out at NOW_MS. */
  private restart(queue: FragmentQueue, nowMs: number): void {
    this.forgetFragments(queue);
    this.unschedule(queue);
    this.schedule(queue, nowMs + this.limits.timeoutMs);
    this.account(queue, QUEUE_MEMORY - queue.memoryBytes);
    queue.clear();
  }

  private discard(queue: FragmentQueue, reason: FragmentDropReason): Reassembly {
    this.dropReason = reason;
    this.unlink(queue);
    this.droppedWaiting += queue.count;
    this.release(queue);
    return Reassembly.DROPPED;
  }

  private complete(queue: FragmentQueue, packet: Packet, received: boolean): Reassembly {
    const first = queue.firstEntry();
    const headerLength = queue.entries[first + ENTRY_HEADER_LENGTH];
    const length = headerLength + queue.length;
    const mixesEcn = (queue.ecn & NOT_ECT_SEEN) !== 0 && queue.ecn !== NOT_ECT_SEEN;
    if (mixesEcn || length > MAX_BYTES) {
      const reason = mixesEcn ? 'fragment-ecn' : 'fragment-too-long';
      const result = this.discard(queue, reason);
      // The newest fragment was counted as waiting.
      this.droppedWaiting--;
      return result;
    }
    this.unlink(queue);
    const { wholeBytes, wholeView } = this;
    const at = REASSEMBLY_HEADROOM;
    copyBytes(queue.bytes, queue.entries[first + ENTRY_AT], wholeBytes, at, headerLength);
    this.joinPayloads(queue, at + headerLength);
    // The kernel linearizes an arriving TCP header to look for a local socket (tcp_v4_early_demux).
    if (received && queue.protocol === IPPROTO_TCP && queue.length >= TCP_LENGTH)
      this.geometry.ensureWritable(TCP_LENGTH);

    const hadDf = queue.maxDfSize === queue.maxSize;
    wholeView.setUint16(at + IPV4_TOTAL_LENGTH_AT, length);
    wholeView.setUint16(at + IPV4_FRAGMENT_AT, hadDf ? IPV4_DF : 0);
    if ((queue.ecn & CE_SEEN) !== 0) {
      wholeView.setUint8(at + IPV4_TOS_AT, wholeView.getUint8(at + IPV4_TOS_AT) | ECN_CE);
    }
    wholeView.setUint16(at + IPV4_CHECKSUM_AT, 0);
    wholeView.setUint16(at + IPV4_CHECKSUM_AT, internetChecksum(wholeView, at, headerLength));

    packet.bytes = wholeBytes;
    packet.view = wholeView;
    packet.at = at;
    packet.length = length;
    packet.headerLength = headerLength;
    packet.available = headerLength + this.geometry.availableFrom(0, queue.length);
    queue.copyLink(first, packet);
    packet.fragmentMaxSize = queue.maxSize;
    packet.fragmentHadDf = hadDf;
    packet.fragments = this.geometry;
    packet.rewrittenLength = 0;
    packet.reload();
    this.release(queue);
    return Reassembly.COMPLETE;
  }

  /** Copies the payloads of QUEUE's fragments in order to offset TO, and records their geometry. */
  private joinPayloads(queue: FragmentQueue, to: number): void {
    const { entries, count } = queue;
    const { order, wholeBytes, geometry } = this;
    // Offsets are unique multiples of 8 below 2^16, so an offset and an index fit in one sortable number.
    for (let i = 0; i < count; i++) order[i] = entries[i * ENTRY_SIZE + ENTRY_OFFSET] * MAX_FRAGMENTS + i;
    order.subarray(0, count).sort();
    geometry.reset();
    for (let i = 0; i < count; i++) {
      const entry = (order[i] % MAX_FRAGMENTS) * ENTRY_SIZE;
      const offset = entries[entry + ENTRY_OFFSET];
      const length = entries[entry + ENTRY_LENGTH];
      const available = entries[entry + ENTRY_AVAILABLE];
      const headerLength = entries[entry + ENTRY_HEADER_LENGTH];
      copyBytes(queue.bytes, entries[entry + ENTRY_AT] + headerLength, wholeBytes, to + offset, available);
      wholeBytes.fill(0, to + offset + available, to + offset + length);
      geometry.append(offset, length, available, headerLength);
    }
  }

  private loadFirst(queue: FragmentQueue, entry: number): Packet {
    const first = this.expiredFirst;
    first.bytes = queue.bytes;
    first.view = new DataView(queue.bytes.buffer);
    first.at = queue.entries[entry + ENTRY_AT];
    first.headerLength = queue.entries[entry + ENTRY_HEADER_LENGTH];
    first.length = first.headerLength + queue.entries[entry + ENTRY_LENGTH];
    first.available = first.headerLength + queue.entries[entry + ENTRY_AVAILABLE];
    queue.copyLink(entry, first);
    first.inDev = queue.inDev;
    first.hasTakenOptions = false;
    first.nowMs = queue.deadlineMs;
    first.reload();
    return first;
  }

  private account(queue: FragmentQueue, bytes: number): void {
    queue.memoryBytes += bytes;
    this.memoryBytes += bytes;
  }

  private forgetFragments(queue: FragmentQueue): void {
    this.pendingFragments -= queue.count;
  }

  /** Removes QUEUE from the hash table, so no further fragment finds it. */
  private unlink(queue: FragmentQueue): void {
    const bucket = queue.hash & (this.buckets.length - 1);
    this.queues--;
    if (this.buckets[bucket] === queue) {
      this.buckets[bucket] = queue.nextInBucket;
    } else {
      let before = this.buckets[bucket];
      while (before !== null && before.nextInBucket !== queue) before = before.nextInBucket;
      if (before !== null) before.nextInBucket = queue.nextInBucket;
    }
    this.unschedule(queue);
  }

  private hashOf(source: number, destination: number, id: number, protocol: number): number {
    const { hash } = this;
    return hash.mix(hash.mix(hash.mix(0, source), destination), (id << 8) | protocol);
  }

  private link(queue: FragmentQueue): void {
    const bucket = queue.hash & (this.buckets.length - 1);
    queue.nextInBucket = this.buckets[bucket];
    this.buckets[bucket] = queue;
  }

  private growBuckets(): void {
    const old = this.buckets;
    this.buckets = new Array(2 * old.length).fill(null);
    for (let queue of old) {
      while (queue !== null) {
        const next: FragmentQueue | null = queue.nextInBucket;
        this.link(queue);
        queue = next;
      }
    }
  }

  /** Recycles an unlinked QUEUE and all it holds. */
  private release(queue: FragmentQueue): void {
    this.forgetFragments(queue);
    this.memoryBytes -= queue.memoryBytes;
    const sourceKey = this.hash.permute(queue.source);
    const sender = this.sources.get(sourceKey);
    if (sender !== undefined && --sender.queues === 0) this.sources.delete(sourceKey);
    queue.recycle();
    if (this.free.length < MAX_QUEUES_KEPT) this.free.push(queue);
  }

  /** Inserts QUEUE into the list of waiting queues by deadline (nearly always at the end). */
  private schedule(queue: FragmentQueue, deadlineMs: number): void {
    queue.deadlineMs = deadlineMs;
    let earlier = this.newest;
    while (earlier !== null && earlier.deadlineMs > deadlineMs) earlier = earlier.earlier;
    const later = earlier === null ? this.oldest : earlier.later;
    queue.earlier = earlier;
    queue.later = later;
    if (earlier === null) this.oldest = queue;
    else earlier.later = queue;
    if (later === null) this.newest = queue;
    else later.earlier = queue;
    this.noteNextDeadline();
  }

  private unschedule(queue: FragmentQueue): void {
    if (queue.earlier === null) this.oldest = queue.later;
    else queue.earlier.later = queue.later;
    if (queue.later === null) this.newest = queue.earlier;
    else queue.later.earlier = queue.earlier;
    queue.earlier = null;
    queue.later = null;
    this.noteNextDeadline();
  }

  private noteNextDeadline(): void {
    this.nextDeadlineMs = this.oldest === null ? Number.POSITIVE_INFINITY : this.oldest.deadlineMs;
  }
}

/**
 * The kernel's memory use for a fragment of LENGTH bytes including its header (skb->truesize), in bytes, when the frame
 * came from a packet socket: a power of two, or whole pages from one page up. (/proc/net/sockstat shows the total.)
 */
function fragmentMemory(length: number): number {
  const frame = HEADROOM_MEMORY + ETHERNET_LENGTH + length;
  if (frame >= PAGE_MEMORY) return FRAGMENT_MEMORY + MIN_HEAD_MEMORY + Math.ceil(length / PAGE_MEMORY) * PAGE_MEMORY;
  const wanted = frame + SHARED_INFO_MEMORY;
  if (wanted <= MIN_HEAD_MEMORY) return FRAGMENT_MEMORY + MIN_HEAD_MEMORY;
  let size = 1024;
  while (size < wanted) size *= 2;
  return FRAGMENT_MEMORY + size;
}
