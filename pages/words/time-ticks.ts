/** Where an axis of time has ticks, and what stands there. */

const [MS, SECOND] = [1e6, 1e9];
const [MINUTE, HOUR, DAY] = [60 * SECOND, 3600 * SECOND, 86_400 * SECOND];
const STEPS = [
  ...[1, 10, 100, 1e3, 1e4, 1e5, MS, 10 * MS, 100 * MS, SECOND].flatMap((step) => [step, 2 * step, 5 * step]),
  ...[10, 20, 30].map((seconds) => seconds * SECOND),
  ...[1, 2, 5, 10, 20, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR),
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 1e4, 1e5].map((days) => days * DAY),
];

/** The start of a capture. */
export interface StartTime {
  readonly sec: number;
  readonly nsec: number;
}

/** The narrowest step of ticks, in nanoseconds, that is at least NS. */
export function tickStep(ns: number): number {
  return STEPS.find((step) => step >= ns) ?? STEPS[STEPS.length - 1];
}

/** The first tick from TIME_NS on. START: ticks are at round times of day; undefined: of the time since the start. */
export function firstTick(timeNs: number, step: number, start: StartTime | undefined): number {
  const shift = start === undefined ? 0 : ((start.sec % 86_400) * 1e9 + start.nsec) % step;
  return Math.ceil((timeNs + shift) / step) * step - shift;
}

/** The time since the start: `1.5 s`, `250 ms`, `2m 05s`, `1h 02m`, `3d 1h 00m`. STEP: from one tick to the next. */
export function sinceStart(timeNs: number, step: number): string {
  const sign = timeNs < 0 ? '−' : '';
  const ns = Math.abs(timeNs);
  if (ns === 0) return '0';
  if (ns < MINUTE) {
    if (step < 1e3) return `${sign}${trimmed(ns / 1e3, 3)} µs`;
    if (step < MS) return `${sign}${trimmed(ns / MS, 3)} ms`;
    return ns < SECOND ? `${sign}${trimmed(ns / MS, 0)} ms` : `${sign}${trimmed(ns / SECOND, 3)} s`;
  }
  const days = Math.floor(ns / DAY);
  const rest = ns % DAY;
  if (days > 0 && step >= DAY) return `${sign}${days}d`;
  return `${sign}${days > 0 ? `${days}d ` : ''}${clock(rest, step, days > 0)}`;
}

/** The time of day in UTC: `16:58:48.250`; of a day's first tick, or with HAS_DATE, the date as well. */
export function timeOfDay(timeNs: number, step: number, start: StartTime, hasDate: boolean): string {
  const ns = start.nsec + timeNs;
  const date = new Date((start.sec + Math.floor(ns / SECOND)) * 1000);
  if (Number.isNaN(date.getTime())) return sinceStart(timeNs, step);
  const [day, time] = date.toISOString().slice(0, 19).split('T');
  if (step >= DAY) return day;
  const fraction = ns - Math.floor(ns / SECOND) * SECOND;
  const words = step >= MINUTE ? time.slice(0, 5) : `${time}${fractionOf(fraction, step)}`;
  return hasDate ? `${day}\n${words}` : words;
}

/** `2m 05s`, `1h 02m`, `1h 02m 03.5s` */
function clock(ns: number, step: number, hasHours: boolean): string {
  const hours = Math.floor(ns / HOUR);
  const minutes = Math.floor((ns % HOUR) / MINUTE);
  const seconds = `${twoDigits((ns % MINUTE) / SECOND)}${fractionOf(ns % SECOND, step)}s`;
  if (hours === 0 && !hasHours) return step >= MINUTE ? `${minutes}m` : `${minutes}m ${seconds}`;
  return `${hours}h ${twoDigits(minutes)}m${step < MINUTE ? ` ${seconds}` : ''}`;
}

function twoDigits(value: number): string {
  return `${Math.floor(value)}`.padStart(2, '0');
}

function fractionOf(ns: number, step: number): string {
  if (step >= SECOND) return '';
  const digits = Math.min(9, Math.ceil(Math.log10(SECOND / step) - 1e-9));
  return `.${`${Math.floor(ns)}`.padStart(9, '0').slice(0, digits)}`;
}

function trimmed(value: number, digits: number): string {
  return `${Number(value.toFixed(digits))}`;
}
