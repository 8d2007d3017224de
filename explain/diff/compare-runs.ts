/** Replays the same captures through two hosts, side by side, and finds the packets that they treat differently. */
import { captureFiles } from '../../replay/captures.js';
import { FateRecorder } from '../../replay/fates/fate-recorder.js';
import { type PreparedRun, prepareRun, startRun } from '../../replay/prepared-run.js';
import type { ReplayOptions, ReplayProgress } from '../../replay/replay.js';
import type { ReplayRun } from '../../replay/replay-run.js';
import { refuseBehindNat } from '../../replay/stitch/stitch-summary.js';
import { type DifferenceOptions, Differences } from './differences.js';
import { NextHops } from './next-hops.js';

/** Packets in a batch, at most: the data plane has room for twice as many. */
export const BATCH_PACKETS = 8192;
/** Rules that packets may meet in one batch, so that none takes long. */
const BATCH_RULES = 2 ** 22;

/** Both hosts, and what they did with the packets. */
export interface ComparedRuns {
  readonly old: SideRun;
  readonly new: SideRun;
  readonly differences: Differences;
}

export interface SideRun {
  readonly prepared: PreparedRun;
  readonly run: ReplayRun;
}

export interface CompareOptions extends Omit<DifferenceOptions, 'isKeyed' | 'hops'> {}

/**
 * Compares what two hosts, as OLD and OTHER say, do with captures, which are the same in both. Nothing is written.
 * Returns after the last packet; `return()` between two steps abandons the comparison.
 *
 * @throws as `replay` does
 */
export function* compareRuns(
  old: ReplayOptions,
  other: ReplayOptions,
  options: CompareOptions,
): Generator<ReplayProgress, ComparedRuns, void> {
  const prepared = [prepareRun(old), prepareRun(other)];
  const rulesPerPacket = Math.max(...prepared.map((side) => side.rulesPerPacket));
  const batch = Math.max(1, Math.min(BATCH_PACKETS, Math.floor(BATCH_RULES / rulesPerPacket)));
  yield { packets: 0, consumedBytes: 0, totalBytes: -1, rulesPerPacket };
  const recorders = [new FateRecorder(), new FateRecorder()];
  const runs: ReplayRun[] = [];
  let isDone = false;
  try {
    for (const [i, side] of prepared.entries()) runs.push(startNoted(side, recorders[i]));
    const hops = new NextHops(prepared[0].setting.host, prepared[1].setting.host);
    const isKeyed = runs[0].hostCapture !== undefined;
    const differences = new Differences(recorders[0], recorders[1], { ...options, isKeyed, hops });
    const { inputs } = prepared[0];
    for (let hasMore = true; hasMore; ) {
      differences.startBatch(inputs.map((_, input) => runs[0].readOf(input)));
      hasMore = runs.map((run) => run.step(batch)).some((isFull) => isFull);
      differences.compareBatch();
      const { read, consumedBytes, totalBytes } = runs[0];
      yield { packets: read, consumedBytes, totalBytes, rulesPerPacket };
    }
    // Captures of a host are looked at ahead of time: some packets are left.
    differences.startBatch(inputs.map((_, input) => runs[0].readOf(input)));
    for (const run of runs) run.close();
    differences.compareBatch();
    isDone = true;
    for (const [i, { stitcher }] of runs.entries())
      if (stitcher !== undefined) refuseBehindNat(stitcher, captureFiles(prepared[i].options));
    return {
      old: { prepared: prepared[0], run: runs[0] },
      new: { prepared: prepared[1], run: runs[1] },
      differences,
    };
  } finally {
    if (!isDone) for (const run of runs) run.abandon();
  }
}

/** The run of PREPARED, which writes nothing, noted by FATES. */
export function startNoted(prepared: PreparedRun, fates: FateRecorder): ReplayRun {
  return startRun(prepared, undefined, { fates, packetNumber: () => fates.packetNumber });
}
