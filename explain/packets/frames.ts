/** Frames that bring packets to a host. */
import { toLoaded } from '../../codecs/byte-order.js';
import {
  ETHERNET_LENGTH,
  ETHERTYPE_IPV4,
  ethernet,
  IPV4_DESTINATION_AT,
  IPV4_SOURCE_AT,
} from '../../codecs/layouts.js';
import { Linktype } from '../../codecs/linktypes.js';
import { AddressType } from '../../core/host/address-type.js';
import type { Host } from '../../core/host/host.js';

export interface LinkFrame {
  readonly bytes: Uint8Array;
  readonly linktype: number;
}

/** Six bytes each. */
export interface FrameMacs {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
}

const MAC_BYTES = 6;

/**
 * The frame in which PACKET arrives on interface DEV of HOST, from the neighbour through which HOST routes to its
 * sender, or with MACS. Bare if the interface has no link header.
 */
export function arrivingFrame(host: Host, dev: number, packet: Uint8Array, macs?: FrameMacs): LinkFrame {
  const { linkLength, isLoopback } = host.interfaces[dev];
  if (linkLength === 0) return bareFrame(packet);
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  const source = view.getInt32(IPV4_SOURCE_AT, true);
  const bytes = Buffer.alloc(ETHERNET_LENGTH + packet.length);
  const mac = { source: Buffer.alloc(MAC_BYTES), destination: Buffer.alloc(MAC_BYTES) };
  if (macs !== undefined) {
    mac.source.set(macs.source);
    mac.destination.set(macs.destination);
  } else if (!isLoopback) {
    host.writeMac(dev, neighbourTowards(host, dev, source), mac.source, 0);
    writeDestination(host, dev, view.getInt32(IPV4_DESTINATION_AT, true), mac.destination);
  }
  ethernet.encode({ ...mac, etherType: ETHERTYPE_IPV4 }, bytes);
  bytes.set(packet, ETHERNET_LENGTH);
  return { bytes, linktype: Linktype.ETHERNET };
}

/** PACKET without a link header. */
export function bareFrame(packet: Uint8Array): LinkFrame {
  return { bytes: packet, linktype: Linktype.RAW };
}

/** The neighbour on DEV by which packets from SOURCE come: the router towards it, if there is one, or itself. */
function neighbourTowards(host: Host, dev: number, source: number): number {
  const key = host.routeKey.towards(source);
  key.outDev = dev;
  const route = host.rerouteOutput(key);
  return route.reason === '' && route.outDev === dev && route.type === AddressType.UNICAST ? route.nextHop : source;
}

function writeDestination(host: Host, dev: number, destination: number, into: Uint8Array): void {
  const type = host.addressType(destination, -1);
  const isGroup = type === AddressType.BROADCAST || type === AddressType.MULTICAST;
  if (isGroup) host.writeMac(dev, destination, into, 0);
  else into.set(host.interfaces[dev].mac);
}

/** How packets from SOURCE to DESTINATION (both in host order) get into HOST: by an interface, or from itself. */
export function entryOf(host: Host, source: number, destination: number): number | 'host' | 'nowhere' {
  const key = host.routeKey.towards(toLoaded(source));
  key.source = toLoaded(destination);
  const route = host.rerouteOutput(key);
  if (route.reason !== '') return 'nowhere';
  return route.type === AddressType.LOCAL ? 'host' : route.outDev;
}
