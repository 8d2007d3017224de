/** Compares what nfreplay and libpcap choose by random filters from random captures of every link type. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Choice, framesOf, ourChoice, pcapOf } from '../../filter/filter-case.js';
import { randomFilter } from '../../filter/random-filter.js';
import { type Captured, FILTERED_LINKTYPES, randomFrames } from '../../filter/random-frames.js';
import { seededRandom } from '../../random.js';
import type { Libpcap } from './libpcap.js';

const FRAMES = 120;
/** Filters that are asked about one capture. */
export const BATCH_FILTERS = 40;

export interface FilterTally {
  /** Filters by which both choose the same packets, and how many packets these are. */
  same: number;
  chosen: number;
  /** Filters that both refuse. */
  refused: number;
  /** Filters by which libpcap chooses other packets with its optimizer than without, and we one of the two. */
  doubtful: number;
  /** Filters that only libpcap refuses, by mistake. */
  mistaken: number;
  different: number;
}

/** A capture and filters, all from one seed. */
export interface FilterBatch {
  readonly linktype: number;
  readonly frames: readonly Captured[];
  readonly filters: readonly string[];
}

export function randomBatch(seed: number, linktypeName: string): FilterBatch {
  const random = seededRandom(seed);
  const linktype = FILTERED_LINKTYPES[linktypeName];
  const frames = randomFrames(random, linktype, FRAMES);
  return { linktype, frames, filters: Array.from({ length: BATCH_FILTERS }, () => randomFilter(random)) };
}

/** Tells about a difference: the seed of the batch, the link type, the filter, and what differs. */
export type OnDifference = (seed: number, linktypeName: string, filter: string, difference: string) => void;

/** Compares at least COUNT filters, all link types in turn. */
export function compareFilters(
  libpcap: Libpcap,
  { seed, count, linktypeName }: { seed: number; count: number; linktypeName?: string | undefined },
  onDifference: OnDifference,
): FilterTally {
  const tally: FilterTally = { same: 0, chosen: 0, refused: 0, doubtful: 0, mistaken: 0, different: 0 };
  const dir = mkdtempSync(join(tmpdir(), 'nfreplay-filter-'));
  const names = linktypeName === undefined ? Object.keys(FILTERED_LINKTYPES) : [linktypeName];
  try {
    for (let batch = 0; batch * BATCH_FILTERS < count; batch++) {
      const name = names[batch % names.length];
      compareBatch(libpcap, join(dir, 'in.pcap'), tally, randomBatch(seed + batch, name), (filter, difference) =>
        onDifference(seed + batch, name, filter, difference),
      );
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  return tally;
}

function compareBatch(
  libpcap: Libpcap,
  path: string,
  tally: FilterTally,
  { linktype, frames, filters }: FilterBatch,
  onDifference: (filter: string, difference: string) => void,
): void {
  writeFileSync(path, pcapOf(linktype, frames));
  for (const [number, filter] of filters.entries()) {
    const theirs = withoutConstants(libpcap.choose(path, filter, true), frames.length);
    // libpcap must be asked as tcpdump asks it.
    const said = number === 0 ? choiceOfTcpdump(path, filter, frames.length) : theirs;
    const judged = isSame(theirs, said)
      ? judge(ourChoice(filter, linktype, frames), theirs, () => libpcap.choose(path, filter, false))
      : { kind: 'different' as const, difference: 'tcpdump chooses others than libpcap' };
    if (judged.kind === 'same' && 'chosen' in theirs) tally.chosen += theirs.chosen.filter(Boolean).length;
    tally[judged.kind]++;
    if (judged.kind === 'different') onDifference(filter, judged.difference);
  }
}

/** What tcpdump itself chooses of the COUNT packets of PATH. */
export function choiceOfTcpdump(path: string, filter: string, count: number): Choice {
  const out = `${path}.out`;
  const { status, stderr } = spawnSync('tcpdump', ['-r', path, '-w', out, '--', filter], { encoding: 'utf8' });
  if (status !== 0) {
    const reason = stderr.split('\n').find((line) => line.startsWith('tcpdump: ')) ?? stderr;
    return withoutConstants({ refused: reason.replace('tcpdump: ', '') }, count);
  }
  const chosen = new Set(framesOf(readFileSync(out)).frames.map(({ sec }) => sec));
  rmSync(out);
  return { chosen: Array.from({ length: count }, (_, number) => chosen.has(number)) };
}

/** A filter that never chooses anything is refused by libpcap's optimizer; nfreplay takes it. */
function withoutConstants(choice: Choice, count: number): Choice {
  if (!('refused' in choice) || choice.refused !== 'expression rejects all packets') return choice;
  return { chosen: new Array<boolean>(count).fill(false) };
}

function isSame(a: Choice, b: Choice): boolean {
  if ('refused' in a || 'refused' in b) return 'refused' in a && 'refused' in b;
  return a.chosen.every((is, number) => is === b.chosen[number]);
}

/** libpcap takes the index of a divisor or shift for its value: it refuses `5 / ip[0]`. */
const MISTAKES = /^(division by zero|modulus by zero|shift by more than 31 bits|too many registers)/;

type Judgement =
  | { readonly kind: Exclude<keyof FilterTally, 'chosen' | 'different'> }
  | { readonly kind: 'different'; readonly difference: string };

function judge(ours: Choice, theirs: Choice, unoptimized: () => Choice): Judgement {
  if (isSame(ours, theirs)) return { kind: 'refused' in ours ? 'refused' : 'same' };
  if ('refused' in theirs) {
    if (MISTAKES.test(theirs.refused)) return { kind: 'mistaken' };
    return { kind: 'different', difference: `only libpcap refuses it: ${theirs.refused}` };
  }
  if ('refused' in ours) {
    // libpcap notices only some divisions and shifts by what turns out to be constant.
    if (/(division by zero|a shift by more than 31 bits)$/.test(ours.refused)) return { kind: 'doubtful' };
    return { kind: 'different', difference: `only nfreplay refuses it: ${ours.refused}` };
  }
  // The optimizer changes the order of tests, and with it, which load from beyond a short packet rejects it.
  const plain = unoptimized();
  const number = ours.chosen.findIndex(
    (is, i) => is !== theirs.chosen[i] && ('refused' in plain || is !== plain.chosen[i]),
  );
  if (number < 0) return { kind: 'doubtful' };
  return {
    kind: 'different',
    difference: `packet ${number}: nfreplay ${ours.chosen[number]}, libpcap ${theirs.chosen[number]}`,
  };
}

export function formatFilterTally({ same, chosen, refused, doubtful, mistaken }: FilterTally): string {
  return (
    `filters: ${same} choose the same packets (${chosen}), ${refused} refused by both, ` +
    `${doubtful} where libpcap depends on its optimizer, ${mistaken} refused by libpcap alone`
  );
}
