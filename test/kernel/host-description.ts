/** The host file as the harness reads it: its members are the verbatim output of `ip -j`. */

export interface LinkDescription {
  ifname: string;
  /** The MAC address. */
  address?: string;
  /** `none`: packets have no link header. */
  link_type?: string;
  flags?: string[];
  mtu?: number;
  /** The number of its group. */
  group?: string;
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
  tos?: string;
  metrics?: { mtu: number }[];
  flow?: { from?: string; to: string };
  nexthops?: NextHop[];
  flags?: string[];
}

export interface NextHop {
  gateway?: string;
  dev: string;
  weight: number;
  flags: string[];
}

/** A member of `ip -j rule`. */
export interface RuleDescription {
  priority: number;
  src: string;
  srclen?: number;
  dst?: string;
  dstlen?: number;
  not?: null;
  fwmark?: string;
  fwmask?: string;
  iif?: string;
  oif?: string;
  tos?: string;
  ipproto?: string;
  sport?: number;
  sport_start?: number;
  sport_end?: number;
  dport?: number;
  dport_start?: number;
  dport_end?: number;
  table?: string;
  action?: string;
  suppress_prefixlen?: number;
  flow_from?: string;
  flow_to?: string;
}

export interface NeighbourDescription {
  dst: string;
  dev: string;
  lladdr?: string;
}

/** A socket of the host: `10.0.0.1:80`, `*:80`. */
export interface SocketEntry {
  proto: 'tcp' | 'udp' | 'raw';
  local: string;
  remote?: string;
  transparent?: boolean;
  mark?: number;
  uid?: number;
  gid?: number;
  cgroup?: string;
}

export interface HostDescription {
  addr: LinkDescription[];
  route?: RouteDescription[];
  rule?: RuleDescription[];
  neigh?: NeighbourDescription[];
  /** The names of accounting objects. */
  nfacct?: readonly string[];
  sysctl?: Record<string, number | string>;
  sockets?: SocketEntry[];
  /** Text of `ipset save`. */
  ipset?: string;
}
