/**
 * hot: which networks of length 16 a set has elements in. Most packets are in no set: if there is no element anywhere
 * near their address, none of the lengths of prefixes has to be tried.
 */
import { toLoaded } from '../../codecs/byte-order.js';

const LENGTH = 16;
const NETWORKS = 1 << LENGTH;

export class AddressFilter {
  /** A bit for each network, by its two bytes as loaded little-endian. */
  readonly #bits = new Uint32Array(NETWORKS / 32);

  /** An element with ADDRESS, as loaded, and a prefix of LENGTH is there, or was. */
  add(address: number, length: number): void {
    if (length >= LENGTH) {
      this.#set(address & 0xffff);
      return;
    }
    const first = (toLoaded(address) >>> LENGTH) & (-1 << (LENGTH - length));
    for (let i = 0; i < 1 << (LENGTH - length); i++) this.#set(toLoaded((first + i) << LENGTH) & 0xffff);
  }

  #set(network: number): void {
    this.#bits[network >>> 5] |= 1 << (network & 31);
  }

  /** Whether an element may be there that covers ADDRESS, as loaded. */
  mayHave(address: number): boolean {
    return ((this.#bits[(address & 0xffff) >>> 5] >>> (address & 31)) & 1) !== 0;
  }

  clear(): void {
    this.#bits.fill(0);
  }
}
