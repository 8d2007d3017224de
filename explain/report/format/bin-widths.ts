/** Widths of bins of time that people like to read. Each is a multiple of the one before, so bins can be put together. */

const [US, MS, SECOND] = [1e3, 1e6, 1e9];
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** In nanoseconds. */
export const BIN_WIDTHS: readonly number[] = [
  ...[US, 10 * US, 100 * US, MS, 10 * MS, 100 * MS, SECOND, 10 * SECOND].flatMap((width) => [width, 2 * width]),
  ...[MINUTE, 2 * MINUTE, 10 * MINUTE, 20 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR],
  ...[DAY, 10 * DAY, 100 * DAY, 1000 * DAY].flatMap((width) => [width, 2 * width]),
];

/** The narrowest of the widths that is at least NS; of longer times, the widest one. */
export function binWidthOf(ns: number): number {
  return BIN_WIDTHS.find((width) => width >= ns) ?? BIN_WIDTHS[BIN_WIDTHS.length - 1];
}
