/** What extensions can read from the host or have it do: the interface between rules and the rest of the emulator. */
import type { RejectKind } from '../answers/reject-kind.js';
import type { ConntrackTable } from '../conntrack/table.js';
import type { Verdict } from '../hooks.js';
import type { AddressType } from '../host/address-type.js';
import type { Manip, NatRange } from '../nat/range.js';
import type { Packet } from '../packet.js';

/**
 * The host as seen by rules. Passed to every check, compile and target. Interface names are resolved during
 * compilation.
 */
export interface RuleContext {
  readonly conntrack: ConntrackTable;
  /** Interface names of the host, by index. */
  readonly interfaceNames: readonly string[];
  /** Number of the received packet. What the host sends because of a packet has the same number. */
  readonly packetNumber: number;
  /**
   * State that all rules of the host share under the NAME of a KIND, such as the list of `-m recent --name NAME`.
   * CREATE makes it when it is first asked for.
   */
  shared<State>(kind: string, name: string, create: () => State): State;
  /** 32 random bits: a seed for matches that make random choices. */
  randomSeed(): number;
  /** The type of ADDRESS (as loaded little-endian), limited to interface DEV unless it is -1 (inet_addr_type). */
  addressType(address: number, dev: number): AddressType;
  /** The MTU of the host's own route to ADDRESS (as loaded little-endian); infinite if there is none (nf_route). */
  mtuTowards(address: number): number;
  /** Binds the packet's connection (nf_nat_setup_info). Returns ACCEPT, or DROP if it cannot be bound. */
  setupNat(packet: Packet, range: NatRange, manip: Manip): Verdict;
  /** -j MASQUERADE: SNAT to the address of the egress interface. */
  masquerade(packet: Packet, range: NatRange): Verdict;
  /** -j REDIRECT: DNAT to the address of the ingress interface, or to 127.0.0.1. */
  redirect(packet: Packet, range: NatRange): Verdict;
  /** -j REJECT: sends the answer. The target itself then drops the packet. */
  reject(packet: Packet, kind: RejectKind): void;
  /** -j LOG: logs the packet in its current state. */
  log(packet: Packet, level: number, prefix: string): void;
}
