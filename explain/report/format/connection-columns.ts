/** The section `connections` of a report. */

/**
 * What conntrack and NAT made of packets that belong together, also where the first one was dropped and there never
 * was an entry. Each packet with a tuple is in one row. tuple: as the first packet arrived, or of an entry that was
 * there before. reply: the tuple of packets that answer, as they arrive; -1: not known. inDev, outDev: of the first
 * packet, as in PACKET_COLUMNS (outDev: of the first one that left). traversal: of the first packet. lastTraversal: of
 * the last one. decided: of the one that was refused, if one was, else of the first. entry: what became of
 * its entry, a position in ENTRY_ENDS. state: the last one of its entry, a position in `connectionStates` of the rules
 * section; -1: none. timeout: the one that its entry had last, a position in `connectionTimeouts` there; -1: not known.
 * expiresNs: when its entry expires, or expired; -1: there was none. verdict: a position in VERDICTS, or their number:
 * expired while there were still packets. packets and bytes by direction. errors: ICMP errors about its packets, which
 * are in none of the two directions, and errorBytes. refused: of all these packets, those dropped or rejected. invalid:
 * those that conntrack took for INVALID. uncounted…: how many more packets and bytes there were than its entry counted,
 * as conntrack.txt has them; less than 0 if its entry is older than the captures; 0 if it has none at the end.
 */
export const CONNECTION_COLUMNS = [
  'tuple',
  'reply',
  'inDev',
  'outDev',
  'traversal',
  'lastTraversal',
  'decided',
  'entry',
  'state',
  'timeout',
  'verdict',
  'firstNs',
  'lastNs',
  'expiresNs',
  'packets',
  'bytes',
  'replyPackets',
  'replyBytes',
  'errors',
  'errorBytes',
  'refused',
  'invalid',
  'uncountedPackets',
  'uncountedBytes',
  'uncountedReplyPackets',
  'uncountedReplyBytes',
] as const;

/**
 * What became of the entry of a connection. none: it never had one. open: it is there at the end. expired: its time-out
 * ended it. reset: one of its own packets ended it. removed: the table was full, its tuple was needed, or somebody
 * deleted it. reopened: a packet of the same ends opened a new connection in its place.
 */
export const ENTRY_ENDS = ['none', 'open', 'expired', 'reset', 'removed', 'reopened'] as const;
