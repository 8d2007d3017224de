/**
 * Tables of entries that are found by a hash, in the host's memory: those of hashlimit and recent. wasm/matches/
 * searches and fills them; they grow here, as only this side allocates memory.
 */
import { type AnyLayout, type FieldsOf, i32, layout, Records, u32 } from '../../../codecs/record-layout.js';
import type { Memory } from '../../memory.js';

/** The first record of a table of any kind. Links are indexes + 1; 0: none. */
export const KEYED_TABLE = layout('KeyedTable', {
  /** The address of the entries, the size of each, how many there is room for, and how many there may be. */
  entries: u32,
  entryBytes: u32,
  capacity: u32,
  most: u32,
  /** How many entries were ever used, and a link to the first one that was freed. */
  used: u32,
  free: u32,
  /** The address of the chains' heads, and their number - 1. */
  buckets: u32,
  bucketMask: u32,
});

/** The first record of an entry. */
export const KEYED_ENTRY = layout('KeyedEntry', {
  /** A link to the next one in its chain, or the next one that was freed. */
  next: u32,
  hash: i32,
});

const INITIAL_CAPACITY = 8;
const LINK_BYTES = 4;

export class KeyedTable {
  /** The address of the table. */
  readonly at: number;
  readonly #memory: Memory;
  readonly #table: Records<FieldsOf<typeof KEYED_TABLE>>;

  /** A table in a record of LAYOUT, whose first record is a KEYED_TABLE, for at most MOST entries. */
  constructor(memory: Memory, of: AnyLayout, most: number, entryBytes: number) {
    this.#memory = memory;
    this.at = memory.allocateRecords(of, 1).start;
    this.#table = new Records(KEYED_TABLE, memory.buffer, this.at, 1);
    this.#table.assign(0, { most, entryBytes });
    this.grow();
  }

  /** Makes room for twice as many entries. @throws {MemoryFullError} */
  grow(): void {
    const table = this.#table;
    const capacity = Math.min(table.get(0, 'most'), Math.max(INITIAL_CAPACITY, 2 * table.get(0, 'capacity')));
    const buckets = 2 ** Math.ceil(Math.log2(capacity));
    const entriesAt = this.#memory.allocateBytes(capacity * table.get(0, 'entryBytes'));
    const bucketsAt = this.#memory.allocateBytes(buckets * LINK_BYTES);
    this.#memory.wasm.growTable(this.at, entriesAt, capacity, bucketsAt, buckets - 1);
  }

  /** Forgets all entries, which have ENTRY_BYTES from now on. @throws {MemoryFullError} */
  flush(entryBytes: number): void {
    this.#table.assign(0, { capacity: 0, used: 0, free: 0, buckets: 0, entryBytes });
    this.grow();
  }
}
