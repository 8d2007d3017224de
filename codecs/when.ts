/** Points of a replay, as options name them. */

/**
 * A point of a replay:
 * - `10s`, `1.5s`: so long after the first packet
 * - `2026-11-27T20:59:45.5Z`, `…+01:00`: ISO 8601 with its zone
 * - `@1795761583.4`: seconds since 1970
 * - `n100`: the 100th frame, from 1, in the order of the merged captures
 *
 * Times are seconds, and nanoseconds below 1,000,000,000.
 */
export type When =
  | { readonly is: 'offset' | 'time'; readonly sec: number; readonly nsec: number }
  | { readonly is: 'frame'; readonly number: number };

/** What WHEN can be, for messages. */
export const WHEN_FORMS =
  '10s (after the first packet), 2026-11-27T20:59:45Z, @1795761585.5 (seconds since 1970), or n100 (the 100th frame)';

const SECONDS = /^(\d{1,12})(?:\.(\d+))?$/;
const ISO = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d+))?(Z|[+-]\d\d(?::?\d\d)?)$/i;
const FRAME = /^n(\d{1,15})$/;

/** Parses TEXT; undefined if it is none of the forms. Digits beyond nanoseconds are dropped. */
export function parseWhen(text: string): When | undefined {
  const frame = FRAME.exec(text);
  if (frame !== null) return Number(frame[1]) === 0 ? undefined : { is: 'frame', number: Number(frame[1]) };
  const seconds = SECONDS.exec(text.startsWith('@') ? text.slice(1) : text.replace(/s$/, ''));
  if (seconds !== null && (text.startsWith('@') || text.endsWith('s'))) {
    const is = text.startsWith('@') ? 'time' : 'offset';
    return { is, sec: Number(seconds[1]), nsec: nanoseconds(seconds[2]) };
  }
  const iso = ISO.exec(text);
  return iso === null ? undefined : isoTime(iso[1], iso[2], iso[3], iso[4].toUpperCase());
}

function isoTime(date: string, time: string, fraction: string | undefined, zone: string): When | undefined {
  // Date.parse takes no zone without minutes, and carries days that a month does not have over to the next.
  const digits = zone.replace(':', '').slice(1).padEnd(4, '0');
  const offset = zone === 'Z' ? 'Z' : `${zone[0]}${digits.slice(0, 2)}:${digits.slice(2)}`;
  const milliseconds = Date.parse(`${date}T${time.length === 5 ? `${time}:00` : time}${offset}`);
  const midnight = new Date(Date.parse(`${date}T00:00:00Z`));
  const isDate = !Number.isNaN(milliseconds) && midnight.toISOString().startsWith(date);
  return isDate ? { is: 'time', sec: Math.floor(milliseconds / 1000), nsec: nanoseconds(fraction) } : undefined;
}

/** The nanoseconds of a decimal FRACTION of a second. */
function nanoseconds(fraction = ''): number {
  return Number(fraction.slice(0, 9).padEnd(9, '0'));
}
