/**
 * The IPv4 extensions of iptables 1.8.9. A name listed here but without a descriptor is unsupported; any other unknown
 * name is an error.
 */

export const KNOWN_MATCHES: ReadonlySet<string> = new Set(
  `addrtype ah bpf cgroup cluster comment connbytes connlabel connlimit connmark conntrack cpu dccp devgroup dscp
  ecn esp hashlimit helper icmp ipcomp iprange ipvs length limit mac mark multiport nfacct osf owner physdev
  pkttype policy quota rateest realm recent rpfilter sctp set socket state statistic string tcp tcpmss time tos
  ttl u32 udp`.split(/\s+/),
);

export const KNOWN_TARGETS: ReadonlySet<string> = new Set(
  `AUDIT CHECKSUM CLASSIFY CLUSTERIP CONNMARK CONNSECMARK CT DNAT DSCP ECN HMARK IDLETIMER LED LOG MARK MASQUERADE
  NETMAP NFLOG NFQUEUE NOTRACK QUEUE RATEEST REDIRECT REJECT SECMARK SET SNAT SYNPROXY TCPMSS TCPOPTSTRIP TEE TOS
  TPROXY TRACE TTL ULOG`.split(/\s+/),
);
