// hot: hashlimit (xt_hashlimit). core/matches/hashlimit-table.ts declares the records. All arithmetic is unsigned
// 64-bit and overflows like the kernel's.
import { tupleHash } from '../conntrack/table';
import { StateResult } from '../constants';
import { HashlimitEntry, HashlimitState, HashlimitTable, matched } from '../records';
import { addEntry, bucketsOf, chainOf, entryAt, hasRoom, mayGrow, removeEntry } from './keyed-table';
import { currentTick } from './tick';

/** A rate of bytes counts chunks of 16 bytes, of which a packet has one more than fit into it. */
const CHUNK_SHIFT = 4;

export function matchHashlimit(state: HashlimitState): i32 {
  const table = changetype<HashlimitTable>(<usize>state.table);
  const packet = matched();
  if (table.portsMask !== 0 && packet.lacksPorts !== 0) return StateResult.DROP;
  const now = currentTick();
  const source = packet.source & table.sourceMask;
  const destination = packet.destination & table.destinationMask;
  const ports = packet.ports & table.portsMask;
  const hash = tupleHash(source, destination, ports);
  let entry = find(table, hash, source, destination, ports);
  if (changetype<usize>(entry) === 0) {
    if (!hasRoom(table.table)) collect(table, lastCollection(table, now));
    if (!hasRoom(table.table)) return mayGrow(table.table) ? StateResult.GROW : StateResult.DROP;
    entry = changetype<HashlimitEntry>(entryAt(table.table, addEntry(table.table, hash)));
    entry.source = source;
    entry.destination = destination;
    entry.ports = ports;
    start(table, entry, now);
  } else if (entry.expires <= now && entry.expires <= lastCollection(table, now)) {
    // The kernel has removed it meanwhile. (The first comparison only saves the division.)
    start(table, entry, now);
  } else {
    accrue(table, entry, now);
  }
  entry.expires = now + table.expireTicks;
  return isWithin(state, table, entry) === (state.negated === 0) ? StateResult.MATCH : StateResult.MISS;
}

/** The entry with this key; 0 if there is none. */
function find(table: HashlimitTable, hash: u32, source: i32, destination: i32, ports: i32): HashlimitEntry {
  let link = chainOf(table.table, hash);
  while (link !== 0) {
    const entry = changetype<HashlimitEntry>(entryAt(table.table, link));
    if (entry.source === source && entry.destination === destination && entry.ports === ports) return entry;
    link = entry.link.next;
  }
  return changetype<HashlimitEntry>(0);
}

/** The tick of the last garbage collection. They run at intervals, the first one an interval after the first packet. */
function lastCollection(table: HashlimitTable, now: u64): u64 {
  const interval = table.gcTicks;
  return now < interval ? 0 : now - (now % interval);
}

/** Removes what the garbage collection at this tick has removed. Until then, expired entries are as good as others. */
function collect(table: HashlimitTable, tick: u64): void {
  if (table.collected === tick) return;
  table.collected = tick;
  const buckets = bucketsOf(table.table);
  for (let bucket: u32 = 0; bucket < buckets; bucket++) {
    let link = chainOf(table.table, bucket);
    while (link !== 0) {
      const entry = changetype<HashlimitEntry>(entryAt(table.table, link));
      const next = entry.link.next;
      if (entry.expires <= tick) removeEntry(table.table, link);
      link = next;
    }
  }
}

/** A new entry (rateinfo_init). */
function start(table: HashlimitTable, entry: HashlimitEntry, now: u64): void {
  entry.previous = now;
  entry.credit = table.isRateMatch !== 0 ? 0 : table.fullCredit;
  entry.isOver = 0;
  entry.refills = table.refills;
}

/** What the time since its last packet brings (rateinfo_recalc). */
function accrue(table: HashlimitTable, entry: HashlimitEntry, now: u64): void {
  const passed = now - entry.previous;
  if (passed === 0) return;
  if (table.isRateMatch !== 0) {
    const interval = table.intervalTicks;
    if (passed < interval) return;
    entry.previous = now;
    entry.isOver = entry.credit * interval > passed * table.rate ? 1 : 0;
    entry.credit = 0;
    return;
  }
  entry.previous = now;
  const credit = entry.credit + passed * table.creditPerTick;
  entry.credit = min(credit, table.fullCredit);
}

/** Whether the packet is within the limit; it pays for that (hashlimit_mt_common). */
function isWithin(state: HashlimitState, table: HashlimitTable, entry: HashlimitEntry): bool {
  if (table.isRateMatch !== 0) {
    entry.credit = entry.credit + (state.isBytes !== 0 ? <u64>matched().length : 1);
    return entry.isOver === 0 && entry.credit <= table.burst;
  }
  const cost = state.isBytes !== 0 ? costOfBytes(table, entry) : table.cost;
  if (entry.credit < cost) return false;
  entry.credit = entry.credit - cost;
  return true;
}

/** What the packet costs by its length; the credit may be filled for it (hashlimit_byte_cost). */
function costOfBytes(table: HashlimitTable, entry: HashlimitEntry): u64 {
  const second = BYTES_CREDIT;
  const cost = min(<u64>((matched().length >> CHUNK_SHIFT) + 1) * table.cost, second);
  if (entry.credit < cost && entry.refills !== 0) {
    entry.refills = entry.refills - 1;
    entry.credit = second;
  }
  return cost;
}

/** The credit of a second: 250 ticks of 2^24. core/matches/hashlimit-credit.ts computes it. */
const BYTES_CREDIT: u64 = 250 << 24;
