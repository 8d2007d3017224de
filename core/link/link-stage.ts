/**
 * hot: the first stage of a frame: finds the IPv4 packet in it, determines how it was addressed, and ensures room for
 * the Ethernet header with which it will leave.
 */
import { ETHERNET_DESTINATION_AT, ETHERNET_LENGTH, ETHERNET_SOURCE_AT } from '../../codecs/layouts.js';
import { type Packet, PacketType } from '../packet.js';
import { type Frame, PACKET_TYPE_FROM_LINK } from './frame.js';
import { IpLocation, isSessionPacket, type LinkSkip, locateIp } from './locate-ip.js';

/** An IPv4 packet and the bytes around it. */
export interface PacketBytes {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Offset of the packet. There is room for an Ethernet header before it. */
  readonly at: number;
  /** Number of captured bytes and of bytes on the wire (both include Ethernet padding). */
  readonly captured: number;
  readonly onWire: number;
}

const LARGEST_PACKET = 0xffff;

/** The packet of the last frame. */
export class LinkStage implements PacketBytes {
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(this.bytes.buffer);
  at = 0;
  captured = 0;
  onWire = 0;
  packetType: PacketType = PacketType.HOST;
  mark = 0;
  #frame: Frame | undefined;
  /** The interface has no MAC addresses, whatever the capture has. */
  #isBare = false;
  readonly #location = new IpLocation();
  /** Buffer for packets without enough headroom. */
  #copy: Uint8Array | undefined;
  #copyView: DataView | undefined;

  /** The reason why the last frame was skipped, if `take` returned false. */
  get skip(): LinkSkip {
    return this.#location.skip ?? 'not-ip';
  }

  /** Tells PACKET the MAC addresses of the frame. Call it before a packet leaves, which overwrites the frame. */
  copyMacs(packet: Packet): void {
    const isEthernet = this.#location.linkKind === 'ethernet' && !this.#isBare;
    if (!isEthernet || this.#frame === undefined) packet.sourceMac = -1;
    else copyMacs(packet, this.#frame.view, this.#frame.at);
  }

  /**
   * Finds the IPv4 packet in FRAME. Returns false if there is none for the host. IS_BARE: packets of the
   * interface have no link header, and all are addressed to the host; those of PPPoE sessions are received by it.
   */
  take(frame: Frame, isBare: boolean): boolean {
    const location = this.#location;
    if (!locateIp(frame, location) && !(isBare && isSessionPacket(location))) return false;
    this.#frame = frame;
    this.#isBare = isBare;
    this.bytes = frame.bytes;
    this.view = frame.view;
    this.at = location.at;
    this.captured = location.captured;
    this.onWire = location.onWire;
    this.mark = frame.mark;
    this.packetType = isBare ? PacketType.HOST : packetTypeOf(frame, location);
    const room = Math.min(location.at, location.at - frame.at + frame.headroom);
    if (room < ETHERNET_LENGTH) this.#makeRoom();
    return true;
  }

  #makeRoom(): void {
    const wanted = ETHERNET_LENGTH + Math.max(this.captured, LARGEST_PACKET);
    if (this.#copy === undefined || this.#copyView === undefined || this.#copy.length < wanted) {
      this.#copy = new Uint8Array(wanted);
      this.#copyView = new DataView(this.#copy.buffer);
    }
    this.#copy.set(this.bytes.subarray(this.at, this.at + this.captured), ETHERNET_LENGTH);
    this.bytes = this.#copy;
    this.view = this.#copyView;
    this.at = ETHERNET_LENGTH;
  }
}

/** Tells PACKET the MAC addresses of the Ethernet frame at AT. */
export function copyMacs(packet: Packet, view: DataView, at: number): void {
  packet.sourceMacHigh = view.getUint16(at + ETHERNET_SOURCE_AT);
  packet.sourceMacLow = view.getInt32(at + ETHERNET_SOURCE_AT + 2);
  packet.destinationMacHigh = view.getUint16(at + ETHERNET_DESTINATION_AT);
  packet.destinationMacLow = view.getInt32(at + ETHERNET_DESTINATION_AT + 2);
}

/** Only Ethernet headers are used here: a cooked header tells how the frame was addressed to the capturing host. */
function packetTypeOf({ packetType }: Frame, location: IpLocation): PacketType {
  if (packetType !== PACKET_TYPE_FROM_LINK) return packetType;
  return location.linkKind === 'ethernet' ? location.packetType : PacketType.HOST;
}
