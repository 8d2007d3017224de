/** The IP options that an ICMP error copies from the packet it is about (ip_options_echo, ip_options_build). */
import { IPV4_SOURCE_AT } from '../../codecs/layouts.js';
import type { Packet } from '../packet.js';
import { IpOption, type IpOptions, type OptionsHost } from './ip-options.js';

const ADDRESS_LENGTH = 4;
const PRESPECIFIED = 3;

/**
 * Writes the options of an answer to PACKET at offset TO of VIEW, and returns their length (a multiple of 4), or -1 if
 * a slot does not fit, in which case there is no answer. OPTIONS are PACKET's options.
 *
 * Record route and timestamp advance by one slot, filled with OWN_ADDRESS (the answer's source, as loaded
 * little-endian) and the time. The part of the source route already traveled is reversed. CIPSO is copied.
 */
export function echoOptions(
  packet: Packet,
  options: IpOptions,
  view: DataView,
  to: number,
  ownAddress: number,
  host: OptionsHost,
): number {
  let end = to;
  if (options.recordRouteAt !== 0) {
    const length = copyOption(packet, options.recordRouteAt, view, end);
    const pointer = view.getUint8(end + 2);
    if (options.recordRouteNeedsAddress && pointer <= length) {
      if (pointer + 3 > length) return -1;
      view.setUint8(end + 2, pointer + ADDRESS_LENGTH);
      view.setInt32(end + pointer - 1, ownAddress, true);
    }
    end += length;
  }
  if (options.timestampAt !== 0) {
    const length = copyOption(packet, options.timestampAt, view, end);
    let pointer = view.getUint8(end + 2);
    const kind = view.getUint8(end + 3) & 0xf;
    if (pointer <= length) {
      if (options.timestampNeedsAddress) {
        if (pointer + 3 > length) return -1;
        view.setInt32(end + pointer - 1, ownAddress, true);
        pointer += ADDRESS_LENGTH;
      }
      if (options.timestampNeedsTime) {
        if (pointer + 3 > length) return -1;
        if (kind !== PRESPECIFIED) {
          view.setUint32(end + pointer - 1, host.millisecondsOfDay(packet));
          pointer += ADDRESS_LENGTH;
        } else if (pointer + 7 <= length && !host.isRemote(view.getInt32(end + pointer - 1, true))) {
          view.setUint32(end + pointer - 1 + ADDRESS_LENGTH, host.millisecondsOfDay(packet));
          pointer += 2 * ADDRESS_LENGTH;
        }
      }
      view.setUint8(end + 2, pointer);
    }
    end += length;
  }
  const hops = countReturnHops(packet, options);
  if (hops > 0) end += reverseSourceRoute(packet, options, view, end, hops);
  if (options.cipsoAt !== 0) end += copyOption(packet, options.cipsoAt, view, end);
  for (; (end - to) % 4 !== 0; end++) view.setUint8(end, IpOption.END);
  return end - to;
}

/**
 * The address to which an answer to PACKET is routed, as loaded little-endian: the last hop of its source route, or
 * else its sender.
 */
export function answerDestination(packet: Packet, options: IpOptions | null): number {
  if (options !== null && options.sourceRouteAt !== 0 && countReturnHops(packet, options) > 0) {
    return packet.view.getInt32(lastHopAt(packet, options), true);
  }
  return packet.view.getInt32(packet.at + IPV4_SOURCE_AT, true);
}

/**
 * Offset of the hop in PACKET's source route that it passed last. If it passed none, the offset is before the first
 * hop.
 */
function lastHopAt(packet: Packet, options: IpOptions): number {
  const option = packet.at + options.sourceRouteAt;
  const length = packet.bytes[option + 1];
  const pointer = Math.min(packet.bytes[option + 2], length + 1);
  return option + pointer - 1 - ADDRESS_LENGTH;
}

/**
 * Number of hops in an answer's source route: those PACKET passed, without the first one if that is the sender itself.
 */
function countReturnHops(packet: Packet, options: IpOptions): number {
  if (options.sourceRouteAt === 0) return 0;
  const first = packet.at + options.sourceRouteAt + 3;
  const last = lastHopAt(packet, options);
  if (last < first) return 0;
  const passed = Math.floor((last - first) / ADDRESS_LENGTH) + 1;
  const firstPassed = last - (passed - 1) * ADDRESS_LENGTH;
  const { view } = packet;
  return view.getInt32(packet.at + IPV4_SOURCE_AT) === view.getInt32(firstPassed) ? passed - 1 : passed;
}

/**
 * Writes the reversed route at TO: all hops except the last, which is the answer's destination, followed by PACKET's
 * sender.
 */
function reverseSourceRoute(packet: Packet, options: IpOptions, view: DataView, to: number, hops: number): number {
  const length = 3 + hops * ADDRESS_LENGTH;
  view.setUint8(to, packet.bytes[packet.at + options.sourceRouteAt]);
  view.setUint8(to + 1, length);
  view.setUint8(to + 2, 4);
  let hop = lastHopAt(packet, options);
  for (let i = 0; i < hops - 1; i++) {
    hop -= ADDRESS_LENGTH;
    view.setInt32(to + 3 + i * ADDRESS_LENGTH, packet.view.getInt32(hop));
  }
  view.setInt32(to + length - ADDRESS_LENGTH, packet.view.getInt32(packet.at + IPV4_SOURCE_AT));
  return length;
}

function copyOption(packet: Packet, optionAt: number, view: DataView, to: number): number {
  const from = packet.at + optionAt;
  const length = packet.bytes[from + 1];
  for (let i = 0; i < length; i++) view.setUint8(to + i, packet.bytes[from + i]);
  return length;
}
