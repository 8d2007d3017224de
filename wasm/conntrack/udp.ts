// The UDP tracker (kernel: nf_conntrack_proto_udp).

import { Status } from '../constants';
import { settings, UdpConnection } from '../records';
import { account, nowMs, refresh } from './account';
import { recordAt } from './table';

/** A flow that is older than this when it is answered is more than a question and its answer. */
const STREAM_AFTER_MS: f64 = 2000;

/** Note when ENTRY, a fresh record, was created. */
export function udpOpen(entry: i32): void {
  udpRecordAt(entry).createdMs = nowMs();
}

/** Follow a packet of LENGTH bytes: it always belongs. */
export function udpUpdate(entry: i32, direction: i32, length: i32): void {
  const record = udpRecordAt(entry);
  const status = record.status;
  const isStream = (status & Status.SEEN_REPLY) !== 0 && nowMs() - record.createdMs > STREAM_AFTER_MS;
  if (isStream) record.status = status | Status.ASSURED;
  account(record, direction, length);
  refresh(record, isStream ? settings().udpStreamMs : settings().udpMs);
}

function udpRecordAt(entry: i32): UdpConnection {
  return changetype<UdpConnection>(recordAt(entry));
}
