/** The options that an ICMP error takes over from the packet that it is about (ip_options_echo, ip_options_build). */
import type { Packet } from '../packet.js';
import { IpOption, type IpOptions } from './ip-options.js';

const ADDRESS_LENGTH = 4;
const PRESPECIFIED = 3;

/**
 * Write the options of an answer to PACKET, whose options are as OPTIONS says, to TO on: its record route and timestamp, moved
 * on a slot that OWN_ADDRESS (the answer's source, as loaded little-endian) fills and NOW_MS (of the day) too, and its CIPSO.
 * Source routes are not answered along. Returns their length, a multiple of 4; -1: there is no answer, as a slot does not
 * fit.
 */
export function echoOptions(
  packet: Packet,
  options: IpOptions,
  view: DataView,
  to: number,
  ownAddress: number,
  dayMs: number,
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
          view.setUint32(end + pointer - 1, dayMs);
          pointer += ADDRESS_LENGTH;
        }
      }
      view.setUint8(end + 2, pointer);
    }
    end += length;
  }
  if (options.cipsoAt !== 0) end += copyOption(packet, options.cipsoAt, view, end);
  for (; (end - to) % 4 !== 0; end++) view.setUint8(end, IpOption.END);
  return end - to;
}

function copyOption(packet: Packet, optionAt: number, view: DataView, to: number): number {
  const from = packet.at + optionAt;
  const length = packet.bytes[from + 1];
  for (let i = 0; i < length; i++) view.setUint8(to + i, packet.bytes[from + i]);
  return length;
}
