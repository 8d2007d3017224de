/**
 * The memory layout of an emulated host. Addresses are fixed: nothing moves, and views stay valid.
 *
 * `memoryMap` throws if regions overlap or exceed the memory, so a wrong map fails on load, and thus in the build.
 * docs/memory-map.md shows it as a table.
 */
import { type Fields, type Layout, Records } from '../codecs/record-layout.js';
import { WRITER_STATE } from '../codecs/writer-state.js';
import { BATCH_ITEM, EGRESS, INPUT } from './capture-records.js';
import { CLOCK } from './clock.js';
import { CONNECTION, SLOT, SOURCE_HEAD } from './conntrack/record.js';
import { TRACKER_SETTINGS } from './conntrack/tracker-settings.js';
import { FATE, FATE_STATE } from './fate-records.js';
import { MEGAFLOW, PATH, SAME_ANSWERS } from './flow/records.js';
import { HASH_KEY } from './keyed-hash.js';
import { TRANSITIONS, VALID_FLAGS_TABLE } from './protocols/tcp-states.js';
import { MATCHED_PACKET } from './rules/run/matched-packet.js';

const KIB = 2 ** 10;
const MIB = 2 ** 20;

/** The whole range is reserved at once. This is free, because the operating system provides pages on first write. */
export const MEMORY_BYTES = 3072 * MIB;

/** The first bytes are unused, so that no address is 0. */
const FIRST_ADDRESS = 64 * KIB;

/** The maximum number of concurrent connections. */
const MAX_CONNECTIONS = 2 ** 23;

/** A part of the memory. */
export class Region {
  readonly start: number;
  readonly bytes: number;
  readonly purpose: string;

  constructor(start: number, bytes: number, purpose: string) {
    this.start = start;
    this.bytes = bytes;
    this.purpose = purpose;
  }

  get end(): number {
    return this.start + this.bytes;
  }

  bytesOf(buffer: ArrayBufferLike): Uint8Array {
    return new Uint8Array(buffer, this.start, this.bytes);
  }
}

/** A memory region for `count` records of one layout. */
export class RecordRegion<F extends Fields> extends Region {
  readonly layout: Layout<F>;
  readonly count: number;

  constructor(start: number, layout: Layout<F>, count: number, purpose: string) {
    super(start, layout.bytes * count, purpose);
    this.layout = layout;
    this.count = count;
  }

  recordsOf(buffer: ArrayBufferLike): Records<F> {
    return new Records(this.layout, buffer, this.start, this.count);
  }

  /** A view of all records as 32-bit words. It covers only this region. */
  wordsOf(buffer: ArrayBufferLike): Int32Array {
    return new Int32Array(buffer, this.start, this.count * this.layout.words);
  }

  /** Same as `wordsOf`, as float64 values. */
  doublesOf(buffer: ArrayBufferLike): Float64Array {
    return new Float64Array(buffer, this.start, this.count * this.layout.doubles);
  }
}

function bytes(start: number, size: number, purpose: string): Region {
  return new Region(start, size, purpose);
}

function records<F extends Fields>(start: number, layout: Layout<F>, count: number, purpose: string): RecordRegion<F> {
  return new RecordRegion(start, layout, count, purpose);
}

/**
 * Returns REGIONS after checking that they are within [FIRST_ADDRESS, MEMORY_BYTES) and do not overlap.
 *
 * @throws {RangeError} if they do not
 */
export function memoryMap<R extends Readonly<Record<string, Region>>>(regions: R): R {
  const sorted = Object.entries(regions).sort(([, a], [, b]) => a.start - b.start);
  let end = FIRST_ADDRESS;
  let previous = 'the first address';
  for (const [name, region] of sorted) {
    if (region.start < end)
      throw new RangeError(`region ${name} at ${region.start} overlaps ${previous}, which ends at ${end}`);
    if (region.start % 8 !== 0) throw new RangeError(`region ${name} at ${region.start}: not a multiple of 8`);
    end = region.end;
    previous = name;
  }
  if (end > MEMORY_BYTES) throw new RangeError(`region ${previous} ends at ${end}, the memory at ${MEMORY_BYTES}`);
  return regions;
}

export const REGIONS = memoryMap({
  clock: records(64 * KIB, CLOCK, 1, 'packet time'),
  transitions: bytes(68 * KIB, TRANSITIONS.length, "TCP's state transitions"),
  validFlags: bytes(69 * KIB, VALID_FLAGS_TABLE.length, 'which TCP flags may be set together'),
  settings: records(72 * KIB, TRACKER_SETTINGS, 1, 'settings of the trackers'),
  hashKey: records(76 * KIB, HASH_KEY, 1, 'the random key of the connection table'),
  matched: records(78 * KIB, MATCHED_PACKET, 1, 'the packet that states of matches are asked about'),
  inputs: records(80 * KIB, INPUT, 256, 'captures that are replayed in place'),
  scratch: bytes(128 * KIB, 128 * KIB, 'a copy of a packet that is outside of this memory'),
  paths: records(1 * MIB, PATH, 2 ** 16, 'paths of the flow cache'),
  megaflows: records(8 * MIB, MEGAFLOW, 48, 'megaflows of the flow cache'),
  batch: records(10 * MIB, BATCH_ITEM, 64, 'the packets of the current batch'),
  fateState: records(10 * MIB + 32 * KIB, FATE_STATE, 1, 'whether the fates of packets are written, and how many'),
  fates: records(10 * MIB + 64 * KIB, FATE, 2 ** 14, 'what became of each packet of a batch that is compared'),
  egress: records(11 * MIB, EGRESS, 2 ** 16, 'the writer of each interface'),
  writers: records(12 * MIB, WRITER_STATE, 2 ** 16, 'the states of the writers'),
  buffers: bytes(
    16 * MIB,
    1008 * MIB,
    'blocks of captures, what is to be written, what rules remember: allocated on demand',
  ),
  slots: records(1024 * MIB, SLOT, 8 * MAX_CONNECTIONS, 'hash slots of the connection table, in one half at a time'),
  sources: records(1536 * MIB, SOURCE_HEAD, MAX_CONNECTIONS, 'the index of connections by source'),
  connections: records(1568 * MIB, CONNECTION, MAX_CONNECTIONS, 'connections'),
  // With more connections than there are records for, those that share one ask more often.
  sameAnswers: records(2976 * MIB, SAME_ANSWERS, 2 ** 21, 'what sets have answered, by connection and direction'),
});
