import { byteLength } from '../../codecs/text.js';

/**
 * What a command of ipset says about a set or an element, under the numbers of enum ipset_opt: ipset checks in this
 * order what is not allowed.
 */
export const Opt = {
  FAMILY: 3,
  IP: 4,
  IP_TO: 5,
  CIDR: 6,
  MARK: 7,
  PORT: 8,
  PORT_TO: 9,
  TIMEOUT: 10,
  GC: 11,
  HASHSIZE: 12,
  MAXELEM: 13,
  MARKMASK: 14,
  NETMASK: 15,
  PROBES: 16,
  RESIZE: 17,
  SIZE: 18,
  FORCEADD: 19,
  BITMASK: 20,
  ETHER: 24,
  NAME: 25,
  NAMEREF: 26,
  IP2: 27,
  CIDR2: 28,
  IP2_TO: 29,
  PROTO: 30,
  IFACE: 31,
  NOMATCH: 36,
  COUNTERS: 37,
  PACKETS: 38,
  BYTES: 39,
  CREATE_COMMENT: 40,
  ADT_COMMENT: 41,
  SKBINFO: 42,
  SKBMARK: 43,
  SKBPRIO: 44,
  SKBQUEUE: 45,
  IFACE_WILDCARD: 46,
  BUCKETSIZE: 47,
  INITVAL: 48,
  /** All flags of an element or a set; a flag by itself is never noted. */
  CADT_FLAGS: 49,
} as const;
export type Opt = (typeof Opt)[keyof typeof Opt];

/** How many numbers there are. */
export const OPT_COUNT = 50;

/** What each takes in a message to the kernel, in bytes; what is not listed is a text, or never part of an element. */
export const OPT_BYTES: readonly number[] = bytesOf();

function bytesOf(): number[] {
  const { IP, IP_TO, IP2, IP2_TO, CIDR, CIDR2, MARK, PORT, PORT_TO, PROTO, TIMEOUT, CADT_FLAGS } = Opt;
  const bytes = new Array<number>(OPT_COUNT).fill(0);
  for (const opt of [IP, IP_TO, IP2, IP2_TO]) bytes[opt] = 12;
  for (const opt of [CIDR, CIDR2, MARK, PORT, PORT_TO, PROTO, TIMEOUT, CADT_FLAGS]) bytes[opt] = 8;
  for (const opt of [Opt.SKBPRIO, Opt.SKBQUEUE]) bytes[opt] = 8;
  for (const opt of [Opt.PACKETS, Opt.BYTES, Opt.SKBMARK, Opt.ETHER]) bytes[opt] = 12;
  return bytes;
}

/** What an IPv6 address takes more than an IPv4 address, in bytes. */
export const IPV6_MORE_BYTES = 12;

/** What TEXT takes in a message, in bytes. */
export function stringBytes(text: string): number {
  return 4 + ((byteLength(text) + 1 + 3) & ~3);
}
