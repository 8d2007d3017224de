/** hot: an input frame, before any header is parsed. */
import type { CaptureRecord } from '../../codecs/capture.js';
import { Linktype } from '../../codecs/linktypes.js';
import type { PacketType } from '../packet.js';

const NO_BYTES = new Uint8Array(0);
const NO_VIEW = new DataView(NO_BYTES.buffer);

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
  /** Its time stamp: seconds since 1970, and nanoseconds below 1,000,000,000. */
  tsSec = 0;
  tsNsec = 0;
  /** The buffer with the frame. `view` covers the same bytes. */
  bytes: Uint8Array = NO_BYTES;
  view: DataView = NO_VIEW;
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

  /** Sets the frame to BYTES, which had WIRELEN bytes on the wire. */
  setBytes(bytes: Uint8Array, wirelen = bytes.length): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = 0;
    this.caplen = bytes.length;
    this.wirelen = wirelen;
    this.headroom = 0;
  }

  /** Sets the frame to that of RECORD, in place. HEADROOM bytes before it may be overwritten. */
  setRecord(record: CaptureRecord, headroom: number): void {
    this.bytes = record.bytes;
    this.view = record.view;
    this.at = record.at;
    this.caplen = record.caplen;
    this.wirelen = record.wirelen;
    this.linktype = record.linktype;
    this.tsSec = record.tsSec;
    this.tsNsec = record.tsNsec;
    this.headroom = headroom;
  }
}
