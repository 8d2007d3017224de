/**
 * The descriptor of a layer-4 protocol. Each protocol is one file with one descriptor, plus one line in index.ts.
 * Conntrack, NAT, the sysctls and the connection listing use the descriptor and never check protocol numbers.
 */
import type { ListedTuple } from '../../codecs/conntrack-list.js';
import { RECORD_WORDS, STATUS, Status } from '../conntrack/record.js';
import type { ConntrackTable } from '../conntrack/table.js';
import type { Manip } from '../nat/range.js';
import type { Direction, Packet } from '../packet.js';

/** The check that makes a packet INVALID. INVALID packets pass without an entry (-NF_ACCEPT in the kernel). */
export const Invalid = {
  /** The packet is not INVALID. */
  NONE: 0,
  /** The header is truncated, or lengths are inconsistent. */
  HEADER: 16,
  CHECKSUM: 17,
  /** The mandatory checksum is missing. */
  NO_CHECKSUM: 18,
  /** No endpoint sends this combination of TCP flags. */
  FLAGS: 19,
  /** The kernel does not know this message type. */
  TYPE: 20,
  /** An IPv6 protocol in an IPv4 packet. */
  FAMILY: 21,
  /**
   * The packet has no tuple: a fragment other than the first, a truncated header, or a message without a counterpart.
   */
  NO_TUPLE: 22,
  /** An error that quotes a packet without a connection. */
  NO_QUOTED_CONNECTION: 23,
  /** It belongs to no connection, and this kind of packet does not open one. */
  NOT_OPENING: 24,
  /** No endpoint sends this in the connection's state. */
  STATE: 25,
  /** The TCP segment is out of window. */
  WINDOW: 26,
  /** The RST does not belong to this connection. */
  RESET: 27,
  /** The SCTP verification tag does not belong to this association. */
  TAG: 28,
  /** The SCTP chunks are truncated or must not be combined. */
  CHUNKS: 29,
} as const;
export type Invalid = (typeof Invalid)[keyof typeof Invalid];

/** What happens to a packet of an entry, unless it is INVALID. */
export const TrackResult = {
  /** The packet belongs to the entry. */
  ACCEPT: 0,
  /** The entry is over: delete it and look the packet up again (-NF_REPEAT). */
  REPEAT: 1,
  /** The packet belongs to the entry and ends it at once (nf_ct_kill_acct). */
  KILL: 2,
} as const;
export type TrackResult = (typeof TrackResult)[keyof typeof TrackResult];

/** Whether RESULT means that the packet is INVALID. */
export function isInvalid(result: TrackResult | Invalid): result is Exclude<Invalid, 0> {
  return result >= Invalid.HEADER;
}

/**
 * A time-out: its index in `L4Tracker.timeoutsMs` (the state's number for protocols with states), its sysctl
 * `net.netfilter.nf_conntrack_…` (null if none), and the kernel's default in seconds.
 */
export type Timeout = readonly [index: number, sysctl: string | null, defaultSeconds: number];

/** Another sysctl of the protocol, `net.netfilter.nf_conntrack_…`, with the kernel's default and bounds. */
export type Setting = readonly [sysctl: string, preset: number, min: number, max: number];

/** The ports or IDs that NAT searches for a free one (nf_nat_l4proto_unique_tuple). */
export interface PortSpace {
  /** Both ends use the same value, as in ICMP queries. */
  readonly isShared: boolean;
  /**
   * The first candidate and their number if the rule has no range, given the CURRENT value; undefined if it never
   * changes.
   */
  range(current: number, manip: Manip): readonly [first: number, count: number] | undefined;
}

/** The tracker of a protocol in one emulated host. */
export interface L4Tracker {
  readonly protocol: L4Protocol;
  readonly table: ConntrackTable;
  /** Indexed by the `Timeout` index. */
  readonly timeoutsMs: Float64Array;
  /** net.netfilter.nf_conntrack_checksum: verify checksums of arriving packets. */
  readonly verifiesChecksums: boolean;
}

/** A checksum that the sender left to its network card (CHECKSUM_PARTIAL), so that a capture holds it unfinished. */
export interface ChecksumOffload {
  /** Whether PACKET, which is no fragment, has a checksum that looks unfinished. */
  isUnfinished(packet: Packet): boolean;
  /** Completes the unfinished checksum of PACKET, which is not cut. Returns false if it was right as it was. */
  finish(packet: Packet): boolean;
  /** Puts what the field holds when unfinished into a copy of PACKET whose layer-4 header is at L4 of VIEW. */
  unfinish(packet: Packet, view: DataView, l4: number): void;
}

export interface L4Protocol {
  /** The IP protocol number (IANA). */
  readonly number: number;
  /** The name in `conntrack -L`. */
  readonly name: string;
  /** How `conntrack -L` prints the ports word of a tuple. */
  readonly listedTuple: ListedTuple;
  /** The state names in `conntrack -L`, by number. Empty for protocols without states. */
  readonly stateNames: readonly string[];
  /** Word index of the state in an entry's record. */
  readonly stateWord: number;

  readonly timeouts: readonly Timeout[];
  readonly settings: readonly Setting[];
  /** Stores time-outs and settings for the code in wasm/. */
  setUp(tracker: L4Tracker, setting: (sysctl: string) => number): void;

  /**
   * Reads the ports word of the tuple (record.ts) from the header at L4, which has AVAILABLE bytes. Returns undefined
   * if it has no tuple (nf_ct_get_tuple).
   */
  readTuple(view: DataView, l4: number, available: number): number | undefined;
  /** The ports word of the inverse tuple, or undefined if there is none (nf_ct_invert_tuple). */
  invert(ports: number): number | undefined;

  /** Whether PACKET reports an error about a packet that it quotes, and so belongs to that packet's connection. */
  isError(packet: Packet): boolean;
  /** Whether conntrack gets as far as verifying the checksum of PACKET, i.e. the checks before it pass. */
  reachesChecksum(packet: Packet): boolean;
  /** How its checksum is left to network cards; null if it never is. */
  readonly offload: ChecksumOffload | null;
  /** Checks header, lengths and flags of PACKET. Also verifies the checksum of arriving packets, if enabled. */
  validate(tracker: L4Tracker, packet: Packet): Invalid;
  /**
   * Returns why PACKET may not open ENTRY, or Invalid.NONE. ENTRY is a new record that is not visible to lookups.
   * Initializes the protocol's part of it.
   */
  open(tracker: L4Tracker, entry: number, packet: Packet): Invalid;
  /** Tracks PACKET of ENTRY: state, time-out, accounting, ASSURED. IS_NEW: the entry is not confirmed yet. */
  update(
    tracker: L4Tracker,
    entry: number,
    direction: Direction,
    packet: Packet,
    isNew: boolean,
  ): TrackResult | Invalid;

  /** The index of the time-out that the last packet gave to ENTRY, which is as that packet has left it. */
  timeoutOf(tracker: L4Tracker, entry: number): number;
  /**
   * What the kernel logs about PACKET, the last one that was tracked, if `net.netfilter.nf_conntrack_log_invalid` is
   * set: in its words. Undefined if it says nothing, or they are not known. FAULT: why PACKET is INVALID.
   */
  remark(tracker: L4Tracker, packet: Packet, fault: Invalid): string | undefined;

  /** Whether a connection listed by `conntrack -L` can go on: the list has all that its packets are checked by. */
  readonly isListedWhole: boolean;
  /**
   * Prepares ENTRY, made from a list, with its state, for its next packet. Returns whether it checks less than it would
   * of a connection whose packets it has seen.
   */
  restore(tracker: L4Tracker, entry: number): boolean;

  /** The ports or IDs that NAT may choose from, or undefined if it never changes them. */
  readonly portSpace: PortSpace | undefined;
  /** Whether the connection of ENTRY is over, although it still has its entry. */
  isClosed(table: ConntrackTable, entry: number): boolean;
  /** Whether OTHER may lose its translated tuple to the new ENTRY when few tuples are left. */
  givesWay(table: ConntrackTable, other: number, entry: number): boolean;
  /**
   * Sets the port at the MANIP end of the header at L4, which has AVAILABLE bytes, to PORT (host order). Updates the
   * checksum incrementally, including the change of an address (ADDRESS_DELTA, see `checksumDelta`), so that a wrong
   * checksum stays wrong. Returns false and changes nothing if the header is too short (nf_nat_l4proto_manip_pkt).
   */
  mangle(view: DataView, l4: number, available: number, manip: Manip, port: number, addressDelta: number): boolean;
  /** The number of header bytes that the kernel makes writable before rewriting them. */
  readonly mangledBytes: number;
}

/** Defaults: no ports, no states, and every packet is valid. */
const PLAIN: Omit<L4Protocol, 'number' | 'name' | 'timeouts' | 'update'> = {
  listedTuple: 'none',
  stateNames: [],
  stateWord: 0,
  settings: [],
  setUp() {},
  readTuple: (_view, _l4, available) => (available >= 0 ? 0 : undefined),
  invert: (ports) => ports,
  isError: () => false,
  reachesChecksum: () => false,
  offload: null,
  validate: () => Invalid.NONE,
  open: () => Invalid.NONE,
  timeoutOf({ protocol: { stateNames, stateWord, timeouts }, table: { words } }, entry) {
    const base = entry * RECORD_WORDS;
    if (stateNames.length > 0) return words[base + stateWord];
    // A connection that sends on has the second one, if there are two (update.ts).
    return timeouts.length > 1 && (words[base + STATUS] & Status.ASSURED) !== 0 ? timeouts[1][0] : timeouts[0][0];
  },
  remark: () => undefined,
  isListedWhole: true,
  restore: () => false,
  portSpace: undefined,
  isClosed: () => false,
  givesWay: () => false,
  mangle: () => true,
  mangledBytes: 8,
};

/** Creates the descriptor of a protocol from OWN, with defaults from `PLAIN`. */
export function defineProtocol(
  own: Pick<L4Protocol, 'number' | 'name' | 'timeouts' | 'update'> & Partial<L4Protocol>,
): L4Protocol {
  return { ...PLAIN, ...own };
}
