/** The lists of `-m recent`, which rules share by name (xt_recent). wasm/matches/recent.ts runs them. */
import type { Address } from '../../codecs/address.js';
import { type FieldsOf, i32, layout, Records, record, u32 } from '../../codecs/record-layout.js';
import type { HostFacts } from '../host/facts.js';
import type { Memory } from '../memory.js';
import type { RuleContext } from '../rules/context.js';
import { KEYED_ENTRY, KEYED_TABLE, KeyedTable } from '../rules/run/keyed-table.js';

export const RecentAction = { SET: 0, RCHECK: 1, UPDATE: 2, REMOVE: 3 } as const;

export const RECENT_LIST = layout('RecentList', {
  table: record(KEYED_TABLE),
  /** Applied to addresses, as loaded. */
  mask: i32,
  /** The number of stamps of an entry - 1, a power of two - 1. */
  stampMask: u32,
  /** Links to the entries that were updated the longest time ago, and last; 0: none. */
  oldest: u32,
  newest: u32,
  /** Whether it was full, so that an address was forgotten. */
  forgot: i32,
});

/** Followed by its stamps: ticks, of 64 bits. */
export const RECENT_ENTRY = layout('RecentEntry', {
  link: record(KEYED_ENTRY),
  /** Links in the order of updates. */
  older: u32,
  newer: u32,
  address: i32,
  ttl: u32,
  /** Where the next stamp goes, and how many there are. */
  index: u32,
  stamps: u32,
});

const STAMP_BYTES = 8;
/** The number of stamps that are kept where no rule counts hits. */
const DEFAULT_STAMPS = 32;

export class RecentList {
  readonly table: KeyedTable;
  readonly #list: Records<FieldsOf<typeof RECENT_LIST>>;

  constructor(memory: Memory, facts: HostFacts, mask: Address, stamps: number) {
    const most = facts.recentListTotal(() => this.#list.get(0, 'forgot') !== 0);
    this.table = new KeyedTable(memory, RECENT_LIST, most, entryBytes(stamps));
    this.#list = new Records(RECENT_LIST, memory.buffer, this.table.at, 1);
    this.#list.assign(0, { mask: mask.loaded, stampMask: stamps - 1 });
  }

  destroy(): void {
    this.table.destroy();
  }

  /** Makes room for as many STAMPS of each address. If that is more than before, all addresses are forgotten. */
  demand(stamps: number): void {
    if (stamps - 1 <= this.#list.get(0, 'stampMask')) return;
    this.#list.assign(0, { stampMask: stamps - 1, oldest: 0, newest: 0 });
    this.table.flush(entryBytes(stamps));
  }
}

function entryBytes(stamps: number): number {
  return RECENT_ENTRY.bytes + stamps * STAMP_BYTES;
}

/** The list NAME, with the MASK of the first rule that uses it, for a rule with this HITCOUNT (recent_mt_check). */
export function recentList(context: RuleContext, name: string, mask: Address, hitcount: number): RecentList {
  const { conntrack, facts } = context;
  const stamps = hitcount === 0 ? DEFAULT_STAMPS : 2 ** Math.ceil(Math.log2(hitcount));
  const list = context.shared('recent', name, () => new RecentList(conntrack.memory, facts, mask, stamps));
  list.demand(stamps);
  return list;
}
