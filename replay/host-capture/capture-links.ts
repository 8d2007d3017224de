/** Which interface of the host a frame was captured on, and whether the host received or sent it. */

import { type CaptureReader, Direction } from '../../codecs/capture.js';
import {
  ETHERNET_DESTINATION_AT,
  ETHERNET_SOURCE_AT,
  IPV4_DESTINATION_AT,
  IPV4_LENGTH,
  IPV4_SOURCE_AT,
  SLL_ADDRESS_AT,
  SLL_ADDRESS_LENGTH_AT,
  SLL2_ADDRESS_AT,
  SLL2_ADDRESS_LENGTH_AT,
  SLL2_INTERFACE_INDEX_AT,
} from '../../codecs/layouts.js';
import { Linktype } from '../../codecs/linktypes.js';
import { AddressType } from '../../core/host/address-type.js';
import type { Host } from '../../core/host/host.js';
import { LOOPBACK_IFINDEX } from '../../core/host/interfaces.js';
import type { IpLocation } from '../../core/link/locate-ip.js';
import { PacketType } from '../../core/packet.js';
import { ReplayOptionsError } from '../errors.js';
import type { CapturePoint, SourceMac } from './captured-frame.js';

/** Why a frame is not followed. */
export type CaptureSkip = 'unknown-interface' | 'other-host' | 'vrf';

const MAC_BYTES = 6;
/** How many unknown interfaces a message names. */
const MAX_NAMED = 8;

/**
 * The interfaces that HOST routes by and that captures which show the interfaces SEEN do not have. IS_COOKED: a capture
 * does not say which interfaces it was taken on; one that shows several was taken on all.
 */
export function unseenOf(host: Host, seen: ReadonlySet<number>, isCooked: boolean): string[] {
  if (isCooked && seen.size > 1) return [];
  return host.interfaces.flatMap(({ name, index, isLoopback, addresses }) =>
    isLoopback || addresses.length === 0 || seen.has(index) ? [] : [name],
  );
}

/** What of a record, and of where its packet is, says on which interface it was captured. */
export interface LinkRecord
  extends Pick<CaptureReader, 'path' | 'linktype' | 'interfaceName' | 'direction' | 'view' | 'at'> {
  /** Of a copy: what it was read by. */
  readonly reader?: object;
}
export type LinkLocation = Pick<IpLocation, 'at' | 'captured' | 'isOutgoing' | 'packetType'>;

/** Finds the interface and the direction of frames, as far as their captures and the host say it. */
export class CaptureLinks {
  /** Frames by the interface that the host does not have, in words. */
  readonly unknown = new Map<string, number>();
  /** Frames whose interface was found by address and route. */
  guessed = 0;
  /** Frames whose interface the host has. */
  known = 0;
  /** Frames that are neither from nor to a MAC address of the host. */
  #others = 0;

  #host: Host;
  /** With those of interfaces that are gone: the kernel gives none of them to another one. */
  readonly #byIfindex = new Map<number, number>();
  /** Interfaces by MAC; of several with the same, the one that is no port of another. */
  readonly #byMac = new Map<number, number>();
  /** By the index of an interface: that of the bridge or bond that it is a port of; -1: none. */
  #masters: readonly number[] = [];
  /** By the index of an interface: it is a VRF, or belongs to one, whose routing is not followed. */
  #isVrf: readonly boolean[] = [];
  /** The interface of the last frame of each capture, for frames that are addressed to everybody. */
  readonly #lastDevs = new Map<object, number>();
  /** What is found counts nowhere. */
  #isPeeking = false;

  constructor(host: Host) {
    this.#host = host;
    this.useHost(host);
  }

  /** From now on, frames are captured on HOST. */
  useHost(host: Host): void {
    this.#host = host;
    const links = new Map(host.description.links.map((link) => [link.name, link]));
    this.#masters = host.interfaceNames.map((name) => host.interfaceIndex(links.get(name)?.master ?? ''));
    this.#isVrf = host.interfaceNames.map((name) => {
      const link = links.get(name);
      const kinds = [link?.kind, link?.slaveKind, links.get(link?.master ?? '')?.kind];
      return kinds.includes('vrf');
    });
    this.#byMac.clear();
    for (const { index, ifindex: known, mac, isLoopback, isPresent, linkLength } of host.interfaces) {
      const ifindex = isLoopback ? LOOPBACK_IFINDEX : known;
      if (!isPresent) continue;
      if (ifindex > 0) this.#byIfindex.set(ifindex, index);
      const address = macNumber(mac, 0);
      if (linkLength > 0 && (!this.#byMac.has(address) || this.#masters[index] < 0)) this.#byMac.set(address, index);
    }
  }

  /**
   * Where the packet at LOCATION of RECORD was captured, or why it is skipped. NAMED: the index of the interface that
   * the user has named for this capture; -1: none.
   * @throws {ReplayOptionsError} if the host lacks what the capture refers to
   */
  locate(record: LinkRecord, location: LinkLocation, named: number): CapturePoint | CaptureSkip {
    const point = this.#pointOf(record, location, named);
    if (point === undefined) return 'unknown-interface';
    if (point === 'other-host') return point;
    if (!this.#isPeeking) this.known++;
    if (!this.#isPeeking) this.#lastDevs.set(record.reader ?? record, point.dev);
    return this.#isVrf[point.dev] ? 'vrf' : point;
  }

  /** Same as `locate`, for a frame that is located again when it enters the host, which may be another one by then. */
  peek(record: LinkRecord, location: LinkLocation, named: number): CapturePoint | CaptureSkip {
    this.#isPeeking = true;
    try {
      return this.locate(record, location, named);
    } finally {
      this.#isPeeking = false;
    }
  }

  /** Whether interface DEV is a bridge or a bond. */
  hasPorts(dev: number): boolean {
    return this.#masters.includes(dev);
  }

  /** The index of the bridge or bond that interface DEV is a port of; -1: none. */
  masterOf(dev: number): number {
    return this.#masters[dev];
  }

  #pointOf(record: LinkRecord, location: LinkLocation, given: number): CapturePoint | 'other-host' | undefined {
    const isCooked = record.linktype === Linktype.LINUX_SLL2 || record.linktype === Linktype.LINUX_SLL;
    const name = given < 0 && !isCooked ? record.interfaceName : '';
    const named = name === '' ? given : this.#host.knownIndex(name);
    if (name !== '' && named < 0) return this.#noteUnknown(`interface ${name}`);
    switch (record.linktype) {
      case Linktype.LINUX_SLL2:
      case Linktype.LINUX_SLL:
        return this.#cooked(record, location, named);
      case Linktype.ETHERNET:
        return this.#ethernet(record, location, named);
      default:
        return this.#raw(record, location, named);
    }
  }

  #cooked(record: LinkRecord, location: LinkLocation, named: number): CapturePoint | undefined {
    const { isOutgoing: isDeparture, packetType } = location;
    if (record.linktype === Linktype.LINUX_SLL) {
      const isGuessed = named < 0;
      const dev = isGuessed ? this.#devByRoute(record, location, isDeparture) : named;
      if (dev < 0) return this.#noteUnknown('an interface that no route leads to');
      return { dev, isDeparture, packetType, isGuessed };
    }
    const ifindex = record.view.getUint32(record.at + SLL2_INTERFACE_INDEX_AT);
    const dev = this.#byIfindex.get(ifindex);
    if (dev !== undefined) return { dev, isDeparture, packetType };
    if (this.#byIfindex.size <= 1) {
      throw new ReplayOptionsError(
        `${record.path}: its packets name interfaces by the kernel's indexes, which the host file does not have; ` +
          'it needs the whole output of `ip -j addr` (with ifindex)',
      );
    }
    return this.#noteUnknown(`interface ${ifindex}`);
  }

  #ethernet(record: LinkRecord, location: LinkLocation, named: number): CapturePoint | 'other-host' | undefined {
    const { view, at } = record;
    const source = macNumber(view, at + ETHERNET_SOURCE_AT);
    const destination = macNumber(view, at + ETHERNET_DESTINATION_AT);
    const { packetType } = location;
    if (named >= 0) {
      const { mac, isLoopback } = this.#host.interfaces[named];
      const own = macNumber(mac, 0);
      const isDeparture =
        record.direction === Direction.UNKNOWN ? source === own : record.direction === Direction.OUTBOUND;
      // On lo, each packet is seen as it arrives.
      if (isDeparture && !isLoopback) return { dev: named, isDeparture, packetType: PacketType.HOST };
      const isOthers = packetType === PacketType.HOST && destination !== own;
      return { dev: named, isDeparture: false, packetType: isOthers ? PacketType.OTHERHOST : packetType };
    }
    const from = this.#byMac.get(source);
    if (from !== undefined) {
      return { dev: from, isDeparture: from !== this.#host.loopback, packetType: PacketType.HOST };
    }
    const to = this.#byMac.get(destination);
    if (to !== undefined) return { dev: to, isDeparture: false, packetType: PacketType.HOST };
    // An interface in promiscuous mode shows the frames of others, which the host ignores.
    if (packetType === PacketType.HOST) {
      if (!this.#isPeeking) this.#others++;
      return 'other-host';
    }
    const last = this.#lastDevs.get(record.reader ?? record);
    if (last === undefined) return this.#noteUnknown('an interface that its frames do not show');
    return { dev: last, isDeparture: false, packetType };
  }

  /** Frames without a link header: of a tunnel, which shows what the host receives and what it sends. */
  #raw(record: LinkRecord, location: LinkLocation, named: number): CapturePoint | undefined {
    if (location.captured < IPV4_LENGTH) return this.#noteUnknown('packets without an IP header');
    const source = record.view.getInt32(location.at + IPV4_SOURCE_AT, true);
    const destination = record.view.getInt32(location.at + IPV4_DESTINATION_AT, true);
    const isToHost = this.#isOwn(destination);
    const isFromHost = this.#isOwn(source) || (!isToHost && named >= 0 && this.#routeTo(destination) === named);
    const { direction } = record;
    const leaves = direction === Direction.UNKNOWN ? isFromHost : direction === Direction.OUTBOUND;
    const isDeparture = leaves && named !== this.#host.loopback;
    const dev = named >= 0 ? named : this.#devByRoute(record, location, isDeparture);
    if (named >= 0 && direction === Direction.UNKNOWN && !this.#isPeeking) this.guessed++;
    if (dev < 0) return this.#noteUnknown('an interface that no route leads to');
    return { dev, isDeparture, packetType: PacketType.HOST };
  }

  #devByRoute({ view }: LinkRecord, { at, captured }: LinkLocation, isDeparture: boolean): number {
    if (captured < IPV4_LENGTH) return -1;
    const source = view.getInt32(at + IPV4_SOURCE_AT, true);
    const destination = view.getInt32(at + IPV4_DESTINATION_AT, true);
    if (!this.#isPeeking) this.guessed++;
    if (this.#isOwn(source) && this.#isOwn(destination)) return this.#host.loopback;
    return this.#routeTo(isDeparture ? destination : source);
  }

  /**
   * Refuses captures of which no frame was taken on an interface of the host; PATHS are their names.
   * @throws {ReplayOptionsError}
   */
  refuseOthers(paths: readonly string[]): void {
    if (this.known > 0 || this.unknown.size + this.#others === 0) return;
    const others = this.#others > 0 ? ['frames between the MAC addresses of others'] : [];
    const list = [...this.unknown.keys(), ...others].slice(0, MAX_NAMED).join(', ');
    throw new ReplayOptionsError(
      `${paths.join(', ')}: none of its interfaces is one of the host (${list}); ` +
        'was the capture taken on another host, or before the host was restarted?',
    );
  }

  /** The interface by which the host sends to ADDRESS; -1: none. */
  #routeTo(address: number): number {
    const { reason, outDev } = this.#host.routeOutput(this.#host.routeKey.towards(address));
    return reason === '' ? outDev : -1;
  }

  #isOwn(address: number): boolean {
    return this.#host.addressType(address, -1) === AddressType.LOCAL;
  }

  #noteUnknown(what: string): undefined {
    if (!this.#isPeeking) this.unknown.set(what, (this.unknown.get(what) ?? 0) + 1);
    return undefined;
  }
}

/** The sender's MAC address in the link header of RECORD; undefined if there is none of six bytes. */
export function sourceMacOf({ linktype, bytes, view, at }: CaptureReader): SourceMac {
  switch (linktype) {
    case Linktype.ETHERNET:
      return bytes.subarray(at + ETHERNET_SOURCE_AT, at + ETHERNET_SOURCE_AT + MAC_BYTES);
    case Linktype.LINUX_SLL:
      return view.getUint16(at + SLL_ADDRESS_LENGTH_AT) === MAC_BYTES
        ? bytes.subarray(at + SLL_ADDRESS_AT, at + SLL_ADDRESS_AT + MAC_BYTES)
        : undefined;
    case Linktype.LINUX_SLL2:
      return bytes[at + SLL2_ADDRESS_LENGTH_AT] === MAC_BYTES
        ? bytes.subarray(at + SLL2_ADDRESS_AT, at + SLL2_ADDRESS_AT + MAC_BYTES)
        : undefined;
    default:
      return undefined;
  }
}

/** The MAC address at AT of BYTES as a number of 48 bits. */
function macNumber(bytes: Uint8Array | DataView, at: number): number {
  const view = bytes instanceof DataView ? bytes : new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return view.getUint16(at) * 2 ** 32 + view.getUint32(at + 2);
}
