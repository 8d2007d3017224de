/** How many ICMP errors the host sends to one receiver (struct inet_peer): the kernel keeps one bucket for two limits. */
import { TICK_MS } from '../clock.js';
import type { Sysctls } from './sysctls.js';

/** The bucket of ip_error, for no-route errors: five at once, then one a second. */
const NO_ROUTE_COST_MS = 1000;
const NO_ROUTE_BURST_MS = 5 * NO_ROUTE_COST_MS;
/** That of all errors, in units of icmp_ratelimit (XRLIM_BURST_FACTOR). */
const ERROR_BURST = 6;
/** A bucket is full after this time, hence need not be remembered. */
const FULL_AFTER_MS = 60_000;

const ICMP_UNREACHABLE = 3;
const ICMP_FRAGMENTATION_NEEDED = 4;

interface Bucket {
  tokensMs: number;
  lastMs: number;
}

export class ErrorRate {
  private readonly limitMs: number;
  /** Bits of the ICMP types that are limited. */
  private readonly mask: number;
  /** Buckets in use since `turnedMs`, and those of the time before. */
  private young = new Map<number, Bucket>();
  private old = new Map<number, Bucket>();
  private turnedMs = 0;

  constructor(sysctls: Sysctls) {
    this.limitMs = sysctls.global('net.ipv4.icmp_ratelimit');
    this.mask = sysctls.global('net.ipv4.icmp_ratemask');
  }

  /** Whether SENDER is told that there is no route. Asked before anything else is, and before `allowError`. */
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
   * Whether an ICMP error of TYPE and CODE may go to RECEIVER (icmpv4_xrlim_allow); those over loopback are not limited,
   * and not asked about. Even without a limit it empties the bucket: whoever just got another error is told of a missing
   * route only a second later.
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
    if (tick - this.turnedMs > FULL_AFTER_MS) {
      this.old = this.young;
      this.young = new Map();
      this.turnedMs = tick;
    }
    const bucket = this.young.get(address) ?? this.old.get(address) ?? { tokensMs: 0, lastMs: tick - FULL_AFTER_MS };
    this.young.set(address, bucket);
    return bucket;
  }
}
