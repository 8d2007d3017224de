/** Where an axis of time has ticks, and what stands there. */

const SECOND = 1e9;
const [MINUTE, HOUR, DAY] = [60 * SECOND, 3600 * SECOND, 86_400 * SECOND];
const STEPS = [
  ...[1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, SECOND].flatMap((step) => [step, 2 * step, 5 * step]),
  ...[10, 20, 30, 60, 120, 300, 600, 1200, 1800].map((seconds) => seconds * SECOND),
  ...[1, 2, 3, 6, 12, 24, 48, 120, 240, 480, 1200].map((hours) => hours * HOUR),
];

/** The start of a capture. */
export interface StartTime {
  readonly sec: number;
  readonly nsec: number;
}

/** The narrowest step of ticks, in nanoseconds, that is at least NS. */
export function tickStep(ns: number): number {
  return STEPS.find((step) => step >= ns) ?? Math.ceil(ns / (100 * DAY)) * 100 * DAY;
}

/** The first tick from TIME_NS on. START: ticks are at round times of day; undefined: of the time since the start. */
export function firstTick(timeNs: number, step: number, start: StartTime | undefined): number {
  const shift = start === undefined ? 0 : ((start.sec % 86_400) * SECOND + start.nsec) % step;
  return Math.ceil((timeNs + shift) / step) * step - shift;
}

/**
 * The time since the start: `1.5 s`, `250 ms`, `2m 05s`, `1h 02m`, `3d 1h 00m`; or, with START, the time of day in UTC,
 * and at midnight the date. STEP: from one tick to the next, which says how precise it has to be.
 */
export function timeWords(timeNs: number, step: number, start: StartTime | undefined): string {
  if (start === undefined) return timeNs < 0 ? `−${sinceStart(-timeNs, step)}` : sinceStart(timeNs, step);
  const ns = start.nsec + timeNs;
  const date = new Date((start.sec + Math.floor(ns / SECOND)) * 1000);
  // Captures may have times that no calendar has.
  if (Number.isNaN(date.getTime())) return timeWords(timeNs, step, undefined);
  const [day, time] = date.toISOString().slice(0, -5).split('T');
  if (step >= DAY || (step >= SECOND && time === '00:00:00')) return day;
  return step >= MINUTE ? time.slice(0, -3) : time + fractionOf(ns, step);
}

function sinceStart(ns: number, step: number): string {
  if (ns < MINUTE) {
    const [unit, name] = ns === 0 || ns >= SECOND ? [SECOND, 's'] : step < 1e3 ? [1e3, 'µs'] : [1e6, 'ms'];
    return `${Number((ns / unit).toFixed(3))} ${name}`;
  }
  const [days, hours, minutes] = [
    Math.floor(ns / DAY),
    Math.floor((ns % DAY) / HOUR),
    Math.floor((ns % HOUR) / MINUTE),
  ];
  const parts = [
    ...(days > 0 ? [`${days}d`] : []),
    ...(step < DAY && hours + days > 0 ? [`${hours}h`] : []),
    ...(step < DAY ? [`${twoDigits(minutes)}m`] : []),
    ...(step < MINUTE ? [`${twoDigits(Math.floor((ns % MINUTE) / SECOND))}${fractionOf(ns, step)}s`] : []),
  ];
  return parts.join(' ').replace(/^0/, '');
}

/** Of the second in which NS is. */
function fractionOf(ns: number, step: number): string {
  if (step >= SECOND) return '';
  const digits = Math.min(9, Math.ceil(9 - Math.log10(step) - 1e-9));
  return `.${`${Math.floor(((ns % SECOND) + SECOND) % SECOND)}`.padStart(9, '0').slice(0, digits)}`;
}

function twoDigits(value: number): string {
  return `${value}`.padStart(2, '0');
}
