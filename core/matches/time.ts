/** `-m time`: when a packet arrives (xt_time). */
import type { Word } from '../../codecs/iptables-save.js';
import type { MatchExtension, ParsedOption, ParsedOptions } from '../rules/extension.js';
import { listed } from '../rules/listing/listed-form.js';
import { leadingNumber, truncatedNumber } from '../rules/parse/c-numbers.js';
import { RuleFault } from '../rules/parse/error.js';
import { FlatState, StateKind, TIME_STATE } from '../rules/run/flat-state.js';

const MAX_DAYTIME = 86_399;
/** What stands for no end (INT_MAX). */
const NO_END = 0x7fffffff;
/** Bits 1–31 and 1–7. */
const ALL_MONTHDAYS = 0xfffffffe;
const ALL_WEEKDAYS = 0xfe;
const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

interface TimeParams {
  /** Seconds since 1970, both inclusive. */
  readonly start: number;
  readonly stop: number;
  /** Seconds since midnight, both inclusive. */
  readonly dayStart: number;
  readonly dayStop: number;
  /** Bit n: day n of the month, from 1; day n of the week, from 1 for Monday. */
  readonly monthdays: number;
  readonly weekdays: number;
  readonly isContiguous: boolean;
  /** In the time zone of the kernel, not UTC. */
  readonly isLocal: boolean;
}

export const time: MatchExtension<TimeParams> = {
  name: 'time',
  options: [
    { name: '--datestart', words: 1, expected: 'a date: 2026-12-31T23:59:59' },
    { name: '--datestop', words: 1, expected: 'a date: 2026-12-31T23:59:59' },
    { name: '--timestart', words: 1, expected: 'a time of day: 17:30' },
    { name: '--timestop', words: 1, expected: 'a time of day: 17:30' },
    { name: '--contiguous', words: 0 },
    { name: '--weekdays', words: 1, invertible: true, expected: 'days: Mon,Tue or 1–7' },
    { name: '--monthdays', words: 1, invertible: true, expected: 'days: 1–31' },
    { name: '--localtz', words: 0, excludes: ['--utc'] },
    { name: '--utc', words: 0, excludes: ['--localtz', '--kerneltz'] },
    { name: '--kerneltz', words: 0, excludes: ['--utc'] },
  ],

  listed: listed(
    /TIME/,
    [/from (\d\d:\d\d:\d\d) to (\d\d:\d\d:\d\d)/, '--timestart $1 --timestop $2'],
    [/on ([A-Z][a-z]{2}(?:,[A-Z][a-z]{2})*)/, '--weekdays $1'],
    [/on (\d+[a-z]{2}(?:,\d+[a-z]{2})*)/, ([, days]) => ['--monthdays', days!.replace(/[a-z]/g, '')]],
    [/starting from ([-\d]+) ([:\d]+)/, '--datestart $1T$2'],
    [/until date (?=\D|$)/, '--datestop 1970-01-01T00:00:00'],
    [/until date ([-\d]+) ([:\d]+)/, '--datestop $1T$2'],
    [/(?!UTC)/, '--kerneltz'],
    [/UTC/, ''],
    [/contiguous/, '--contiguous'],
  ),

  parse(options) {
    const params: TimeParams = {
      start: dateOf(options.get('--datestart')) ?? 0,
      stop: dateOf(options.get('--datestop')) ?? NO_END,
      dayStart: daytimeOf(options.get('--timestart')) ?? 0,
      dayStop: daytimeOf(options.get('--timestop')) ?? MAX_DAYTIME,
      monthdays: monthdaysOf(options.get('--monthdays')) ?? ALL_MONTHDAYS,
      weekdays: weekdaysOf(options.get('--weekdays')) ?? ALL_WEEKDAYS,
      isContiguous: options.get('--contiguous') !== undefined,
      isLocal: options.get('--kerneltz') !== undefined || options.get('--localtz') !== undefined,
    };
    refuseContiguous(options, params);
    return params;
  },

  save({ start, stop, dayStart, dayStop, monthdays, weekdays, isContiguous, isLocal }) {
    const isDaytime = dayStart !== 0 || dayStop !== MAX_DAYTIME;
    return [
      isDaytime ? ` --timestart ${formatDaytime(dayStart)} --timestop ${formatDaytime(dayStop)}` : '',
      monthdays === ALL_MONTHDAYS ? '' : ` --monthdays ${daysIn(monthdays, 31).join(',')}`,
      weekdays === ALL_WEEKDAYS
        ? ''
        : ` --weekdays ${daysIn(weekdays, 7)
            .map((day) => WEEKDAYS[day - 1])
            .join(',')}`,
      start === 0 ? '' : ` --datestart ${formatDate(start)}`,
      // iptables prints the default.
      stop === 0 ? '' : ` --datestop ${formatDate(stop)}`,
      isLocal ? ' --kerneltz' : '',
      isContiguous ? ' --contiguous' : '',
    ].join('');
  },

  createState({ isContiguous, isLocal, ...values }, context) {
    const zoneSec = isLocal ? context.facts.kernelZoneSec : 0;
    const own = { ...values, isContiguous: isContiguous ? 1 : 0, zoneSec };
    return FlatState.create(context, { kind: StateKind.TIME }, TIME_STATE, own);
  },

  lower(params) {
    return { native: { reads: ['history'], explanation: `it is another time than${time.save(params)}` } };
  },
};

function refuseContiguous(options: ParsedOptions, { dayStart, dayStop }: TimeParams): void {
  const contiguous = options.get('--contiguous');
  if (contiguous === undefined || dayStart >= dayStop) return;
  throw new RuleFault(contiguous.word, '--contiguous needs a --timestart that is not before --timestop');
}

/** Numbers with what must stand between them, each up to its maximum. */
interface TimePart {
  readonly before: string;
  readonly max: number;
}

const DATE_PARTS: readonly TimePart[] = [
  { before: '', max: 2038 },
  { before: '-', max: 12 },
  { before: '-', max: 31 },
  { before: 'T', max: 23 },
  { before: ':', max: 59 },
  { before: ':', max: 59 },
];
const DAYTIME_PARTS: readonly TimePart[] = [{ before: '', max: 23 }, ...DATE_PARTS.slice(4)];

/** The numbers of TEXT, as strtoul reads them, of which the last ones may be missing; undefined if it has a fault. */
function readParts(text: string, parts: readonly TimePart[]): number[] | undefined {
  const numbers: number[] = [];
  let rest = text;
  for (const { before, max } of parts) {
    if (numbers.length > 0) {
      if (rest === '') return numbers;
      if (!rest.startsWith(before)) return undefined;
      rest = rest.slice(1);
    }
    const number = truncatedNumber(rest);
    if (number.value > max) return undefined;
    numbers.push(number.value);
    rest = number.rest;
  }
  return rest === '' ? numbers : undefined;
}

/** Seconds since 1970. A day or month of 0 is the one before the first; the 31st of a short month is in the next. */
function dateOf(option: ParsedOption | undefined): number | undefined {
  if (option === undefined) return undefined;
  const [word] = option.values;
  const parts = readParts(word.text, DATE_PARTS);
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = parts ?? [];
  const seconds = Date.UTC(year, month - 1, day, hour, minute, second) / 1000;
  if (year >= 1970 && seconds >= 0) return seconds;
  throw new RuleFault(word, `bad date "${word.text}"`, 'YYYY[-MM[-DD[Thh[:mm[:ss]]]]]');
}

function daytimeOf(option: ParsedOption | undefined): number | undefined {
  if (option === undefined) return undefined;
  const [word] = option.values;
  const parts = readParts(word.text, DAYTIME_PARTS);
  if (parts === undefined || parts.length < 2)
    throw new RuleFault(word, `bad time "${word.text}"`, 'hh:mm or hh:mm:ss');
  const [hour, minute, second = 0] = parts;
  return hour * 3600 + minute * 60 + second;
}

/** The parts of a list with commas: an empty one at the end is none, and only CHARACTERS of each are read. */
function listOf(word: Word, characters: number): string[] {
  const parts = word.text.split(',').map((part) => part.slice(0, characters));
  if (parts[parts.length - 1] === '') parts.pop();
  return parts;
}

function monthdaysOf(option: ParsedOption | undefined): number | undefined {
  if (option === undefined) return undefined;
  const [word] = option.values;
  let days = 0;
  for (const part of listOf(word, 2)) {
    const day = dayNumber(part);
    if (day === undefined || day > 31) throw new RuleFault(word, `"${part}" is no day of a month`, '1–31');
    days |= 1 << day;
  }
  return (option.negated ? days ^ ALL_MONTHDAYS : days) >>> 0;
}

function weekdaysOf(option: ParsedOption | undefined): number | undefined {
  if (option === undefined) return undefined;
  const [word] = option.values;
  let days = 0;
  for (const part of listOf(word, 3)) {
    const day = dayNumber(part) ?? WEEKDAYS.findIndex((name) => part.slice(0, 2) === name.slice(0, 2)) + 1;
    // The first day of the week is Monday, 1.
    if (day === 0)
      throw new RuleFault(word, `"${part}" is no day of the week`, 'Mon, Tue, Wed, Thu, Fri, Sat, Sun or 1–7');
    days |= 1 << day;
  }
  return (option.negated ? days ^ ALL_WEEKDAYS : days) & 0xff;
}

/** PART as a number; nothing is 0. Undefined: it is none. */
function dayNumber(part: string): number | undefined {
  if (part === '') return 0;
  const number = leadingNumber(part, 'any');
  return number === undefined || number.rest !== '' ? undefined : Number(BigInt.asUintN(32, number.value));
}

function daysIn(mask: number, last: number): number[] {
  return Array.from({ length: last }, (_, i) => i + 1).filter((day) => (mask >>> day) & 1);
}

const twoDigits = (number: number): string => String(number).padStart(2, '0');

function formatDaytime(seconds: number): string {
  return [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map(twoDigits).join(':');
}

function formatDate(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19);
}
