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
  readonly #bytes: number;

  /** A table in a record of LAYOUT, whose first record is a KEYED_TABLE, for at most MOST entries. */
  constructor(memory: Memory, of: AnyLayout, most: number, entryBytes: number) {
    this.#memory = memory;
    this.#bytes = of.bytes;
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
    const old = this.#contents;
    this.#memory.wasm.growTable(this.at, entriesAt, capacity, bucketsAt, buckets - 1);
    for (const { at, bytes } of old) this.#memory.release(at, bytes);
  }

  /** What is allocated besides the table itself. */
  get #contents(): { at: number; bytes: number }[] {
    const table = this.#table;
    const buckets = table.get(0, 'buckets');
    if (buckets === 0) return [];
    return [
      { at: table.get(0, 'entries'), bytes: table.get(0, 'capacity') * table.get(0, 'entryBytes') },
      { at: buckets, bytes: (table.get(0, 'bucketMask') + 1) * LINK_BYTES },
    ];
  }

  /** Takes back its memory. Called when no rule uses it any more. */
  destroy(): void {
    for (const { at, bytes } of [...this.#contents, { at: this.at, bytes: this.#bytes }])
      this.#memory.release(at, bytes);
  }

  /** Forgets all entries, which have ENTRY_BYTES from now on. @throws {MemoryFullError} */
  flush(entryBytes: number): void {
    for (const { at, bytes } of this.#contents) this.#memory.release(at, bytes);
    this.#table.assign(0, { capacity: 0, used: 0, free: 0, buckets: 0, entryBytes });
    this.grow();
  }
}
