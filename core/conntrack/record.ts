/** The record of a connection in flat memory. */
import { area, array, f64, i32, layout, record, u32 } from '../../codecs/record-layout.js';

/**
 * The tuple of one direction. Addresses are as loaded little-endian. `ports` has the four wire bytes of both ports,
 * loaded little-endian. ICMP: the ID in the lower half (wire order), type << 16, code << 24. GRE: both keys. Other
 * protocols: 0.
 */
export const TUPLE = layout('Tuple', { source: i32, destination: i32, ports: i32 });

/**
 * A connection. Without NAT, the reply tuple is the inverse of the original tuple.
 *
 * A connection also uses slots of the hash table. That table has room for four slots per record and keeps the half it
 * outgrew, which makes 226 bytes for each of 1,000,000 connections, plus 4 once the index by source is in use
 * (`ConntrackTable.bytes`).
 */
export const CONNECTION = layout('Connection', {
  original: record(TUPLE),
  /** IANA number (bits 0–7); zone (bits 16–31). */
  protocol: i32,
  reply: record(TUPLE),
  /** `Status` bits. */
  status: i32,
  /** The connection mark. */
  mark: i32,
  /** Interface index + 1 for MASQUERADE; 0 if none (nf_conn_nat.masq_index). */
  masqueradeDev: i32,
  /** When the entry expires, in milliseconds of packet time. */
  expiresMs: f64,
  /** Accounting, by direction. */
  packets: array(f64, 2),
  bytes: array(f64, 2),
  /** State of the protocol's tracker: TCP_CONNECTION, UDP_CONNECTION, SCTP_CONNECTION. */
  tracking: area(72),
  /**
   * Link in the chain of entries with the same original source (nf_nat_bysource): entry + 1; 0 at the end. See
   * wasm/conntrack/table.ts.
   */
  sourceNext: i32,
  sourcePrevious: i32,
  /**
   * For the fast path, by direction: the path of the last packet + 1; 0 if none; -1 if the connection has changed since
   * (see `ConntrackTable.takeChanged`).
   */
  path: array(i32, 2),
  /**
   * What NAT adds to the checksums of packets in each direction: the IP header's (upper half) and the layer-4
   * checksum's (lower half), as ones' complement sums of little-endian words.
   */
  checksumDeltas: array(u32, 2),
});

/** UDP's part of a connection. */
export const UDP_CONNECTION = layout(
  'UdpConnection',
  {
    /** When the entry was created, in milliseconds of packet time. */
    createdMs: f64,
    /** The most data in one packet, by direction, in bytes. */
    largest: array(i32, 2),
  },
  { within: { base: CONNECTION, area: 'tracking' } },
);

/** A hash table slot: the hash of a tuple and its owner's reference + 1; 0 if empty. */
export const SLOT = layout('Slot', { hash: u32, owner: i32 });

/** The head of a chain in the index by source: entry + 1; 0 if empty. */
export const SOURCE_HEAD = layout('SourceHead', { first: i32 });

// Indexes into views of the whole table (`ConntrackTable`), for code that already has `entry * RECORD_WORDS`: those of
// fields that several files use.
export const RECORD_WORDS = CONNECTION.words;
export const RECORD_F64 = CONNECTION.doubles;
export const TUPLE_SOURCE = TUPLE.word.source;
export const TUPLE_DESTINATION = TUPLE.word.destination;
export const TUPLE_PORTS = TUPLE.word.ports;
export const ORIGINAL_TUPLE = CONNECTION.word.original;
export const REPLY_TUPLE = CONNECTION.word.reply;
export const PROTOCOL = CONNECTION.word.protocol;
export const STATUS = CONNECTION.word.status;
export const MARK = CONNECTION.word.mark;
export const EXPIRES_MS_F64 = CONNECTION.double.expiresMs;
/** For the original direction; the reply direction follows. */
export const PACKETS_F64 = CONNECTION.double.packets;
export const BYTES_F64 = CONNECTION.double.bytes;

/** Status bits (enum ip_conntrack_status). The numbers are the kernel's, as `--ctstatus` and netlink use them. */
export const Status = {
  EXPECTED: 1 << 0,
  SEEN_REPLY: 1 << 1,
  ASSURED: 1 << 2,
  CONFIRMED: 1 << 3,
  SRC_NAT: 1 << 4,
  DST_NAT: 1 << 5,
  SRC_NAT_DONE: 1 << 7,
  DST_NAT_DONE: 1 << 8,
  /** Internal: it was created while no rule had anything to do with labels, so it can have none. */
  UNLABELLED: 1 << 25,
  /** Internal: it is older than the accounting of connections. */
  UNACCOUNTED: 1 << 26,
  /** Internal: the table has labels of the entry. */
  LABELLED: 1 << 27,
  /** Internal: what becomes of its packets is uncertain (core/uncertainty.ts). */
  IN_DOUBT: 1 << 29,
  /** Internal: SYNPROXY has opened it (core/synproxy). */
  PROXIED: 1 << 28,
  /** Internal: lookups find the entry. */
  HASHED: 1 << 30,
} as const;

export const NAT_MASK = Status.SRC_NAT | Status.DST_NAT;
