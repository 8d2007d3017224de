/** What a rule asks NAT for: which end of a packet is rewritten, and the addresses and ports it may become. */
import type { Address } from '../../codecs/address.js';

/** Which end of a packet NAT rewrites (enum nf_nat_manip_type). */
export const Manip = { SRC: 0, DST: 1 } as const;
export type Manip = (typeof Manip)[keyof typeof Manip];

/** What a NAT target wants a tuple to become (struct nf_nat_range2). Shared by DNAT, SNAT, MASQUERADE and REDIRECT. */
export interface NatRange {
  /** Both inclusive; undefined: the address stays (or is chosen: MASQUERADE, REDIRECT). */
  readonly minAddress?: Address;
  readonly maxAddress?: Address;
  /** Host order, both inclusive; undefined: the port stays if it can. */
  readonly minPort?: number;
  readonly maxPort?: number;
  /** DNAT `--to-destination a:1000-2000/1500`: the port in the packet that maps to `minPort`. */
  readonly basePort?: number;
  readonly random: boolean;
  readonly randomFully: boolean;
  readonly persistent: boolean;
}
