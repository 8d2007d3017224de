/**
 * Values of header fields that standards assign. The layouts of headers, which need a package,
 * are elsewhere, so that pages can import this.
 */

/** EtherTypes (IANA, IEEE 802). */
export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_ARP = 0x0806;
export const ETHERTYPE_8021Q = 0x8100;
export const ETHERTYPE_IPV6 = 0x86dd;
export const ETHERTYPE_MPLS = 0x8847;
export const ETHERTYPE_MPLS_MULTICAST = 0x8848;
export const ETHERTYPE_PPPOE_DISCOVERY = 0x8863;
export const ETHERTYPE_PPPOE_SESSION = 0x8864;
export const ETHERTYPE_8021AD = 0x88a8;
export const ETHERTYPE_LLDP = 0x88cc;
/** Stacked VLAN tags, before IEEE 802.1ad assigned a type to them. */
export const ETHERTYPE_QINQ_OLD = 0x9100;
/** A smaller value of the field is the length of an IEEE 802.3 frame (IEEE 802.3, clause 3.2.6). */
export const ETHERTYPE_MIN = 0x0600;

/** The flags beside the fragment offset (RFC 791, section 3.1), as bits of the 16-bit field. */
export const IPV4_DF = 0x4000;
export const IPV4_MF = 0x2000;
export const IPV4_OFFSET_MASK = 0x1fff;

/** TCP flags: RFC 9293, section 3.1; ECE and CWR: RFC 3168, section 6.1. */
export const TCP_FIN = 0x01;
export const TCP_SYN = 0x02;
export const TCP_RST = 0x04;
export const TCP_PSH = 0x08;
export const TCP_ACK = 0x10;
export const TCP_URG = 0x20;
export const TCP_ECE = 0x40;
export const TCP_CWR = 0x80;

/**
 * Types that report an error about the packet they quote: unreachable, quench, redirect, time exceeded, parameter
 * problem.
 */
export const ICMP_ERROR_TYPES: readonly number[] = [3, 4, 5, 11, 12];

/** IP protocol numbers (IANA). */
export const IPPROTO_ICMP = 1;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_DCCP = 33;
export const IPPROTO_GRE = 47;
export const IPPROTO_ESP = 50;
export const IPPROTO_AH = 51;
export const IPPROTO_ICMPV6 = 58;
export const IPPROTO_IPCOMP = 108;
export const IPPROTO_SCTP = 132;
export const IPPROTO_MH = 135;
export const IPPROTO_UDPLITE = 136;
