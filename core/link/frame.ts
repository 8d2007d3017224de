/** hot: an input frame, before any header is parsed. */
import type { CaptureRecord } from '../../codecs/capture.js';
import { Linktype } from '../../codecs/linktypes.js';
import type { PacketType } from '../packet.js';

const NO_BYTES = new Uint8Array(0);
const NO_VIEW = new DataView(NO_BYTES.buffer);
const NANOSECONDS_PER_SECOND = 1_000_000_000;

/** `packetType` of a frame that is addressed as its link header says. */
export const PACKET_TYPE_FROM_LINK = -1;

/** The initial fields of a `Frame`. */
export interface FrameFields {
  /** The whole frame, starting with its link header. If omitted, use `setBytes`. */
  readonly bytes?: Uint8Array;
  readonly dev?: number;
  readonly linktype?: number;
  readonly tsSec?: number;
  readonly tsNsec?: number;
}

/**
 * A frame that arrives on an interface, or that the host itself sends. One record can be reused for all frames: fill in
 * what differs from the previous frame.
 *
 * The emulator may rewrite the packet in place in `bytes`.
 */
export class Frame {
  /** The index of the ingress interface; -1 if none. Not needed for frames that the host sends. */
  dev = -1;
  /** The link type (LINKTYPE_ value). Default: Ethernet. */
  linktype: number = Linktype.ETHERNET;
  /**
   * How it was addressed on its link. PACKET_TYPE_FROM_LINK: according to its link header, or to the host if there is
   * no such information.
   */
  packetType: PacketType | typeof PACKET_TYPE_FROM_LINK = PACKET_TYPE_FROM_LINK;
  /** The packet mark that it has from the start, an int32: set by its driver, or by the socket that sends it. */
  mark = 0;
  /** Its time stamp: seconds since 1970, and nanoseconds below 1,000,000,000. */
  tsSec = 0;
  tsNsec = 0;
  #bytes: Uint8Array = NO_BYTES;
  #view: DataView = NO_VIEW;
  /** Offset of the frame in `bytes`. */
  at = 0;
  /** Number of captured bytes, and number of bytes on the wire (larger if truncated by a snaplen). */
  caplen = 0;
  wirelen = 0;
  /** Number of bytes before `at` that may be overwritten. If an Ethernet header fits, the packet need not be copied. */
  headroom = 0;

  constructor(fields: FrameFields = {}) {
    const { bytes, dev = -1, linktype = Linktype.ETHERNET, tsSec = 0, tsNsec = 0 } = fields;
    this.dev = dev;
    this.linktype = linktype;
    this.tsSec = tsSec;
    this.tsNsec = tsNsec;
    if (bytes !== undefined) this.setBytes(bytes);
  }

  /** The buffer with the frame, and a view of the same bytes. Set by `setBytes` and `setRecord`. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  get view(): DataView {
    return this.#view;
  }

  /** Sets the frame to BYTES, which had WIRELEN bytes on the wire. */
  setBytes(bytes: Uint8Array, wirelen = bytes.length): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = 0;
    this.caplen = bytes.length;
    this.wirelen = wirelen;
    this.headroom = 0;
  }

  /** Sets the frame to that of RECORD, in place. HEADROOM bytes before it may be overwritten. */
  setRecord(record: CaptureRecord, headroom: number): void {
    this.#bytes = record.bytes;
    this.#view = record.view;
    this.at = record.at;
    this.caplen = record.caplen;
    this.wirelen = record.wirelen;
    this.linktype = record.linktype;
    this.tsSec = record.tsSec;
    this.tsNsec = record.tsNsec;
    this.headroom = headroom;
  }
}

/**
 * Checks a frame from outside.
 *
 * @throws {RangeError} if FRAME cannot exist: a field is out of range, or its bytes end before it does
 */
export function checkFrame(frame: Frame): void {
  const { at, caplen, wirelen, headroom, tsSec, tsNsec } = frame;
  if (at >>> 0 !== at) throw impossible('at', frame);
  if (caplen >>> 0 !== caplen || at + caplen > frame.bytes.length) throw impossible('caplen', frame);
  if (wirelen >>> 0 !== wirelen || wirelen < caplen) throw impossible('wirelen', frame);
  if (!(headroom >= 0)) throw impossible('headroom', frame);
  if (!Number.isFinite(tsSec)) throw impossible('tsSec', frame);
  if (!(tsNsec >= 0 && tsNsec < NANOSECONDS_PER_SECOND)) throw impossible('tsNsec', frame);
}

/** A frame cannot arrive on DEV: the host has no such interface. */
export function noInterface(dev: number): RangeError {
  return new RangeError(`a frame arrived on interface ${dev}: the host has no interface of this index`);
}

type CheckedField = 'at' | 'caplen' | 'wirelen' | 'headroom' | 'tsSec' | 'tsNsec';

function impossible(field: CheckedField, frame: Frame): RangeError {
  const { bytes, at, caplen } = frame;
  const expected: Record<CheckedField, string> = {
    at: 'the offset of the frame in its bytes',
    caplen: `at most ${bytes.length - at}: the frame starts at ${at} of ${bytes.length} bytes`,
    wirelen: `at least the captured length, ${caplen}`,
    headroom: 'a number of bytes',
    tsSec: 'seconds since 1970',
    tsNsec: 'nanoseconds from 0 to 999,999,999',
  };
  return new RangeError(`impossible frame: its ${field} is ${frame[field]}, expected ${expected[field]}`);
}
