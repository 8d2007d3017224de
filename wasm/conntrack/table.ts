// The table of connections: fixed-size records (core/conntrack/record.ts), found by either tuple through an open-addressing
// hash. What its functions promise stands at their callers in core/conntrack/table.ts.
//
// A slot holds the hash of a tuple and who has it. The search begins where the highest bits of the hash say, so slots lie in the
// order of their hashes, all but those that had to move on. When there are twice as many, they keep that order: growing reads
// and writes memory from front to back, and no record is looked at.
import {
  EXPIRES_MS_F64,
  MAX_RECORDS,
  ORIGINAL,
  ORIGINAL_TUPLE,
  PROTOCOL,
  RECORD_WORDS,
  RECORDS_AT,
  REPLY_TUPLE,
  SLOTS_AT,
  SLOTS_BYTES,
  SOURCE_NEXT,
  SOURCE_PREVIOUS,
  SOURCES_AT,
  STATUS,
  Status,
} from '../constants';

export const RECORD_BYTES: usize = RECORD_WORDS << 2;
const SLOT_BYTES: usize = 8;
const SLOT_SHIFT: usize = 3;
/** Of a slot: the hash of its tuple, and the reference of who has it, + 1; 0: it is empty. */
const SLOT_HASH = 0;
const SLOT_OWNER = 4;
const HASH_BITS = 32;
const INITIAL_RECORDS_LOG2 = 14;
const INITIAL_RECORDS = 1 << INITIAL_RECORDS_LOG2;
/** There are four slots a record, two of them used. */
const SLOTS_A_RECORD_LOG2 = 2;
/** SOURCE_PREVIOUS of the latest that is pending; of the first of a chain it is -1 - the number of that, of others their link. */
const IS_FIRST: i32 = i32.MIN_VALUE;
/** How many records each new connection looks at for entries that have ended, so that memory stays flat. */
const SWEEP_RECORDS = 2;

/** Confirmed entries, ended ones included until they are swept. */
let size = 0;
let capacity = INITIAL_RECORDS;
let unused = 0;
/** The first record that was given back, + 1; 0: none. */
let free = 0;
/** No record was ever given back, to be used again out of order. */
let isInOrder = true;
/** Slots are in one half of their memory; when they grow, they move to the other. */
let slotsAt: usize = SLOTS_AT;
let slots: u32 = INITIAL_RECORDS << SLOTS_A_RECORD_LOG2;
let homeShift: u32 = HASH_BITS - INITIAL_RECORDS_LOG2 - SLOTS_A_RECORD_LOG2;
let sourceMask: u32 = INITIAL_RECORDS - 1;
/** Entries (+ 1) that are to be found by their source, but were not asked for yet: the latest, and the oldest. 0: none. */
let latestPending = 0;
let oldestPending = 0;
/** Some have been asked for: the index by source is in use. */
let isIndexed = false;
let sweepAt = 0;

export function tableSize(): i32 {
  return size;
}

/** Behind the last record that was ever used. */
export function recordsUsed(): i32 {
  return unused;
}

/** How many bytes the table takes: records that were used, slots and those they were before they grew, index. */
export function tableBytes(): f64 {
  const slotBytes = <f64>slots * <f64>SLOT_BYTES;
  const oldSlotBytes = capacity > INITIAL_RECORDS ? slotBytes / 2 : 0;
  return <f64>unused * <f64>RECORD_BYTES + slotBytes + oldSlotBytes + (isIndexed ? <f64>(sourceMask + 1) * 4 : 0);
}

export function recordAt(entry: i32): usize {
  return RECORDS_AT + <usize>entry * RECORD_BYTES;
}

/** -1: there are MAX_RECORDS already. */
export function create(source: i32, destination: i32, ports: i32, replyPorts: i32, protocol: i32, nowMs: f64): i32 {
  sweep(nowMs);
  let entry: i32;
  if (free > 0) {
    entry = free - 1;
    const at = recordAt(entry);
    free = load<i32>(at, SOURCE_NEXT << 2);
    memory.fill(at, 0, RECORD_BYTES);
  } else {
    if (unused === capacity) {
      if (capacity === MAX_RECORDS) return -1;
      grow();
    }
    entry = unused++;
  }
  const at = recordAt(entry);
  store<i32>(at, source, ORIGINAL_TUPLE << 2);
  store<i32>(at, destination, (ORIGINAL_TUPLE + 1) << 2);
  store<i32>(at, ports, (ORIGINAL_TUPLE + 2) << 2);
  store<i32>(at, protocol, PROTOCOL << 2);
  store<i32>(at, destination, REPLY_TUPLE << 2);
  store<i32>(at, source, (REPLY_TUPLE + 1) << 2);
  store<i32>(at, replyPorts, (REPLY_TUPLE + 2) << 2);
  return entry;
}

export function confirm(entry: i32): void {
  const at = recordAt(entry);
  store<i32>(at, load<i32>(at, STATUS << 2) | Status.CONFIRMED | Status.HASHED, STATUS << 2);
  // The reply first: where both tuples are the same (a host talks to itself), a packet is found to be a reply.
  insert(entry * 2 + 1, at + (REPLY_TUPLE << 2));
  insert(entry * 2, at + (ORIGINAL_TUPLE << 2));
  size++;
}

export function remove(entry: i32): void {
  unhash(entry);
  release(entry);
}

export function unhash(entry: i32): void {
  const at = recordAt(entry);
  if (!isHashed(at)) return;
  deleteSlot(entry * 2, at + (ORIGINAL_TUPLE << 2));
  deleteSlot(entry * 2 + 1, at + (REPLY_TUPLE << 2));
  size--;
  store<i32>(at, load<i32>(at, STATUS << 2) & ~Status.HASHED, STATUS << 2);
}

export function release(entry: i32): void {
  const at = recordAt(entry);
  isInOrder = false;
  unlinkSource(at);
  store<i32>(at, 0, STATUS << 2);
  store<i32>(at, free, SOURCE_NEXT << 2);
  free = entry + 1;
}

export function lookUp(source: i32, destination: i32, ports: i32, protocol: i32): i32 {
  const hash = tupleHash(source, destination, ports);
  const end = slotsEnd();
  let at = homeOf(hash);
  for (let owner = load<i32>(at, SLOT_OWNER); owner !== 0; owner = load<i32>(at, SLOT_OWNER)) {
    if (load<u32>(at, SLOT_HASH) === hash && has(owner - 1, source, destination, ports, protocol)) return owner - 1;
    at += SLOT_BYTES;
    if (at === end) at = slotsAt;
  }
  return -1;
}

/** Whether REFERENCE is that of this tuple. */
export function has(reference: i32, source: i32, destination: i32, ports: i32, protocol: i32): bool {
  const record = recordAt(reference >>> 1);
  const tuple = record + ((reference & 1) === ORIGINAL ? ORIGINAL_TUPLE << 2 : REPLY_TUPLE << 2);
  return (
    load<i32>(tuple) === source &&
    load<i32>(tuple, 4) === destination &&
    load<i32>(tuple, 8) === ports &&
    load<i32>(record, PROTOCOL << 2) === protocol
  );
}

/** The address of the slot at which the search for a tuple of this HASH begins. */
export function homeOf(hash: u32): usize {
  return slotsAt + ((<usize>(hash >>> homeShift)) << SLOT_SHIFT);
}

/**
 * The reference of the first that has a tuple of this HASH, most likely the one that is looked for; -1: nobody has. It looks at
 * slots only, so that those of several packets can be looked at one behind the other without waiting for a record.
 */
export function firstOfHash(hash: u32): i32 {
  const end = slotsEnd();
  let at = homeOf(hash);
  for (let owner = load<i32>(at, SLOT_OWNER); owner !== 0; owner = load<i32>(at, SLOT_OWNER)) {
    if (load<u32>(at, SLOT_HASH) === hash) return owner - 1;
    at += SLOT_BYTES;
    if (at === end) at = slotsAt;
  }
  return -1;
}

function slotsEnd(): usize {
  return slotsAt + ((<usize>slots) << SLOT_SHIFT);
}

export function linkSource(entry: i32): void {
  const at = recordAt(entry);
  if (load<i32>(at, SOURCE_PREVIOUS << 2) !== 0) return;
  store<i32>(at, latestPending, SOURCE_NEXT << 2);
  store<i32>(at, IS_FIRST, SOURCE_PREVIOUS << 2);
  if (latestPending === 0) oldestPending = entry + 1;
  else store<i32>(recordAt(latestPending - 1), entry + 1, SOURCE_PREVIOUS << 2);
  latestPending = entry + 1;
}

/** Where the chain of such a source begins. */
export function headOfSource(source: i32, ports: i32, protocol: i32): usize {
  return SOURCES_AT + ((<usize>(sourceHash(source, ports, protocol) & sourceMask)) << 2);
}

export function firstOfSource(source: i32, ports: i32, protocol: i32): i32 {
  indexPending();
  return load<i32>(headOfSource(source, ports, protocol)) - 1;
}

/** Put what is pending into the index, the oldest first. */
function indexPending(): void {
  let link = oldestPending;
  while (link !== 0) {
    const previous = load<i32>(recordAt(link - 1), SOURCE_PREVIOUS << 2);
    index(link - 1);
    link = max(previous, 0);
  }
  latestPending = 0;
  oldestPending = 0;
  isIndexed = true;
}

/** Make ENTRY the first of the chain of its source. */
function index(entry: i32): void {
  const at = recordAt(entry);
  const head = sourceHead(at);
  const headAt: usize = SOURCES_AT + ((<usize>head) << 2);
  const next = load<i32>(headAt);
  store<i32>(at, next, SOURCE_NEXT << 2);
  store<i32>(at, -1 - head, SOURCE_PREVIOUS << 2);
  if (next !== 0) store<i32>(recordAt(next - 1), entry + 1, SOURCE_PREVIOUS << 2);
  store<i32>(headAt, entry + 1);
}

function isHashed(at: usize): bool {
  return (load<i32>(at, STATUS << 2) & Status.HASHED) !== 0;
}

function sourceHead(at: usize): i32 {
  const ports = load<i32>(at, (ORIGINAL_TUPLE + 2) << 2);
  return <i32>(sourceHash(load<i32>(at, ORIGINAL_TUPLE << 2), ports, load<i32>(at, PROTOCOL << 2)) & sourceMask);
}

function unlinkSource(at: usize): void {
  const previous = load<i32>(at, SOURCE_PREVIOUS << 2);
  if (previous === 0) return;
  const next = load<i32>(at, SOURCE_NEXT << 2);
  if (previous === IS_FIRST) latestPending = next;
  else if (previous < 0) store<i32>(SOURCES_AT + ((<usize>(-1 - previous)) << 2), next);
  else store<i32>(recordAt(previous - 1), next, SOURCE_NEXT << 2);
  if (next !== 0) store<i32>(recordAt(next - 1), previous, SOURCE_PREVIOUS << 2);
  else if (oldestPending !== 0 && at === recordAt(oldestPending - 1)) oldestPending = max(previous, 0);
  store<i32>(at, 0, SOURCE_PREVIOUS << 2);
}

function insert(reference: i32, tupleAt: usize): void {
  place(tupleHash(load<i32>(tupleAt), load<i32>(tupleAt, 4), load<i32>(tupleAt, 8)), reference + 1);
}

function place(hash: u32, owner: i32): void {
  const end = slotsEnd();
  let at = homeOf(hash);
  while (load<i32>(at, SLOT_OWNER) !== 0) {
    at += SLOT_BYTES;
    if (at === end) at = slotsAt;
  }
  store<u32>(at, hash, SLOT_HASH);
  store<i32>(at, owner, SLOT_OWNER);
}

function slotAt(slot: u32): usize {
  return slotsAt + ((<usize>slot) << SLOT_SHIFT);
}

/** Linear probing without tombstones: what follows in the cluster moves up where its own home allows it. */
function deleteSlot(reference: i32, tupleAt: usize): void {
  const mask = slots - 1;
  let hole = tupleHash(load<i32>(tupleAt), load<i32>(tupleAt, 4), load<i32>(tupleAt, 8)) >>> homeShift;
  while (load<i32>(slotAt(hole), SLOT_OWNER) !== reference + 1) hole = (hole + 1) & mask;
  for (let slot = (hole + 1) & mask; load<i32>(slotAt(slot), SLOT_OWNER) !== 0; slot = (slot + 1) & mask) {
    const at = slotAt(slot);
    const home = load<u32>(at, SLOT_HASH) >>> homeShift;
    if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
    store<i64>(slotAt(hole), load<i64>(at));
    hole = slot;
  }
  store<i64>(slotAt(hole), 0);
}

function sweep(nowMs: f64): void {
  for (let i = 0; i < SWEEP_RECORDS && i < unused; i++) {
    if (sweepAt >= unused) sweepAt = 0;
    const entry = sweepAt++;
    const at = recordAt(entry);
    if (isHashed(at) && load<f64>(at, EXPIRES_MS_F64 << 3) <= nowMs) remove(entry);
  }
}

function grow(): void {
  capacity *= 2;
  growSlots();
  growSources();
}

/**
 * Slots move in the order in which they lie, from behind a gap on: what was found first is found first. What lies before the
 * first gap belongs to the cluster at the end. The half that they leave is empty again.
 */
function growSlots(): void {
  const from = slotsAt;
  const end = slotsEnd();
  let gap = from;
  while (load<i32>(gap, SLOT_OWNER) !== 0) gap += SLOT_BYTES;
  slotsAt = from === SLOTS_AT ? SLOTS_AT + SLOTS_BYTES / 2 : SLOTS_AT;
  slots *= 2;
  homeShift--;
  for (let at = gap; at < end; at += SLOT_BYTES) replace(at);
  for (let at = from; at < gap; at += SLOT_BYTES) replace(at);
}

/** Place what lies at AT anew, and leave an empty slot. */
function replace(at: usize): void {
  const owner = load<i32>(at, SLOT_OWNER);
  if (owner === 0) return;
  place(load<u32>(at, SLOT_HASH), owner);
  store<i64>(at, 0);
}

/** The index by source doubles, and each chain keeps its order. */
function growSources(): void {
  const old = <i32>(sourceMask + 1);
  sourceMask = <u32>old * 2 - 1;
  if (!isIndexed) return;
  if (isInOrder) relinkSources(old);
  else splitSources(old);
}

/** While records lie in the order in which they were made, so can they be linked again: nothing has to wait for what a link says. */
function relinkSources(old: i32): void {
  memory.fill(SOURCES_AT, 0, (<usize>old) << 2);
  for (let entry = 0; entry < unused; entry++) {
    const at = recordAt(entry);
    if (load<i32>(at, SOURCE_PREVIOUS << 2) === 0) continue;
    index(entry);
  }
  latestPending = 0;
  oldestPending = 0;
}

/** Each chain becomes two: their heads lie half of the new index apart. */
function splitSources(old: i32): void {
  for (let head = 0; head < old; head++) {
    const headAt: usize = SOURCES_AT + ((<usize>head) << 2);
    let link = load<i32>(headAt);
    store<i32>(headAt, 0);
    // The last links of the two chains so far, 0: none.
    let lastLow = 0;
    let lastHigh = 0;
    while (link !== 0) {
      const at = recordAt(link - 1);
      const next = load<i32>(at, SOURCE_NEXT << 2);
      const newHead = sourceHead(at);
      const last = newHead === head ? lastLow : lastHigh;
      if (last === 0) store<i32>(SOURCES_AT + ((<usize>newHead) << 2), link);
      else store<i32>(recordAt(last - 1), link, SOURCE_NEXT << 2);
      store<i32>(at, last === 0 ? -1 - newHead : last, SOURCE_PREVIOUS << 2);
      store<i32>(at, 0, SOURCE_NEXT << 2);
      if (newHead === head) lastLow = link;
      else lastHigh = link;
      link = next;
    }
  }
}

/**
 * Murmur3's finaliser over the folded tuple: the words carry their entropy in the high bits, and this brings it down. The
 * protocol is left out, so that slots can move without a look at their records.
 */
export function tupleHash(source: i32, destination: i32, ports: i32): u32 {
  let hash: u32 = (source * 0x9e3779b1) ^ destination;
  hash = ((hash ^ (hash >>> 15)) * 0x85ebca6b) ^ ports;
  hash = (hash ^ (hash >>> 16)) * 0x85ebca6b;
  hash = (hash ^ (hash >>> 13)) * 0xc2b2ae35;
  return hash ^ (hash >>> 16);
}

function sourceHash(source: i32, ports: i32, protocol: i32): u32 {
  return tupleHash(source, protocol, ports & 0xffff);
}
