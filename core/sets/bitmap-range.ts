/** The range of a bitmap, and how many addresses share a place (bitmap_ip_create, bitmap_port_create). */
import { prefixMask } from '../../codecs/address.js';
import type { CreateOptions } from './create-options.js';
import { SetFault } from './set-fault.js';

export interface BitmapRange {
  /** In host order. */
  readonly first: number;
  readonly last: number;
  /** How many addresses there are in a place. */
  readonly step: number;
  readonly places: number;
}

const MAX_PLACES = 65_536;

/** The range of OPTIONS. Throws a SetFault. */
export function bitmapRange({ range, netmask = 32 }: CreateOptions, isOfPorts: boolean): BitmapRange {
  if (range === undefined) throw new SetFault('protocol');
  let first = Math.min(range.first, range.last);
  let last = Math.max(range.first, range.last);
  if (isOfPorts) return { first, last, step: 1, places: last - first + 1 };
  if (netmask > 32 || netmask === 0) throw new SetFault('invalid-netmask');
  const mask = prefixMask('ipv4', netmask).tail;
  first = (first & mask) >>> 0;
  last = (last | ~mask) >>> 0;
  let places = last - first + 1;
  if (netmask < 32) {
    const length = commonPrefix(first, last);
    if (length === undefined || netmask <= length) throw new SetFault('bitmap-range');
    places = 2 ** (netmask - length);
  }
  if (places > MAX_PLACES) throw new SetFault('bitmap-range-size');
  return { first, last, step: 2 ** (32 - netmask), places };
}

/**
 * The length of the longest prefix of LAST that is FIRST (range_to_mask): the range may end before its network does.
 * undefined: there is none.
 */
function commonPrefix(first: number, last: number): number | undefined {
  for (let length = 31; length > 0; length--) {
    if ((last & prefixMask('ipv4', length).tail) >>> 0 === first) return length;
  }
  return first === 0 && last === 0xffff_ffff ? 0 : undefined;
}
