/** Link types of captures (https://www.tcpdump.org/linktypes.html). */

/** The supported link types (LINKTYPE_ values; 12 and 14 are the values of RAW on the BSDs). */
export const Linktype = {
  NULL: 0,
  ETHERNET: 1,
  PPP: 9,
  RAW_BSD: 12,
  RAW_OPENBSD: 14,
  PPP_HDLC: 50,
  PPP_ETHER: 51,
  RAW: 101,
  LOOP: 108,
  LINUX_SLL: 113,
  IPV4: 228,
  IPV6: 229,
  NFLOG: 239,
  LINUX_SLL2: 276,
} as const;

/** Common unsupported link types, to be named in messages. */
const OTHER_LINKTYPES: Record<number, string> = {
  6: 'Token Ring',
  8: 'SLIP',
  10: 'FDDI',
  104: 'Cisco HDLC',
  105: 'IEEE 802.11',
  107: 'Frame Relay',
  117: 'OpenBSD pflog',
  119: 'IEEE 802.11 with a Prism header',
  127: 'IEEE 802.11 with a radiotap header',
  187: 'Bluetooth HCI',
  192: 'PPI',
  195: 'IEEE 802.15.4',
  220: 'Linux USB',
  231: 'D-Bus',
  249: 'USBPcap',
  252: 'Wireshark upper PDU',
  253: 'netlink',
};

const SUPPORTED_LINKTYPES: ReadonlySet<number> = new Set(Object.values(Linktype));

/** Whether nfreplay can find IP packets in frames of LINKTYPE. */
export function isSupportedLinktype(linktype: number): boolean {
  return SUPPORTED_LINKTYPES.has(linktype);
}

/** What can be read, in words. */
export const SUPPORTED_LINKS = 'Ethernet, Linux cooked (SLL, SLL2), raw IP, loopback, PPP, PPPoE and NFLOG';

/** LINKTYPE for messages: its number, and its name if known. */
export function linktypeName(linktype: number): string {
  const own = Object.entries(Linktype).find(([, value]) => value === linktype)?.[0];
  const name = own ?? OTHER_LINKTYPES[linktype];
  return name === undefined ? `${linktype}` : `${linktype} (${name})`;
}
