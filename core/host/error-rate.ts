/** Rate limits for ICMP errors to one receiver (struct inet_peer). The kernel shares one bucket between two limits. */
import { TICK_MS } from '../clock.js';
import { KeyedHash } from '../keyed-hash.js';
import type { Sysctls } from './sysctls.js';

/** Limit for no-route errors in ip_error: a burst of five, then one per second. */
const NO_ROUTE_COST_MS = 1000;
const NO_ROUTE_BURST_MS = 5 * NO_ROUTE_COST_MS;
/** Burst for all errors, in units of icmp_ratelimit (XRLIM_BURST_FACTOR). */
const ERROR_BURST = 6;
/** After this time a bucket is full and can be forgotten. */
const FULL_AFTER_MS = 60_000;

const ICMP_UNREACHABLE = 3;
const ICMP_FRAGMENTATION_NEEDED = 4;

interface Bucket {
  tokensMs: number;
  lastMs: number;
}

export class ErrorRate {
  private readonly limitMs: number;
  /** Bit mask of the limited ICMP types. */
  private readonly mask: number;
  private readonly hash: KeyedHash;
  /** Buckets used since `rotatedMs`, and those used in the period before, by the permuted address. */
  private recent = new Map<number, Bucket>();
  private previous = new Map<number, Bucket>();
  private rotatedMs = 0;

  constructor(sysctls: Sysctls, hash = new KeyedHash()) {
    this.hash = hash;
    this.limitMs = sysctls.global('net.ipv4.icmp_ratelimit');
    this.mask = sysctls.global('net.ipv4.icmp_ratemask');
  }

  /** Whether SENDER is told that there is no route. Must be called before `allowError`. */
  allowNoRoute(sender: number, nowMs: number): boolean {
    const tick = Math.floor(nowMs / TICK_MS) * TICK_MS;
    const bucket = this.bucketOf(sender, tick);
    bucket.tokensMs = Math.min(bucket.tokensMs + tick - bucket.lastMs, NO_ROUTE_BURST_MS);
    bucket.lastMs = tick;
    if (bucket.tokensMs < NO_ROUTE_COST_MS) return false;
    bucket.tokensMs -= NO_ROUTE_COST_MS;
    return true;
  }

  /**
   * Whether an ICMP error with TYPE and CODE may be sent to RECEIVER (icmpv4_xrlim_allow). Not called for errors over
   * loopback, which are not limited. Even with no limit set, it clamps the bucket: after any other error, the same
   * receiver gets a no-route error only a second later.
   */
  allowError(receiver: number, type: number, code: number, nowMs: number): boolean {
    if ((this.mask & (1 << type)) === 0) return true;
    if (type === ICMP_UNREACHABLE && code === ICMP_FRAGMENTATION_NEEDED) return true;
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
    if (tick - this.rotatedMs > FULL_AFTER_MS) {
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
