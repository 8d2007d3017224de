/** Numbers as people read them. */

export { counted, grouped } from '../../explain/report/format/numbers.js';

const SIZES = ['B', 'kB', 'MB', 'GB', 'TB'];

/** 12345 as `12.3 kB`. */
export function bytesInWords(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 999.5 && unit < SIZES.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${SIZES[unit]}`;
}

/** `12 %`, `0.3 %`, `< 0.1 %`. */
export function percent(part: number, whole: number): string {
  const value = whole === 0 ? 0 : (part / whole) * 100;
  if (value > 0 && value < 0.1) return '< 0.1 %';
  return `${Number(value.toFixed(value < 10 ? 1 : 0))} %`;
}
