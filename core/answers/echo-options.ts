/** The options that an ICMP error takes over from the packet that it is about (ip_options_echo, ip_options_build). */
import { IPV4_SOURCE_AT } from '../../codecs/layouts.js';
import type { Packet } from '../packet.js';
import { IpOption, type IpOptions, type OptionsHost } from './ip-options.js';

const ADDRESS_LENGTH = 4;
const PRESPECIFIED = 3;

/**
 * Write the options of an answer to PACKET, whose options are as OPTIONS says, to TO on: its record route and timestamp, moved
 * on a slot that OWN_ADDRESS (the answer's source, as loaded little-endian) and the time fill, its source route as far as it was
 * travelled, backwards, and its CIPSO. Returns their length, a multiple of 4; -1: there is no answer, as a slot does not fit.
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
  const hops = hopsBack(packet, options);
  if (hops > 0) end += turnSourceRoute(packet, options, view, end, hops);
  if (options.cipsoAt !== 0) end += copyOption(packet, options.cipsoAt, view, end);
  for (; (end - to) % 4 !== 0; end++) view.setUint8(end, IpOption.END);
  return end - to;
}

/**
 * Where an answer to PACKET is routed to, as loaded little-endian: its sender, or the hop of its source route that it came
 * from last.
 */
export function answerDestination(packet: Packet, options: IpOptions | null): number {
  if (options !== null && options.sourceRouteAt !== 0 && hopsBack(packet, options) > 0) {
    return packet.view.getInt32(lastHopAt(packet, options), true);
  }
  return packet.view.getInt32(packet.at + IPV4_SOURCE_AT, true);
}

/** Where the hop of PACKET's source route lies that it passed last. Before the first one: it passed none. */
function lastHopAt(packet: Packet, options: IpOptions): number {
  const option = packet.at + options.sourceRouteAt;
  const length = packet.bytes[option + 1];
  const pointer = Math.min(packet.bytes[option + 2], length + 1);
  return option + pointer - 1 - ADDRESS_LENGTH;
}

/** How many hops an answer's source route has: those that PACKET passed, less a first one that is its sender itself. */
function hopsBack(packet: Packet, options: IpOptions): number {
  if (options.sourceRouteAt === 0) return 0;
  const first = packet.at + options.sourceRouteAt + 3;
  const last = lastHopAt(packet, options);
  if (last < first) return 0;
  const passed = Math.floor((last - first) / ADDRESS_LENGTH) + 1;
  const firstPassed = last - (passed - 1) * ADDRESS_LENGTH;
  const { view } = packet;
  return view.getInt32(packet.at + IPV4_SOURCE_AT) === view.getInt32(firstPassed) ? passed - 1 : passed;
}

/** Write the route back at TO: all hops but the last, which is the answer's destination, and then PACKET's sender. */
function turnSourceRoute(packet: Packet, options: IpOptions, view: DataView, to: number, hops: number): number {
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
