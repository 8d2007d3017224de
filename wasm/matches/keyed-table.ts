// hot: tables whose entries are found by a hash: chains of links (indexes + 1). core/rules/run/keyed-table.ts declares
// and grows them.
import { KeyedEntry, KeyedTable } from '../records';

const LINK_SHIFT: usize = 2;

/** The first entry of the chain for HASH, as a link; 0: none. */
export function chainOf(table: KeyedTable, hash: u32): u32 {
  return load<u32>(headOf(table, hash));
}

export function entryAt(table: KeyedTable, link: u32): KeyedEntry {
  return changetype<KeyedEntry>(<usize>table.entries + <usize>(link - 1) * <usize>table.entryBytes);
}

/** Whether there is an unused entry. */
export function hasRoom(table: KeyedTable): bool {
  return table.free !== 0 || table.used < table.capacity;
}

/** Whether the table may have more entries than there is room for. */
export function mayGrow(table: KeyedTable): bool {
  return table.capacity < table.most;
}

/** Adds an entry with HASH, for which there must be room. Returns a link to it. Its other fields have any values. */
export function addEntry(table: KeyedTable, hash: u32): u32 {
  let link = table.free;
  if (link !== 0) {
    table.free = entryAt(table, link).next;
  } else {
    link = table.used + 1;
    table.used = link;
  }
  entryAt(table, link).hash = hash;
  chain(table, link);
  return link;
}

export function removeEntry(table: KeyedTable, link: u32): void {
  const entry = entryAt(table, link);
  const next = entry.next;
  const head = headOf(table, entry.hash);
  let before = load<u32>(head);
  if (before === link) {
    store<u32>(head, next);
  } else {
    while (entryAt(table, before).next !== link) before = entryAt(table, before).next;
    entryAt(table, before).next = next;
  }
  entry.next = table.free;
  table.free = link;
}

export function bucketsOf(table: KeyedTable): u32 {
  return table.bucketMask + 1;
}

/** Moves the entries to ENTRIES, where there is room for CAPACITY, with empty BUCKETS. */
export function growTable(address: usize, entries: usize, capacity: u32, buckets: usize, bucketMask: u32): void {
  const table = changetype<KeyedTable>(address);
  memory.copy(entries, table.entries, <usize>table.used * <usize>table.entryBytes);
  const oldBuckets: usize = table.buckets;
  const oldCount: u32 = oldBuckets === 0 ? 0 : bucketsOf(table);
  table.entries = <u32>entries;
  table.capacity = capacity;
  table.buckets = <u32>buckets;
  table.bucketMask = bucketMask;
  for (let bucket: u32 = 0; bucket < oldCount; bucket++) {
    let link = load<u32>(oldBuckets + ((<usize>bucket) << LINK_SHIFT));
    while (link !== 0) {
      const next = entryAt(table, link).next;
      chain(table, link);
      link = next;
    }
  }
}

/** Puts an entry in front of its chain. */
function chain(table: KeyedTable, link: u32): void {
  const entry = entryAt(table, link);
  const head = headOf(table, entry.hash);
  entry.next = load<u32>(head);
  store<u32>(head, link);
}

function headOf(table: KeyedTable, hash: u32): usize {
  return <usize>table.buckets + ((<usize>(hash & table.bucketMask)) << LINK_SHIFT);
}
