/**
 * What extensions may ask of the host and have it do: the seam between rules and everything else of the emulator.
 */
import type { Address } from '../../codecs/address.js';
import type { ConntrackTable } from '../conntrack/table.js';
import type { Verdict } from '../hooks.js';
import type { Packet } from '../packet.js';

/** Which end of a packet NAT rewrites (enum nf_nat_manip_type). */
export const Manip = { SRC: 0, DST: 1 } as const;
export type Manip = (typeof Manip)[keyof typeof Manip];

/** What a NAT target wants a tuple to become (struct nf_nat_range2). Shared by DNAT, SNAT, MASQUERADE, REDIRECT. */
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

/** What REJECT answers with, by its option's name without `icmp-`. */
export type RejectKind =
  | 'net-unreachable'
  | 'host-unreachable'
  | 'proto-unreachable'
  | 'port-unreachable'
  | 'net-prohibited'
  | 'host-prohibited'
  | 'admin-prohibited'
  | 'tcp-reset';

/** The kinds of address that `-m addrtype` tells apart (enum rtn_type). */
export const AddressType = {
  UNSPEC: 0,
  UNICAST: 1,
  LOCAL: 2,
  BROADCAST: 3,
  ANYCAST: 4,
  MULTICAST: 5,
  BLACKHOLE: 6,
  UNREACHABLE: 7,
  PROHIBIT: 8,
  THROW: 9,
  NAT: 10,
  XRESOLVE: 11,
} as const;
export type AddressType = (typeof AddressType)[keyof typeof AddressType];

/** The host as rules see it, given to every check, compile and target. Interface names are resolved while compiling. */
export interface RuleContext {
  readonly conntrack: ConntrackTable;
  /** Interface names of the host, by index. */
  readonly interfaceNames: readonly string[];
  /** Tells apart the packets that went in: what the host sends because of one has its number. */
  readonly packetNumber: number;
  /** 32 random bits: where a match that draws at random starts from. */
  randomSeed(): number;
  /** The type of ADDRESS (as loaded little-endian); DEV: only as seen from that interface, -1: any (inet_addr_type). */
  addressType(address: number, dev: number): AddressType;
  /** Bind the packet's connection (nf_nat_setup_info). The verdict is ACCEPT, or DROP where it cannot be bound. */
  setupNat(packet: Packet, range: NatRange, manip: Manip): Verdict;
  /** -j MASQUERADE: SNAT to the address of the interface that the packet leaves by. */
  masquerade(packet: Packet, range: NatRange): Verdict;
  /** -j REDIRECT: DNAT to the address of the interface that the packet came in by, or to 127.0.0.1. */
  redirect(packet: Packet, range: NatRange): Verdict;
  /** -j REJECT: send the answer. The target itself then drops the packet. */
  reject(packet: Packet, kind: RejectKind): void;
  /** -j LOG. LINE is without the prefix. */
  log(packet: Packet, level: number, prefix: string): void;
}
