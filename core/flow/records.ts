/** The records of the flow cache, which `core/flow` writes and `wasm/flow` follows. */
import { array, f64, i32, layout, record, u32 } from '../../codecs/record-layout.js';

const CACHE_LINE_BYTES = 64;

/** A path (path.ts). */
export const PATH = layout(
  'Path',
  {
    /** The interfaces that its packets come in and leave by. */
    inDev: i32,
    outDev: i32,
    /** The longest packet that leaves whole, in bytes. */
    mtu: i32,
    /** The address of its FIELD_TESTs (questions.ts); 0: nothing is asked. */
    tests: u32,
    /** The Ethernet header that its packets leave with: fourteen bytes, and two that mean nothing. */
    link: array(i32, 4),
    /** How many packets took it since the last `flush`, and how many bytes they had. */
    packets: f64,
    bytes: f64,
  },
  { bytes: CACHE_LINE_BYTES },
);

/** Unsigned values: the lowest, and how many more there are. */
export const VALUE_RANGE = layout('ValueRange', { lowest: i32, more: i32 });

/** A megaflow (megaflow-table.ts). Addresses and ports of its ranges are in host order. */
export const MEGAFLOW = layout(
  'Megaflow',
  {
    inDev: i32,
    protocol: i32,
    /** A `Phase`. */
    phase: i32,
    /** Undefined where it has a `chain`. */
    path: i32,
    source: record(VALUE_RANGE),
    destination: record(VALUE_RANGE),
    sport: record(VALUE_RANGE),
    dport: record(VALUE_RANGE),
    translatedDestination: record(VALUE_RANGE),
    translatedDport: record(VALUE_RANGE),
    /** `PlanFlag`s, and what packets that open a connection become: addresses as loaded, the port in wire order. */
    plan: i32,
    newDestination: i32,
    newDport: i32,
    newSource: i32,
    /** Interface + 1, 0: none. */
    masqueradeDev: i32,
    /** How many packets it has taken. */
    hits: u32,
    /** The address of the PROBE_CHAIN that decides on the path; 0: none. */
    chain: u32,
    /** The address of the paths that the chain's answers lead to (CHAIN_PATH), by position. */
    chainPaths: u32,
    /**
     * What rules see in the chain: whether the destination is translated, the interface that packets leave by, their
     * state.
     */
    isLater: i32,
    outDev: i32,
    state: i32,
  },
  { bytes: 2 * CACHE_LINE_BYTES },
);

/** The path that an answer of a chain leads to, + 1; 0: not known yet. */
export const CHAIN_PATH = layout('ChainPath', { path: i32 });

/** A long chain (chain-probe.ts). */
export const PROBE_CHAIN = layout('ProbeChain', {
  rules: i32,
  /** How many PROBE_LISTs it has, and their address. */
  lists: i32,
  listsAt: u32,
  /**
   * The address of the words of its rules (`PackedRules`). LAST_WORD of a rule is 1 where words do not say all that it
   * asks.
   */
  ruleWords: u32,
});

/** One list of a long chain: rules by the values of one field (see IntervalLists). */
export const PROBE_LIST = layout('ProbeList', {
  /**
   * The field that it is sorted by; PROBE_ANY_FIELD: a list of all packets, and `blocks` is how many words its data
   * has.
   */
  field: i32,
  /** The field that its entries narrow further. */
  second: i32,
  lowest: i32,
  shift: u32,
  blocks: u32,
  /** Indices of words in its data. */
  startsAt: u32,
  offsetsAt: u32,
  /** The address of its data. */
  data: u32,
});

/** What is asked of a packet that is to take a path (questions.ts). */
export const FIELD_TEST = layout('FieldTest', {
  /** A `TestOp`. */
  op: i32,
  /**
   * Of a field: its `FieldBase`, and how many bytes from there it is, in network byte order at the upper end of 32
   * bits.
   */
  base: i32,
  fieldAt: u32,
  /** What is to be taken off these 32 bits, and which of them count. */
  surplus: u32,
  mask: u32,
  /**
   * The lowest value and how many more follow it; or the address of a state, or the number of a question, or an answer.
   */
  min: u32,
  more: u32,
  /** 1: the value has to be another one. */
  negated: i32,
});

/**
 * What `forward` returns instead of a path: the packet is for the slow path, and nothing has been done. Values below
 * UPCALL also say that only a path was missing: a megaflow held the packet, and its chain gave an answer whose path is
 * not known yet. They are FIRST_MISS less `answer * (number of megaflows) + megaflow`.
 */
export const UPCALL = -1;
export const FIRST_MISS = -2;
