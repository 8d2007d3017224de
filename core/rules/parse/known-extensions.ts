/**
 * The extensions of iptables and ip6tables 1.8.9. A name listed here but without a descriptor is unsupported; any other
 * unknown name is an error.
 */
import type { Family } from '../../../codecs/address.js';

function names(text: string): readonly string[] {
  return text.split(/\s+/);
}

const MATCHES_OF_BOTH = names(
  `addrtype ah bpf cgroup cluster comment connbytes connlabel connlimit connmark conntrack cpu dccp devgroup dscp ecn
  esp hashlimit helper ipcomp iprange ipvs length limit mac mark multiport nfacct owner physdev pkttype policy quota
  rateest recent rpfilter sctp set socket state statistic string tcp tcpmss time tos u32 udp`,
);

const TARGETS_OF_BOTH = names(
  `AUDIT CHECKSUM CLASSIFY CONNMARK CONNSECMARK CT DNAT DSCP HMARK IDLETIMER LED LOG MARK MASQUERADE NETMAP NFLOG
  NFQUEUE NOTRACK QUEUE RATEEST REDIRECT REJECT SECMARK SET SNAT SYNPROXY TCPMSS TCPOPTSTRIP TEE TOS TPROXY TRACE`,
);

export const KNOWN_MATCHES: Readonly<Record<Family, ReadonlySet<string>>> = {
  ipv4: new Set([...MATCHES_OF_BOTH, ...names('icmp osf realm ttl')]),
  ipv6: new Set([...MATCHES_OF_BOTH, ...names('dst eui64 frag hbh hl icmp6 ipv6header mh rt srh')]),
};

export const KNOWN_TARGETS: Readonly<Record<Family, ReadonlySet<string>>> = {
  ipv4: new Set([...TARGETS_OF_BOTH, ...names('CLUSTERIP ECN TTL ULOG')]),
  ipv6: new Set([...TARGETS_OF_BOTH, ...names('DNPT HL SNPT')]),
};

/** What iptables calls the match NAME. */
export function matchName(name: string): string {
  return name === 'icmpv6' || name === 'ipv6-icmp' ? 'icmp6' : name;
}
