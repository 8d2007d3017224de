/** The records of the flow cache, written by `core/flow` and followed by `wasm/flow`. */
import { array, f64, i32, layout, record, u32 } from '../../codecs/record-layout.js';

const CACHE_LINE_BYTES = 64;

/** A path (path.ts). */
export const PATH = layout(
  'Path',
  {
    /** The ingress and egress interface of its packets. */
    inDev: i32,
    outDev: i32,
    /** The maximum length of a packet that is sent without fragmentation, in bytes. */
    mtu: i32,
    /** The address of its FIELD_TESTs (path-checks.ts); 0 if there are none. */
    tests: u32,
    /** The Ethernet header for its packets: fourteen bytes, plus two of padding. */
    link: array(i32, 4),
    /** The number of packets and bytes since the last `flush`. */
    packets: f64,
    bytes: f64,
  },
  { bytes: CACHE_LINE_BYTES },
);

/** Unsigned values: the minimum, and the number of values after it. */
export const VALUE_RANGE = layout('ValueRange', { lowest: i32, more: i32 });

/** A megaflow (megaflow-table.ts). Addresses and ports in its ranges are in host order. */
export const MEGAFLOW = layout(
  'Megaflow',
  {
    inDev: i32,
    protocol: i32,
    /** A `Phase`. */
    phase: i32,
    /** Undefined if it has a `chain`. */
    path: i32,
    source: record(VALUE_RANGE),
    destination: record(VALUE_RANGE),
    sport: record(VALUE_RANGE),
    dport: record(VALUE_RANGE),
    translatedDestination: record(VALUE_RANGE),
    translatedDport: record(VALUE_RANGE),
    /**
     * `PlanFlag`s, and the translation of packets that open a connection: addresses as loaded, the port in wire order.
     */
    plan: i32,
    newDestination: i32,
    newDport: i32,
    newSource: i32,
    /** Interface + 1; 0 if none. */
    masqueradeDev: i32,
    /** The number of packets that took it. */
    hits: u32,
    /** The address of the PROBE_CHAIN that determines the path; 0 if none. */
    chain: u32,
    /** The address of the paths for the chain's results (CHAIN_PATH), by position. */
    chainPaths: u32,
    /** What rules in the chain see: whether it is routed (destination translated), its egress interface, its state. */
    isAfterRouting: i32,
    outDev: i32,
    state: i32,
  },
  { bytes: 2 * CACHE_LINE_BYTES },
);

/** The path for a result of a chain, + 1; 0 if not known yet. */
export const CHAIN_PATH = layout('ChainPath', { path: i32 });

/** A long chain (chain-probe.ts). */
export const PROBE_CHAIN = layout('ProbeChain', {
  rules: i32,
  /** The number of its PROBE_LISTs, and their address. */
  lists: i32,
  listsAt: u32,
  /**
   * The address of the words of its rules (`PackedRules`). LAST_WORD of a rule is 1 if its words are not sufficient.
   */
  ruleWords: u32,
});

/** A list of a long chain: rules by the values of one field (see IntervalLists). */
export const PROBE_LIST = layout('ProbeList', {
  /**
   * The field by which it is sorted. PROBE_ANY_FIELD: it is the list for all packets, and `blocks` is the number of
   * words in its data.
   */
  field: i32,
  /** The second field tested by its entries. */
  second: i32,
  lowest: i32,
  shift: u32,
  blocks: u32,
  /** Indexes of words in its data. */
  startsAt: u32,
  offsetsAt: u32,
  /** The address of its data. */
  data: u32,
});

/** Paths whose packets ask the same of the same sets (set-answers.ts). */
export const SET_READERS = layout('SetReaders', {
  /** Another number whenever one of the sets has changed. No two groups ever have the same one. */
  stamp: f64,
  /**
   * 1: what they ask does not depend on the state of the connection, so that the answers for the packet that opens it
   * hold for later ones.
   */
  isStateless: i32,
});

/**
 * That the sets which a connection's path asks answer as they did for the first packet of that path: the packets in one
 * direction need not ask again.
 */
export const SAME_ANSWERS = layout(
  'SameAnswers',
  {
    /** The `stamp` of the path's readers when they were asked; 0 if they never were. */
    stamp: f64,
    /** When an entry that was found expires, in milliseconds of packet time. */
    untilMs: f64,
    /** Its connection and direction, `entry * 2 + direction`, as several share a record. */
    reference: i32,
  },
  { bytes: 24 },
);

/** A test of a packet before it takes a path (path-checks.ts). */
export const FIELD_TEST = layout('FieldTest', {
  /** A `TestOp`. */
  op: i32,
  /**
   * For a field: its `FieldBase` and its offset in bytes from there. It is in network byte order at the upper end of 32
   * bits.
   */
  base: i32,
  fieldAt: u32,
  /** What to subtract from these 32 bits, and the mask of the bits to compare. */
  surplus: u32,
  mask: u32,
  /**
   * The minimum value and the number of values after it; or the address of a state or of SET_READERS, the number of a
   * check and its result, or a result.
   */
  min: u32,
  more: u32,
  /** 1: the value must be outside of the range. */
  negated: i32,
});

/**
 * What `forward` returns instead of a path if the slow path must handle the packet. Nothing has changed then. Values
 * below UPCALL mean that only a path was missing: a megaflow matched the packet, but the path for its chain's result is
 * not known yet. They are FIRST_MISS minus `result * (number of megaflows) + megaflow`.
 */
export const UPCALL = -1;
export const FIRST_MISS = -2;
