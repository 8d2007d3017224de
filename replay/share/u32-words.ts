/** Replaces addresses among the numbers of `-m u32` and `-m bpf`, where they are compared by themselves. */
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
  const values = ranges.split(',').map((range) => {
    const [first, last = first] = range.split(':').map(Number);
    return replaceRange(first, last, mask, replacer).map(hex).join(':');
  });
  return `${offset}${maskText === undefined ? '' : `&${maskText}`}=${values.join(',')}`;
}

/** FIRST and LAST, compared with an address under MASK; one number, if they are the same. */
function replaceRange(first: number, last: number, mask: number, replacer: Replacer): number[] {
  const [low, high] = [addressFromHostOrder(first), addressFromHostOrder(last)];
  const maskAddress = addressFromHostOrder(mask);
  const length = maskLength(maskAddress);
  if (length === undefined) {
    // Such bits stay.
    replacer.masked(low, maskAddress);
    return first === last ? [first] : [first, last];
  }
  if (first !== last) return replacer.range(low, high).map((end) => (end.hostOrder & mask) >>> 0);
  return [(replacer.inNetwork(low, length).hostOrder & (first === (first & mask) >>> 0 ? mask : ALL_BITS)) >>> 0];
}

const hex = (value: number): string => `0x${value.toString(16)}`;

const [LOAD_WORD, AND, EQUALS] = ['32', '84', '21'];
const ADDRESSES_AT = ['12', '16'];
const INSTRUCTION_WORDS = 4;

/** The replacement of TEXT, a program of BPF: what it compares with an address that it has just loaded. */
export function replaceBytecode(text: string, replacer: Replacer): string {
  let mask: number | undefined;
  const instructions = text.split(',').map((part, i) => {
    const words = part.trim().split(/\s+/);
    if (i === 0 || words.length !== INSTRUCTION_WORDS) return part;
    const [code, jt, jf, k] = words;
    if (code === LOAD_WORD) mask = ADDRESSES_AT.includes(k) ? ALL_BITS : undefined;
    else if (code === AND && mask !== undefined) mask = Number(k);
    else if (code !== EQUALS) mask = undefined;
    else if (mask !== undefined) return [code, jt, jf, replaceRange(Number(k), Number(k), mask, replacer)[0]].join(' ');
    return part;
  });
  return instructions.join(',');
}
