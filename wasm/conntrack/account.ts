// Common to all trackers: time and accounting.
import { Connection, clock } from '../records';

/** Milliseconds since the first packet. */
export function nowMs(): f64 {
  return clock().nowMs;
}

/** Counts a packet of LENGTH bytes (nf_conntrack_acct). */
export function account(record: Connection, direction: i32, length: i32): void {
  record.setPackets(direction, record.packets(direction) + 1);
  record.setBytes(direction, record.bytes(direction) + <f64>length);
}

/** Sets a connection to expire TIMEOUT_MS from now. */
export function refresh(record: Connection, timeoutMs: f64): void {
  record.expiresMs = nowMs() + timeoutMs;
}
