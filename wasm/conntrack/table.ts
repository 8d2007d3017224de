// The connection table: fixed-size records (core/conntrack/record.ts), found by either tuple in a hash table with open
// addressing. core/conntrack/table.ts documents the exported functions.
//
// A slot holds the hash of a tuple and its owner. A lookup starts at the slot selected by the highest bits of the hash,
// so slots are sorted by hash, except for displaced ones. Doubling the table keeps that order: it reads and writes
// memory from front to back without touching the records.
//
// The state of the table is in module variables: each memory has its own instance of the code.

import { ORIGINAL, Status } from '../constants';
import { forgetAnswers } from '../flow/answers';
import {
  CONNECTIONS_COUNT,
  Connection,
  connectionsAt,
  HASH_KEY_AT,
  SLOTS_AT,
  SLOTS_COUNT,
  Slot,
  SOURCES_AT,
  SourceHead,
  settings,
  sourcesAt,
  Tuple,
} from '../records';

const SLOT_SHIFT: usize = 3;
const HASH_BITS = 32;
const INITIAL_RECORDS_LOG2 = 14;
const INITIAL_RECORDS = 1 << INITIAL_RECORDS_LOG2;
/** There are four slots per record, two of which are used. */
const SLOTS_PER_RECORD_LOG2 = 2;
/**
 * `sourcePrevious` of the latest pending entry. The first entry of a chain has -1 - (number of the chain); all others
 * have a link.
 */
const IS_FIRST: i32 = i32.MIN_VALUE;
/** How many records each new connection checks for expiry, which keeps memory use flat. */
const SWEEP_RECORDS = 2;

/** The number of confirmed entries, including expired ones until they are swept. */
let size = 0;
let capacity = INITIAL_RECORDS;
let unused = 0;
/** The first freed record + 1; 0 if none. The others are linked by `sourceNext`. */
let free = 0;
/** No record was ever freed, so entries are in creation order. */
let isInOrder = true;
/** The slots are in one half of their region. When they grow, they move to the other half. */
let slotsAt: usize = SLOTS_AT;
let slots: u32 = INITIAL_RECORDS << SLOTS_PER_RECORD_LOG2;
let homeShift: u32 = HASH_BITS - INITIAL_RECORDS_LOG2 - SLOTS_PER_RECORD_LOG2;
let sourceMask: u32 = INITIAL_RECORDS - 1;
/**
 * Entries (+ 1) that wait to be indexed by source until the index is first needed: the latest and the oldest. 0 if
 * none.
 */
let latestPending = 0;
let oldestPending = 0;
/** Whether the index by source is in use. */
let isIndexed = false;
let sweepAt = 0;

export function tableSize(): i32 {
  return size;
}

/** Whether there are as many entries as nf_conntrack_max allows. */
export function isFull(): bool {
  const most = settings().maxConnections;
  return most !== 0 && size >= most;
}

/** The number of records used so far. All entries are below it. */
export function recordsUsed(): i32 {
  return unused;
}

/**
 * Memory use of the table in bytes: records used so far, slots (including the half that was outgrown) and the index.
 */
export function tableBytes(): f64 {
  const slotBytes = <f64>slots * <f64>Slot.BYTES;
  const oldSlotBytes = capacity > INITIAL_RECORDS ? slotBytes / 2 : 0;
  return (
    <f64>unused * <f64>Connection.BYTES +
    slotBytes +
    oldSlotBytes +
    (isIndexed ? <f64>(sourceMask + 1) * <f64>SourceHead.BYTES : 0)
  );
}

export function recordAt(entry: i32): Connection {
  return connectionsAt(entry);
}

/** -1: the table is full. */
export function create(source: i32, destination: i32, ports: i32, replyPorts: i32, protocol: i32, nowMs: f64): i32 {
  sweep(nowMs);
  let entry: i32;
  if (free > 0) {
    entry = free - 1;
    const at = recordAt(entry);
    free = at.sourceNext;
    forgetAnswers(entry, 0);
    forgetAnswers(entry, 1);
    memory.fill(changetype<usize>(at), 0, Connection.BYTES);
  } else {
    if (unused === capacity) {
      if (capacity === CONNECTIONS_COUNT) return -1;
      grow();
    }
    entry = unused++;
  }
  const at = recordAt(entry);
  setTuple(at.original, source, destination, ports);
  at.protocol = protocol;
  setTuple(at.reply, destination, source, replyPorts);
  return entry;
}

function setTuple(tuple: Tuple, source: i32, destination: i32, ports: i32): void {
  tuple.source = source;
  tuple.destination = destination;
  tuple.ports = ports;
}

export function confirm(entry: i32): void {
  const at = recordAt(entry);
  at.status = at.status | Status.CONFIRMED | Status.HASHED;
  // Insert the reply first: if both tuples are the same (a host talking to itself), lookups find the reply.
  insert(entry * 2 + 1, at.reply);
  insert(entry * 2, at.original);
  size++;
}

export function remove(entry: i32): void {
  unhash(entry);
  release(entry);
}

export function unhash(entry: i32): void {
  const at = recordAt(entry);
  if (!isHashed(at)) return;
  deleteSlot(entry * 2, at.original);
  deleteSlot(entry * 2 + 1, at.reply);
  size--;
  at.status = at.status & ~Status.HASHED;
}

export function release(entry: i32): void {
  const at = recordAt(entry);
  isInOrder = false;
  unlinkSource(at);
  at.status = 0;
  at.sourceNext = free;
  free = entry + 1;
}

export function lookUp(source: i32, destination: i32, ports: i32, protocol: i32): i32 {
  const hash = tupleHash(source, destination, ports);
  const end = slotsEnd();
  let at = homeOf(hash);
  for (let owner = slotOf(at).owner; owner !== 0; owner = slotOf(at).owner) {
    if (slotOf(at).hash === hash && has(owner - 1, source, destination, ports, protocol)) return owner - 1;
    at += Slot.BYTES;
    if (at === end) at = slotsAt;
  }
  return -1;
}

/** Whether REFERENCE has this tuple. */
export function has(reference: i32, source: i32, destination: i32, ports: i32, protocol: i32): bool {
  const record = recordAt(reference >>> 1);
  const tuple = (reference & 1) === ORIGINAL ? record.original : record.reply;
  return (
    tuple.source === source &&
    tuple.destination === destination &&
    tuple.ports === ports &&
    record.protocol === protocol
  );
}

function slotOf(address: usize): Slot {
  return changetype<Slot>(address);
}

/** The address of the slot where a lookup for a tuple with this HASH starts. */
export function homeOf(hash: u32): usize {
  return slotsAt + ((<usize>(hash >>> homeShift)) << SLOT_SHIFT);
}

/**
 * The reference of the first owner of a tuple with this HASH, which most likely is the right one; -1 if there is none.
 * It reads only slots, so lookups of several packets need not wait for records.
 */
export function firstOfHash(hash: u32): i32 {
  const end = slotsEnd();
  let at = homeOf(hash);
  for (let owner = slotOf(at).owner; owner !== 0; owner = slotOf(at).owner) {
    if (slotOf(at).hash === hash) return owner - 1;
    at += Slot.BYTES;
    if (at === end) at = slotsAt;
  }
  return -1;
}

function slotsEnd(): usize {
  return slotsAt + ((<usize>slots) << SLOT_SHIFT);
}

export function linkSource(entry: i32): void {
  const at = recordAt(entry);
  if (at.sourcePrevious !== 0) return;
  at.sourceNext = latestPending;
  at.sourcePrevious = IS_FIRST;
  if (latestPending === 0) oldestPending = entry + 1;
  else recordAt(latestPending - 1).sourcePrevious = entry + 1;
  latestPending = entry + 1;
}

/** The head of the chain for such a source. */
export function headOfSource(source: i32, ports: i32, protocol: i32): SourceHead {
  return sourcesAt(<i32>(sourceHash(source, ports, protocol) & sourceMask));
}

export function firstOfSource(source: i32, ports: i32, protocol: i32): i32 {
  indexPending();
  return headOfSource(source, ports, protocol).first - 1;
}

/** Whether an indexed entry has exactly this original source. */
export function hasSource(source: i32, ports: i32, protocol: i32): bool {
  for (let entry = firstOfSource(source, ports, protocol); entry >= 0; entry = recordAt(entry).sourceNext - 1) {
    const at = recordAt(entry);
    if (at.original.source === source && <u16>at.original.ports === <u16>ports && at.protocol === protocol) return true;
  }
  return false;
}

/** Indexes pending entries, oldest first. */
function indexPending(): void {
  let link = oldestPending;
  while (link !== 0) {
    const previous = recordAt(link - 1).sourcePrevious;
    index(link - 1);
    link = max(previous, 0);
  }
  latestPending = 0;
  oldestPending = 0;
  isIndexed = true;
}

/** Inserts ENTRY at the head of its source's chain. */
function index(entry: i32): void {
  const at = recordAt(entry);
  const head = sourceHead(at);
  const chain = sourcesAt(head);
  const next = chain.first;
  at.sourceNext = next;
  at.sourcePrevious = -1 - head;
  if (next !== 0) recordAt(next - 1).sourcePrevious = entry + 1;
  chain.first = entry + 1;
}

function isHashed(at: Connection): bool {
  return (at.status & Status.HASHED) !== 0;
}

function sourceHead(at: Connection): i32 {
  const original = at.original;
  return <i32>(sourceHash(original.source, original.ports, at.protocol) & sourceMask);
}

function unlinkSource(at: Connection): void {
  const previous = at.sourcePrevious;
  if (previous === 0) return;
  const next = at.sourceNext;
  if (previous === IS_FIRST) latestPending = next;
  else if (previous < 0) sourcesAt(-1 - previous).first = next;
  else recordAt(previous - 1).sourceNext = next;
  if (next !== 0) recordAt(next - 1).sourcePrevious = previous;
  else if (oldestPending !== 0 && changetype<usize>(at) === changetype<usize>(recordAt(oldestPending - 1)))
    oldestPending = max(previous, 0);
  at.sourcePrevious = 0;
}

function insert(reference: i32, tuple: Tuple): void {
  place(tupleHash(tuple.source, tuple.destination, tuple.ports), reference + 1);
}

function place(hash: u32, owner: i32): void {
  const end = slotsEnd();
  let at = homeOf(hash);
  while (slotOf(at).owner !== 0) {
    at += Slot.BYTES;
    if (at === end) at = slotsAt;
  }
  slotOf(at).hash = hash;
  slotOf(at).owner = owner;
}

function slotAt(slot: u32): usize {
  return slotsAt + ((<usize>slot) << SLOT_SHIFT);
}

/** Linear probing without tombstones: the following slots of the cluster move up as far as their home slots allow. */
function deleteSlot(reference: i32, tuple: Tuple): void {
  const mask = slots - 1;
  let hole = tupleHash(tuple.source, tuple.destination, tuple.ports) >>> homeShift;
  while (slotOf(slotAt(hole)).owner !== reference + 1) hole = (hole + 1) & mask;
  for (let slot = (hole + 1) & mask; slotOf(slotAt(slot)).owner !== 0; slot = (slot + 1) & mask) {
    const at = slotAt(slot);
    const home = slotOf(at).hash >>> homeShift;
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
    if (isHashed(at) && at.expiresMs <= nowMs) remove(entry);
  }
}

function grow(): void {
  capacity *= 2;
  growSlots();
  growSources();
}

/**
 * Moves the slots in order, starting after a gap, so that the first match stays the first. Slots before the first gap
 * belong to the cluster at the end. The old half is left empty.
 */
function growSlots(): void {
  const from = slotsAt;
  const end = slotsEnd();
  let gap = from;
  while (slotOf(gap).owner !== 0) gap += Slot.BYTES;
  slotsAt = from === SLOTS_AT ? SLOTS_AT + <usize>(SLOTS_COUNT / 2) * Slot.BYTES : SLOTS_AT;
  slots *= 2;
  homeShift--;
  for (let at = gap; at < end; at += Slot.BYTES) replace(at);
  for (let at = from; at < gap; at += Slot.BYTES) replace(at);
}

/** Moves the slot at AT to its new position. */
function replace(at: usize): void {
  const owner = slotOf(at).owner;
  if (owner === 0) return;
  place(slotOf(at).hash, owner);
  store<i64>(at, 0);
}

/** Doubles the index by source. Each chain keeps its order. */
function growSources(): void {
  const old = <i32>(sourceMask + 1);
  sourceMask = <u32>old * 2 - 1;
  if (!isIndexed) return;
  if (isInOrder) relinkSources(old);
  else splitSources(old);
}

/** While records are in creation order, they can be relinked in that order, and no load has to wait for a link. */
function relinkSources(old: i32): void {
  memory.fill(SOURCES_AT, 0, <usize>old * SourceHead.BYTES);
  for (let entry = 0; entry < unused; entry++) {
    const at = recordAt(entry);
    if (at.sourcePrevious === 0) continue;
    index(entry);
  }
  latestPending = 0;
  oldestPending = 0;
}

/** Splits each chain into two, whose heads are half of the new index apart. */
function splitSources(old: i32): void {
  for (let head = 0; head < old; head++) {
    const chain = sourcesAt(head);
    let link = chain.first;
    chain.first = 0;
    // The last links of the two chains so far; 0 if none.
    let lastLow = 0;
    let lastHigh = 0;
    while (link !== 0) {
      const at = recordAt(link - 1);
      const next = at.sourceNext;
      const newHead = sourceHead(at);
      const last = newHead === head ? lastLow : lastHigh;
      if (last === 0) sourcesAt(newHead).first = link;
      else recordAt(last - 1).sourceNext = link;
      at.sourcePrevious = last === 0 ? -1 - newHead : last;
      at.sourceNext = 0;
      if (newHead === head) lastLow = link;
      else lastHigh = link;
      link = next;
    }
  }
}

/**
 * Multilinear hashing (Lemire and Kaser 2014): with a random key, two tuples have the same hash with a probability of
 * 2^-32, whatever they are. Murmur3's finalizer, which is one to one, then breaks up the sequences that regular tuples
 * make. The protocol is left out: few tuples differ in nothing else, and `has` compares it.
 *
 * `wordOf` masks because AssemblyScript extends the sign of an i32 that it loads from memory even if it is cast to u32.
 */
export function tupleHash(source: i32, destination: i32, ports: i32): u32 {
  const sum =
    load<u64>(HASH_KEY_AT) +
    load<u64>(HASH_KEY_AT, 8) * wordOf(source) +
    load<u64>(HASH_KEY_AT, 16) * wordOf(destination) +
    load<u64>(HASH_KEY_AT, 24) * wordOf(ports);
  let hash = <u32>(sum >>> 32);
  hash = (hash ^ (hash >>> 16)) * 0x85ebca6b;
  hash = (hash ^ (hash >>> 13)) * 0xc2b2ae35;
  return hash ^ (hash >>> 16);
}

function wordOf(value: i32): u64 {
  return <u64>value & 0xffffffff;
}

function sourceHash(source: i32, ports: i32, protocol: i32): u32 {
  return tupleHash(source, protocol, ports & 0xffff);
}
