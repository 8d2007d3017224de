/**
 * How long connections live after their last packet, in milliseconds, by protocol and state. Each time-out has the sysctl
 * `net.netfilter.nf_conntrack_…` that is named beside it, in seconds (kernel: Documentation/networking/nf_conntrack-sysctl.rst).
 */
import { SctpState } from './sctp-states.js';
import { TcpState } from './tcp-states.js';

const PREFIX = 'net.netfilter.nf_conntrack_';

export interface Timeouts {
  /** By `TcpState`. */
  tcpMs: Float64Array;
  /** At most this long for TCP after `max_retrans` repetitions of one segment, or where the last window was 0. */
  tcpRetransmittedMs: number;
  /** At most this long for TCP with unacknowledged data, or picked up in mid-stream and not yet answered. */
  tcpUnacknowledgedMs: number;
  /** UDP and UDP-Lite: unanswered, or a mere question and answer; and a stream. */
  udpMs: number;
  udpStreamMs: number;
  icmpMs: number;
  /** GRE: unanswered, and answered. */
  greMs: number;
  greStreamMs: number;
  /** By `SctpState`. */
  sctpMs: Float64Array;
  /** Every other protocol. */
  genericMs: number;
}

/** TCP's states: sysctl (null: none), default in seconds. SYN_SENT2 has no sysctl. */
const TCP: readonly [TcpState, string | null, number][] = [
  [TcpState.SYN_SENT, 'tcp_timeout_syn_sent', 120],
  [TcpState.SYN_RECV, 'tcp_timeout_syn_recv', 60],
  [TcpState.ESTABLISHED, 'tcp_timeout_established', 432_000],
  [TcpState.FIN_WAIT, 'tcp_timeout_fin_wait', 120],
  [TcpState.CLOSE_WAIT, 'tcp_timeout_close_wait', 60],
  [TcpState.LAST_ACK, 'tcp_timeout_last_ack', 30],
  [TcpState.TIME_WAIT, 'tcp_timeout_time_wait', 120],
  [TcpState.CLOSE, 'tcp_timeout_close', 10],
  [TcpState.SYN_SENT2, null, 120],
];

/** SCTP's states: sysctl, default in seconds. */
const SCTP: readonly [SctpState, string, number][] = [
  [SctpState.CLOSED, 'sctp_timeout_closed', 10],
  [SctpState.COOKIE_WAIT, 'sctp_timeout_cookie_wait', 3],
  [SctpState.COOKIE_ECHOED, 'sctp_timeout_cookie_echoed', 3],
  [SctpState.ESTABLISHED, 'sctp_timeout_established', 210],
  [SctpState.SHUTDOWN_SENT, 'sctp_timeout_shutdown_sent', 3],
  [SctpState.SHUTDOWN_RECD, 'sctp_timeout_shutdown_recd', 3],
  [SctpState.SHUTDOWN_ACK_SENT, 'sctp_timeout_shutdown_ack_sent', 3],
  [SctpState.HEARTBEAT_SENT, 'sctp_timeout_heartbeat_sent', 30],
];

/**
 * The time-outs that SYSCTL sets, by full name (`net.netfilter.nf_conntrack_udp_timeout`: 30); the kernel's defaults for
 * all others. Names that are none of these are not looked at. Throws a RangeError where a value is no number of seconds.
 */
export function timeoutsFrom(sysctl: Readonly<Record<string, string | number>> = {}): Timeouts {
  const ms = (name: string | null, defaultSeconds: number): number =>
    1000 * (name === null ? defaultSeconds : secondsOf(sysctl, PREFIX + name, defaultSeconds));
  const byState = (states: readonly [number, string | null, number][]): Float64Array => {
    const timeouts = new Float64Array(Math.max(...states.map(([state]) => state)) + 1);
    for (const [state, name, seconds] of states) timeouts[state] = ms(name, seconds);
    return timeouts;
  };
  return {
    tcpMs: byState(TCP),
    tcpRetransmittedMs: ms('tcp_timeout_max_retrans', 300),
    tcpUnacknowledgedMs: ms('tcp_timeout_unacknowledged', 300),
    udpMs: ms('udp_timeout', 30),
    udpStreamMs: ms('udp_timeout_stream', 120),
    icmpMs: ms('icmp_timeout', 30),
    greMs: ms('gre_timeout', 30),
    greStreamMs: ms('gre_timeout_stream', 180),
    sctpMs: byState(SCTP),
    genericMs: ms('generic_timeout', 600),
  };
}

function secondsOf(sysctl: Readonly<Record<string, string | number>>, name: string, defaultSeconds: number): number {
  const value = sysctl[name] ?? defaultSeconds;
  const seconds = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof seconds !== 'number' || !Number.isInteger(seconds) || seconds < 0) {
    throw new RangeError(`${name}: a number of seconds is wanted, not '${value}'`);
  }
  return seconds;
}
