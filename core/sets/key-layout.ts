/**
 * Where the parts of an element are in its key: the words that the kernel hashes and compares, in the order and bit for
 * bit as in its structures, as these words decide where in the table an element goes.
 */
import type { Address } from '../../codecs/address.js';
import { type HostOrderPort, portToHostOrder, portToLoaded, toHostOrder, toLoaded } from '../../codecs/byte-order.js';
import type { SetType } from './set-type.js';

const WORD_BITS = 32;

/** Some bits of a word. */
export class Bits {
  readonly #word: number;
  readonly #shift: number;
  readonly #mask: number;
  /** The kernel stores a prefix length of 1 to 128 in seven bits as one less. */
  readonly #less: number;

  constructor(at: number, width: number, less: number) {
    this.#word = at >>> 5;
    this.#shift = at & (WORD_BITS - 1);
    this.#mask = (1 << width) - 1;
    this.#less = less;
  }

  get(words: Int32Array, at: number): number {
    return ((words[at + this.#word] >>> this.#shift) & this.#mask) + this.#less;
  }

  set(words: Int32Array, value: number): void {
    const cleared = words[this.#word] & ~(this.#mask << this.#shift);
    words[this.#word] = cleared | (((value - this.#less) & this.#mask) << this.#shift);
  }
}

export class KeyLayout {
  /** How many words an address has: 1 or 4. */
  readonly addressWords: number;
  /** How many words are hashed; and a key's length: with the number of an interface's name, which is not. */
  readonly hashed: number;
  readonly words: number;
  /** The first word of these; -1: it has none. */
  readonly ip: number;
  readonly ip2: number;
  readonly mac: number;
  readonly mark: number;
  readonly iface: number;
  readonly #bits = new Map<string, Bits>();
  readonly cidr: Bits | undefined;
  readonly cidr2: Bits | undefined;
  readonly #port: Bits | undefined;
  readonly #proto: Bits | undefined;
  readonly #physdev: Bits | undefined;
  readonly #elem: Bits | undefined;

  constructor({ layout, dimensions }: SetType, isIpv6: boolean) {
    this.addressWords = isIpv6 ? 4 : 1;
    const whole = new Map<string, number>();
    let bits = 0;
    for (const part of layout) {
      const [name, width] = part.split(':');
      if (width === undefined) {
        whole.set(name, bits >>> 5);
        bits += WORD_BITS * this.#wordsOf(name);
      } else {
        const [field, less] = name.split('-');
        this.#bits.set(field, new Bits(bits, Number(width), Number(less ?? 0)));
        bits += Number(width);
      }
    }
    this.hashed = (bits + WORD_BITS - 1) >>> 5;
    this.iface = dimensions.includes('iface') ? this.hashed : -1;
    this.words = this.hashed + (this.iface < 0 ? 0 : 1);
    [this.ip, this.ip2, this.mac, this.mark] = ['ip', 'ip2', 'mac', 'mark'].map((name) => whole.get(name) ?? -1);
    this.cidr = this.#bits.get('cidr');
    this.cidr2 = this.#bits.get('cidr2');
    this.#port = this.#bits.get('port');
    this.#proto = this.#bits.get('proto');
    this.#physdev = this.#bits.get('physdev');
    this.#elem = this.#bits.get('elem');
  }

  #wordsOf(part: string): number {
    return part === 'mac' ? 2 : part === 'mark' ? 1 : this.addressWords;
  }

  /** Makes KEY one without anything in it. */
  reset(key: Int32Array): void {
    for (let i = 0; i < this.words; i++) key[i] = 0;
    this.#elem?.set(key, 1);
  }

  setPort(key: Int32Array, port: HostOrderPort, proto: number): void {
    this.#port?.set(key, portToLoaded(port));
    this.#proto?.set(key, proto);
  }

  port(words: Int32Array, at: number): HostOrderPort {
    return portToHostOrder(this.#port?.get(words, at) ?? 0);
  }

  proto(words: Int32Array, at: number): number {
    return this.#proto?.get(words, at) ?? 0;
  }

  setPhysdev(key: Int32Array, isPhysdev: boolean): void {
    this.#physdev?.set(key, isPhysdev ? 1 : 0);
  }

  isPhysdev(words: Int32Array, at: number): boolean {
    return this.#physdev?.get(words, at) === 1;
  }

  /** A MAC address of which HIGH are the upper 16 bits and LOW the lower 32. */
  setMac(key: Int32Array, high: number, low: number): void {
    key[this.mac] = toLoaded((high << 16) | (low >>> 16));
    key[this.mac + 1] = portToLoaded(low & 0xffff);
  }

  macOf(words: Int32Array, at: number): number {
    return toHostOrder(words[at + this.mac]) * 0x10000 + portToHostOrder(words[at + this.mac + 1]);
  }

  setIpv6(key: Int32Array, at: number, { words }: Address): void {
    for (const [i, word] of words.entries()) key[at + i] = toLoaded(word);
  }
}
