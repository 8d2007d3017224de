/** What a run says about what was left to network cards in its captures. */
import { counted } from '../codecs/text.js';
import type { Emulator } from '../core/emulator.js';
import type { ChecksumCounts, ChecksumMode } from '../core/offload/checksums.js';
import type { CoalescedCounts } from '../core/offload/segments.js';

/** Bad checksums are only worth a warning if they are more than this part of the packets. */
const MOST_BAD = 0.05;

/** What was assumed about what was left to network cards. */
export function assumedOffloads({ checksums, coalesced }: Pick<Emulator, 'checksums' | 'coalesced'>): string[] {
  return [...assumedChecksums(checksums), ...assumedSegments(coalesced)];
}

/** What was assumed about checksums. */
function assumedChecksums({ offloaded, cut }: ChecksumCounts): string[] {
  if (offloaded === 0) return [];
  const unfinished =
    cut === 0 ? '' : ` (${counted(cut, 'of them is', 'of them are')} truncated and cannot be finished)`;
  const what = counted(offloaded, 'packet with an offloaded checksum', 'packets with offloaded checksums');
  return [`${what}: taken as good and finished${unfinished}`];
}

/** What was assumed about the segments of coalesced frames. */
function assumedSegments({ handshake, seen, mtu, datagrams }: CoalescedCounts): string[] {
  const sources: [frames: number, source: string][] = [
    [handshake, 'the MSS of the handshake'],
    [seen, 'the longest packet before'],
    [mtu, 'the MTU of the interface'],
  ];
  const lines = sources
    .filter(([frames]) => frames > 0)
    .map(
      ([frames, source]) => `${counted(frames, 'coalesced frame', 'coalesced frames')}: segment size from ${source}`,
    );
  if (datagrams === 0) return lines;
  const datagram = counted(datagrams, 'coalesced frame was', 'coalesced frames were');
  return [
    ...lines,
    `${datagram} UDP, where the real size of the datagrams can be any: --checksums verify takes them whole`,
  ];
}

/** A warning if too many of the PACKETS have bad checksums. With `verify`, only about those that auto would finish. */
export function checksumWarnings({ bad, unfinished }: ChecksumCounts, packets: number, mode: ChecksumMode): string[] {
  const all = counted(packets, 'packet', 'packets');
  if (mode === 'verify') {
    if (unfinished <= packets * MOST_BAD) return [];
    return [
      `${unfinished} of ${all}: the checksum was left to the network card, and is bad with --checksums verify ` +
        '(INVALID): tcprewrite --fixcsum finishes it in a capture, --checksums auto in a replay',
    ];
  }
  if (bad <= packets * MOST_BAD) return [];
  return [
    `${bad} of ${all}: bad checksum, so the packet belongs to no connection (INVALID): if the capture was edited, ` +
      'shortened or made anonymous, repair it with tcprewrite --fixcsum, or use --checksums trust',
  ];
}
