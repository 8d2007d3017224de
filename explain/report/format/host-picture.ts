/** What the index of a report says of the host. */

/** The host, as far as it can be drawn. */
export interface HostPicture {
  /** The interfaces, by the numbers that columns have for them. */
  readonly interfaces: readonly InterfacePicture[];
  /** The priority of the security table: iptables-nft has another one. */
  readonly securityPriority: 50 | 150;
}

export interface InterfacePicture {
  readonly name: string;
  /** With prefix length. */
  readonly addresses: readonly string[];
  readonly mac?: string;
  readonly isUp: boolean;
  readonly isLoopback: boolean;
  /** It came while packets flowed, or has gone; `isUp` is as it was at the end. */
  readonly isTemporary?: true;
  /** What it is, as ip(8) names kinds: `bridge`, `vlan`, `wireguard`. Absent: a device, or not known. */
  readonly kind?: string;
  /** The bridge that it is a port of. */
  readonly bridge?: string;
  /** The interface that it is based on, and its VLAN ID if it is one. */
  readonly lower?: string;
  readonly vlanId?: number;
  /** Of a Docker bridge: the name of its network. */
  readonly network?: string;
  /** The containers, or other neighbours with names, that are behind it. */
  readonly neighbours: readonly { readonly name: string; readonly address: string }[];
}
