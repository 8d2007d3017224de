/** What a run has to say besides its results: how many packets took which way, what was assumed, and warnings. */
import { counted } from '../codecs/text.js';
import { Outcome } from '../core/outcome.js';
import { assumedOfCapture, warningsOfCapture } from './host-capture/capture-notes.js';
import { assumedQueues } from './logged.js';
import { assumedOffloads, checksumWarnings } from './offload-report.js';
import type { ReplayOptions } from './replay.js';
import type { ReplayRun } from './replay-run.js';
import type { Setting } from './setting.js';
import { assumedByStitching, warningsOfProxy, warningsOfStitching } from './stitch/stitch-summary.js';
import type { ChangeSummary, PacketCounts } from './summary.js';

/** How many packets RUN has read, and what became of them. */
export function packetCounts(run: ReplayRun): PacketCounts {
  const { outcomes } = run;
  return {
    read: run.read,
    skipped: [...run.skipped.values()].reduce((sum, packets) => sum + packets, 0),
    forwarded: outcomes[Outcome.FORWARDED],
    sent: outcomes[Outcome.SENT],
    delivered: outcomes[Outcome.DELIVERED],
    dropped: outcomes[Outcome.DROPPED],
    rejected: outcomes[Outcome.REJECTED],
    held: outcomes[Outcome.HELD],
    ...(run.isSelective ? { filteredOut: run.filteredOut } : {}),
    ...(run.hostCapture === undefined ? {} : { departed: run.hostCapture.departures }),
  };
}

/** What was assumed because neither the host nor the captures of RUN say it. */
export function assumedBy(run: ReplayRun, setting: Setting): string[] {
  const { emulator } = run;
  return [
    ...assumedOffloads(emulator),
    ...setting.assumed,
    ...emulator.host.assumed(),
    ...assumedQueues(emulator.unboundQueues),
    ...assumedCookies(emulator.cookies.assumed),
    ...assumedPorts(emulator.drawnPorts - (run.hostCapture?.learnedPorts ?? 0)),
    ...(run.changes === undefined ? [] : assumedByChanges(run.changes.done)),
    ...(run.hostCapture ? assumedOfCapture(run.hostCapture) : []),
    ...(run.stitcher === undefined ? [] : assumedByStitching(run.stitcher)),
  ];
}

/** What programs have noted that changed the host, each once. */
function assumedByChanges(changes: readonly ChangeSummary[]): string[] {
  return [...new Set(changes.flatMap(({ notes = [] }) => notes))];
}

export function warningsOf(run: ReplayRun, setting: Setting, options: ReplayOptions): string[] {
  const { emulator } = run;
  return [
    ...setting.warnings,
    ...run.cuts,
    ...(run.hostCapture ? warningsOfCapture(run.hostCapture, emulator.host) : []),
    ...run.notes,
    ...(run.changes?.warnings ?? []),
    ...run.awaited.map((name) => `no change has brought interface ${name}: what arrives there was skipped`),
    ...(run.stitcher === undefined ? [] : warningsOfStitching(run.stitcher)),
    ...(run.stitcher === undefined ? [] : warningsOfProxy(emulator.cookies.sent)),
    ...emulator.warnings,
    ...checksumWarnings(emulator.checksums, run.taken, options.checksums ?? 'auto'),
  ];
}

function assumedCookies(count: number): string[] {
  if (count === 0) return [];
  return [`${counted(count, 'acknowledgment')} of SYN cookies that only the real host could verify (SYNPROXY)`];
}

/** What was assumed about DRAWN ports of NAT. */
function assumedPorts(drawn: number): string[] {
  if (drawn <= 0) return [];
  return [`${counted(drawn, 'port')} of NAT drawn at random (--seed): the host may draw others`];
}
