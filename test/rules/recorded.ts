/**
 * Cases of the raw table with the kernel's counters: rules, packets that arrived on eth0, and `iptables-save -c`
 * afterwards.
 */
export interface RecordedCase {
  readonly note: string;
  readonly rules: readonly string[];
  /** IPv4 packets, base64. */
  readonly packets: readonly string[];
  /** The lines of the raw table. */
  readonly saved: readonly string[];
}
