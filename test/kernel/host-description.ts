/** The host file as the harness reads it: its members are the verbatim output of `ip -j`. */

export interface LinkDescription {
  ifname: string;
  /** The MAC address. */
  address?: string;
  mtu?: number;
  addr_info?: AddressDescription[];
}

export interface AddressDescription {
  family: string;
  local: string;
  prefixlen: number;
  broadcast?: string;
  /** The other end of a point-to-point link. */
  address?: string;
}

export interface RouteDescription {
  /** `default`, a network with its prefix length, or one address. */
  dst: string;
  type?: string;
  gateway?: string;
  dev?: string;
  prefsrc?: string;
  metric?: number;
  table?: string | number;
  scope?: string;
  protocol?: string;
}

export interface NeighbourDescription {
  dst: string;
  dev: string;
  lladdr?: string;
}

export interface HostDescription {
  addr: LinkDescription[];
  route?: RouteDescription[];
  neigh?: NeighbourDescription[];
  sysctl?: Record<string, number | string>;
  /** Text of `ipset save`. */
  ipset?: string;
}
