/**
 * Rate limits for ICMP errors: for the whole host (icmp_global_allow), and for each receiver (struct inet_peer). The
 * kernel shares one bucket of a receiver between two limits.
 */
import { TICK_MS } from '../clock.js';
import { KeyedHash } from '../keyed-hash.js';
import type { Random } from '../random.js';
import type { Sysctls } from './sysctls.js';

/** Limit for no-route errors in ip_error: a burst of five, then one per second. */
const NO_ROUTE_COST_MS = 1000;
const NO_ROUTE_BURST_MS = 5 * NO_ROUTE_COST_MS;
/** Burst for all errors, in units of icmp_ratelimit (XRLIM_BURST_FACTOR). */
const ERROR_BURST = 6;
/** After this time a bucket is full and can be forgotten. */
const FULL_AFTER_MS = 60_000;
/** With more receivers than this, the kernel forgets those to which nothing was sent lately (inet_peer_threshold). */
const MAX_RECENT = 65_664;

/** The credit of the whole host grows at most this often, and at most for one second at once. */
const MIN_REFILL_TICKS = 1000 / TICK_MS / 50;
const MAX_REFILL_TICKS = 1000 / TICK_MS;
/** From this many messages on, there is no limit worth tracking. */
const UNLIMITED = 1_000_000_000;

const ICMP_UNREACHABLE = 3;
const ICMP_FRAGMENTATION_NEEDED = 4;

interface Bucket {
  tokensMs: number;
  lastMs: number;
}

export class ErrorRate {
  private limitMs = 0;
  /** Of the whole host: messages per second and at once, how many may be sent now, and when that was set. */
  private perSecond = 0;
  private burst = 0;
  private credit = 0;
  private creditedTick = Number.NEGATIVE_INFINITY;
  /** Bit mask of the limited ICMP types. */
  private mask = 0;
  private readonly hash: KeyedHash;
  /** Buckets used since `rotatedMs`, and those used in the period before, by the permuted address. */
  private recent = new Map<number, Bucket>();
  private previous = new Map<number, Bucket>();
  private rotatedMs = 0;

  constructor(
    sysctls: Sysctls,
    private readonly random: Random,
    hash = new KeyedHash(),
  ) {
    this.hash = hash;
    this.useSettings(sysctls);
  }

  /** From now on, these are the limits. What was sent before counts. */
  useSettings(sysctls: Sysctls): void {
    this.limitMs = sysctls.global('net.ipv4.icmp_ratelimit');
    this.perSecond = sysctls.global('net.ipv4.icmp_msgs_per_sec');
    this.burst = sysctls.global('net.ipv4.icmp_msgs_burst');
    this.mask = sysctls.global('net.ipv4.icmp_ratemask');
  }

  /** Whether SENDER is told that there is no route. Must be called before `allowTo`. */
  allowNoRoute(sender: number, nowMs: number): boolean {
    const tick = Math.floor(nowMs / TICK_MS) * TICK_MS;
    const bucket = this.bucketOf(sender, tick);
    bucket.tokensMs = Math.min(bucket.tokensMs + tick - bucket.lastMs, NO_ROUTE_BURST_MS);
    bucket.lastMs = tick;
    if (bucket.tokensMs < NO_ROUTE_COST_MS) return false;
    bucket.tokensMs -= NO_ROUTE_COST_MS;
    return true;
  }

  /** Whether ICMP errors with TYPE and CODE are limited (icmpv4_mask_allow). */
  isLimited(type: number, code: number): boolean {
    return (this.mask & (1 << type)) !== 0 && (type !== ICMP_UNREACHABLE || code !== ICMP_FRAGMENTATION_NEEDED);
  }

  /** Whether the host may send a limited ICMP error at NOW_MS, to whomever (icmp_global_allow). */
  allowAny(nowMs: number): boolean {
    if (this.credit > 0) return true;
    const tick = Math.floor(nowMs / TICK_MS);
    const ticks = Math.min(tick - this.creditedTick, MAX_REFILL_TICKS);
    if (ticks < MIN_REFILL_TICKS) return false;
    const earned = Math.floor((this.perSecond * ticks) / MAX_REFILL_TICKS);
    if (earned === 0) return false;
    this.creditedTick = tick;
    this.credit = Math.min(this.credit + earned, this.burst);
    return true;
  }

  /** Takes credit for a limited ICMP error that is sent: none to two messages, at random (icmp_global_consume). */
  consume(): void {
    if (this.perSecond < UNLIMITED || this.burst < UNLIMITED) this.credit -= this.random.uint32() % 3;
  }

  /**
   * Whether a limited ICMP error may be sent to RECEIVER (icmpv4_xrlim_allow). Not called for errors over loopback,
   * which are not limited. Even with no limit set, it clamps the bucket: after any other error, the same receiver gets
   * a no-route error only a second later.
   */
  allowTo(receiver: number, nowMs: number): boolean {
    const tick = Math.floor(nowMs / TICK_MS) * TICK_MS;
    const bucket = this.bucketOf(receiver, tick);
    if (tick !== bucket.lastMs) {
      bucket.tokensMs = Math.min(bucket.tokensMs + tick - bucket.lastMs, ERROR_BURST * this.limitMs);
      bucket.lastMs = tick;
    }
    if (bucket.tokensMs < this.limitMs) return false;
    bucket.tokensMs -= this.limitMs;
    return true;
  }

  private bucketOf(address: number, tick: number): Bucket {
    if (tick - this.rotatedMs > FULL_AFTER_MS || this.recent.size >= MAX_RECENT) {
      this.previous = this.recent;
      this.recent = new Map();
      this.rotatedMs = tick;
    }
    const key = this.hash.permute(address);
    const bucket = this.recent.get(key) ?? this.previous.get(key) ?? { tokensMs: 0, lastMs: tick - FULL_AFTER_MS };
    this.recent.set(key, bucket);
    return bucket;
  }
}
