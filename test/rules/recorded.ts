/**
 * Cases of the raw table as the kernel counted them: rules, packets that came in by eth0, and `iptables-save -c`
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
