// The UDP tracker (kernel: nf_conntrack_proto_udp).

import { CREATED_MS_F64, SETTING_UDP_MS_F64, SETTING_UDP_STREAM_MS_F64, STATUS, Status } from '../constants';
import { account, nowMs, refresh, setting } from './account';
import { recordAt } from './table';

/** A flow that is older than this when it is answered is more than a question and its answer. */
const STREAM_AFTER_MS: f64 = 2000;

/** Note when ENTRY, a fresh record, was made. */
export function udpOpen(entry: i32): void {
  store<f64>(recordAt(entry), nowMs(), CREATED_MS_F64 << 3);
}

/** Follow a packet of LENGTH bytes: it always belongs. */
export function udpUpdate(entry: i32, direction: i32, length: i32): void {
  const record = recordAt(entry);
  const status = load<i32>(record, STATUS << 2);
  const isStream =
    (status & Status.SEEN_REPLY) !== 0 && nowMs() - load<f64>(record, CREATED_MS_F64 << 3) > STREAM_AFTER_MS;
  if (isStream) store<i32>(record, status | Status.ASSURED, STATUS << 2);
  account(record, direction, length);
  refresh(record, setting(isStream ? SETTING_UDP_STREAM_MS_F64 : SETTING_UDP_MS_F64));
}
