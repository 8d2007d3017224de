/** A host as it was described: what `parseHost` returns. */
import type { Address } from '../address.js';
import type { HostTexts } from './texts.js';

/** `path` in a description is its path in the JSON. */
export interface LinkDescription {
  readonly path: string;
  readonly name: string;
  /** The kernel's index of the interface, which captures of `-i any` refer to; 0: unknown. */
  readonly ifindex: number;
  /** The bridge, bond or VRF that it is a port of. */
  readonly master: string | undefined;
  readonly mac: Uint8Array;
  /** In bytes. */
  readonly mtu: number;
  readonly isLoopback: boolean;
  readonly isUp: boolean;
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
}

export type RouteTypeName = 'unicast' | 'unreachable' | 'prohibit' | 'blackhole' | 'throw';

export interface RouteDescription {
  readonly path: string;
  readonly type: RouteTypeName;
  readonly destination: Address;
  readonly prefixLength: number;
  /** Undefined: the destination is on the link. */
  readonly gateway: Address | undefined;
  readonly dev: string | undefined;
  readonly preferredSource: Address | undefined;
  readonly metric: number;
  /** 254 is main, 253 default. */
  readonly table: number;
  readonly scope: number;
  readonly isOnLink: boolean;
}

export interface NeighbourDescription {
  readonly path: string;
  readonly address: Address;
  readonly dev: string;
  readonly mac: Uint8Array;
}

export interface HostDescription {
  readonly links: readonly LinkDescription[];
  /** In the order of the file. Routes that the kernel adds for addresses are left out. */
  readonly routes: readonly RouteDescription[];
  readonly neighbours: readonly NeighbourDescription[];
  readonly sysctls: ReadonlyMap<string, number>;
  /** Text of `ipset save`. */
  readonly ipset: string;
  readonly texts: HostTexts;
  /** When and where a snapshot was taken; '' if unknown. */
  readonly taken: string;
  /** Members, as of a host.json, that nothing reads. */
  readonly unreadMembers: readonly string[];
  readonly warnings: readonly string[];
}
