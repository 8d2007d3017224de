/**
 * What the host knows of a layer-4 protocol. Each protocol is one file with one such descriptor, and one line of
 * index.ts; conntrack, NAT, the sysctls and the connection list ask the descriptor and know no protocol by its number.
 */
import type { ListedTuple } from '../../codecs/conntrack-list.js';
import type { ConntrackTable } from '../conntrack/table.js';
import type { Manip } from '../nat/range.js';
import type { Direction, Packet } from '../packet.js';

/** Which check makes a packet INVALID: it passes, without an entry (the kernel's -NF_ACCEPT). */
export const Invalid = {
  /** None: it is not INVALID. */
  NONE: 0,
  /** A header that is cut short, or lengths that do not fit. */
  HEADER: 16,
  CHECKSUM: 17,
  /** No checksum where there must be one. */
  NO_CHECKSUM: 18,
  /** TCP flags that no endpoint sends together. */
  FLAGS: 19,
  /** A message type that the kernel does not know. */
  TYPE: 20,
  /** A protocol of IPv6 in IPv4. */
  FAMILY: 21,
  /** Nothing names a connection: a later fragment, a header too short for that, a message without a counterpart. */
  NO_TUPLE: 22,
  /** An error about a packet of no connection. */
  NO_QUOTED_CONNECTION: 23,
  /** It belongs to no connection, and no packet of its kind opens one. */
  NOT_OPENING: 24,
  /** No endpoint that is in the connection's state sends that. */
  STATE: 25,
  /** A TCP segment out of window. */
  WINDOW: 26,
  /** A RST that is not this connection's. */
  RESET: 27,
  /** A verification tag of SCTP that is not this association's. */
  TAG: 28,
  /** Chunks of SCTP that cannot stand together, or that are cut short. */
  CHUNKS: 29,
} as const;
export type Invalid = (typeof Invalid)[keyof typeof Invalid];

/** What a protocol makes of a packet of an entry, unless the packet is INVALID. */
export const TrackResult = {
  /** The packet belongs to the entry. */
  ACCEPT: 0,
  /** The entry is over: delete it and look the packet up again (-NF_REPEAT). */
  REPEAT: 1,
  /** The packet belongs to the entry and ends it at once (nf_ct_kill_acct). */
  KILL: 2,
} as const;
export type TrackResult = (typeof TrackResult)[keyof typeof TrackResult];

/** Whether RESULT says that the packet is INVALID. */
export function isInvalid(result: TrackResult | Invalid): result is Exclude<Invalid, 0> {
  return result >= Invalid.HEADER;
}

/**
 * A time-out of the protocol: its index in `L4Tracker.timeoutsMs`, which is the state's number where the protocol has
 * states; its sysctl, `net.netfilter.nf_conntrack_…` (null: none); the kernel's default in seconds.
 */
export type Timeout = readonly [index: number, sysctl: string | null, defaultSeconds: number];

/** Another sysctl of the protocol, `net.netfilter.nf_conntrack_…`: the kernel's default and bounds. */
export type Setting = readonly [sysctl: string, preset: number, min: number, max: number];

/** Ports, or ids, among which NAT looks for a free one (nf_nat_l4proto_unique_tuple). */
export interface PortSpace {
  /** Both ends share one, as ICMP's queries do. */
  readonly isShared: boolean;
  /** The first one and how many, for CURRENT, where the rule names no range; undefined: it stays as it is. */
  range(current: number, manip: Manip): readonly [first: number, count: number] | undefined;
}

/** A protocol at work in one emulated host. */
export interface L4Tracker {
  readonly protocol: L4Protocol;
  readonly table: ConntrackTable;
  /** By the index of each `Timeout`. */
  readonly timeoutsMs: Float64Array;
  /** net.netfilter.nf_conntrack_checksum: look at the checksums of packets that arrive. */
  readonly verifiesChecksums: boolean;
}

export interface L4Protocol {
  /** The IP protocol number (IANA). */
  readonly number: number;
  /** The name in `conntrack -L`. */
  readonly name: string;
  /** How `conntrack -L` prints the ports word of a tuple. */
  readonly listedTuple: ListedTuple;
  /** The names of the states in `conntrack -L`, by number; empty: it has no states. */
  readonly stateNames: readonly string[];
  /** Which word of an entry's record holds the number of its state. */
  readonly stateWord: number;

  readonly timeouts: readonly Timeout[];
  readonly settings: readonly Setting[];
  /** Put time-outs and settings where the code in wasm/ finds them. */
  setUp(tracker: L4Tracker, setting: (sysctl: string) => number): void;

  /**
   * The ports word of the tuple (record.ts) of the header at L4, of which AVAILABLE bytes are there; undefined where it
   * has none (nf_ct_get_tuple).
   */
  readTuple(view: DataView, l4: number, available: number): number | undefined;
  /** The ports word of the inverse tuple, undefined where there is none (nf_ct_invert_tuple). */
  invert(ports: number): number | undefined;

  /** Whether PACKET reports an error of a packet that it quotes, and belongs to that packet's connection. */
  isError(packet: Packet): boolean;
  /** Whether conntrack comes to look at the checksum of PACKET: what it looks at before is in order. */
  reachesChecksum(packet: Packet): boolean;
  /**
   * What is wrong with PACKET: header, lengths, flags; the checksum where the packet arrives and checksums are wanted.
   */
  validate(tracker: L4Tracker, packet: Packet): Invalid;
  /** Why PACKET may not open ENTRY, a fresh record that no lookup finds yet; sets up the protocol's part of it. */
  open(tracker: L4Tracker, entry: number, packet: Packet): Invalid;
  /** Follow PACKET of ENTRY: state, time-out, accounting, ASSURED. IS_NEW: the entry is not confirmed yet. */
  update(
    tracker: L4Tracker,
    entry: number,
    direction: Direction,
    packet: Packet,
    isNew: boolean,
  ): TrackResult | Invalid;

  /** Which ports or ids NAT may choose from, undefined: it never changes any. */
  readonly portSpace: PortSpace | undefined;
  /** Whether the connection OTHER may lose its translated tuple to the new ENTRY where hardly any is free. */
  givesWay(table: ConntrackTable, other: number, entry: number): boolean;
  /**
   * Give the header at L4, of which AVAILABLE bytes are there, PORT (host order) at the end MANIP. Its checksum follows
   * incrementally, the change of an address included (ADDRESS_DELTA, see `checksumDelta`), so a wrong one stays wrong.
   * False where the header is too short for that; it is untouched then (nf_nat_l4proto_manip_pkt).
   */
  mangle(view: DataView, l4: number, available: number, manip: Manip, port: number, addressDelta: number): boolean;
  /** How many bytes of the header the kernel makes writable to mangle it. */
  readonly mangledBytes: number;
}

/** What a protocol without anything of its own does: no ports, no states, every packet valid. */
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
  validate: () => Invalid.NONE,
  open: () => Invalid.NONE,
  portSpace: undefined,
  givesWay: () => false,
  mangle: () => true,
  mangledBytes: 8,
};

/** The descriptor of a protocol; what OWN leaves out is as `PLAIN` has it. */
export function defineProtocol(
  own: Pick<L4Protocol, 'number' | 'name' | 'timeouts' | 'update'> & Partial<L4Protocol>,
): L4Protocol {
  return { ...PLAIN, ...own };
}
