/**
 * IP options (RFC 791, section 3.1). They are checked when the packet is routed in (after the PREROUTING hook),
 * completed when it is forwarded (after the FORWARD hook), and echoed in errors about it.
 *
 * Only packets with a header longer than 20 bytes need any of this.
 */
import type { LoadedAddress } from '../../codecs/byte-order.js';
import { internetChecksum } from '../../codecs/checksum.js';
import { IPV4_CHECKSUM_AT, IPV4_DESTINATION_AT, IPV4_LENGTH } from '../../codecs/layouts.js';
import type { InputRoute } from '../host/route-decision.js';
import { type Packet, PacketType } from '../packet.js';

/** Option types (IANA, "IP Option Numbers"). */
export const IpOption = {
  END: 0,
  NOOP: 1,
  RECORD_ROUTE: 7,
  TIMESTAMP: 68,
  LOOSE_SOURCE_ROUTE: 131,
  CIPSO: 134,
  STRICT_SOURCE_ROUTE: 137,
  ROUTER_ALERT: 148,
} as const;

/** The kinds of timestamp option (RFC 791, section 3.1): times only, with addresses, with prespecified addresses. */
const TimestampKind = { TIME_ONLY: 0, WITH_ADDRESS: 1, PRESPECIFIED: 3 } as const;

const MAX_MISSED_HOPS = 15;
/** Offset of the pointer in a source-route, record-route or timestamp option, and the lowest valid pointers. */
const POINTER_AT = 2;
const FIRST_ROUTE_SLOT = 4;
const FIRST_TIMESTAMP_SLOT = 5;
const ADDRESS_LENGTH = 4;
const MIN_CIPSO_LENGTH = 8;
/** Offset of the domain of interpretation. This host knows no domain. */
const CIPSO_DOMAIN_AT = 2;

/** The options of one packet and what they ask for (struct ip_options). One object is reused for all packets. */
export class IpOptions {
  /** Length of the options in bytes; 0 if there are none. */
  length = 0;
  /** Offset of each option in the IP header, in bytes; 0 if it is absent. */
  recordRouteAt = 0;
  timestampAt = 0;
  sourceRouteAt = 0;
  cipsoAt = 0;
  /** The option asked for an address of the host, which is in the slot before the pointer. */
  recordRouteNeedsAddress = false;
  timestampNeedsAddress = false;
  timestampNeedsTime = false;
  /** The source route leads to `nextHop`, which becomes the destination when the packet is forwarded. */
  isSourceRouteHit = false;
  nextHop: LoadedAddress = 0;
  /** The source route is strict, but the next hop is reached through a gateway. */
  isStrictViaGateway = false;
  /** The packet was rewritten, but its IP checksum was not updated yet. That happens only if it is forwarded. */
  isChanged = false;
  /** Offset of the header byte that a parameter problem (ICMP 12/0) is about. */
  errorPointer = 0;

  clear(): void {
    this.length = 0;
    this.recordRouteAt = 0;
    this.timestampAt = 0;
    this.sourceRouteAt = 0;
    this.cipsoAt = 0;
    this.recordRouteNeedsAddress = false;
    this.timestampNeedsAddress = false;
    this.timestampNeedsTime = false;
    this.isSourceRouteHit = false;
    this.nextHop = 0;
    this.isStrictViaGateway = false;
    this.isChanged = false;
    this.errorPointer = 0;
  }

  get hasSourceRoute(): boolean {
    return this.sourceRouteAt !== 0;
  }
}

/** What option processing needs to know about the host. */
export interface OptionsHost {
  /**
   * The host's address (as loaded little-endian) for PACKET: its destination if that is local, or else the source
   * address of a reply to its sender (fib_compute_spec_dst).
   */
  ownAddressFor(packet: Packet): number;
  /** Whether ADDRESS (as loaded little-endian) is a unicast address of another host (inet_addr_type RTN_UNICAST). */
  isRemote(address: number): boolean;
  /** Milliseconds since midnight UTC (inet_current_timestamp). */
  millisecondsOfDay(packet: Packet): number;
}

/**
 * Checks and processes the options of PACKET before it is routed in (ip_options_compile). Record route and timestamp
 * advance by one slot and receive the host's address and the time. The IP checksum is not updated yet.
 *
 * Returns whether the options are valid. If not, OPTIONS holds the options before the fault, `errorPointer` is the
 * offset of the fault, and the packet must be dropped and answered with ICMP 12/0. Refusing a source route is up to the
 * caller.
 */
export function processOptions(packet: Packet, options: IpOptions, host: OptionsHost): boolean {
  options.clear();
  options.length = packet.headerLength - IPV4_LENGTH;
  const { bytes, at } = packet;
  const end = at + packet.headerLength;
  for (let option = at + IPV4_LENGTH; option < end; ) {
    const type = bytes[option];
    if (type === IpOption.END) {
      zeroAfterEnd(bytes, option + 1, end, options);
      return true;
    }
    if (type === IpOption.NOOP) {
      option++;
      continue;
    }
    const length = option + 1 < end ? bytes[option + 1] : 0;
    const fault = length < 2 || option + length > end ? 0 : processOption(packet, option, type, length, options, host);
    if (fault >= 0) {
      options.errorPointer = option - at + fault;
      return false;
    }
    option += length;
  }
  return true;
}

const NO_FAULT = -1;

/** Processes one option. Returns the offset of the faulty byte in it, or NO_FAULT. */
function processOption(
  packet: Packet,
  option: number,
  type: number,
  length: number,
  options: IpOptions,
  host: OptionsHost,
): number {
  const { bytes } = packet;
  switch (type) {
    case IpOption.LOOSE_SOURCE_ROUTE:
    case IpOption.STRICT_SOURCE_ROUTE:
      if (length < 3) return 1;
      if (bytes[option + POINTER_AT] < FIRST_ROUTE_SLOT) return POINTER_AT;
      if (options.sourceRouteAt !== 0) return 0;
      options.sourceRouteAt = option - packet.at;
      return NO_FAULT;
    case IpOption.RECORD_ROUTE:
      return processRecordRoute(packet, option, length, options, host);
    case IpOption.TIMESTAMP:
      return processTimestamp(packet, option, length, options, host);
    case IpOption.ROUTER_ALERT:
      return length < 4 ? 1 : NO_FAULT;
    case IpOption.CIPSO:
      if (options.cipsoAt !== 0) return 0;
      options.cipsoAt = option - packet.at;
      return cipsoFault(length);
    default:
      return NO_FAULT;
  }
}

function processRecordRoute(
  packet: Packet,
  option: number,
  length: number,
  options: IpOptions,
  host: OptionsHost,
): number {
  const { bytes, view } = packet;
  if (options.recordRouteAt !== 0) return 0;
  if (length < 3) return 1;
  const pointer = bytes[option + POINTER_AT];
  if (pointer < FIRST_ROUTE_SLOT) return POINTER_AT;
  if (pointer <= length) {
    if (pointer + ADDRESS_LENGTH - 1 > length) return POINTER_AT;
    view.setInt32(option + pointer - 1, host.ownAddressFor(packet), true);
    bytes[option + POINTER_AT] = pointer + ADDRESS_LENGTH;
    options.recordRouteNeedsAddress = true;
    options.isChanged = true;
  }
  options.recordRouteAt = option - packet.at;
  return NO_FAULT;
}

function processTimestamp(
  packet: Packet,
  option: number,
  length: number,
  options: IpOptions,
  host: OptionsHost,
): number {
  const { bytes, view } = packet;
  if (options.timestampAt !== 0) return 0;
  if (length < 4) return 1;
  const pointer = bytes[option + POINTER_AT];
  const kind = bytes[option + 3] & 0xf;
  if (pointer < FIRST_TIMESTAMP_SLOT) return POINTER_AT;
  if (pointer > length) {
    if (kind !== TimestampKind.PRESPECIFIED) {
      const missed = bytes[option + 3] >> 4;
      if (missed === MAX_MISSED_HOPS) return 3;
      bytes[option + 3] = kind | ((missed + 1) << 4);
      options.isChanged = true;
    }
    options.timestampAt = option - packet.at;
    return NO_FAULT;
  }
  if (pointer + 3 > length) return POINTER_AT;
  const slot = option + pointer - 1;
  if (kind === TimestampKind.TIME_ONLY) {
    view.setUint32(slot, host.millisecondsOfDay(packet));
    bytes[option + POINTER_AT] = pointer + 4;
    options.timestampNeedsTime = true;
    options.isChanged = true;
  } else if (kind === TimestampKind.WITH_ADDRESS || kind === TimestampKind.PRESPECIFIED) {
    if (pointer + 7 > length) return POINTER_AT;
    const isOurs = kind === TimestampKind.WITH_ADDRESS || !host.isRemote(view.getInt32(slot, true));
    if (isOurs) {
      if (kind === TimestampKind.WITH_ADDRESS) {
        view.setInt32(slot, host.ownAddressFor(packet), true);
        options.timestampNeedsAddress = true;
      }
      view.setUint32(slot + ADDRESS_LENGTH, host.millisecondsOfDay(packet));
      bytes[option + POINTER_AT] = pointer + 8;
      options.timestampNeedsTime = true;
      options.isChanged = true;
    }
  }
  options.timestampAt = option - packet.at;
  return NO_FAULT;
}

/** The offset of the fault in a CIPSO option. Without configured labels there always is one (cipso_v4_validate). */
function cipsoFault(length: number): number {
  return length < MIN_CIPSO_LENGTH ? 1 : CIPSO_DOMAIN_AT;
}

function zeroAfterEnd(bytes: Uint8Array, from: number, end: number, options: IpOptions): void {
  for (let i = from; i < end; i++) {
    if (bytes[i] !== IpOption.END) {
      bytes[i] = IpOption.END;
      options.isChanged = true;
    }
  }
}

/** Where a packet with a source route goes next. */
export const SourceRoute = {
  /** Where it was routed already, or to the hop that was found. */
  FOLLOW: 0,
  /** Nowhere, because the option is faulty: the sender is told (`errorPointer`). */
  FAULT: 1,
  /** Nowhere, silently. */
  DROP: 2,
} as const;
export type SourceRoute = (typeof SourceRoute)[keyof typeof SourceRoute];

/**
 * Follows the source route of PACKET, which has been routed, to its next hop. ROUTE_TO routes the packet to a hop (as
 * loaded little-endian) instead, and returns the route, or undefined if there is none. Hops that are this host itself
 * are passed at once (ip_options_rcv_srr).
 */
export function followSourceRoute(
  packet: Packet,
  options: IpOptions,
  routeTo: (hop: LoadedAddress) => InputRoute | undefined,
): SourceRoute {
  const { bytes, view, at } = packet;
  const option = at + options.sourceRouteAt;
  const isStrict = bytes[option] === IpOption.STRICT_SOURCE_ROUTE;
  if (packet.type !== PacketType.HOST || packet.isToMany || packet.routeDev < 0) return SourceRoute.DROP;
  if (!packet.isForHost) {
    options.errorPointer = IPV4_DESTINATION_AT;
    return isStrict ? SourceRoute.FAULT : SourceRoute.FOLLOW;
  }
  const length = bytes[option + 1];
  for (let pointer = bytes[option + POINTER_AT]; pointer <= length; pointer += ADDRESS_LENGTH) {
    if (pointer + ADDRESS_LENGTH - 1 > length) {
      options.errorPointer = options.sourceRouteAt + POINTER_AT;
      return SourceRoute.FAULT;
    }
    const hop = view.getInt32(option + pointer - 1, true);
    const route = routeTo(hop);
    if (route === undefined) return SourceRoute.DROP;
    options.isChanged = true;
    if (!packet.isForHost) {
      options.isSourceRouteHit = true;
      options.nextHop = hop;
      options.isStrictViaGateway = isStrict && route.usesGateway;
      return SourceRoute.FOLLOW;
    }
    view.setInt32(at + IPV4_DESTINATION_AT, hop, true);
    packet.reload();
  }
  return SourceRoute.FOLLOW;
}

/**
 * Completes the options of a forwarded packet, after the FORWARD hook. Record route receives the host's address on the
 * way (EGRESS_ADDRESS of the packet, as loaded little-endian: the route's preferred source, or else the egress device's
 * address for the next hop). So does a source route, whose next hop becomes the packet's destination. Recomputes the IP
 * checksum if anything was rewritten (ip_forward_options).
 */
export function forwardOptions(
  packet: Packet,
  options: IpOptions,
  egressAddress: (packet: Packet) => LoadedAddress,
): void {
  const { bytes, view, at } = packet;
  if (options.recordRouteNeedsAddress) {
    const option = at + options.recordRouteAt;
    view.setInt32(option + bytes[option + POINTER_AT] - 1 - ADDRESS_LENGTH, egressAddress(packet), true);
    options.isChanged = true;
  }
  if (options.isSourceRouteHit) passHop(packet, options, egressAddress);
  if (!options.isChanged) return;
  options.isChanged = false;
  view.setUint16(at + IPV4_CHECKSUM_AT, 0);
  view.setUint16(at + IPV4_CHECKSUM_AT, internetChecksum(view, at, packet.headerLength));
}

/** Makes the next hop of a source route the destination, and puts the host's address in its place. */
function passHop(packet: Packet, options: IpOptions, egressAddress: (packet: Packet) => LoadedAddress): void {
  const { bytes, view, at } = packet;
  const option = at + options.sourceRouteAt;
  const last = bytes[option + 1] - ADDRESS_LENGTH + 1;
  let pointer = bytes[option + POINTER_AT];
  while (pointer <= last && view.getInt32(option + pointer - 1, true) !== options.nextHop) pointer += ADDRESS_LENGTH;
  if (pointer <= last) {
    view.setInt32(at + IPV4_DESTINATION_AT, options.nextHop, true);
    packet.reload();
    view.setInt32(option + pointer - 1, egressAddress(packet), true);
    bytes[option + POINTER_AT] = pointer + ADDRESS_LENGTH;
  }
  if (options.timestampNeedsAddress) {
    const timestamp = at + options.timestampAt;
    view.setInt32(timestamp + bytes[timestamp + POINTER_AT] - 1 - 2 * ADDRESS_LENGTH, egressAddress(packet), true);
  }
}
