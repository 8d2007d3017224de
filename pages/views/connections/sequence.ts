/** TCP sequence numbers of the packets of a connection, from the first one seen in each direction. */
import type { CapturedBytes } from '../../../explain/report/format/packet-bytes.js';
import type { ConnectionFacts } from '../../data/connections/connection-facts.js';
import { decodeFrame } from '../../data/decode/decode.js';

const SYN = 2;
const ACK = 16;

/** `seq 1 ack 1 len 517` of the packets in ROWS, by row; nothing for those whose bytes are not in the report. */
export async function sequenceWords(facts: ConnectionFacts, rows: readonly number[]): Promise<Map<number, string>> {
  const { result, packets } = facts;
  const captured = await Promise.all(rows.map((row) => result.bytesOf(row)));
  const bases: (number | undefined)[] = [undefined, undefined];
  const words = new Map<number, string>();
  for (const [i, row] of rows.entries()) {
    const direction = packets.direction[row];
    const flags = packets.flags[row];
    const arrived = captured[i]?.arrived;
    if (flags < 0 || direction < 0 || arrived === undefined) continue;
    const segment = segmentOf(arrived);
    if (segment === undefined) continue;
    const [sequence, acknowledgment, dataBytes] = segment;
    // The data of a connection begin at 1.
    bases[direction] ??= sequence - (flags & SYN ? 0 : 1);
    if (flags & ACK) bases[1 - direction] ??= acknowledgment - 1;
    const [own, other] = [bases[direction], bases[1 - direction] ?? 0];
    const ack = flags & ACK ? ` ack ${(acknowledgment - other) >>> 0}` : '';
    words.set(row, `seq ${(sequence - own) >>> 0}${ack}${dataBytes > 0 ? ` len ${dataBytes}` : ''}`);
  }
  return words;
}

/** The numbers of the segment in a frame; undefined: its header is not there as a whole. */
function segmentOf({ linktype, bytes }: CapturedBytes): readonly number[] | undefined {
  const layers = decodeFrame(linktype, bytes);
  const [ip, tcp] = ['IPv4', 'TCP'].map((name) => layers.find((layer) => layer.name === name));
  if (!ip || !tcp || tcp.length < TCP_LENGTH) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const { at } = tcp;
  const headers = at - ip.at + (view.getUint8(at + 12) >> 4) * 4;
  return [view.getUint32(at + 4), view.getUint32(at + 8), view.getUint16(ip.at + 2) - headers];
}

const TCP_LENGTH = 20;
