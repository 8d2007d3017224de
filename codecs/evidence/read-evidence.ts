import { isConntrackLine, readConntrackLine } from './conntrack-line.js';
import { type Evidence, EvidenceError } from './evidence.js';
import { isKernelLine, readKernelLine, readMartianLine } from './kernel-line.js';
import { isMonitorLine, readMonitorLines } from './monitor-lines.js';

/** More is a log, not a line of one. */
const MOST_BYTES = 100_000;

/**
 * Reads TEXT: one line, or for a trace several. Of the kernel's lines and of connections, the first counts.
 * @throws {EvidenceError} if it is none that is known, or was cut
 */
export function readEvidence(text: string): Evidence {
  if (text.length > MOST_BYTES)
    throw new EvidenceError(`${text.length} bytes are more than a line: pick the ones about one packet`);
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  if (lines.length === 0) throw new EvidenceError('an empty line');
  const traced = lines.filter(isMonitorLine);
  if (traced.length > 0) return readMonitorLines(traced);
  const kernel = lines.find(isKernelLine);
  if (kernel !== undefined) return readKernelLine(kernel);
  for (const line of lines) {
    const martian = readMartianLine(line);
    if (martian !== undefined) return martian;
  }
  const tracked = lines.find(isConntrackLine);
  if (tracked !== undefined) return readConntrackLine(tracked);
  throw new EvidenceError(
    "not a line that is known: expected one of the kernel's log with IN=… OUT=… SRC=…, of conntrack -L or -E, " +
      'of xtables-monitor --trace, or of nft monitor trace',
  );
}
