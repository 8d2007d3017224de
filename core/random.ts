/**
 * Seeded randomness. It replaces the kernel's get_random_u32, so that runs can be repeated bit for bit. The generator
 * is sfc32 (Chris Doty-Humphrey, PractRand; public domain).
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** SEED is any integer. Its lower 64 bits are used. */
  constructor(seed: number) {
    this.#a = 0x9e3779b9;
    this.#b = seed | 0;
    this.#c = Math.floor(seed / 0x100000000) | 0;
    for (let round = 0; round < 12; round++) this.uint32();
  }

  /** A number from 0 to 2^32 - 1. */
  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** A number from 0 to 65535. */
  uint16(): number {
    return this.uint32() >>> 16;
  }
}
