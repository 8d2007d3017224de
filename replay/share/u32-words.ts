/** Replaces addresses among the numbers of `-m u32`, where they are compared by themselves. */
import { addressFromHostOrder, maskLength } from '../../codecs/address.js';
import type { Replacer } from './replacer.js';

/** `12&0xffffff00=0xc0000200`: the source or destination, perhaps under a mask, and what it is compared with. */
const ADDRESS_TEST = /^(0x0*c|12|0x10|16)(?:&(0x[\da-f]+|\d+))?=(.*)$/i;
const ALL_BITS = 0xffffffff;

/** The replacement of TEXT, the tests of an option. */
export function replaceU32(text: string, replacer: Replacer): string {
  return text
    .split('&&')
    .map((test) => replaceTest(test.replace(/\s+/g, ''), replacer))
    .join('&&');
}

function replaceTest(test: string, replacer: Replacer): string {
  const [, offset, maskText, ranges] = ADDRESS_TEST.exec(test) ?? [];
  if (offset === undefined) return test;
  const mask = maskText === undefined ? ALL_BITS : Number(maskText);
  const length = maskLength(addressFromHostOrder(mask));
  const values = ranges.split(',').map((range) => {
    const [first, last = first] = range.split(':').map((value) => addressFromHostOrder(Number(value)));
    if (length === undefined) return hex(replacer.masked(first, addressFromHostOrder(mask)).hostOrder);
    if (!first.equals(last))
      return replacer
        .range(first, last)
        .map((end) => hex(end.hostOrder))
        .join(':');
    return hex(replacer.inNetwork(first, length).hostOrder);
  });
  return `${offset}${maskText === undefined ? '' : `&${maskText}`}=${values.join(',')}`;
}

const hex = (value: number): string => `0x${value.toString(16)}`;
