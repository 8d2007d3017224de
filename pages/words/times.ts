/** Times and durations as people read them. */
import { grouped } from './numbers.js';

/** The time TIME_NS after the first packet, in seconds with all digits that count: `12.345678`. DIGITS: after the point. */
export function secondsSince(timeNs: number, digits = 6): string {
  return (timeNs / 1e9).toFixed(digits);
}

/** `1.5 ms`, `12 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(ns: number): string {
  if (ns < 1e3) return `${ns} ns`;
  if (ns < 1e6) return `${rounded(ns / 1e3)} µs`;
  if (ns < 1e9) return `${rounded(ns / 1e6)} ms`;
  if (ns < 60e9) return `${rounded(ns / 1e9)} s`;
  const seconds = Math.round(ns / 1e9);
  if (seconds < 3600) return pair(Math.floor(seconds / 60), 'min', seconds % 60, 's');
  const minutes = Math.round(seconds / 60);
  return pair(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
}

function rounded(value: number): string {
  return `${Number(value.toPrecision(3))}`;
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return `${grouped(large)} ${largeUnit}${small > 0 ? ` ${small} ${smallUnit}` : ''}`;
}

/**
 * `2026-11-28 16:58:48.123456 UTC`: the time TIME_NS after START. Captures may have times that no calendar has: these are
 * seconds since 1970, `@1e15.250000`.
 */
export function wallTime(start: { readonly sec: number; readonly nsec: number }, timeNs: number): string {
  const ns = start.nsec + timeNs;
  const sec = start.sec + Math.floor(ns / 1e9);
  const date = new Date(sec * 1000);
  const fraction = `${Math.floor((ns - Math.floor(ns / 1e9) * 1e9) / 1e3)}`.padStart(6, '0');
  if (Number.isNaN(date.getTime())) return `@${sec}.${fraction}`;
  return `${date.toISOString().slice(0, -5).replace('T', ' ')}.${fraction} UTC`;
}
