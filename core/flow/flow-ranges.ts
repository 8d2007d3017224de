/** The ranges of a megaflow during learning: for each field, the remaining values around those of one packet. */
import type { ValueRange } from '../rules/ranges.js';
import type { Span } from './megaflow-table.js';

/** Fields with a range. The TRANSLATED ones are the destination and its port after translation. */
export const FlowField = {
  SOURCE: 0,
  DESTINATION: 1,
  SPORT: 2,
  DPORT: 3,
  TRANSLATED_DESTINATION: 4,
  TRANSLATED_DPORT: 5,
} as const;
export type FlowField = (typeof FlowField)[keyof typeof FlowField];

const HIGHEST = [0xffffffff, 0xffffffff, 0xffff, 0xffff, 0xffffffff, 0xffff];

export class FlowRanges {
  /** The packet's own values by field, all unsigned. */
  readonly values: readonly number[];
  readonly #min: number[] = HIGHEST.map(() => 0);
  readonly #max: number[] = [...HIGHEST];

  constructor(values: readonly number[]) {
    this.values = values;
  }

  span(field: FlowField): Span {
    return { min: this.#min[field], max: this.#max[field] };
  }

  /** Intersects the values of FIELD with RANGE, which must contain the packet's value. */
  narrow(field: FlowField, { min, max }: Span): void {
    this.#min[field] = Math.max(this.#min[field], min);
    this.#max[field] = Math.min(this.#max[field], max);
  }

  /** Keeps only the packet's own value. */
  pin(field: FlowField): void {
    this.narrow(field, { min: this.values[field], max: this.values[field] });
  }

  /** Whether the remaining values of FIELD are disjoint from the values starting at LOWEST, with MORE after it. */
  isApart(field: FlowField, lowest: number, more: number): boolean {
    const first = (this.#min[field] - lowest) >>> 0;
    const last = (this.#max[field] - lowest) >>> 0;
    return first > more >>> 0 && first <= last;
  }

  /** The fraction of FIELD's remaining values that is within RANGE; 1 for all. */
  share(field: FlowField, { min, max }: Span): number {
    const width = this.#max[field] - this.#min[field] + 1;
    return (Math.min(this.#max[field], max) - Math.max(this.#min[field], min) + 1) / width;
  }
}

/** The part that contains VALUE, of the values starting at LOWEST with MORE after it, in 32 bits with wraparound. */
export function partWithin(lowest: number, more: number, value: number): Span {
  const min = lowest >>> 0;
  const max = min + (more >>> 0);
  if (max <= 0xffffffff) return { min, max };
  return value >= min ? { min, max: 0xffffffff } : { min: 0, max: max - 2 ** 32 };
}

/** The part that contains VALUE, of all other values. */
export function partOutside(lowest: number, more: number, value: number): Span {
  const min = lowest >>> 0;
  const max = min + (more >>> 0);
  if (max > 0xffffffff) return { min: max - 2 ** 32 + 1, max: min - 1 };
  return value < min ? { min: 0, max: min - 1 } : { min: max + 1, max: 0xffffffff };
}

/** The range in RANGES (ascending and disjoint) that contains VALUE, or else the gap between them that contains it. */
export function rangeOrGap(ranges: readonly ValueRange[], value: number): Span & { readonly isRange: boolean } {
  let min = 0;
  for (const range of ranges) {
    if (value < range.min) return { min, max: range.min - 1, isRange: false };
    if (value <= range.max) return { ...range, isRange: true };
    min = range.max + 1;
  }
  return { min, max: 0xffffffff, isRange: false };
}
