/**
 * The layout of a connection in flat memory: 44 words of 32 bits, 176 bytes. With its two hash slots (16 bytes each, at most
 * half of the slots in use) and its place in the index by source a connection takes 244 bytes.
 *
 * Offsets are in words from the record's start. Pairs of words that hold a float64 start at even offsets and are given
 * as `…_F64`, in units of 8 bytes.
 */
export const RECORD_WORDS = 44;
export const RECORD_F64 = RECORD_WORDS / 2;

/**
 * The tuple of each direction: source, destination (as loaded little-endian), and `ports`: the four wire bytes of both
 * ports, loaded little-endian. ICMP: the id in the lower half (wire order), type << 16, code << 24. GRE: both keys.
 * Other protocols: 0. The reply tuple is the inverse of the original one, but for NAT.
 */
export const ORIGINAL_TUPLE = 0;
export const REPLY_TUPLE = 4;
export const TUPLE_SOURCE = 0;
export const TUPLE_DESTINATION = 1;
export const TUPLE_PORTS = 2;

/** Protocol (bits 0–7); zone (bits 16–31). */
export const PROTOCOL = 3;
/** Status bits, see `Status`. */
export const STATUS = 7;
/** The connection mark, int32. */
export const MARK = 8;
/** Interface index + 1 of a MASQUERADE, 0: none (nf_conn_nat.masq_index). */
export const MASQUERADE_DEV = 9;

/** When the entry ends, in milliseconds of packet time. */
export const EXPIRES_MS_F64 = 5;
/** Accounting: packets and bytes of each direction; the reply's follow the original's. */
export const PACKETS_F64 = 6;
export const BYTES_F64 = 7;
export const ACCOUNTING_STRIDE_F64 = 2;
/** What the protocol's tracker remembers: words 20–37. TCP's and SCTP's state (bits 0–7) comes first. */
export const TCP_STATE = 20;
/** Memory of the last packet, for what must be told apart from a retransmission: laid out by tcp.ts in words 21–27. */
export const TCP_LAST = 21;
/** Each side's window: words 28–32 the original sender's, 33–37 the reply's; laid out by tcp.ts. */
export const TCP_SIDE = 28;
export const TCP_SIDE_WORDS = 5;
/** UDP: when the entry was made, in milliseconds of packet time. */
export const CREATED_MS_F64 = 10;

/** The chain of entries whose original source is the same (nf_nat_bysource): record index + 1, 0: end. */
export const SOURCE_NEXT = 38;
export const SOURCE_PREVIOUS = 39;

/**
 * What the fast path remembers (core/fast), one word a direction: the path of the last packet + 1, 0: none, -1: the mark was
 * changed by the packet that is passing. And what translation adds to the checksums of its packets: the IP header's (upper
 * half) and the layer-4 one's (lower half), as one's complement sums of little-endian words.
 */
export const FAST_PATH = 40;
export const FAST_DELTAS = 42;

/** Status bits (enum ip_conntrack_status; the numbers are the kernel's, as `--ctstatus` and NETLINK show them). */
export const Status = {
  EXPECTED: 1 << 0,
  SEEN_REPLY: 1 << 1,
  ASSURED: 1 << 2,
  CONFIRMED: 1 << 3,
  SRC_NAT: 1 << 4,
  DST_NAT: 1 << 5,
  SRC_NAT_DONE: 1 << 7,
  DST_NAT_DONE: 1 << 8,
  /** Ours alone: lookups find the entry. */
  HASHED: 1 << 30,
} as const;

export const NAT_MASK = Status.SRC_NAT | Status.DST_NAT;
