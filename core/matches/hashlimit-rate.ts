/** The rates of `-m hashlimit`, in packets or bytes for a time, as iptables parses and prints them. All of 64 bits. */
import type { Word } from '../../codecs/iptables-save.js';
import { withNearest } from '../../codecs/nearest.js';
import { leadingNumber, signedNumber } from '../rules/parse/c-numbers.js';
import { RuleFault } from '../rules/parse/error.js';

/** A period is in units of 1/1000000 s (XT_HASHLIMIT_SCALE_v2). */
export const PERIODS_PER_SECOND = 1_000_000n;

/** A rate of packets: the average time between two of them. A rate of bytes: what 16 bytes of a packet cost. */
export interface Rate {
  readonly isBytes: boolean;
  /** The period in units of 1/1000000 s, or the cost in units of 1/4294967295 of a second's credit. */
  readonly average: bigint;
  /** The seconds after `/`; for bytes, how long an entry is kept. */
  readonly seconds: number;
}

/** Bytes are counted in chunks of 16 (XT_HASHLIMIT_BYTE_SHIFT). */
const CHUNK_SHIFT = 4n;
const MAX_UINT32 = 0xffffffffn;
const MAX_BURST = 1_000_000n;
/** How long an entry of a rate of bytes is kept by default, in seconds: without a burst, and with one. */
const BYTES_SECONDS = 15;
export const BYTES_BURST_SECONDS = 60;

const UNITS: readonly (readonly [name: string, saved: string, seconds: number])[] = [
  ['second', 'sec', 1],
  ['minute', 'min', 60],
  ['hour', 'hour', 3600],
  ['day', 'day', 86_400],
];

/** Parses `512kb/s` or `5/minute`. */
export function parseRate(word: Word): Rate {
  const bytes = parseBytes(word);
  if (bytes !== undefined) return bytes;
  const { text } = word;
  const slash = text.indexOf('/');
  const unit = slash < 0 ? 'second' : text.slice(slash + 1).toLowerCase();
  const found = unit === '' ? undefined : UNITS.find(([name]) => name.startsWith(unit));
  const count = BigInt.asUintN(64, signedNumber(text));
  if (found === undefined || count === 0n) {
    const expected = 'a number and a unit: 5/second, /minute, /hour, /day, or 512kb/s';
    const names = UNITS.map(([name]) => name);
    throw new RuleFault(word, `bad rate "${text}"`, found ? expected : withNearest(expected, unit, names));
  }
  const [, , seconds] = found;
  const average = (PERIODS_PER_SECOND * BigInt(seconds)) / count;
  if (average === 0n) throw new RuleFault(word, `the rate "${text}" is too fast`, 'at most 1000000/second');
  return { isBytes: false, average, seconds };
}

/** Parses a number before `b/s`, with the letter k or m before that; undefined if there is none. */
function parseBytes(word: Word): Rate | undefined {
  const at = word.text.indexOf('b/s');
  const count = signedNumber(word.text);
  if (at < 1 || count === 0n) return undefined;
  const bytes = BigInt.asUintN(64, count * factorOf(word.text[at - 1]));
  const chunks = BigInt.asUintN(32, bytes >> CHUNK_SHIFT);
  // iptables divides by zero.
  if (chunks === MAX_UINT32) throw new RuleFault(word, `the rate "${word.text}" is too high`, 'less');
  return { isBytes: true, average: costOf(chunks), seconds: BYTES_SECONDS };
}

const factorOf = (letter: string | undefined): bigint => (letter === 'm' ? 1_048_576n : letter === 'k' ? 1024n : 1n);

/** The cost of a chunk at a rate of CHUNKS a second (bytes_to_cost). */
const costOf = (chunks: bigint): bigint => MAX_UINT32 / (BigInt.asUintN(32, chunks) + 1n);

/** The rate in bytes a second at which a chunk costs COST (cost_to_bytes). */
export function bytesOfCost(cost: bigint): bigint {
  return (MAX_UINT32 / cost - 1n) << CHUNK_SHIFT;
}

/** Parses a burst: a number of packets, or of bytes with the letter k or m. */
export function parseBurst(word: Word): bigint {
  const number = leadingNumber(word.text, 'any');
  const isNumber = number !== undefined && !number.isNegative && !number.isTooLarge && number.value >= 1n;
  if (!isNumber || (number.rest === '' && number.value > MAX_BURST)) {
    throw new RuleFault(word, `bad burst "${word.text}"`, '1–1000000, or a number of bytes: 512kb');
  }
  return BigInt.asUintN(64, number.value * factorOf(number.rest[0]));
}

/** The burst of RATE in what is counted: packets, or how often a second's bytes may be used up at once. */
export function burstOf(rate: Rate, burst: bigint, word: Word): bigint {
  if (!rate.isBytes) {
    if (burst <= MAX_BURST) return burst;
    throw new RuleFault(word, `the burst "${word.text}" is too large`, '1–1000000 packets');
  }
  const bytes = bytesOfCost(rate.average);
  // For less than 16 bytes a second, iptables divides by zero.
  if (burst < bytes || bytes === 0n) {
    throw new RuleFault(word, `the burst "${word.text}" is smaller than the rate`, `at least ${bytes}b`);
  }
  const times = BigInt.asUintN(32, burst) / bytes;
  return BigInt.asUintN(32, burst % bytes === 0n ? times : times + 1n);
}

/** A rate as text, and the time for which an entry of such a rate is kept by default, in ms. */
interface Formatted {
  readonly text: string;
  readonly expireMs: number;
}

/** Formats a rate of packets in the largest unit with little loss (print_rate). */
export function formatPeriod(average: bigint): Formatted {
  let best = UNITS[UNITS.length - 1];
  for (const unit of UNITS.toReversed()) {
    const period = BigInt(unit[2]) * PERIODS_PER_SECOND;
    if (unit !== best && (average > period || period / average < period % average)) break;
    best = unit;
  }
  const [, saved, seconds] = best;
  return { text: `${(BigInt(seconds) * PERIODS_PER_SECOND) / average}/${saved}`, expireMs: seconds * 1000 };
}

const BYTE_UNITS = [
  { size: 1_048_576n, letter: 'm' },
  { size: 1024n, letter: 'k' },
] as const;
const ONE_BYTE = { size: 1n, letter: '' } as const;

/** Formats a rate of bytes and the BURST behind it, if there is one (print_bytes). */
export function formatBytes(average: bigint, burst: bigint): Formatted {
  const bytes = bytesOfCost(average);
  const unit =
    BYTE_UNITS.find(
      ({ size }) => bytes >= size && costOf((bytes & (MAX_UINT32 & ~(size - 1n))) >> CHUNK_SHIFT) === average,
    ) ?? ONE_BYTE;
  const rate = `${bytes / unit.size}${unit.letter}b/s`;
  if (burst === 0n) return { text: rate, expireMs: BYTES_SECONDS * 1000 };
  const total = BigInt.asUintN(64, bytes * burst);
  const { size, letter } = BYTE_UNITS.find((one) => total >= one.size) ?? ONE_BYTE;
  return { text: `${rate} --hashlimit-burst ${total / size}${letter}b`, expireMs: BYTES_BURST_SECONDS * 1000 };
}
