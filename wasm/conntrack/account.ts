// What all trackers have in common: time, settings, and the accounts of a connection.
import {
  ACCOUNTING_STRIDE_F64,
  BYTES_F64,
  CONTROL_AT,
  CONTROL_NOW_MS_F64,
  EXPIRES_MS_F64,
  PACKETS_F64,
  SETTINGS_AT,
} from '../constants';

/** Milliseconds since the first packet. */
export function nowMs(): f64 {
  return load<f64>(CONTROL_AT, CONTROL_NOW_MS_F64 << 3);
}

/** One of the SETTING_…. */
export function setting(index: usize): f64 {
  return load<f64>(SETTINGS_AT + (index << 3));
}

/** Count a packet of LENGTH bytes (nf_conntrack_acct). */
export function account(record: usize, direction: i32, length: i32): void {
  const at = record + direction * (ACCOUNTING_STRIDE_F64 << 3);
  store<f64>(at, load<f64>(at, PACKETS_F64 << 3) + 1, PACKETS_F64 << 3);
  store<f64>(at, load<f64>(at, BYTES_F64 << 3) + <f64>length, BYTES_F64 << 3);
}

/** Let a connection end TIMEOUT_MS from now. */
export function refresh(record: usize, timeoutMs: f64): void {
  store<f64>(record, nowMs() + timeoutMs, EXPIRES_MS_F64 << 3);
}
