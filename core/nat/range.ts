/** What a rule requests from NAT: which end of a packet to rewrite, and the allowed addresses and ports. */
import type { Address } from '../../codecs/address.js';

/** Which end of a packet NAT rewrites (enum nf_nat_manip_type). */
export const Manip = { SRC: 0, DST: 1 } as const;
export type Manip = (typeof Manip)[keyof typeof Manip];

/**
 * The addresses and ports that a NAT target requests (struct nf_nat_range2). Shared by DNAT, SNAT, MASQUERADE and
 * REDIRECT.
 */
export interface NatRange {
  /** Both inclusive. If undefined, the address stays the same (or the target chooses it: MASQUERADE, REDIRECT). */
  readonly minAddress?: Address;
  readonly maxAddress?: Address;
  /** Host order, both inclusive. If undefined, the port stays the same if possible. */
  readonly minPort?: number;
  readonly maxPort?: number;
  /** DNAT `--to-destination a:1000-2000/1500`: the port in the packet that maps to `minPort`. */
  readonly basePort?: number;
  readonly random: boolean;
  readonly randomFully: boolean;
  readonly persistent: boolean;
}
