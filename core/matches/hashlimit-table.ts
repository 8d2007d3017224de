/** The tables of `-m hashlimit`, which rules share by name (xt_hashlimit). wasm/matches/hashlimit.ts runs them. */
import { ADDRESS_BITS, prefixMask } from '../../codecs/address.js';
import { i32, layout, Records, record, u64 } from '../../codecs/record-layout.js';
import { TICK_MS } from '../clock.js';
import type { RuleContext } from '../rules/context.js';
import { KEYED_ENTRY, KEYED_TABLE, KeyedTable } from '../rules/run/keyed-table.js';
import type { HashlimitMode, HashlimitParams } from './hashlimit.js';
import {
  BYTES_CREDIT,
  BYTES_CREDIT_PER_TICK,
  CREDIT_PER_TICK,
  creditOf,
  creditOfCost,
  TICKS_PER_SECOND,
} from './hashlimit-credit.js';
import { bytesOfCost, PERIODS_PER_SECOND } from './hashlimit-rate.js';

/** What the first rule with its name says, in the kernel's numbers: credits, and ticks. */
export const HASHLIMIT_TABLE = layout('HashlimitTable', {
  table: record(KEYED_TABLE),
  /** The bits of a packet's addresses and ports by which entries differ, as loaded. */
  sourceMask: i32,
  destinationMask: i32,
  portsMask: i32,
  isBytes: i32,
  isRateMatch: i32,
  creditPerTick: u64,
  /** The most credit; of a rate of packets, also that of a new entry. */
  fullCredit: u64,
  /** What a packet or a chunk of bytes costs. */
  cost: u64,
  /** How often the credit of an entry may be filled at once, for a rate of bytes. */
  refills: u64,
  /** How long an entry is kept after its last packet, and how often it is looked for old ones. */
  expireTicks: u64,
  gcTicks: u64,
  /** The last garbage collection that has run. */
  collected: u64,
  /** For `--hashlimit-rate-match`: per second, at once, and how long it is counted. */
  rate: u64,
  burst: u64,
  intervalTicks: u64,
});

export const HASHLIMIT_ENTRY = layout('HashlimitEntry', {
  link: record(KEYED_ENTRY),
  source: i32,
  destination: i32,
  ports: i32,
  /** Whether the last interval exceeded the rate. */
  isOver: i32,
  /** Ticks. */
  expires: u64,
  previous: u64,
  /** The credit that is left; for `--hashlimit-rate-match` what was counted since `previous`. */
  credit: u64,
  refills: u64,
});

/** The kernel takes more milliseconds than this for ever. */
const MAX_MS = 0x7fffffff;
const FOR_EVER = 2n ** 62n;
/** Buckets of a table by default, with 1 GiB of memory or more. */
const DEFAULT_SIZE = 8192;
/** Entries for each of them. */
const ENTRIES_PER_BUCKET = 8;

/** The table of a rule with PARAMS. The first rule with its name decides what it is like. */
export function hashlimitTable(context: RuleContext, params: HashlimitParams): KeyedTable {
  return context.shared(`hashlimit ${params.family}`, params.name, () => createTable(context, params));
}

function createTable(context: RuleContext, params: HashlimitParams): KeyedTable {
  const { memory } = context.conntrack;
  const keyed = new KeyedTable(memory, HASHLIMIT_TABLE, maxEntries(params), HASHLIMIT_ENTRY.bytes);
  const table = new Records(HASHLIMIT_TABLE, memory.buffer, keyed.at, 1);
  const { modes, isBytes, isRateMatch, average, burst } = params;
  const has = (mode: HashlimitMode): boolean => modes.includes(mode);
  table.assign(0, {
    sourceMask: has('srcip') ? maskOf(params.sourceMask) : 0,
    destinationMask: has('dstip') ? maskOf(params.destinationMask) : 0,
    portsMask: (has('srcport') ? 0xffff : 0) | (has('dstport') ? -0x10000 : 0),
    isBytes: isBytes ? 1 : 0,
    isRateMatch: isRateMatch ? 1 : 0,
  });
  const rate = isBytes ? bytesOfCost(average) : PERIODS_PER_SECOND / average;
  const numbers = {
    creditPerTick: isBytes ? BYTES_CREDIT_PER_TICK : CREDIT_PER_TICK,
    fullCredit: isBytes ? BYTES_CREDIT : creditOf(average * burst),
    cost: isBytes ? creditOfCost(average) : creditOf(average),
    refills: isBytes ? burst : creditOf(average * burst),
    expireTicks: ticksOf(params.expireMs),
    gcTicks: ticksOf(params.gcIntervalMs),
    rate,
    burst: isBytes ? (burst === 0n ? rate : burst * rate) : burst + rate,
    intervalTicks: BigInt(params.interval) * TICKS_PER_SECOND,
  };
  for (const [name, value] of Object.entries(numbers)) table.setUint64(0, name as keyof typeof numbers, value);
  return keyed;
}

/** The most entries of a table (htable_create). */
function maxEntries({ size, max }: HashlimitParams): number {
  const buckets = size === 0 ? DEFAULT_SIZE : size;
  return max === 0 ? ENTRIES_PER_BUCKET * buckets : Math.max(max, buckets);
}

/** A mask of LENGTH bits as loaded little-endian. */
function maskOf(length: number): number {
  return prefixMask('ipv4', Math.min(length, ADDRESS_BITS.ipv4)).loaded;
}

/** MS in ticks, rounded up (msecs_to_jiffies). */
function ticksOf(ms: number): bigint {
  return ms > MAX_MS ? FOR_EVER : BigInt(Math.ceil(ms / TICK_MS));
}
