/** hot: what the tracker reads of a TCP segment. */
import {
  TCP_ACKNOWLEDGMENT_AT,
  TCP_DATA_OFFSET_AT,
  TCP_FIN,
  TCP_FLAGS_AT,
  TCP_LENGTH,
  TCP_SEQUENCE_AT,
  TCP_SYN,
  TCP_WINDOW_AT,
} from '../../codecs/layouts.js';
import type { Packet } from '../packet.js';
import { FLAGS_MASK, SCALE_SHIFT, SideFlag } from './tcp-record.js';
import { kindOf, SegmentKind } from './tcp-states.js';

/** Option kinds (RFC 9293, section 3.1; RFC 7323, section 2.2; RFC 2018, sections 2 and 3). */
const END_OF_OPTIONS = 0;
const NO_OPERATION = 1;
const WINDOW_SCALE = 3;
const SACK_PERMITTED = 4;
const SACK = 5;

/** The largest shift there is (RFC 7323, section 2.3). */
const MAX_SCALE = 14;
/** A block of SACK: its left edge, its right edge. */
const SACK_BLOCK_LENGTH = 8;

/** Whether sequence number A lies before B: half the circle of 2^32 is before, half after (RFC 9293, section 3.4). */
export function before(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

/** Whether sequence number A lies after B. */
export function after(a: number, b: number): boolean {
  return ((b - a) | 0) < 0;
}

/** A segment, decoded into one reused record. Sequence numbers are int32, to be compared by `before` and `after`. */
export class TcpSegment {
  flags = 0;
  kind: SegmentKind = SegmentKind.OTHER;
  sequence = 0;
  acknowledgment = 0;
  /** The sequence number behind the segment, where a SYN and a FIN count one each (RFC 9293: SEG.SEQ + SEG.LEN). */
  end = 0;
  /** The window field, not scaled. */
  window = 0;

  #view: DataView = new DataView(new ArrayBuffer(0));
  #optionsAt = 0;
  #optionsEnd = 0;

  /** Take in the header of PACKET, which is a valid segment. */
  read(packet: Packet): void {
    const { view, l4 } = packet;
    const headerLength = headerLengthOf(packet);
    const flags = view.getUint8(l4 + TCP_FLAGS_AT);
    this.flags = flags;
    this.kind = kindOf(flags);
    this.sequence = view.getInt32(l4 + TCP_SEQUENCE_AT);
    this.acknowledgment = view.getInt32(l4 + TCP_ACKNOWLEDGMENT_AT);
    this.end = (this.sequence + packet.l4Length - headerLength + ((flags & TCP_SYN) >>> 1) + (flags & TCP_FIN)) | 0;
    this.window = view.getUint16(l4 + TCP_WINDOW_AT);
    this.#view = view;
    this.#optionsAt = l4 + TCP_LENGTH;
    // Options that a snaplen cut away are not there.
    this.#optionsEnd = Math.min(l4 + headerLength, packet.at + packet.available);
  }

  /** Whether there are any options, so much as padding. */
  get hasOptions(): boolean {
    return this.#optionsEnd > this.#optionsAt;
  }

  /** What only SYNs say, as SIDE_OPTIONS holds it: whether windows may be scaled and by how much, whether SACK may be used. */
  handshakeOptions(): number {
    let options = 0;
    const view = this.#view;
    const end = this.#optionsEnd;
    let length: number;
    for (let at = this.#optionsAt; at < end; at += length) {
      const option = view.getUint8(at);
      length = optionLength(view, at, end);
      if (length === 0) return options;
      if (option === WINDOW_SCALE && length === 3) {
        const scale = Math.min(view.getUint8(at + 2), MAX_SCALE);
        options = (options & FLAGS_MASK) | SideFlag.WINDOW_SCALE | (scale << SCALE_SHIFT);
      } else if (option === SACK_PERMITTED && length === 2) {
        options |= SideFlag.SACK_PERMITTED;
      }
    }
    return options;
  }

  /** The highest right edge of the SACK blocks, or the acknowledgment where none lies behind that. */
  acknowledgedUpTo(): number {
    let highest = this.acknowledgment;
    const view = this.#view;
    const end = this.#optionsEnd;
    let length: number;
    for (let at = this.#optionsAt; at < end; at += length) {
      const option = view.getUint8(at);
      length = optionLength(view, at, end);
      if (length === 0) return highest;
      if (option !== SACK || length < 2 + SACK_BLOCK_LENGTH || (length - 2) % SACK_BLOCK_LENGTH !== 0) continue;
      for (let block = at + 2; block < at + length; block += SACK_BLOCK_LENGTH) {
        const rightEdge = view.getInt32(block + 4);
        if (after(rightEdge, highest)) highest = rightEdge;
      }
      return highest;
    }
    return highest;
  }
}

/** The header's length with its options, in bytes. */
export function headerLengthOf(packet: Packet): number {
  return (packet.view.getUint8(packet.l4 + TCP_DATA_OFFSET_AT) >>> 4) * 4;
}

/** Length of the option at AT in bytes, 0: it ends the list, or does not fit before END. */
function optionLength(view: DataView, at: number, end: number): number {
  const option = view.getUint8(at);
  if (option === NO_OPERATION) return 1;
  if (option === END_OF_OPTIONS || at + 1 >= end) return 0;
  const length = view.getUint8(at + 1);
  return length < 2 || at + length > end ? 0 : length;
}
