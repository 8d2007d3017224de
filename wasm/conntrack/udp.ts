// The UDP tracker (kernel: nf_conntrack_proto_udp).

import { IPV4_LENGTH, Status, UDP_LENGTH } from '../constants';
import { settings, UdpConnection } from '../records';
import { account, nowMs, refresh } from './account';
import { recordAt } from './table';

/** A flow still active after this time is more than a single request and reply. */
const STREAM_AFTER_MS: f64 = 2000;

/** Stores the creation time of ENTRY, a new record. */
export function udpOpen(entry: i32): void {
  udpRecordAt(entry).createdMs = nowMs();
}

/**
 * Tracks a packet of LENGTH bytes. It always belongs to the connection. `largest` is for packets without IP options
 * (core/protocols/segment-size.ts).
 */
export function udpUpdate(entry: i32, direction: i32, length: i32): void {
  const record = udpRecordAt(entry);
  const status = record.status;
  const isStream = (status & Status.SEEN_REPLY) !== 0 && nowMs() - record.createdMs > STREAM_AFTER_MS;
  if (isStream) record.status = status | Status.ASSURED;
  const bytes = length - (IPV4_LENGTH + UDP_LENGTH);
  if (bytes > record.largest(direction)) record.setLargest(direction, bytes);
  account(record, direction, length);
  refresh(record, isStream ? settings().udpStreamMs : settings().udpMs);
}

function udpRecordAt(entry: i32): UdpConnection {
  return changetype<UdpConnection>(recordAt(entry));
}
