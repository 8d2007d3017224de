/** IP protocol numbers by name (IANA; with the names printed by iptables-save on Debian). */

export const PROTOCOL_NAMES: ReadonlyMap<number, string> = new Map([
  [1, 'icmp'],
  [2, 'igmp'],
  [3, 'ggp'],
  [4, 'ipencap'],
  [5, 'st'],
  [6, 'tcp'],
  [8, 'egp'],
  [9, 'igp'],
  [12, 'pup'],
  [17, 'udp'],
  [20, 'hmp'],
  [22, 'xns-idp'],
  [27, 'rdp'],
  [29, 'iso-tp4'],
  [33, 'dccp'],
  [36, 'xtp'],
  [37, 'ddp'],
  [38, 'idpr-cmtp'],
  [41, 'ipv6'],
  [43, 'ipv6-route'],
  [44, 'ipv6-frag'],
  [45, 'idrp'],
  [46, 'rsvp'],
  [47, 'gre'],
  [50, 'esp'],
  [51, 'ah'],
  [57, 'skip'],
  [58, 'ipv6-icmp'],
  [59, 'ipv6-nonxt'],
  [60, 'ipv6-opts'],
  [73, 'rspf'],
  [81, 'vmtp'],
  [88, 'eigrp'],
  [89, 'ospf'],
  [93, 'ax.25'],
  [94, 'ipip'],
  [97, 'etherip'],
  [98, 'encap'],
  [103, 'pim'],
  [108, 'ipcomp'],
  [112, 'vrrp'],
  [115, 'l2tp'],
  [124, 'isis'],
  [132, 'sctp'],
  [133, 'fc'],
  [135, 'mobility-header'],
  [136, 'udplite'],
  [137, 'mpls-in-ip'],
  [138, 'manet'],
  [139, 'hip'],
  [140, 'shim6'],
  [141, 'wesp'],
  [142, 'rohc'],
  [143, 'ethernet'],
  // Not a number that a packet can have: the rule never matches.
  [262, 'mptcp'],
]);

/** Second names in /etc/protocols that are not the first in capitals. */
const ALIASES: ReadonlyMap<string, number> = new Map([
  ['IP-ENCAP', 4],
  ['IPv6', 41],
  ['IPv6-Route', 43],
  ['IPv6-Frag', 44],
  ['IPSEC-ESP', 50],
  ['IPSEC-AH', 51],
  ['IPv6-ICMP', 58],
  ['IPv6-NoNxt', 59],
  ['IPv6-Opts', 60],
  ['CPHB', 73],
  ['OSPFIGP', 89],
  ['Mobility-Header', 135],
  ['UDPLite', 136],
  ['MPLS-in-IP', 137],
  ['Shim6', 140],
  ['Ethernet', 143],
]);
/** Protocols without a second name, or with one in ALIASES. */
const WITHOUT_CAPITALS: readonly number[] = [...[...ALIASES.values()].filter((number) => number !== 73), 138];

const NUMBERS: ReadonlyMap<string, number> = new Map([
  ['ip', 0],
  ['IP', 0],
  ['hopopt', 0],
  ['HOPOPT', 0],
  ...[...PROTOCOL_NAMES].map(([number, name]): [string, number] => [name, number]),
  ...[...PROTOCOL_NAMES]
    .filter(([number]) => !WITHOUT_CAPITALS.includes(number))
    .map(([number, name]): [string, number] => [name.toUpperCase(), number]),
  ...ALIASES,
  // iptables' own names.
  ['icmpv6', 58],
  ['mh', 135],
  ['ipv6-mh', 135],
]);

/** The number of protocol NAME, or undefined. The case matters. */
export function protocolNumber(name: string): number | undefined {
  return NUMBERS.get(name);
}

/** The name iptables prints for a protocol, or its number. */
export function protocolName(number: number): string {
  return PROTOCOL_NAMES.get(number) ?? String(number);
}
