/** hot: the bytes of one packet: the frame that came, and what the host made of it. */
import { ICMP_ERROR_TYPES } from '../../codecs/assigned-numbers.js';
import {
  ICMP_ID_AT,
  ICMP_LENGTH,
  ICMP_TYPE_AT,
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPV4_FRAGMENT_AT,
  IPV4_LENGTH,
  IPV4_OFFSET_MASK,
  IPV4_PROTOCOL_AT,
  TCP_DATA_OFFSET_AT,
  TCP_LENGTH,
  UDP_LENGTH,
} from '../../codecs/layouts.js';
import { Linktype } from '../../codecs/linktypes.js';
import type { PacketEvent } from '../../core/events.js';
import type { Host } from '../../core/host/host.js';
import { Frame } from '../../core/link/frame.js';
import { IpLocation, locateIp } from '../../core/link/locate-ip.js';
import type { CapturedBytes, PacketBytes } from './format/packet-bytes.js';

/** What has come: as records and frames have it. */
type Arrived = Pick<Frame, 'bytes' | 'view' | 'at' | 'caplen' | 'wirelen' | 'linktype'>;

/** As `egress` of an EmulatorOutput. */
interface LeavingFrame {
  readonly dev: number;
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly available: number;
  readonly length: number;
}

const LOCAL = -2;
/** Of a frame without an IP packet, so much is its header. */
const FOREIGN_HEADER_BYTES = 64;
/** Of a protocol that is not taken apart. */
const OTHER_HEADER_BYTES = 16;

/** Gathers the bytes of one packet after the other. */
export class PacketFrames {
  /** The ID of the ICMP query that came, and as it left; -1: it is none. */
  icmpIdBefore = -1;
  icmpIdAfter = -1;
  readonly #location = new IpLocation();
  #arrived: CapturedBytes | undefined;
  #left: CapturedBytes[] = [];
  #related: CapturedBytes[][] = [];
  /** How deep the packet is that leaves next. */
  #depth = 0;
  /** Some packet is on its way that the host has made because of the one that came. */
  #hasRelated = false;

  /** FRAME has come by interface DEV; -1: it is the host's own. */
  arrive(frame: Arrived, dev: number): void {
    const { bytes, at, caplen, wirelen, linktype } = frame;
    this.#arrived = { linktype, dev, bytes: bytes.slice(at, at + caplen), length: wirelen };
    this.icmpIdBefore = locateIp(frame, this.#location) ? icmpIdIn(bytes, this.#location.at) : -1;
    this.icmpIdAfter = this.icmpIdBefore;
    this.#left = [];
    this.#related = [];
    this.#depth = 0;
    this.#hasRelated = false;
  }

  /** Nobody has its bytes. */
  arriveWithoutBytes(): void {
    this.#arrived = undefined;
  }

  hear({ kind, depth }: PacketEvent): void {
    if (depth === 0) {
      this.#depth = 0;
      return;
    }
    const isMade = kind === 'answered' || kind === 'copied';
    if (depth === 1 ? isMade || !this.#hasRelated : !this.#hasRelated) {
      this.#related.push([]);
      this.#hasRelated = true;
    }
    this.#depth = depth;
  }

  /** A frame of LENGTH bytes leaves HOST by DEV. */
  egress(host: Host, { dev, bytes, at, available, length }: LeavingFrame): void {
    const { linkLength } = host.interfaces[dev];
    const linktype = linkLength === 0 ? Linktype.RAW : Linktype.ETHERNET;
    this.#add({ linktype, dev, bytes: bytes.slice(at, at + available), length }, linkLength);
  }

  local(bytes: Uint8Array, at: number, available: number, length: number): void {
    this.#add({ linktype: Linktype.RAW, dev: LOCAL, bytes: bytes.slice(at, at + available), length }, 0);
  }

  /** The packet of CAPTURED is at IP_AT. */
  #add(captured: CapturedBytes, ipAt: number): void {
    if (this.#depth === 0 && this.#left.length === 0) this.icmpIdAfter = icmpIdIn(captured.bytes, ipAt);
    const frames = this.#depth === 0 ? this.#left : this.#related.at(-1);
    frames?.push(captured);
  }

  /** All of the packet that came last; undefined if nobody has its bytes. */
  get whole(): PacketBytes | undefined {
    const arrived = this.#arrived;
    return arrived && { arrived, left: this.#left, related: this.#related };
  }
}

/** Cuts off what follows the headers of packets. */
export class HeaderCutter {
  readonly #frame = new Frame();
  readonly #location = new IpLocation();

  headersOf({ arrived, left, related }: PacketBytes): PacketBytes {
    return {
      arrived: this.#cut(arrived),
      left: left.map((one) => this.#cut(one)),
      related: related.map((frames) => frames.map((one) => this.#cut(one))),
    };
  }

  #cut(captured: CapturedBytes): CapturedBytes {
    const { bytes, linktype } = captured;
    const frame = this.#frame;
    frame.setBytes(bytes);
    frame.linktype = linktype;
    const isFound = locateIp(frame, this.#location);
    const length = isFound ? this.#location.at + ipHeaders(frame.view, this.#location.at) : FOREIGN_HEADER_BYTES;
    return length >= bytes.length ? captured : { ...captured, bytes: bytes.subarray(0, length) };
  }
}

/** The ID of the ICMP query in the IP packet at AT of BYTES; -1: it is none. */
function icmpIdIn(bytes: Uint8Array, at: number): number {
  if (bytes[at + IPV4_PROTOCOL_AT] !== IPPROTO_ICMP) return -1;
  const offset = ((bytes[at + IPV4_FRAGMENT_AT] << 8) | bytes[at + IPV4_FRAGMENT_AT + 1]) & IPV4_OFFSET_MASK;
  const next = at + ((bytes[at] & 15) << 2);
  if (offset !== 0 || next + ICMP_LENGTH > bytes.length || ICMP_ERROR_TYPES.includes(bytes[next + ICMP_TYPE_AT]))
    return -1;
  return (bytes[next + ICMP_ID_AT] << 8) | bytes[next + ICMP_ID_AT + 1];
}

/** The length of the headers of the IP packet at AT of VIEW, and of the packet that an ICMP error quotes. */
function ipHeaders(view: DataView, at: number): number {
  if (at + IPV4_LENGTH > view.byteLength) return IPV4_LENGTH;
  const length = (view.getUint8(at) & 15) << 2;
  if ((view.getUint16(at + IPV4_FRAGMENT_AT) & IPV4_OFFSET_MASK) !== 0) return length;
  const next = at + length;
  switch (view.getUint8(at + IPV4_PROTOCOL_AT)) {
    case IPPROTO_TCP: {
      const isThere = next + TCP_LENGTH <= view.byteLength;
      return (
        length + (isThere ? Math.max(TCP_LENGTH, (view.getUint8(next + TCP_DATA_OFFSET_AT) >> 4) << 2) : TCP_LENGTH)
      );
    }
    case IPPROTO_UDP:
      return length + UDP_LENGTH;
    case IPPROTO_ICMP: {
      const isError = next < view.byteLength && ICMP_ERROR_TYPES.includes(view.getUint8(next + ICMP_TYPE_AT));
      return length + ICMP_LENGTH + (isError ? ipHeaders(view, next + ICMP_LENGTH) : 0);
    }
    default:
      return length + OTHER_HEADER_BYTES;
  }
}
