/** Settings for the trackers in wasm/conntrack: a record in the host's memory (`Memory.settings`). */
import { array, f64, i32, layout } from '../../codecs/record-layout.js';

/** Time-outs are in milliseconds. The other settings are those in protocols/tcp.ts, unless noted. */
export const TRACKER_SETTINGS = layout('TrackerSettings', {
  /** TCP's, by `TcpState`. */
  tcpMs: array(f64, 16),
  tcpRetransmittedMs: f64,
  tcpUnacknowledgedMs: f64,
  udpMs: f64,
  udpStreamMs: f64,
  maxRetrans: i32,
  /** nf_conntrack_max; 0 if there is no limit. */
  maxConnections: i32,
  loose: i32,
  beLiberal: i32,
  ignoreInvalidRst: i32,
});
