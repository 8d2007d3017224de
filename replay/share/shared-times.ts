/** How far the times of a case are shifted: its first packet comes in the first week of 2020. */
import type { SharedTexts } from './case-parts.js';

/** Monday, 2020-01-06, 00:00 UTC, in seconds. */
const FIRST_SECOND = 1_578_268_800;
const WEEK_SECONDS = 604_800;

/** How rules read the time. */
export interface TimesRead {
  /** Days of the week and times of the day. */
  readonly byWeek: boolean;
  /** Days of the month, which no shift keeps. */
  readonly byMonth: boolean;
  readonly kept: readonly string[];
}

export function timesRead({ setting, rulesets }: SharedTexts): TimesRead {
  const texts = rulesets.flatMap(({ tables }) =>
    tables.flatMap(({ rules }) =>
      rules.flatMap(({ matches }) =>
        matches
          .filter(({ extension }) => extension.name === 'time')
          .map(({ extension, params }) => extension.save(params)),
      ),
    ),
  );
  const commands = setting.changes.some(
    ({ action }) =>
      action.kind === 'commands' && action.commands.some(({ words }) => words.some(({ text }) => text === 'time')),
  );
  const byMonth = commands || texts.some((text) => /--monthdays|--localtz/.test(text));
  const byWeek = texts.length > 0;
  return {
    byWeek,
    byMonth,
    kept: byMonth
      ? ['times: a rule asks for days of the month, which no shift keeps']
      : byWeek
        ? ['days of the week and times of the day, for which a rule asks']
        : [],
  };
}

/** By how many seconds packets are moved of which the first came in the second FIRST. */
export function secondsToShift(first: number, { byWeek, byMonth }: TimesRead): number {
  if (!Number.isFinite(first) || byMonth) return 0;
  const shift = FIRST_SECOND - first;
  return byWeek ? Math.floor((shift + WEEK_SECONDS) / WEEK_SECONDS) * WEEK_SECONDS : shift;
}
