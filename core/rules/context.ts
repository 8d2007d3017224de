/**
 * What extensions may ask of the host and have it do: the seam between rules and everything else of the emulator.
 */
import type { RejectKind } from '../answers/reject-kind.js';
import type { ConntrackTable } from '../conntrack/table.js';
import type { Verdict } from '../hooks.js';
import type { AddressType } from '../host/address-type.js';
import type { Manip, NatRange } from '../nat/range.js';
import type { Packet } from '../packet.js';

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
  /** -j LOG: the packet as it is now goes to the host's log. */
  log(packet: Packet, level: number, prefix: string): void;
}
