/** What a hash table is made from, what it answers, and the states of its places. */
import type { Extensions } from './extensions.js';
import type { KeyLayout } from './key-layout.js';

/** A place in a bucket: an element; a hole; what an element at the end left, to be used again as it is. */
export const USED = 1;
export const HOLE = 2;
export const LEFT_OVER = 4;
/** Flags of elements, which are not part of the key. */
export const NOMATCH = 8;
export const WILDCARD = 16;

export const AddResult = { ADDED: 0, EXISTS: 1, FULL: 2, NEEDS_RESIZE: 3, CANNOT_GROW: 4 } as const;
export type AddResult = (typeof AddResult)[keyof typeof AddResult];

/** Whether the interface's name NUMBER, that of an element, covers the name SOUGHT. */
type IfaceCovers = (number: number, isWildcard: boolean, sought: number) => boolean;

export interface TableParameters {
  readonly layout: KeyLayout;
  readonly bits: number;
  readonly bucketSize: number;
  readonly maxElements: number;
  readonly seed: number;
  readonly isForced: boolean;
  readonly extensions: Extensions;
  readonly coversIface: IfaceCovers;
  /** An element with this key, at AT of WORDS, is gone. */
  readonly removed: (words: Int32Array, at: number) => void;
}
