/** Flows as bands: how wide they are, and where. Lengths are in CSS pixels. */
import type { Amounts } from './host-flow.js';

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** From one place to another, straight along an axis. */
export interface Line {
  readonly from: Point;
  readonly to: Point;
  readonly axis: 'x' | 'y';
}

export const WIDEST = 26;
const NARROWEST = 1.5;

/** The width of a band for PACKETS, by their square root, where MOST have the widest one. */
export function bandWidth(packets: number, most: number): number {
  if (packets <= 0 || most <= 0) return 0;
  return Math.max(NARROWEST, WIDEST * Math.sqrt(packets / most));
}

/** A part of a band, beside the others. */
export interface Strand {
  /** A position in STRANDS. */
  readonly kind: number;
  /** From the middle of the band to that of the strand. */
  readonly offset: number;
  readonly width: number;
}

/** The strands of a band WIDTH wide for AMOUNTS, which share it by their numbers; each can be seen. */
export function strandsOf(amounts: Amounts, width: number): Strand[] {
  const total = amounts.reduce((sum, one) => sum + one, 0);
  const kinds = [...amounts.keys()].filter((kind) => amounts[kind] > 0);
  const widths = kinds.map((kind) => Math.max(Math.min(1, width), (width * amounts[kind]) / total));
  // What the thin ones have too much, the thick ones have too little.
  const excess = widths.reduce((sum, one) => sum + one, 0) - width;
  const thickest = widths.indexOf(Math.max(...widths));
  if (excess > 0) widths[thickest] = Math.max(Math.min(1, width), widths[thickest] - excess);
  let at = -widths.reduce((sum, one) => sum + one, 0) / 2;
  return kinds.map((kind, i) => {
    at += widths[i];
    return { kind, offset: at - widths[i] / 2, width: widths[i] };
  });
}

/** Where a strand along a line is: OFFSET beside its middle, WIDTH wide. */
export function strandBox({ from, to, axis }: Line, offset: number, width: number) {
  const [x, y] = [Math.min(from.x, to.x), Math.min(from.y, to.y)];
  const start = offset - width / 2;
  return axis === 'x'
    ? { x, y: y + start, width: Math.abs(to.x - from.x), height: width }
    : { x: x + start, y, width, height: Math.abs(to.y - from.y) };
}
