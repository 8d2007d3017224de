/** Replaces addresses among the numbers of `-m u32` and `-m bpf`, where they are compared by themselves. */
import { addressFromHostOrder, maskLength } from '../../codecs/address.js';
import { IPV4_DESTINATION_AT, IPV4_SOURCE_AT } from '../../codecs/layouts.js';
import type { Replacer } from './replacer.js';

/** `12&0xffffff00=0xc0000200`: bytes from the beginning of the packet, perhaps under a mask, and what they may be. */
const PLAIN_TEST = /^(0x[\da-f]+|\d+)(?:&(0x[\da-f]+|\d+))?=(.*)$/i;
const ALL_BITS = 0xffffffff;
const ADDRESS_BYTES = 4;

/** Bytes of the packet that are read as one number, and the bits of it that are compared. */
interface Window {
  readonly at: number;
  readonly size: number;
  readonly mask: number;
}

/** The replacement of TEXT, the tests of an option. */
export function replaceU32(text: string, replacer: Replacer): string {
  return text
    .split('&&')
    .map((test) => replaceTest(test.replace(/\s+/g, ''), replacer))
    .join('&&');
}

function replaceTest(test: string, replacer: Replacer): string {
  const [, offset, maskText, ranges] = PLAIN_TEST.exec(test) ?? [];
  if (offset === undefined) {
    if (test !== '') replacer.keeps(`what -m u32 compares with bytes of the payload, or with others: ${test}`);
    return test;
  }
  const window = { at: Number(offset), size: 4, mask: maskText === undefined ? ALL_BITS : Number(maskText) };
  if (addressesIn(window).length === 0) {
    if (window.at >= IPV4_DESTINATION_AT + ADDRESS_BYTES) replacer.keeps(`what -m u32 compares with bytes: ${test}`);
    return test;
  }
  const values = ranges.split(',').map((range) => {
    const [first, last = first] = range.split(':').map(Number);
    if (first === last) return hex(replaceValue(first, window, replacer));
    return replaceRange(first, last, window, replacer)?.map(hex).join(':') ?? keptRange(range, test, replacer);
  });
  return `${offset}${maskText === undefined ? '' : `&${maskText}`}=${values.join(',')}`;
}

function keptRange(range: string, test: string, replacer: Replacer): string {
  replacer.keeps(`what -m u32 compares with parts of addresses: ${test}`);
  return range;
}

/** The first bytes of the addresses of which bits of WINDOW are, each with how far it is shifted left in the window. */
function addressesIn(window: Window): { shift: number; mask: number }[] {
  return [IPV4_SOURCE_AT, IPV4_DESTINATION_AT]
    .map((address) => {
      const shift = (window.at + window.size - address - ADDRESS_BYTES) * 8;
      return { shift, mask: shifted(window.mask, -shift) };
    })
    .filter(({ mask }) => mask !== 0);
}

/** VALUE with its bits moved to the left by BITS, of which there are 32. */
function shifted(value: number, bits: number): number {
  if (Math.abs(bits) >= 32) return 0;
  return (bits >= 0 ? value << bits : value >>> -bits) >>> 0;
}

/** The replacement of VALUE, compared with WINDOW. */
function replaceValue(value: number, window: Window, replacer: Replacer): number {
  let replaced = value;
  for (const { shift, mask } of addressesIn(window)) {
    const address = addressFromHostOrder((shifted(value, -shift) & mask) >>> 0);
    const maskAddress = addressFromHostOrder(mask);
    const length = maskLength(maskAddress);
    if (length === undefined) {
      // Such bits stay, in all addresses.
      replacer.masked(address, maskAddress);
      replacer.keeps(`the bits ${hex(mask)} of addresses, which rules compare without those before them`);
    } else {
      const bits = (replacer.inNetwork(address, length).hostOrder & mask) >>> 0;
      replaced = ((replaced & ~shifted(mask, shift)) | shifted(bits, shift)) >>> 0;
    }
  }
  return replaced;
}

/** FIRST and LAST, if they are compared with the beginning of one address and nothing else. */
function replaceRange(first: number, last: number, window: Window, replacer: Replacer): number[] | undefined {
  const [part, ...others] = addressesIn(window);
  if (others.length > 0 || shifted(part.mask, part.shift) !== window.mask >>> 0) return undefined;
  if (maskLength(addressFromHostOrder(part.mask)) === undefined) return undefined;
  const ends = [first, last].map((end) => addressFromHostOrder((shifted(end, -part.shift) & part.mask) >>> 0));
  return replacer.range(ends[0], ends[1]).map(({ hostOrder }) => shifted((hostOrder & part.mask) >>> 0, part.shift));
}

const hex = (value: number): string => `0x${value.toString(16)}`;

/** Instructions of BPF that load bytes at a place of the packet, with how many, and others. */
const LOADED_BYTES: Readonly<Record<string, number>> = { '32': 4, '40': 2, '48': 1 };
const [AND, EQUALS] = ['84', '21'];
/** Comparisons, of which only those for equality are followed. */
const COMPARISONS: readonly string[] = [EQUALS, '37', '53', '69'];
const INSTRUCTION_WORDS = 4;

/** The replacement of TEXT, a program of BPF: what it compares with an address that it has just loaded. */
export function replaceBytecode(text: string, replacer: Replacer): string {
  let window: Window | undefined;
  const instructions = text.split(',').map((part, i) => {
    const words = part.trim().split(/\s+/);
    if (i === 0 || words.length !== INSTRUCTION_WORDS) return part;
    const [code, jt, jf, k] = words;
    const size = LOADED_BYTES[code];
    if (size !== undefined) window = { at: Number(k), size, mask: ALL_BITS >>> (32 - 8 * size) };
    else if (code === AND && window !== undefined) window = { ...window, mask: (window.mask & Number(k)) >>> 0 };
    else if (!COMPARISONS.includes(code)) window = undefined;
    else if (window !== undefined && code === EQUALS && addressesIn(window).length > 0)
      return [code, jt, jf, replaceValue(Number(k), window, replacer)].join(' ');
    else if (window === undefined || window.at + window.size > IPV4_SOURCE_AT)
      replacer.keeps(`what -m bpf compares with bytes of the payload, or with others: ${part.trim()}`);
    return part;
  });
  return instructions.join(',');
}
