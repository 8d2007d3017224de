/** A host as it was described: what `parseHost` returns. */
import type { Address } from '../address.js';
import type { FactsDescription } from './facts.js';
import type { HostTexts } from './texts.js';

/** `path` in a description is its path in the JSON. */
export interface LinkDescription {
  readonly path: string;
  readonly name: string;
  /** The kernel's index of the interface, which captures of `-i any` refer to; 0: unknown. */
  readonly ifindex: number;
  /** The bridge, bond or VRF that it is a port of. */
  readonly master: string | undefined;
  /** Its kind, such as `bridge`, `vlan`, `vrf` or `veth`, and the kind of its master; undefined: unknown, or none. */
  readonly kind: string | undefined;
  readonly slaveKind: string | undefined;
  /** The interface that it is based on, of a VLAN or macvlan; undefined: unknown, or none. */
  readonly lower: string | undefined;
  /** Of kind vlan: its VLAN ID, else 0. */
  readonly vlanId: number;
  /** Its frames have Ethernet headers. On others packets are bare. */
  readonly isEthernet: boolean;
  /** Six bytes; zeros if it has none. */
  readonly mac: Uint8Array;
  /** In bytes. */
  readonly mtu: number;
  readonly isLoopback: boolean;
  readonly isUp: boolean;
  /** Not NO-CARRIER: something is at the other end, or a port of the bridge has it. */
  readonly hasCarrier: boolean;
  /** Its neighbours are not resolved (NOARP). */
  readonly isArpless: boolean;
  /** The name or number of its group, as `ip link` prints it. */
  readonly group: string;
  readonly addresses: readonly AddressDescription[];
}

export interface AddressDescription {
  readonly path: string;
  readonly local: Address;
  /** The other end of a point-to-point link; otherwise the same as `local`. */
  readonly peer: Address;
  readonly prefixLength: number;
  readonly broadcast: Address | undefined;
  readonly scope: number;
  /** Of the route to its network. */
  readonly metric: number;
  /** The kernel adds no route to its network. */
  readonly isWithoutRoute: boolean;
}

/** The names or numbers of the realms of a route or rule; ours is `to`. */
export interface RealmsDescription {
  readonly from: string | undefined;
  readonly to: string | undefined;
}

export type RouteTypeName =
  | 'unicast'
  | 'local'
  | 'broadcast'
  | 'anycast'
  | 'multicast'
  | 'unreachable'
  | 'prohibit'
  | 'blackhole'
  | 'throw';

/** Where a route, or one of its next hops, leads. */
export interface NextHopDescription {
  readonly path: string;
  /** Undefined: the destination is on the link, or `via` is the gateway. */
  readonly gateway: Address | undefined;
  /** The IPv6 gateway of an IPv4 route. */
  readonly via: Address | undefined;
  readonly dev: string | undefined;
  readonly isOnLink: boolean;
  readonly isDead: boolean;
  /** Its interface has no carrier. */
  readonly isLinkDown: boolean;
}

export interface RouteDescription extends NextHopDescription {
  readonly type: RouteTypeName;
  readonly destination: Address;
  readonly prefixLength: number;
  readonly preferredSource: Address | undefined;
  readonly metric: number;
  /** A number, or a name that is not known: 255 is local, 254 main, 253 default. */
  readonly table: number | string;
  readonly scope: number;
  /** The kernel added it for an address. */
  readonly isKernel: boolean;
  /** 0: it applies to packets with any TOS. */
  readonly tos: number;
  /** In bytes; 0: that of the interface. */
  readonly mtu: number;
  readonly realms: RealmsDescription | undefined;
  /** Its next hops are those of a nexthop object. */
  readonly hasObject: boolean;
  /** Its next hops with their weights, if it has several. */
  readonly nextHops: readonly WeightedNextHop[];
}

export interface WeightedNextHop extends NextHopDescription {
  /** From 1. */
  readonly weight: number;
}

export type RuleAction = 'lookup' | 'unreachable' | 'prohibit' | 'blackhole';

export interface PortRange {
  readonly min: number;
  readonly max: number;
}

/** A rule of the policy database (`ip rule`): what it selects, and what is done. Undefined: it selects any. */
export interface RuleDescription {
  readonly path: string;
  readonly priority: number;
  /** `not`: it selects what its other members do not. */
  readonly isInverted: boolean;
  readonly source: Prefix | undefined;
  readonly destination: Prefix | undefined;
  readonly inDev: string | undefined;
  readonly outDev: string | undefined;
  /** 0: any. */
  readonly tos: number;
  readonly mark: number;
  /** 0: any mark. */
  readonly mask: number;
  /** A name or a number. */
  readonly protocol: string | undefined;
  readonly sport: PortRange | undefined;
  readonly dport: PortRange | undefined;
  readonly action: RuleAction;
  /** See `RouteDescription`. */
  readonly table: number | string;
  /** Routes with prefixes of at most this length do not count; -1: all count. */
  readonly suppressedLength: number;
  /** Routes by interfaces of this group do not count. */
  readonly suppressedGroup: string | undefined;
  readonly realms: RealmsDescription | undefined;
}

export interface Prefix {
  readonly address: Address;
  readonly prefixLength: number;
}

export interface NeighbourDescription {
  readonly path: string;
  readonly address: Address;
  readonly dev: string;
  readonly mac: Uint8Array;
}

export interface HostDescription {
  readonly links: readonly LinkDescription[];
  /** In the order of the file. */
  readonly routes: readonly RouteDescription[];
  /** The IPv4 rules, in the order of the file; undefined: those of a new host. */
  readonly rules: readonly RuleDescription[] | undefined;
  readonly neighbours: readonly NeighbourDescription[];
  readonly sysctls: ReadonlyMap<string, number>;
  readonly facts: FactsDescription;
  readonly texts: HostTexts;
  /** When and where a snapshot was taken; '' if unknown. */
  readonly taken: string;
  /** Members, as of a host.json, that nothing reads. */
  readonly unreadMembers: readonly string[];
  readonly warnings: readonly string[];
}
