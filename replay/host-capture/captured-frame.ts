/** A frame of a capture that was taken on the host itself, with what its link header said. */
import type { CaptureReader } from '../../codecs/capture.js';
import {
  ETHERNET_DESTINATION_AT,
  ETHERNET_LENGTH,
  ETHERNET_SOURCE_AT,
  ETHERNET_TYPE_AT,
  ETHERTYPE_IPV4,
  IPV4_LENGTH,
  IPV4_SOURCE_AT,
  IPV4_TOTAL_LENGTH_AT,
} from '../../codecs/layouts.js';
import type { IpLocation } from '../../core/link/locate-ip.js';
import type { PacketType } from '../../core/packet.js';
import type { LinkLocation, LinkRecord } from './capture-links.js';

/** Where the packet starts in `CapturedFrame.bytes`. */
export const PACKET_AT = ETHERNET_LENGTH;

/** Where a frame was captured. */
export interface CapturePoint {
  /** The index of the host's interface. */
  readonly dev: number;
  /** The host sent it. Otherwise it arrived. */
  readonly isDeparture: boolean;
  readonly packetType: PacketType;
  /** The capture does not say the interface: it was found by address and route. */
  readonly isGuessed?: boolean;
}

export interface CapturedFrame extends CapturePoint {
  /** The user has not left it out (`--filter` and the like): an arrival or an own packet is replayed. */
  readonly isSelected: boolean;
  /** The capture, and the number of the frame in it, from 1. */
  readonly input: number;
  readonly number: number;
  /** The number of the frame in the merged captures, from 1. */
  readonly order: number;
  readonly tsSec: number;
  readonly tsNsec: number;
  /** An Ethernet header, then the packet at PACKET_AT. Cooked headers have only the sender's address. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Bytes of the packet that were captured, and its length on the wire, without padding. */
  readonly captured: number;
  readonly onWire: number;
  /** The host may change before the frame enters it. */
  readonly link?: LinkCopy;
}

/** What the link header of a frame says, to be asked again when the frame enters the host. */
export interface LinkCopy {
  readonly record: LinkRecord;
  readonly location: LinkLocation;
  /** The interface that the user gave for the capture; -1: none. */
  readonly named: number;
}

/** The sender's address in the link header of a frame; undefined: it has none of six bytes. */
export type SourceMac = Uint8Array | undefined;

/** Copies the packet of RECORD, which LOCATION has found, so that the reader may go on. */
export function copyFrame(
  record: CaptureReader,
  { at, captured, onWire }: IpLocation,
  point: CapturePoint,
  source: SourceMac,
  { input, number, order, isSelected }: Pick<CapturedFrame, 'input' | 'number' | 'order' | 'isSelected'>,
): CapturedFrame {
  // Ethernet frames are padded to 60 bytes, which a host that sends its own packet would take as a part of it.
  const total = captured >= IPV4_LENGTH ? record.view.getUint16(at + IPV4_TOTAL_LENGTH_AT) : 0;
  const length = total >= IPV4_LENGTH && total < onWire ? total : onWire;
  const kept = Math.min(captured, length);
  const bytes = new Uint8Array(PACKET_AT + kept);
  const view = new DataView(bytes.buffer);
  if (source !== undefined) bytes.set(source, ETHERNET_SOURCE_AT);
  // The kernel has said how the frame was addressed.
  bytes.fill(0, ETHERNET_DESTINATION_AT, ETHERNET_SOURCE_AT);
  view.setUint16(ETHERNET_TYPE_AT, ETHERTYPE_IPV4);
  bytes.set(record.bytes.subarray(at, at + kept), PACKET_AT);
  const { tsSec, tsNsec } = record;
  return { ...point, isSelected, input, number, order, tsSec, tsNsec, bytes, view, captured: kept, onWire: length };
}

/** Copies the link header of RECORD, and of the packet at LOCATION what says where it was captured. */
export function copyLink(record: CaptureReader, location: IpLocation, named: number): LinkCopy {
  const { path, linktype, interfaceName, direction, bytes, at } = record;
  const { captured, isOutgoing, packetType } = location;
  const copy = bytes.slice(at, location.at + Math.min(captured, IPV4_LENGTH));
  const view = new DataView(copy.buffer);
  return {
    record: { path, linktype, interfaceName, direction, view, at: 0, reader: record },
    location: { at: location.at - at, captured, isOutgoing, packetType },
    named,
  };
}

/** The source of the packet of FRAME, as loaded. */
export function sourceOf({ view }: CapturedFrame): number {
  return view.getInt32(PACKET_AT + IPV4_SOURCE_AT, true);
}

/** How much later B is than A, in milliseconds. */
export function millisecondsBetween(
  a: { tsSec: number; tsNsec: number },
  b: { tsSec: number; tsNsec: number },
): number {
  return (b.tsSec - a.tsSec) * 1000 + (b.tsNsec - a.tsNsec) / 1e6;
}
