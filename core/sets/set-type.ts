/**
 * What a type of set is: one declarative description each, in types.ts. Whatever stores, asks, parses or prints sets
 * follows from it, so nothing else needs to know a type by its name.
 */
import type { Family } from '../../codecs/address.js';

/** What a part of an element is, and so what of a packet is compared with it. */
export type Dimension = 'ip' | 'net' | 'port' | 'mac' | 'mark' | 'iface' | 'set';

/** How the kernel stores elements: one bit each, a hash table, or a list of other sets. */
export type Method = 'bitmap' | 'hash' | 'list';

/** Options of `ipset create` that only some types have. `timeout counters comment skbinfo` are known to all. */
export type CreateOption =
  | 'family'
  | 'hashsize'
  | 'maxelem'
  | 'bucketsize'
  | 'initval'
  | 'forceadd'
  | 'netmask'
  | 'bitmask'
  | 'markmask'
  | 'range'
  | 'size';

export interface SetType {
  /** As `ipset save` prints it. */
  readonly name: string;
  /** Old spellings that ipset still takes. */
  readonly aliases: readonly string[];
  readonly method: Method;
  readonly dimensions: readonly Dimension[];
  /** The families that its sets may have; empty: sets have none, and packets of both may be looked up. */
  readonly families: readonly Family[];
  readonly options: readonly CreateOption[];
  /**
   * hash: the parts of an element in the order of the kernel's structure, which is what it hashes: `ip`, `ip2`, `mac`
   * and `mark` are whole words; the others share words, with their widths in bits.
   */
  readonly layout: readonly string[];
  /** Elements may be exceptions (`nomatch`). */
  readonly hasNomatch: boolean;
  /** Prefixes of length 0 can be stored. */
  readonly storesAnyNet: boolean;
}
