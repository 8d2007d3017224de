/** What a run says about the checksums of its captures. */
import type { ChecksumCounts, ChecksumMode } from '../core/offload/checksums.js';

/** Bad checksums are only worth a warning if they are more than this part of the packets. */
const MOST_BAD = 0.05;

/** What was assumed about checksums. */
export function assumedChecksums({ offloaded, cut }: ChecksumCounts): string[] {
  if (offloaded === 0) return [];
  const unfinished =
    cut === 0 ? '' : ` (${counted(cut, 'of them is', 'of them are')} truncated and cannot be finished)`;
  const what = counted(offloaded, 'packet with an offloaded checksum', 'packets with offloaded checksums');
  return [`${what}: taken as good and finished${unfinished}`];
}

/** A warning if too many of the PACKETS have bad checksums. With `verify`, that is what was asked for. */
export function checksumWarnings({ bad }: ChecksumCounts, packets: number, mode: ChecksumMode): string[] {
  if (mode === 'verify' || bad <= packets * MOST_BAD) return [];
  return [
    `${bad} of ${counted(packets, 'packet has', 'packets have')} a bad checksum and ` +
      'cannot belong to any connection (INVALID): if the capture was edited or made anonymous, repair it with ' +
      'tcprewrite --fixcsum, or use --checksums trust',
  ];
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
