/** TCP sequence numbers of the packets of a connection, from the first one seen in each direction. */
import type { CapturedBytes } from '../../../explain/report/format/packet-bytes.js';
import type { ConnectionFacts } from './connection-facts.js';

export interface Segment {
  readonly sequence: number;
  readonly acknowledgment: number;
  readonly dataBytes: number;
}

const SYN = 2;
const ACK = 16;

/** `seq 1 ack 1 len 517` of the packets in ROWS, by row; nothing for those whose bytes are not in the report. */
export async function sequenceWords(facts: ConnectionFacts, rows: readonly number[]): Promise<Map<number, string>> {
  const { result, packets } = facts;
  const captured = await Promise.all(rows.map((row) => result.bytesOf(row)));
  const bases: (number | undefined)[] = [undefined, undefined];
  const words = new Map<number, string>();
  for (const [i, row] of rows.entries()) {
    const bytes = captured[i];
    const direction = packets.direction[row];
    const flags = packets.flags[row];
    const segment = flags < 0 || direction < 0 || bytes === undefined ? undefined : segmentOf(bytes.arrived);
    if (segment === undefined) continue;
    // The data of a connection begin at 1.
    bases[direction] ??= segment.sequence - (flags & SYN ? 0 : 1);
    bases[1 - direction] ??= flags & ACK ? segment.acknowledgment - 1 : undefined;
    words.set(row, segmentWords(segment, flags, bases[direction] ?? 0, bases[1 - direction] ?? 0));
  }
  return words;
}

function segmentWords(segment: Segment, flags: number, own: number, other: number): string {
  const { sequence, acknowledgment, dataBytes } = segment;
  const ack = flags & ACK ? ` ack ${(acknowledgment - other) >>> 0}` : '';
  return `seq ${(sequence - own) >>> 0}${ack}${dataBytes > 0 ? ` len ${dataBytes}` : ''}`;
}

/** Where the IP packet begins, by link type: of Ethernet behind its tags. */
function packetAt(linktype: number, view: DataView): number {
  if (linktype === LINKTYPE_ETHERNET) {
    let at = 12;
    while (at + 4 < view.byteLength && TAGS.includes(view.getUint16(at))) at += 4;
    return at + 2;
  }
  return AT[linktype] ?? 0;
}

const LINKTYPE_ETHERNET = 1;
const TAGS: readonly number[] = [0x8100, 0x88a8];
/** NULL and LOOP, SLL, SLL2; all others begin with the packet. */
const AT: Readonly<Record<number, number>> = { 0: 4, 108: 4, 113: 16, 276: 20 };

/** The TCP header in a frame; undefined: it is not there. */
export function segmentOf({ linktype, bytes }: CapturedBytes): Segment | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = packetAt(linktype, view);
  if (at + 20 > view.byteLength || view.getUint8(at) >> 4 !== 4) return undefined;
  const header = (view.getUint8(at) & 15) * 4;
  const tcp = at + header;
  if (tcp + 14 > view.byteLength) return undefined;
  const dataBytes = view.getUint16(at + 2) - header - (view.getUint8(tcp + 12) >> 4) * 4;
  return {
    sequence: view.getUint32(tcp + 4),
    acknowledgment: view.getUint32(tcp + 8),
    dataBytes: Math.max(0, dataBytes),
  };
}
