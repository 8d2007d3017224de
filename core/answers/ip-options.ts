/**
 * IP options of a packet on its way through the host (RFC 791, section 3.1): checked where it is routed in (after the
 * PREROUTING hook), completed where it is forwarded (after the FORWARD hook), echoed in errors about it.
 *
 * Only packets whose header is longer than 20 bytes need any of this.
 */
import { internetChecksum } from '../../codecs/checksum.js';
import { IPV4_CHECKSUM_AT, IPV4_LENGTH } from '../../codecs/layouts.js';
import type { Packet } from '../packet.js';

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

/** How a timestamp option is filled (RFC 791, section 3.1): times only, with addresses, with addresses given beforehand. */
const TimestampKind = { TIME_ONLY: 0, WITH_ADDRESS: 1, PRESPECIFIED: 3 } as const;

const MOST_MISSED_HOPS = 15;
/** Where a source-route, record-route or timestamp option has its pointer; where its first slot may be, at the least. */
const POINTER_AT = 2;
const FIRST_ROUTE_SLOT = 4;
const FIRST_TIMESTAMP_SLOT = 5;
const ADDRESS_LENGTH = 4;
const LEAST_CIPSO = 8;
/** Its domain of interpretation, of which this host knows none. */
const CIPSO_DOMAIN_AT = 2;

/** What the options of one packet ask for (struct ip_options); one object, reused for each packet. */
export class IpOptions {
  /** Bytes of options; 0: none. */
  length = 0;
  /** Where each lies in the IP header, in bytes from its start; 0: it is not there. */
  recordRouteAt = 0;
  timestampAt = 0;
  sourceRouteAt = 0;
  cipsoAt = 0;
  /** An own address is wanted, and was put, in the slot before the pointer. */
  recordRouteNeedsAddress = false;
  timestampNeedsAddress = false;
  timestampNeedsTime = false;
  /** The packet was rewritten, its IP checksum not yet: that is done only where it is forwarded. */
  isChanged = false;
  /** The byte of the header that a parameter problem (ICMP 12/0) is about. */
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
    this.isChanged = false;
    this.errorPointer = 0;
  }

  get hasSourceRoute(): boolean {
    return this.sourceRouteAt !== 0;
  }
}

/** What options need to know of the host that they pass. */
export interface OptionsHost {
  /**
   * The own address (as loaded little-endian) that PACKET is for: its destination where that is an own address, else the
   * one that the host would answer its sender from (fib_compute_spec_dst).
   */
  ownAddressFor(packet: Packet): number;
  /** Whether ADDRESS (as loaded little-endian) is routed elsewhere by unicast, not an own one (inet_addr_type RTN_UNICAST). */
  isRemote(address: number): boolean;
  /** Milliseconds since midnight UTC (inet_current_timestamp). */
  millisecondsOfDay(packet: Packet): number;
}

/**
 * Check and take in the options of PACKET, which is about to be routed in (ip_options_compile). Record route and timestamp
 * move on a slot, and take the host's own address and time; the IP checksum does not follow yet.
 * Returns whether they are sound; if not, OPTIONS says what went before, and `errorPointer` where the fault lies:
 * the packet is dropped and answered with ICMP 12/0. A source route is for the caller to refuse.
 */
export function takeOptions(packet: Packet, options: IpOptions, host: OptionsHost): boolean {
  options.clear();
  options.length = packet.headerLength - IPV4_LENGTH;
  const { bytes, at } = packet;
  const end = at + packet.headerLength;
  for (let option = at + IPV4_LENGTH; option < end; ) {
    const type = bytes[option];
    if (type === IpOption.END) {
      blankAfterEnd(bytes, option + 1, end, options);
      return true;
    }
    if (type === IpOption.NOOP) {
      option++;
      continue;
    }
    const length = option + 1 < end ? bytes[option + 1] : 0;
    const fault = length < 2 || option + length > end ? 0 : takeOption(packet, option, type, length, options, host);
    if (fault >= 0) {
      options.errorPointer = option - at + fault;
      return false;
    }
    option += length;
  }
  return true;
}

const SOUND = -1;

/** Take in one option; returns the byte of it that is at fault, or SOUND. */
function takeOption(
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
      return SOUND;
    case IpOption.RECORD_ROUTE:
      return takeRecordRoute(packet, option, length, options, host);
    case IpOption.TIMESTAMP:
      return takeTimestamp(packet, option, length, options, host);
    case IpOption.ROUTER_ALERT:
      return length < 4 ? 1 : SOUND;
    case IpOption.CIPSO:
      if (options.cipsoAt !== 0) return 0;
      options.cipsoAt = option - packet.at;
      return faultOfCipso(length);
    default:
      return SOUND;
  }
}

function takeRecordRoute(
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
  return SOUND;
}

function takeTimestamp(packet: Packet, option: number, length: number, options: IpOptions, host: OptionsHost): number {
  const { bytes, view } = packet;
  if (options.timestampAt !== 0) return 0;
  if (length < 4) return 1;
  const pointer = bytes[option + POINTER_AT];
  const kind = bytes[option + 3] & 0xf;
  if (pointer < FIRST_TIMESTAMP_SLOT) return POINTER_AT;
  if (pointer > length) {
    if (kind !== TimestampKind.PRESPECIFIED) {
      const missed = bytes[option + 3] >> 4;
      if (missed === MOST_MISSED_HOPS) return 3;
      bytes[option + 3] = kind | ((missed + 1) << 4);
      options.isChanged = true;
    }
    options.timestampAt = option - packet.at;
    return SOUND;
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
  return SOUND;
}

/** What is wrong with a CIPSO option where no labels are configured: always something (cipso_v4_validate). */
function faultOfCipso(length: number): number {
  return length < LEAST_CIPSO ? 1 : CIPSO_DOMAIN_AT;
}

function blankAfterEnd(bytes: Uint8Array, from: number, end: number, options: IpOptions): void {
  for (let i = from; i < end; i++) {
    if (bytes[i] !== IpOption.END) {
      bytes[i] = IpOption.END;
      options.isChanged = true;
    }
  }
}

/**
 * Complete the options of a packet that was forwarded, after the FORWARD hook: record route takes EGRESS_ADDRESS (as loaded
 * little-endian: the route's preferred source, else the egress device's address towards the next hop); a timestamp keeps the
 * address that it took on arrival. The IP checksum is made anew where something was rewritten (ip_forward_options).
 */
export function forwardOptions(packet: Packet, options: IpOptions, egressAddress: number): void {
  const { bytes, view, at } = packet;
  if (options.recordRouteNeedsAddress) {
    const option = at + options.recordRouteAt;
    view.setInt32(option + bytes[option + POINTER_AT] - 1 - ADDRESS_LENGTH, egressAddress, true);
    options.isChanged = true;
  }
  if (!options.isChanged) return;
  options.isChanged = false;
  view.setUint16(at + IPV4_CHECKSUM_AT, 0);
  view.setUint16(at + IPV4_CHECKSUM_AT, internetChecksum(view, at, packet.headerLength));
}
