/** The bytes of one packet, as they came in and as they left. */
export interface PacketBytes {
  readonly arrived: CapturedBytes;
  /** What left or reached the host, in order: fragments are several. */
  readonly left: readonly CapturedBytes[];
  /** What the host sent because of it, in the order of `related` of its traversal. */
  readonly related: readonly (readonly CapturedBytes[])[];
}

export interface CapturedBytes {
  /** As in capture files (LINKTYPE_ETHERNET is 1). */
  readonly linktype: number;
  /** Interface; -1: the host's own, -2: it reached the host. */
  readonly dev: number;
  readonly bytes: Uint8Array;
  /** How long it was, with what is left out or was not captured. */
  readonly length: number;
}
