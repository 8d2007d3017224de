/** The TCP options that SYNPROXY reads and writes (synproxy_parse_options; RFC 9293, 7323 and 2018). */
import { TCP_LENGTH } from '../../codecs/layouts.js';
import { type Packet, tcpHeaderLength } from '../packet.js';

const [END, NO_OPERATION, MSS, WINDOW_SCALE, SACK_PERMITTED, TIMESTAMP] = [0, 1, 2, 3, 4, 8];
const [MSS_BYTES, WINDOW_SCALE_BYTES, SACK_PERMITTED_BYTES, TIMESTAMP_BYTES] = [4, 3, 2, 10];
const MAX_SCALE = 14;

/** Options of a segment. What is undefined is not there. */
export interface ProxyOptions {
  mss: number | undefined;
  windowScale: number | undefined;
  sackPermitted: boolean;
  /** Both 32 bits, unsigned. */
  timestamp: { value: number; echo: number } | undefined;
  /** Not an option: the flags with which congestion notification is agreed. */
  ecn: boolean;
}

/** The options of PACKET, whose TCP header is there but for them; undefined if they are cut. */
export function readOptions(packet: Packet): ProxyOptions | undefined {
  const { bytes, view, l4 } = packet;
  const end = tcpHeaderLength(packet);
  if (end < TCP_LENGTH || packet.l4Available < end) return undefined;
  const options: ProxyOptions = {
    mss: undefined,
    windowScale: undefined,
    sackPermitted: false,
    timestamp: undefined,
    ecn: false,
  };
  for (let at = TCP_LENGTH; at < end; ) {
    const kind = bytes[l4 + at];
    if (kind === END) break;
    if (kind === NO_OPERATION) {
      at++;
      continue;
    }
    const size = bytes[l4 + at + 1];
    if (at + 2 > end || size < 2 || at + size > end) break;
    const value = l4 + at + 2;
    if (kind === MSS && size === MSS_BYTES) options.mss = view.getUint16(value);
    else if (kind === WINDOW_SCALE && size === WINDOW_SCALE_BYTES)
      options.windowScale = Math.min(bytes[value], MAX_SCALE);
    else if (kind === SACK_PERMITTED && size === SACK_PERMITTED_BYTES) options.sackPermitted = true;
    else if (kind === TIMESTAMP && size === TIMESTAMP_BYTES)
      options.timestamp = { value: view.getUint32(value), echo: view.getUint32(value + 4) };
    at += size;
  }
  return options;
}

/** OPTIONS as bytes, padded as Linux does. */
export function writeOptions({ mss, windowScale, sackPermitted, timestamp }: ProxyOptions): number[] {
  const bytes: number[] = [];
  if (mss !== undefined) bytes.push(MSS, MSS_BYTES, mss >>> 8, mss & 0xff);
  const sack = [SACK_PERMITTED, SACK_PERMITTED_BYTES];
  const padding = [NO_OPERATION, NO_OPERATION];
  if (timestamp !== undefined) {
    bytes.push(...(sackPermitted ? sack : padding), TIMESTAMP, TIMESTAMP_BYTES);
    bytes.push(...wordBytes(timestamp.value), ...wordBytes(timestamp.echo));
  } else if (sackPermitted) {
    bytes.push(...padding, ...sack);
  }
  if (windowScale !== undefined) bytes.push(NO_OPERATION, WINDOW_SCALE, WINDOW_SCALE_BYTES, windowScale);
  return bytes;
}

function wordBytes(word: number): number[] {
  return [word >>> 24, (word >>> 16) & 0xff, (word >>> 8) & 0xff, word & 0xff];
}

/** Calls EACH with the offset in PACKET's bytes and the kind of each of its TCP options that has a value of SIZES. */
export function forEachOption(packet: Packet, each: (kind: number, at: number, size: number) => void): void {
  const { bytes, l4 } = packet;
  const end = Math.min(tcpHeaderLength(packet), packet.l4Available);
  for (let at = TCP_LENGTH; at + 1 < end; ) {
    const kind = bytes[l4 + at];
    if (kind === END) return;
    if (kind === NO_OPERATION) {
      at++;
      continue;
    }
    const size = bytes[l4 + at + 1];
    if (size < 2 || at + size > end) return;
    each(kind, l4 + at, size);
    at += size;
  }
}
