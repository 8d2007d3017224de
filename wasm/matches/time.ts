// The date and the time of day of the current packet (xt_time).
import { clock, TimeState } from '../records';

const NSEC_PER_MS: f64 = 1000000;
const NSEC_PER_SEC: f64 = 1000000000;
const SECONDS_PER_DAY: i64 = 86400;
const DAYS_PER_WEEK: i64 = 7;
/** 1970 began on a Thursday, the fourth day of a week. */
const FIRST_WEEKDAY: i64 = 3;

export function matchTime(state: TimeState): bool {
  const stamp = seconds() + <i64>state.zoneSec;
  if (stamp < <i64>state.start || stamp > <i64>state.stop) return false;
  const daytime = <u32>(stamp % SECONDS_PER_DAY);
  let day = stamp / SECONDS_PER_DAY;
  if (state.dayStart < state.dayStop) {
    if (daytime < state.dayStart || daytime > state.dayStop) return false;
  } else {
    if (daytime < state.dayStart && daytime > state.dayStop) return false;
    // What is after midnight belongs to the day before.
    if (state.isContiguous !== 0 && daytime <= state.dayStop) day -= 1;
  }
  const weekday = <u32>((day + FIRST_WEEKDAY) % DAYS_PER_WEEK) + 1;
  if (((state.weekdays >>> weekday) & 1) === 0) return false;
  return ((state.monthdays >>> dayOfMonth(day)) & 1) !== 0;
}

/** Seconds since 1970. The clock's milliseconds are rounded to nanoseconds first, which is what time stamps have. */
function seconds(): i64 {
  const time = clock();
  const nsec = nearest(time.nowMs * NSEC_PER_MS) + time.startNsec;
  return <i64>time.startSec + <i64>Math.floor(nsec / NSEC_PER_SEC);
}

/** The day of the month of a DAY since 1970, from 1. Years are counted from March, so that a leap day is the last. */
function dayOfMonth(day: i64): u32 {
  const sinceMarch = <u32>(day + DAYS_TO_1970);
  const dayOfEra = sinceMarch % DAYS_PER_ERA;
  const leapDays = dayOfEra / 1460 - dayOfEra / 36524 + dayOfEra / 146096;
  const year = (dayOfEra - leapDays) / 365;
  const dayOfYear = dayOfEra - (365 * year + year / 4 - year / 100);
  const month = (5 * dayOfYear + 2) / 153;
  return dayOfYear - (153 * month + 2) / 5 + 1;
}

/** From March 1st of the year 0 to 1970, and in 400 years. */
const DAYS_TO_1970: i64 = 719468;
const DAYS_PER_ERA: u32 = 146097;
