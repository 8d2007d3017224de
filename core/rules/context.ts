/** What extensions can read from the host or have it do: the interface between rules and the rest of the emulator. */
import type { Address } from '../../codecs/address.js';
import type { RejectKind } from '../answers/reject-kind.js';
import type { ConntrackTable } from '../conntrack/table.js';
import type { TableName, Verdict } from '../hooks.js';
import type { AddressType } from '../host/address-type.js';
import type { HostFacts } from '../host/facts.js';
import type { ProxyTarget } from '../host/proxy-socket.js';
import type { ReversePath } from '../host/route-decision.js';
import type { Manip, NatRange } from '../nat/range.js';
import type { Packet } from '../packet.js';
import type { Random } from '../random.js';
import type { SetStore } from '../sets/store.js';
import type { ServerOffer } from '../synproxy/synproxy.js';
import type { UncertainCause } from '../uncertainty.js';
import type { Rule } from './model.js';

/**
 * What a traced packet has met: a rule, or what ends a chain: the policy of a built-in one, or the return from another.
 * The kernel takes a rule with only ACCEPT, DROP or the like for such an end, too.
 */
export type TracedKind = 'rule' | 'policy' | 'return';

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
   * CREATE makes it when it is first asked for. What rules ask for while they are loaded lives until no rule in force
   * has asked for it; if it has a method `destroy`, that is called then.
   */
  shared<State>(kind: string, name: string, create: () => State): State;
  /** The host's sets. */
  readonly sets: SetStore;
  /** Randomness for a match that makes random choices, apart from that of all others. */
  randomStream(): Random;
  /** The states that are created next are those of RULE. */
  createsFor?(rule: Rule): void;
  /** The type of ADDRESS (as loaded little-endian), limited to interface DEV unless it is -1 (inet_addr_type). */
  addressType(address: number, dev: number): AddressType;
  /** What no capture holds. */
  readonly facts: HostFacts;
  /** Where an answer to PACKET would go, before a route is chosen for it. WITH_MARK: rules look at its mark. */
  reversePath(packet: Packet, withMark: boolean): ReversePath;
  /** The MTU of the host's own route to ADDRESS (as loaded little-endian); infinite if there is none (nf_route). */
  mtuTowards(address: number): number;
  /** Binds the packet's connection (nf_nat_setup_info). Returns ACCEPT, or DROP if it cannot be bound. */
  setupNat(packet: Packet, range: NatRange, manip: Manip): Verdict;
  /** -j MASQUERADE: SNAT to the address of the egress interface. */
  masquerade(packet: Packet, range: NatRange): Verdict;
  /** -j REDIRECT: DNAT to the address of the ingress interface, or to 127.0.0.1. */
  redirect(packet: Packet, range: NatRange): Verdict;
  /** -j SYNPROXY: see `Synproxy.take`. */
  synproxy(packet: Packet, offer: ServerOffer): Verdict;
  /** -j TPROXY: gives the packet to a socket of the host. */
  tproxy(packet: Packet, to: ProxyTarget): Verdict;
  /** -j REJECT: sends the answer. The target itself then drops the packet. */
  reject(packet: Packet, kind: RejectKind): void;
  /** -j LOG: logs the packet in its current state. FLAGS are `LogFlag`s (codecs/kernel-log.ts). */
  log(packet: Packet, level: number, prefix: string, flags: number): void;
  /** -j NFLOG, -j ULOG: passes at most SIZE bytes of the packet in its current state to a netlink GROUP. */
  nflog(packet: Packet, group: number, prefix: string, size: number): void;
  /** -j TEE: sends a copy of the packet to GATEWAY, by the interface DEV unless it is ''. */
  tee(packet: Packet, gateway: Address, dev: string): void;
  /**
   * -j NFQUEUE: the verdict of the program that listens to the queue. If none does, the packet is dropped, or accepted
   * if IS_BYPASSED.
   */
  queue(packet: Packet, isBypassed: boolean): Verdict;
  /**
   * What becomes of the packet is uncertain because of CAUSE: the emulation lacks what it would need to know. Whoever
   * calls it is called for each packet that it concerns: a target with the effect 'outside', a state, or a native test
   * that reads 'unknown'.
   */
  uncertain(packet: Packet, cause: UncertainCause): void;
  /** -j TRACE: logs that the marked packet matched a rule, or reached the end of a chain. */
  traceRule(packet: Packet, table: TableName, chain: string, kind: TracedKind, number: number): void;
}
