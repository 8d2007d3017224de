// The table of connections: fixed-size records (core/conntrack/record.ts), found by either tuple through an open-addressing
// hash. What its functions promise stands at their callers in core/conntrack/table.ts.
//
// Slots and index double where they lie: what comes behind them in memory is still zero.
import {
  EXPIRES_MS_F64,
  MAX_RECORDS,
  ORIGINAL_TUPLE,
  PROTOCOL,
  RECORD_WORDS,
  RECORDS_AT,
  REPLY_TUPLE,
  SCRATCH_AT,
  SLOTS_AT,
  SOURCE_NEXT,
  SOURCE_PREVIOUS,
  SOURCES_AT,
  STATUS,
  Status,
} from './constants';

export const RECORD_BYTES: usize = RECORD_WORDS << 2;
const SLOT_BYTES: usize = 16;
const SLOT_SHIFT: usize = 4;
const INITIAL_RECORDS = 16384;
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
let slotMask: u32 = INITIAL_RECORDS * 4 - 1;
let sourceMask: u32 = INITIAL_RECORDS - 1;
let sweepAt = 0;

export function tableSize(): i32 {
  return size;
}

/** Behind the last record that was ever used. */
export function recordsUsed(): i32 {
  return unused;
}

/** How many bytes the table takes: records that were used, slots and index. */
export function tableBytes(): f64 {
  return <f64>unused * <f64>RECORD_BYTES + <f64>(slotMask + 1) * <f64>SLOT_BYTES + <f64>(sourceMask + 1) * 4;
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
  return probe(homeOf(source, destination, ports), source, destination, ports, protocol);
}

/** The address of the slot at which the search for a tuple begins. */
export function homeOf(source: i32, destination: i32, ports: i32): usize {
  return SLOTS_AT + ((<usize>(tupleHash(source, destination, ports) & slotMask)) << SLOT_SHIFT);
}

/**
 * The reference of the first slot from HOME on that has this tuple, of whatever protocol; -1: none. It looks at slots only, so
 * that those of several packets can be looked at one behind the other without waiting for a record.
 */
export function firstOfTuple(home: usize, source: i32, destination: i32, ports: i32): i32 {
  const end: usize = SLOTS_AT + ((<usize>slotMask + 1) << SLOT_SHIFT);
  let at = home;
  for (let owner = load<i32>(at, 12); owner !== 0; owner = load<i32>(at, 12)) {
    if (load<i32>(at) === source && load<i32>(at, 4) === destination && load<i32>(at, 8) === ports) return owner - 1;
    at += SLOT_BYTES;
    if (at === end) at = SLOTS_AT;
  }
  return -1;
}

/** Look a tuple up whose home is known. */
export function probe(home: usize, source: i32, destination: i32, ports: i32, protocol: i32): i32 {
  const end: usize = SLOTS_AT + ((<usize>slotMask + 1) << SLOT_SHIFT);
  let at = home;
  for (let owner = load<i32>(at, 12); owner !== 0; owner = load<i32>(at, 12)) {
    if (
      load<i32>(at) === source &&
      load<i32>(at, 4) === destination &&
      load<i32>(at, 8) === ports &&
      load<i32>(recordAt((owner - 1) >>> 1), PROTOCOL << 2) === protocol
    ) {
      return owner - 1;
    }
    at += SLOT_BYTES;
    if (at === end) at = SLOTS_AT;
  }
  return -1;
}

export function linkSource(entry: i32): void {
  const at = recordAt(entry);
  if (load<i32>(at, SOURCE_PREVIOUS << 2) !== 0) return;
  const head = sourceHead(at);
  const headAt: usize = SOURCES_AT + ((<usize>head) << 2);
  const next = load<i32>(headAt);
  store<i32>(at, next, SOURCE_NEXT << 2);
  store<i32>(at, -1 - head, SOURCE_PREVIOUS << 2);
  if (next !== 0) store<i32>(recordAt(next - 1), entry + 1, SOURCE_PREVIOUS << 2);
  store<i32>(headAt, entry + 1);
}

/** Where the chain of such a source begins. */
export function headOfSource(source: i32, ports: i32, protocol: i32): usize {
  return SOURCES_AT + ((<usize>(sourceHash(source, ports, protocol) & sourceMask)) << 2);
}

export function firstOfSource(source: i32, ports: i32, protocol: i32): i32 {
  return load<i32>(headOfSource(source, ports, protocol)) - 1;
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
  if (previous < 0) store<i32>(SOURCES_AT + ((<usize>(-1 - previous)) << 2), next);
  else store<i32>(recordAt(previous - 1), next, SOURCE_NEXT << 2);
  if (next !== 0) store<i32>(recordAt(next - 1), previous, SOURCE_PREVIOUS << 2);
  store<i32>(at, 0, SOURCE_PREVIOUS << 2);
}

function insert(reference: i32, tupleAt: usize): void {
  place(load<i32>(tupleAt), load<i32>(tupleAt, 4), load<i32>(tupleAt, 8), reference + 1);
}

function place(source: i32, destination: i32, ports: i32, owner: i32): void {
  const end: usize = SLOTS_AT + ((<usize>slotMask + 1) << SLOT_SHIFT);
  let at = homeOf(source, destination, ports);
  while (load<i32>(at, 12) !== 0) {
    at += SLOT_BYTES;
    if (at === end) at = SLOTS_AT;
  }
  store<i32>(at, source);
  store<i32>(at, destination, 4);
  store<i32>(at, ports, 8);
  store<i32>(at, owner, 12);
}

function slotAt(slot: u32): usize {
  return SLOTS_AT + ((<usize>slot) << SLOT_SHIFT);
}

function homeOfSlot(at: usize): u32 {
  return tupleHash(load<i32>(at), load<i32>(at, 4), load<i32>(at, 8)) & slotMask;
}

/** Linear probing without tombstones: what follows in the cluster moves up where its own home allows it. */
function deleteSlot(reference: i32, tupleAt: usize): void {
  const mask = slotMask;
  let hole = tupleHash(load<i32>(tupleAt), load<i32>(tupleAt, 4), load<i32>(tupleAt, 8)) & mask;
  while (load<i32>(slotAt(hole), 12) !== reference + 1) hole = (hole + 1) & mask;
  for (let slot = (hole + 1) & mask; load<i32>(slotAt(slot), 12) !== 0; slot = (slot + 1) & mask) {
    const at = slotAt(slot);
    if (((slot - homeOfSlot(at)) & mask) < ((slot - hole) & mask)) continue;
    move(slotAt(hole), at);
    hole = slot;
  }
  store<i32>(slotAt(hole), 0, 12);
}

function move(to: usize, from: usize): void {
  store<i64>(to, load<i64>(from));
  store<i64>(to, load<i64>(from, 8), 8);
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
 * first gap belongs to the cluster at the end and comes last, so it waits aside until its place is free of what is not moved yet.
 */
function growSlots(): void {
  const old = slotMask + 1;
  slotMask = old * 2 - 1;
  let gap: u32 = 0;
  for (; load<i32>(slotAt(gap), 12) !== 0; gap++) {
    move(SCRATCH_AT + ((<usize>gap) << SLOT_SHIFT), slotAt(gap));
    store<i32>(slotAt(gap), 0, 12);
  }
  for (let slot = gap + 1; slot < old; slot++) replace(slotAt(slot), slotAt(slot));
  for (let slot: u32 = 0; slot < gap; slot++) replace(SCRATCH_AT + ((<usize>slot) << SLOT_SHIFT), 0);
}

/** Place what lies at AT anew, once its slot (0: none) is empty. */
function replace(at: usize, slot: usize): void {
  const owner = load<i32>(at, 12);
  if (owner === 0) return;
  if (slot !== 0) store<i32>(slot, 0, 12);
  place(load<i32>(at), load<i32>(at, 4), load<i32>(at, 8), owner);
}

/** The index by source doubles, and each chain keeps its order. */
function growSources(): void {
  const old = <i32>(sourceMask + 1);
  sourceMask = <u32>old * 2 - 1;
  if (isInOrder) relinkSources(old);
  else splitSources(old);
}

/** While records lie in the order in which they were made, so can they be linked again: nothing has to wait for what a link says. */
function relinkSources(old: i32): void {
  memory.fill(SOURCES_AT, 0, (<usize>old) << 2);
  for (let entry = 0; entry < unused; entry++) {
    const at = recordAt(entry);
    if (load<i32>(at, SOURCE_PREVIOUS << 2) === 0) continue;
    store<i32>(at, 0, SOURCE_PREVIOUS << 2);
    linkSource(entry);
  }
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
function tupleHash(source: i32, destination: i32, ports: i32): u32 {
  let hash: u32 = (source * 0x9e3779b1) ^ destination;
  hash = ((hash ^ (hash >>> 15)) * 0x85ebca6b) ^ ports;
  hash = (hash ^ (hash >>> 16)) * 0x85ebca6b;
  hash = (hash ^ (hash >>> 13)) * 0xc2b2ae35;
  return hash ^ (hash >>> 16);
}

function sourceHash(source: i32, ports: i32, protocol: i32): u32 {
  return tupleHash(source, protocol, ports & 0xffff);
}
