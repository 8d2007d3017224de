// hot: recent (xt_recent). core/matches/recent-list.ts declares the records.
import { tupleHash } from '../conntrack/table';
import { RecentAction, StateResult } from '../constants';
import { matched, RecentEntry, RecentList, RecentState } from '../records';
import { addEntry, chainOf, entryAt, hasRoom, mayGrow, removeEntry } from './keyed-table';
import { currentTick } from './tick';

const STAMP_SHIFT: usize = 3;
const NONE: u32 = 0;

export function matchRecent(state: RecentState): i32 {
  const list = changetype<RecentList>(<usize>state.list);
  const packet = matched();
  const address = (state.isDestination !== 0 ? packet.destination : packet.source) & list.mask;
  const hash = tupleHash(address, 0, 0);
  const ttl = packet.ttl;
  const link = find(list, hash, address, state.checksTtl !== 0 ? ttl : 0);
  const action = state.action;
  if (link === NONE) {
    if (action !== RecentAction.SET) return result(state, false);
    return open(list, hash, address, ttl) ? result(state, true) : StateResult.GROW;
  }
  if (action === RecentAction.REMOVE) {
    remove(list, link);
    return result(state, true);
  }
  if (action === RecentAction.SET) {
    update(list, link, ttl);
    return result(state, true);
  }
  const hit = result(state, isSeen(state, recentAt(list, link)));
  // Negated, an update is for addresses that were not seen.
  const updates = action === RecentAction.UPDATE && hit === StateResult.MATCH;
  if (state.isReaping !== 0 && reap(state, list, updates ? link : NONE) === link) return hit;
  if (updates) update(list, link, ttl);
  return hit;
}

function result(state: RecentState, isHit: bool): i32 {
  return isHit === (state.negated === 0) ? StateResult.MATCH : StateResult.MISS;
}

function recentAt(list: RecentList, link: u32): RecentEntry {
  return changetype<RecentEntry>(entryAt(list.table, link));
}

/** The entry of ADDRESS, seen with TTL or, if that is 0, with any (recent_entry_lookup). */
function find(list: RecentList, hash: u32, address: i32, ttl: u32): u32 {
  let link = chainOf(list.table, hash);
  while (link !== NONE) {
    const entry = recentAt(list, link);
    if (entry.address === address && (ttl === entry.ttl || ttl === 0 || entry.ttl === 0)) return link;
    link = entry.link.next;
  }
  return NONE;
}

/** Adds ADDRESS; a full list forgets the one that was updated the longest time ago (recent_entry_init). */
function open(list: RecentList, hash: u32, address: i32, ttl: u32): bool {
  if (!hasRoom(list.table)) {
    if (mayGrow(list.table)) return false;
    remove(list, list.oldest);
    list.forgot = 1;
  }
  const link = addEntry(list.table, hash);
  const entry = recentAt(list, link);
  entry.address = address;
  entry.ttl = ttl;
  entry.index = 1;
  entry.stamps = 1;
  store<u64>(stampAt(entry, 0), currentTick());
  append(list, link);
  return true;
}

/** Adds a stamp (recent_entry_update). */
function update(list: RecentList, link: u32, ttl: u32): void {
  const entry = recentAt(list, link);
  const index = entry.index & list.stampMask;
  store<u64>(stampAt(entry, index), currentTick());
  entry.index = index + 1;
  entry.stamps = max(entry.stamps, index + 1);
  entry.ttl = ttl;
  if (list.newest === link) return;
  unlink(list, entry);
  append(list, link);
}

/** Whether there are enough stamps, and they are not too old. */
function isSeen(state: RecentState, entry: RecentEntry): bool {
  const needed = max<u32>(state.hitcount, 1);
  const stamps = entry.stamps;
  if (state.seconds === 0) return stamps >= needed;
  const since = windowStart(state);
  let hits: u32 = 0;
  for (let i: u32 = 0; i < stamps; i++) {
    if (load<i64>(stampAt(entry, i)) >= since && ++hits >= needed) return true;
  }
  return false;
}

/** The first tick that is not too old. */
function windowStart(state: RecentState): i64 {
  return <i64>currentTick() - <i64>state.ticks;
}

/**
 * Removes the entry that was updated the longest time ago if that was too long ago, but not KEPT (recent_entry_reap).
 * Returns what it has removed.
 */
function reap(state: RecentState, list: RecentList, kept: u32): u32 {
  const link = list.oldest;
  if (link === kept) return NONE;
  const entry = recentAt(list, link);
  if (load<i64>(stampAt(entry, entry.index - 1)) >= windowStart(state)) return NONE;
  remove(list, link);
  return link;
}

function remove(list: RecentList, link: u32): void {
  unlink(list, recentAt(list, link));
  removeEntry(list.table, link);
}

/** Takes ENTRY out of the order of updates. */
function unlink(list: RecentList, entry: RecentEntry): void {
  const older = entry.older;
  const newer = entry.newer;
  if (older === NONE) list.oldest = newer;
  else recentAt(list, older).newer = newer;
  if (newer === NONE) list.newest = older;
  else recentAt(list, newer).older = older;
}

/** Makes the entry LINK the newest one. */
function append(list: RecentList, link: u32): void {
  const entry = recentAt(list, link);
  const newest = list.newest;
  entry.older = newest;
  entry.newer = NONE;
  if (newest === NONE) list.oldest = link;
  else recentAt(list, newest).newer = link;
  list.newest = link;
}

function stampAt(entry: RecentEntry, index: u32): usize {
  return changetype<usize>(entry) + RecentEntry.BYTES + ((<usize>index) << STAMP_SHIFT);
}
